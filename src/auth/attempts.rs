//! How often somebody may try: a window for each key, kept in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::time::Timestamp;

/// Most keys that are remembered. Beyond it the stalest are forgotten.
const MAX_KEYS: usize = 20_000;

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub times: u32,
    /// In how long.
    pub interval: Duration,
}

/// Counts attempts by key. A slow drip refills: one attempt comes back every
/// `interval / times` (a token bucket that starts full).
#[derive(Debug)]
pub struct Attempts<K> {
    limit: Limit,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl<K: Eq + Hash + Clone> Attempts<K> {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self { limit, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one attempt.
    ///
    /// # Errors
    ///
    /// How long to wait for the next one.
    pub fn take(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        let full = f64::from(self.limit.times);
        let per_attempt = self.limit.interval.as_secs_f64() / full;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_KEYS && !buckets.contains_key(&key) {
            forget(&mut buckets, self.limit.interval, now);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: full, at: now });
        bucket.left = (bucket.left + now.since(bucket.at).as_secs_f64() / per_attempt).min(full);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64((1.0 - bucket.left) * per_attempt))
        }
    }

    /// Gives the attempts back: it was who it should be.
    pub fn forgive(&self, key: &K) {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Drops what is full again by now; if that is too little, the stalest half.
fn forget<K: Eq + Hash>(buckets: &mut HashMap<K, Bucket>, interval: Duration, now: Timestamp) {
    buckets.retain(|_, bucket| now.since(bucket.at) < interval);
    if buckets.len() >= MAX_KEYS {
        let mut times: Vec<Timestamp> = buckets.values().map(|bucket| bucket.at).collect();
        times.sort_unstable();
        let median = times[times.len() / 2];
        buckets.retain(|_, bucket| bucket.at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_run_out_and_come_back_one_by_one() {
        let attempts = Attempts::new(Limit { times: 3, interval: Duration::from_secs(30) });
        let start = Timestamp::from_millis(0);
        for _ in 0..3 {
            assert_eq!(attempts.take("ana", start), Ok(()));
        }
        assert_eq!(attempts.take("ana", start), Err(Duration::from_secs(10)));
        assert_eq!(attempts.take("ben", start), Ok(()));
        let later = start.plus(Duration::from_secs(10));
        assert_eq!(attempts.take("ana", later), Ok(()));
        assert!(attempts.take("ana", later).is_err());
        attempts.forgive(&"ana");
        assert_eq!(attempts.take("ana", later), Ok(()));
    }

    #[test]
    fn memory_stays_bounded() {
        let attempts = Attempts::new(Limit { times: 3, interval: Duration::from_secs(3600) });
        for n in 0..(MAX_KEYS as i64 * 2) {
            let _ = attempts.take(n, Timestamp::from_millis(n));
        }
        assert!(attempts.buckets.lock().unwrap().len() <= MAX_KEYS);
    }
}
