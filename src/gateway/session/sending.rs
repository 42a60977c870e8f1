//! Entries on their way to a visitor, in the order of the log. Not when they are sent.

use super::visitor::Following;
use crate::domain::conversation::Conversation;
use crate::domain::id::VisitorId;
use crate::flow::ports::{Seen, StoreError};
use crate::gateway::protocol::{Close, ToVisitor, VisitorEntry};
use crate::gateway::pump::Outbox;
use crate::gateway::state::Gateway;

/// Most entries read from the store at once.
const PAGE: usize = 100;

/// Why sending stopped.
pub(super) enum Stopped {
    Close(Close),
    Store(StoreError),
}

impl From<Close> for Stopped {
    fn from(why: Close) -> Self {
        Self::Close(why)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Sends the entries that were not sent yet: the rest of the followed conversation, then the newer ones up to the
/// latest, in the order they were opened.
pub(super) async fn send_entries(
    gateway: &Gateway,
    visitor: &VisitorId,
    latest: &Conversation,
    following: &mut Following,
    out: &mut Outbox,
) -> Result<(), Stopped> {
    let store = &gateway.flow().ports().store;
    loop {
        let (conversation, mut sent) = match &following.at {
            Some(at) => at.clone(),
            None => (latest.id.clone(), Seen::default()),
        };
        let is_latest = conversation == latest.id;
        while !is_latest || sent.seq < latest.last_visitor_seq {
            // While catching up, entries wait for room. Later, a peer without room reads too slowly.
            let page = if following.is_caught_up { PAGE } else { PAGE.min(out.room()) };
            if page == 0 {
                following.is_behind = true;
                return Ok(());
            }
            let entries = store.visible_entries(&conversation, sent, page).await?;
            let is_last_page = entries.len() < page;
            for entry in &entries {
                let seq = sent.seq + 1;
                let shown = VisitorEntry::of(&conversation, entry).filter(|_| entry.visitor_seq == Some(seq));
                let Some(shown) = shown else {
                    let why = StoreError::Corrupt(format!("sequence {seq} of {conversation} is missing"));
                    return Err(why.into());
                };
                out.push(&ToVisitor::Entry(shown))?;
                sent = Seen { seq, position: entry.position };
                following.at = Some((conversation.clone(), sent));
            }
            if is_last_page {
                break;
            }
        }
        if is_latest {
            following.at = Some((conversation, sent));
            return Ok(());
        }
        // Latest first; the one opened next after the followed one is the last before it in this list.
        let earlier = store.earlier_of(visitor, &latest.id).await?;
        let newer = earlier.iter().take_while(|other| other.id != conversation).last();
        following.at =
            Some((newer.map_or_else(|| latest.id.clone(), |newer| newer.id.clone()), Seen::default()));
        following.read = 0;
    }
}
