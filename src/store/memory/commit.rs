//! Writing one step: everything it changes, checked and written together.

use super::rows::{Row, Rows, goes_on};
use crate::domain::conversation::{
    Absence, Author, Change, Conversation, ConversationState, Entry, EntryKind, HandoffChange, NewEntry,
    Reservation,
};
use crate::domain::handoff::{Handoff, HandoffOutcome, HandoffStatus};
use crate::domain::id::{ConversationId, HandoffId};
use crate::domain::time::Timestamp;
use crate::flow::ports::{Ack, CommandKey, Committed, ReadMarks, Receipt, StoreError};
use std::collections::BTreeMap;

impl Rows {
    /// The answer that was given to a command.
    pub(super) fn answered(&self, command: &CommandKey) -> Result<Option<Ack>, StoreError> {
        match self.commands.get(&(command.actor.clone(), command.client_id.clone())) {
            Some((digest, _)) if *digest != command.digest => Err(StoreError::ClientId),
            Some((_, ack)) => Ok(Some(ack.clone())),
            None => Ok(None),
        }
    }

    fn remember(&mut self, command: &CommandKey, ack: &Ack) {
        let key = (command.actor.clone(), command.client_id.clone());
        self.commands.insert(key, (command.digest, ack.clone()));
    }

    /// A visitor's message. It counts, and touches nothing that a step decides on (invariant 4).
    pub(super) fn receive(&mut self, receipt: Receipt) -> Result<Ack, StoreError> {
        if let Some(ack) = self.answered(&receipt.command)? {
            return Ok(ack);
        }
        let open = self.all().find(|c| c.visitor == receipt.visitor && c.state.is_open());
        let id = open.map(|open| open.id.clone()).ok_or(StoreError::Conflict)?;
        let row = self.conversations.get_mut(&id).ok_or(StoreError::Conflict)?;
        let conversation = &mut row.conversation;
        let message = NewEntry::message(Author::Visitor, receipt.body, receipt.at);
        conversation.visitor_seen_at = receipt.at;
        let entry = number(conversation, message, Some(receipt.command.client_id.clone()));
        let ack = Ack {
            conversation: id,
            position: Some(entry.position),
            visitor_seq: entry.visitor_seq,
            at: receipt.at,
        };
        row.entries.push(entry);
        self.remember(&receipt.command, &ack);
        Ok(ack)
    }

    /// One step, whole or not at all.
    pub(super) fn commit(
        &mut self,
        change: Change,
        command: Option<&CommandKey>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        if let Some(ack) = command.map(|command| self.answered(command)).transpose()?.flatten() {
            return Ok(Committed { ack, is_written: false });
        }
        let mut conversation = self.checked(&change)?;
        let handoffs = self.changed_handoffs(&conversation.id, &change.handoffs)?;
        // From here on nothing can refuse it. Whoever holds something is connected, or lost and missed.
        if let Some(reservation) = &change.reservation {
            self.attendance_of(&reservation.agent);
            self.lose(&reservation.agent, now);
        }
        if let ConversationState::Offered { agent, .. } = &conversation.state {
            self.attendance_of(agent).last_offer_at = Some(now);
        }
        conversation.version += 1;
        let mut entries = Vec::with_capacity(change.entries.len());
        for (index, entry) in change.entries.into_iter().enumerate() {
            // Only the sender's own entry carries the sender's name for it.
            let is_own = index == 0 && entry.author != Author::System;
            let client_id = command.filter(|_| is_own).map(|command| command.client_id.clone());
            entries.push(number(&mut conversation, entry, client_id));
        }
        let ack = Ack {
            conversation: conversation.id.clone(),
            position: entries.first().map(|entry| entry.position),
            visitor_seq: entries.first().and_then(|entry| entry.visitor_seq),
            at: entries.first().map_or(now, |entry| entry.at),
        };
        self.handoffs.extend(handoffs);
        for ended in &change.handoffs {
            if let HandoffChange::End { handoff, outcome: HandoffOutcome::Abandoned, .. } = ended {
                self.abandoned.insert(handoff.clone());
            }
        }
        let row = self.conversations.entry(conversation.id.clone()).or_insert_with(|| Row {
            conversation: conversation.clone(),
            entries: Vec::new(),
            analyses: BTreeMap::new(),
            marks: ReadMarks::default(),
            label: None,
            message_labels: BTreeMap::new(),
        });
        row.conversation = conversation;
        row.entries.extend(entries);
        row.analyses.extend(change.analyses);
        if let Some(command) = command {
            self.remember(command, &ack);
        }
        Ok(Committed { ack, is_written: true })
    }

    /// The conversation to be written, with the counters of the one that is stored; or why it may not be.
    fn checked(&self, change: &Change) -> Result<Conversation, StoreError> {
        let mut conversation = change.conversation.clone();
        let stored = self.conversation(&conversation.id);
        match stored {
            Some(stored) if !change.is_new => {
                let has_grown = stored.last_position != conversation.last_position;
                if stored.version != conversation.version || (change.is_placed && has_grown) {
                    return Err(StoreError::Conflict);
                }
                // Messages may have come in since it was read: the counters are the store's.
                conversation.last_position = stored.last_position;
                conversation.last_visitor_seq = stored.last_visitor_seq;
                conversation.last_visitor_position = stored.last_visitor_position;
                conversation.visitor_seen_at = conversation.visitor_seen_at.max(stored.visitor_seen_at);
            }
            None if !change.is_new => return Err(StoreError::NotFound),
            _ => {}
        }
        if let Some(Absence { agent, since }) = &change.absence {
            let lost_at = self.attendance.get(agent).and_then(|attendance| attendance.lost_at);
            if lost_at.is_none_or(|lost_at| lost_at > *since) {
                return Err(StoreError::Conflict);
            }
        }
        if let Some(Reservation { agent, capacity }) = &change.reservation
            && self.held(agent, Some(&conversation.id)) >= *capacity
        {
            return Err(StoreError::NoRoom);
        }
        let has_another = |other: &Conversation| {
            other.state.is_open() && other.visitor == conversation.visitor && other.id != conversation.id
        };
        let is_second = conversation.state.is_open() && self.all().any(has_another);
        if is_second || (change.is_new && stored.is_some()) {
            return Err(StoreError::Conflict);
        }
        Ok(conversation)
    }

    /// The handoffs as they are after these changes, one after the other; or why one of them cannot be made.
    fn changed_handoffs(
        &self,
        id: &ConversationId,
        changes: &[HandoffChange],
    ) -> Result<BTreeMap<HandoffId, Handoff>, StoreError> {
        let mut after: BTreeMap<HandoffId, Handoff> = BTreeMap::new();
        for change in changes {
            let find = |wanted: &HandoffId| {
                after.get(wanted).or_else(|| self.handoffs.get(wanted)).cloned().ok_or(StoreError::Conflict)
            };
            let changed = match change {
                HandoffChange::Begin(new) => {
                    let is_known = find(&new.id).is_ok();
                    let stored = self.handoffs.values().filter(|h| !after.contains_key(&h.id));
                    let mut open = stored.chain(after.values()).filter(|h| goes_on(h));
                    let has_open = goes_on(new) && open.any(|h| h.conversation == new.conversation);
                    let is_somewhere =
                        new.conversation == *id || self.conversations.contains_key(&new.conversation);
                    if is_known || has_open || !is_somewhere {
                        return Err(StoreError::Conflict);
                    }
                    // Who takes it, and when, comes with later changes.
                    Handoff { agent: None, accepted_at: None, ended_at: None, ..(**new).clone() }
                }
                HandoffChange::Accept { handoff, agent, at } => {
                    let mut found = find(handoff)?;
                    if found.status != HandoffStatus::Initiated {
                        return Err(StoreError::Conflict);
                    }
                    found.status = HandoffStatus::Accepted;
                    found.agent = Some(agent.clone());
                    // The wait that is measured is the first.
                    found.accepted_at = found.accepted_at.or(Some(*at));
                    found
                }
                HandoffChange::Reopen { handoff } => {
                    let mut found = find(handoff)?;
                    if found.status != HandoffStatus::Accepted {
                        return Err(StoreError::Conflict);
                    }
                    found.status = HandoffStatus::Initiated;
                    found
                }
                HandoffChange::End { handoff, outcome, at } => {
                    let mut found = find(handoff)?;
                    if !goes_on(&found) {
                        return Err(StoreError::Conflict);
                    }
                    found.status = outcome.status();
                    found.ended_at = Some(*at);
                    found
                }
            };
            after.insert(changed.id.clone(), changed);
        }
        Ok(after)
    }
}

/// Gives an entry its place in the log, and in what the visitor may see, gap-free (invariant 14).
fn number(conversation: &mut Conversation, entry: NewEntry, client_id: Option<String>) -> Entry {
    conversation.last_position += 1;
    let visitor_seq = entry.kind.is_for_visitor().then(|| {
        conversation.last_visitor_seq += 1;
        conversation.last_visitor_seq
    });
    if entry.author == Author::Visitor && matches!(entry.kind, EntryKind::Message { .. }) {
        conversation.last_visitor_position = conversation.last_position;
    }
    let NewEntry { author, kind, at } = entry;
    Entry { position: conversation.last_position, visitor_seq, author, kind, at, client_id }
}
