//! Any time: one person. What is stored about them is found, shown and erased; who is still
//! talking is told that it ends, and what is kept of their words in memory goes too.
//!
//! Reads   their visitors and conversations.
//! Writes  the end of what is not over, then the erasure of each visitor.
//! Next    the figures go on without them.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::ports::directory::Stamp;
use super::ports::{
    Clock, Committed, EraseError, Erased, Hint, IdSource, Outline, Person, Store, StoreError, Upkeep,
};
use super::upkeep::Housekeeping;
use super::{ATTEMPTS, Flow};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, VisitorId};

/// The largest database that is written anew while it serves: nobody writes meanwhile.
const COMPACT_UP_TO: u64 = 256 * 1024 * 1024;
/// How often is looked whether somebody else has erased a person: the command line, another node.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Visitors that are shown of one search.
const MOST_FOUND: usize = 50;
/// Conversations that are shown of one visitor.
const MOST_CONVERSATIONS: usize = 100;

/// What became of a person's data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erasure {
    /// Who they were.
    pub visitors: Vec<VisitorId>,
    /// Conversations that were not over and were ended for it.
    pub ended: u64,
    /// What was reached.
    pub erased: Erased,
    /// Whether the database was written anew, so that nothing is left in gaps between rows.
    pub is_compact: bool,
}

/// What ended for an erasure: the conversation and the position of what was said last in it.
type Ended = Vec<(ConversationId, u64)>;

/// Ends everything of a visitor that is not over, tells so, and erases them: again when they wrote in between.
///
/// # Errors
///
/// `NotFound`, `StillOpen` when they write faster than it can be ended, or when the store does not answer.
pub async fn end_and_erase(
    store: &dyn Store,
    upkeep: &dyn Upkeep,
    (clock, ids): (&dyn Clock, &dyn IdSource),
    stamp: &Stamp,
    visitor: &VisitorId,
    tell: &(dyn Fn(&ConversationId, u64) + Send + Sync),
) -> Result<(Erased, Ended), EraseError> {
    let mut all = Ended::new();
    let mut still_open = 1;
    for _ in 0..ATTEMPTS {
        let ended = end_unfinished(store, upkeep, clock, visitor).await?;
        ended.iter().for_each(|(id, position)| tell(id, *position));
        all.extend(ended);
        match upkeep.erase(stamp.clone(), visitor.clone(), ids.suffix()).await {
            Err(EraseError::StillOpen(n)) => still_open = n,
            other => return other.map(|erased| (erased, all)),
        }
    }
    Err(EraseError::StillOpen(still_open))
}

/// Ends what is not over, as any end is: in the log, for whoever looks at it, with the reason.
async fn end_unfinished(
    store: &dyn Store,
    upkeep: &dyn Upkeep,
    clock: &dyn Clock,
    visitor: &VisitorId,
) -> Result<Ended, StoreError> {
    let mut ended = Ended::new();
    for id in upkeep.unfinished_of(visitor).await? {
        for _ in 0..ATTEMPTS {
            let found = store.conversation(&id).await?.filter(|found| found.visitor == *visitor);
            let now = clock.now();
            // Over already, by somebody else's doing.
            let Some(Ok(change)) = found.map(|found| found.end_erased(now)) else { break };
            match store.commit(change, None, now).await {
                Ok(Committed { ack, .. }) => {
                    ended.push((id, ack.position.unwrap_or(0)));
                    break;
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(ended)
}

impl Housekeeping {
    /// Visitors whom a text names, or who are one of these, in outline.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn find_persons(
        &self,
        text: &str,
        or: &[VisitorId],
    ) -> Result<(Vec<Outline>, bool), StoreError> {
        let found = self.0.upkeep.find_visitors(text, or, MOST_FOUND + 1).await?;
        let is_more = found.len() > MOST_FOUND;
        let mut outlines = Vec::with_capacity(found.len());
        for visitor in found.iter().take(MOST_FOUND) {
            outlines.extend(self.0.upkeep.outline_of(visitor).await?);
        }
        Ok((outlines, is_more))
    }

    /// The visitors that a person is, in outline, and their latest conversations.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn about(&self, person: &Person) -> Result<(Vec<Outline>, Vec<Conversation>), StoreError> {
        let (mut outlines, mut conversations) = (Vec::new(), Vec::new());
        for visitor in self.0.upkeep.visitors_of(person).await? {
            outlines.extend(self.0.upkeep.outline_of(&visitor).await?);
            conversations.extend(self.0.upkeep.conversations_of(&visitor, MOST_CONVERSATIONS).await?);
        }
        conversations.sort_by_key(|conversation| std::cmp::Reverse(conversation.opened_at));
        conversations.truncate(MOST_CONVERSATIONS);
        Ok((outlines, conversations))
    }

    /// Everything that is held of a person: for each visitor that they are, a JSON object.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn held_of(
        &self,
        stamp: Stamp,
        person: &Person,
    ) -> Result<Vec<(VisitorId, String)>, StoreError> {
        let mut held = Vec::new();
        for visitor in self.0.upkeep.visitors_of(person).await? {
            self.0.upkeep.note_export(stamp.clone(), visitor.clone()).await?;
            let json = self.0.upkeep.held_of(&visitor).await?;
            held.push((visitor, json));
        }
        Ok(held)
    }

    /// Ends what a person has open, erases them, and writes the database anew where that keeps nobody waiting or is
    /// wished.
    ///
    /// # Errors
    ///
    /// As [`end_and_erase`].
    pub async fn erase(
        &self,
        stamp: Stamp,
        person: &Person,
        is_patient: bool,
    ) -> Result<Erasure, EraseError> {
        let visitors = self.0.upkeep.visitors_of(person).await?;
        if visitors.is_empty() {
            return Err(EraseError::NotFound);
        }
        let mut erasure = Erasure { visitors, ..Erasure::default() };
        for visitor in &erasure.visitors {
            let (erased, ended) = self.erase_one(&stamp, visitor).await?;
            erasure.ended += ended.len() as u64;
            erasure.erased.conversations += erased.conversations;
            erasure.erased.entries += erased.entries;
            erasure.erased.labels += erased.labels;
        }
        if let Some(flow) = self.0.flow.get() {
            flow.forget_texts();
            flow.ports().bus.hint(Hint::Erased);
        }
        let may_compact = is_patient || self.bytes().await? <= COMPACT_UP_TO;
        erasure.is_compact = may_compact && self.compact().await;
        tracing::info!(
            conversations = erasure.erased.conversations,
            "What was held of a person in {} conversations was erased",
            erasure.erased.conversations
        );
        Ok(erasure)
    }

    async fn erase_one(&self, stamp: &Stamp, visitor: &VisitorId) -> Result<(Erased, Ended), EraseError> {
        let inner = &*self.0;
        let tell = |id: &ConversationId, position| {
            if let Some(flow) = inner.flow.get() {
                flow.tell_state(id, position);
            }
        };
        let with = (&*inner.clock, &*inner.ids);
        let done = end_and_erase(&*inner.store, &*inner.upkeep, with, stamp, visitor, &tell).await?;
        // Whoever still has a page open learns that it is not theirs any more.
        done.1.iter().for_each(|(id, position)| tell(id, *position));
        Ok(done)
    }

    /// Forgets texts that are kept in memory whenever somebody was erased, here or elsewhere, until told to stop.
    pub async fn follow_erasures(&self, stopping: CancellationToken) {
        let Some(flow) = self.0.flow.get() else { return };
        let mut hints = flow.ports().bus.subscribe();
        let mut seen = None;
        loop {
            // That the store does not answer is said by those who write.
            if let Ok(n) = self.0.upkeep.n_erasures().await {
                if seen.is_some_and(|seen| seen != n) {
                    flow.forget_texts();
                }
                seen = Some(n);
            }
            let mut pause = pin!(self.0.clock.sleep(LOOK_EVERY));
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = &mut pause => break,
                    hint = hints.recv() => match hint {
                        Ok(Hint::Erased) => flow.forget_texts(),
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return,
                    },
                }
            }
        }
    }
}

impl Flow {
    /// Forgets what people wrote wherever it is kept in memory to be quick: all of it, because what of it was whose is
    /// not known there. The store has what is still to be had.
    pub fn forget_texts(&self) {
        self.0.ports.analyzer.forget();
        self.0.standings.forget();
        self.0.shown.outdate();
    }
}
