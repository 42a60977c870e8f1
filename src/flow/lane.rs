//! One lane per conversation: what changes its state never interleaves on this
//! node (invariant 4). Receiving a message needs no lane.

use crate::domain::id::ConversationId;
use dashmap::DashMap;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// All lanes in use.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: DashMap<ConversationId, Arc<Mutex<()>>>,
}

/// Holding this is having the lane.
pub(super) struct Lane<'a> {
    lanes: &'a Lanes,
    id: ConversationId,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Lanes {
    /// Waits for the lane of a conversation.
    pub(super) async fn enter(&self, id: &ConversationId) -> Lane<'_> {
        let lane = self.lanes.entry(id.clone()).or_default().value().clone();
        let guard = lane.lock_owned().await;
        Lane { lanes: self, id: id.clone(), guard: Some(guard) }
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.guard = None;
        // Only the map holds it: nobody waits, and whoever comes next makes a new one.
        self.lanes.lanes.remove_if(&self.id, |_, lane| Arc::strong_count(lane) == 1);
    }
}
