//! How much one peer may do: token buckets, on the clock port's time.
//!
//! The sizes of frames are the socket's business, the number of sockets the registry's.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::domain::time::Timestamp;

/// A bucket that holds `burst` tokens and is refilled with `rate` of them in each `interval`.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Tokens, in thousandths, so that refilling does not lose what is less than one.
    held: u64,
    most: u64,
    rate: u64,
    interval_ms: u64,
    refilled_at: Timestamp,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(rate: NonZeroU32, interval: Duration, burst: NonZeroU32, now: Timestamp) -> Self {
        let most = u64::from(burst.get()) * 1000;
        let interval_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
        Self { held: most, most, rate: u64::from(rate.get()) * 1000, interval_ms, refilled_at: now }
    }

    /// Takes one token; false when there is none.
    #[must_use]
    pub fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let has_one = self.held >= 1000;
        if has_one {
            self.held -= 1000;
        }
        has_one
    }

    /// Whether it is as it was made: forgetting it changes nothing.
    #[must_use]
    pub fn is_full(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        self.held == self.most
    }

    fn refill(&mut self, now: Timestamp) {
        let elapsed = u64::try_from(now.since(self.refilled_at).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(self.rate) / self.interval_ms;
        if gained > 0 {
            self.held = self.held.saturating_add(gained).min(self.most);
            self.refilled_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate() {
        let start = Timestamp::from_millis(0);
        let number = |n| NonZeroU32::new(n).unwrap();
        let mut bucket = Bucket::new(number(20), Duration::from_secs(10), number(40), start);
        assert_eq!((0..50).filter(|_| bucket.take(start)).count(), 40);
        let later = start.plus(Duration::from_millis(499));
        assert!(!bucket.take(later));
        assert!(bucket.take(start.plus(Duration::from_millis(500))));
        let after_a_pause = start.plus(Duration::from_secs(3600));
        assert!(bucket.is_full(after_a_pause));
        assert_eq!((0..50).filter(|_| bucket.take(after_a_pause)).count(), 40);
    }
}
