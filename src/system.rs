//! The real clock and the real source of identifiers. The only file that asks the
//! machine what time it is.

use crate::domain::time::Timestamp;
use crate::flow::ports::{Clock, IdSource};
use rand::Rng;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock port ends")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let span = until.since(self.now());
        Box::pin(tokio::time::sleep(span))
    }
}

/// Identifiers that grow with time: ten letters of milliseconds and sixteen of chance, in Crockford's base 32,
/// as in the ULID specification (<https://github.com/ulid/spec>).
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeOrderedIds;

const BASE_32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl IdSource for TimeOrderedIds {
    fn suffix(&self) -> String {
        let millis = u128::try_from(SystemClock.now().as_millis()).unwrap_or(0);
        let chance: u128 = rand::rng().random();
        let value = (millis << 80) | (chance >> 48);
        (0..26).rev().map(|place| char::from(BASE_32[((value >> (place * 5)) & 31) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_and_have_one_length() {
        let ids: std::collections::BTreeSet<String> = (0..1_000).map(|_| TimeOrderedIds.suffix()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.len() == 26 && id.bytes().all(|b| b.is_ascii_alphanumeric())));
    }
}
