//! Clock: what time it is, and waiting until it is another.

use crate::domain::time::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The only source of time. Tests put their own in.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits until the instant is reached.
    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Waits for a span from now.
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.sleep_until(self.now().plus(span))
    }
}
