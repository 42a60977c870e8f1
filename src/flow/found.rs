//! What was found in messages and is not decided on yet.
//!
//! One decision covers everything that was found in a conversation until its turn came, and only so many conversations
//! are decided on at once: who thinks must not hold up who acknowledges (invariant 2). Not a second truth: what is lost
//! from here is stored as undecided, and `watch` comes back to it.

use super::analyze::Late;
use crate::domain::analysis::Analysis;
use crate::domain::conversation::Entry;
use crate::domain::id::ConversationId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Conversations decided on at once. Enough that they share commits; few enough that a message which comes in waits
/// behind a handful of decisions and not behind hundreds.
const AT_ONCE: usize = 16;

/// What was found in one message.
pub(super) struct Found {
    /// The message, as this node has stored it.
    pub(super) said: Entry,
    pub(super) analysis: Analysis,
    /// The model's, when it comes later.
    pub(super) late: Option<Late>,
}

/// What was found, by conversation.
pub(super) struct Findings {
    waiting: Mutex<HashMap<ConversationId, Vec<Found>>>,
    turns: Semaphore,
}

impl Default for Findings {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl Findings {
    /// Puts it with what was found in the same conversation. True for the first, which is to decide on all of them.
    pub(super) fn add(&self, id: &ConversationId, found: Found) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all = waiting.entry(id.clone()).or_default();
        all.push(found);
        all.len() == 1
    }

    /// Waits for a turn to decide; in order. None when nobody decides any more.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Everything that was found in a conversation until now, in the order of the log.
    pub(super) fn take(&self, id: &ConversationId) -> Vec<Found> {
        let found = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let mut found = found.unwrap_or_default();
        found.sort_by_key(|found| found.said.position);
        found
    }
}
