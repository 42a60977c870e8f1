//! The clock that tests hold in their hands: wall clock and timers together.

use baton::domain::time::Timestamp;
use baton::flow::ports::Clock;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Stands still until it is advanced; whoever sleeps past the new instant wakes up. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TestClock {
    now: Arc<watch::Sender<Timestamp>>,
    sleepers: Arc<Mutex<Sleepers>>,
    passes_by_itself: Duration,
}

#[derive(Debug, Default)]
struct Sleepers {
    next: u64,
    until: BTreeMap<u64, Timestamp>,
}

/// One pending sleep; forgotten when it ends or is dropped.
struct Sleeper {
    id: u64,
    all: Arc<Mutex<Sleepers>>,
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.all.lock().unwrap().until.remove(&self.id);
    }
}

impl TestClock {
    /// Two in the afternoon of a Saturday, for a whole service. A rest of up to 50 ms passes by itself: advanced while
    /// the service reads, the clock makes the reading look slow, and slow readers rest.
    pub fn new() -> Self {
        let passes_by_itself = Duration::from_millis(50);
        Self { passes_by_itself, ..Self::at(Timestamp::parse("2026-11-21T14:00:00Z").unwrap()) }
    }

    /// Stands at `at`, and nothing passes by itself.
    pub fn at(at: Timestamp) -> Self {
        let now = Arc::new(watch::Sender::new(at));
        Self { now, sleepers: Arc::default(), passes_by_itself: Duration::ZERO }
    }

    /// Moves wall clock and timers.
    pub fn advance(&self, span: Duration) {
        self.now.send_modify(|now| *now = now.plus(span));
    }

    /// The earliest instant that anybody sleeps until.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.sleepers.lock().unwrap().until.values().min().copied()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        if until.since(self.now()) <= self.passes_by_itself {
            self.now.send_modify(|now| *now = until.max(*now));
        }
        let mut now = self.now.subscribe();
        let sleeper = {
            let mut sleepers = self.sleepers.lock().unwrap();
            sleepers.next += 1;
            let id = sleepers.next;
            sleepers.until.insert(id, until);
            Sleeper { id, all: self.sleepers.clone() }
        };
        Box::pin(async move {
            let _ = now.wait_for(|now| *now >= until).await;
            drop(sleeper);
        })
    }
}
