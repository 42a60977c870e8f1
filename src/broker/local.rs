//! Hints over a channel in memory: all there are on a node that is alone, and what a node
//! among others without a broker tells itself.

use tokio::sync::broadcast;

use crate::flow::ports::{Bus, Hint, HintCounts, Hints};

/// Hints that a listener may be behind before it is told that it lags.
const CAPACITY: usize = 4096;

/// Carries hints inside this process.
#[derive(Debug, Clone)]
pub struct LocalBus {
    listeners: broadcast::Sender<Hint>,
    hints: Hints,
}

impl LocalBus {
    /// Nobody listens yet, and this process is alone.
    #[must_use]
    pub fn new() -> Self {
        Self { listeners: broadcast::Sender::new(CAPACITY), hints: Hints::Local }
    }

    /// For a node among others that no broker connects: they follow each other by polling.
    #[must_use]
    pub fn without_broker() -> Self {
        Self { hints: Hints::PollingOnly("broker.url is not set".to_owned()), ..Self::new() }
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus for LocalBus {
    fn hint(&self, hint: Hint) {
        // Nobody listening is an ordinary state: the hint is lost and the store has the truth (invariant 8).
        let _ = self.listeners.send(hint);
    }

    fn hint_here(&self, hint: Hint) {
        self.hint(hint);
    }

    fn hints(&self) -> Hints {
        self.hints.clone()
    }

    fn counts(&self) -> HintCounts {
        HintCounts::default()
    }

    fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.listeners.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hint_reaches_everybody_who_listens_and_no_one_is_no_error() {
        let bus = LocalBus::new();
        bus.hint(Hint::Policy);
        let (mut first, mut second) = (bus.subscribe(), bus.subscribe());
        bus.hint(Hint::Queues);
        assert_eq!(first.recv().await.unwrap(), Hint::Queues);
        assert_eq!(second.recv().await.unwrap(), Hint::Queues);
    }

    #[tokio::test]
    async fn a_listener_that_lags_is_told() {
        let bus = LocalBus::new();
        let mut slow = bus.subscribe();
        for _ in 0..=CAPACITY {
            bus.hint(Hint::Queues);
        }
        assert!(matches!(slow.recv().await, Err(broadcast::error::RecvError::Lagged(_))));
    }
}
