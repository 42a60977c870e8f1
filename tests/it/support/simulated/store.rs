//! The store of a simulation: plain data behind waits of the dice's choosing, which
//! refuses when told, before it has written or after.

use super::dice::Dice;
use super::order::step_aside;
use crate::support::through::every_call;
use baton::flow::ports::StoreError;
use baton::store::MemoryStore;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// An answer that can be a refusal.
trait Refusal {
    fn unavailable() -> Self;
}

impl<T, E: From<StoreError>> Refusal for Result<T, E> {
    fn unavailable() -> Self {
        Err(StoreError::Unavailable.into())
    }
}

/// Plain data that takes its time, and fails.
pub struct SimulatedStore {
    data: MemoryStore,
    dice: Dice,
    /// Calls in a hundred that fail.
    pub failing: AtomicU64,
    /// Nothing goes through at all.
    pub is_down: AtomicBool,
    n_writes: AtomicU64,
}

impl SimulatedStore {
    /// In front of these data.
    pub fn new(data: MemoryStore, dice: Dice) -> Self {
        let (failing, is_down, n_writes) = Default::default();
        Self { data, dice, failing, is_down, n_writes }
    }

    /// How many writes were tried.
    pub fn n_writes(&self) -> u64 {
        self.n_writes.load(Relaxed)
    }

    fn behind(&self) -> &MemoryStore {
        &self.data
    }

    fn fails(&self) -> bool {
        let failing = usize::try_from(self.failing.load(Relaxed)).unwrap();
        self.is_down.load(Relaxed) || (failing > 0 && self.dice.percent(failing))
    }

    async fn wait(&self) {
        for _ in 0..self.dice.below(3) {
            step_aside().await;
        }
    }

    async fn read<T: Refusal>(&self, call: impl Future<Output = T>) -> T {
        self.wait().await;
        if self.fails() {
            return T::unavailable();
        }
        let answer = call.await;
        self.wait().await;
        answer
    }

    async fn write<T: Refusal>(&self, call: impl Future<Output = T>) -> T {
        self.wait().await;
        if self.fails() {
            return T::unavailable();
        }
        self.n_writes.fetch_add(1, Relaxed);
        let answer = call.await;
        self.wait().await;
        // It is written, and nobody hears of it.
        if self.fails() { T::unavailable() } else { answer }
    }
}

every_call!(SimulatedStore);
