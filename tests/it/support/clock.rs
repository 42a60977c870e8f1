//! The clock that tests hold in their hands.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use baton::domain::time::Timestamp;
use baton::flow::ports::Clock;
use tokio::sync::watch;

/// Stands still until it is advanced; whoever sleeps past the new instant wakes up.
#[derive(Debug)]
pub struct TestClock {
    now: watch::Sender<Timestamp>,
}

impl TestClock {
    /// Two in the afternoon of a Saturday.
    pub fn new() -> Self {
        let start = Timestamp::parse("2026-11-21T14:00:00Z").unwrap();
        Self { now: watch::Sender::new(start) }
    }

    /// Time passes.
    pub fn advance(&self, span: Duration) {
        self.now.send_modify(|now| *now = now.plus(span));
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            // The clock outlives everybody who sleeps by it.
            let _ = now.wait_for(|now| *now >= until).await;
        })
    }
}
