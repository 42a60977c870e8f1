//! One node: its tasks, its own way to the data, and whether it is up.

use super::dice::Dice;
use super::order::{Door, Order};
use super::store::SimulatedStore;
use baton::flow::Flow;
use baton::store::MemoryStore;
use std::sync::Arc;

/// One node.
pub struct Process {
    /// Its way to the data, which can fail while those of others do not.
    pub store: Arc<SimulatedStore>,
    /// None after a crash.
    pub flow: Option<Flow>,
    /// It does not serve yet.
    pub is_starting: bool,
    /// It stands still, and does not know it.
    pub is_asleep: bool,
    order: Order,
    /// The fencing number that was seen last.
    fence: u64,
}

impl Process {
    /// Not started yet.
    pub fn new(data: &MemoryStore, dice: &Dice) -> Self {
        Self {
            store: Arc::new(SimulatedStore::new(data.clone(), dice.clone())),
            flow: None,
            is_starting: false,
            is_asleep: false,
            order: Order::default(),
            fence: 0,
        }
    }

    /// Begins with nothing; what it runs goes through this door.
    pub fn begin(&mut self) -> Door {
        (self.order, self.fence, self.is_starting) = (Order::default(), 0, true);
        self.order.door()
    }

    /// Is gone, with all that it knew.
    pub fn crash(&mut self) {
        self.order.crash();
        (self.flow, self.is_starting) = (None, false);
    }

    /// Where tasks come in.
    pub fn door(&self) -> Door {
        self.order.door()
    }

    /// What is asked, when it is up and serves.
    pub fn serving(&self) -> Option<Flow> {
        self.flow.clone().filter(|_| !self.is_starting)
    }

    /// One task that can go on does.
    pub fn step(&mut self, dice: &Dice) -> Option<(u64, &'static str)> {
        self.order.step(dice)
    }

    /// Whether the lease it had is not its own any more, said once.
    pub fn has_lost_its_lease(&mut self) -> bool {
        let fence = self.flow.as_ref().map_or(0, |flow| *flow.fence().borrow());
        let before = std::mem::replace(&mut self.fence, fence);
        before > 0 && before != fence
    }
}
