//! The store in plain data: what a store must do, said as plainly as it can be. Nothing
//! of it outlives the process, so it is for tests and for reading, never for service.
//!
//! Every command looks at everything that could refuse it and only then changes
//! anything, so a refusal leaves nothing behind. Maps are ordered: the same commands
//! give the same answers in the same order, always.

mod commit;
mod content;
mod directory;
mod labels;
mod models;
mod nodes;
mod port;
mod rows;
mod upkeep;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Conversations, accounts and all that belongs to them, in memory. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct MemoryStore {
    rows: Arc<Mutex<rows::Rows>>,
    history_id: Arc<str>,
}

impl MemoryStore {
    /// An empty store with a name for its history.
    #[must_use]
    pub fn new(history_id: &str) -> Self {
        Self { rows: Arc::default(), history_id: history_id.into() }
    }

    /// The rows, for as long as one command or question takes.
    fn rows(&self) -> MutexGuard<'_, rows::Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
