//! The upkeep port on plain data. What is held of a person is told in the words of this
//! store: a row is an object, not the row of a table.

use super::MemoryStore;
use super::rows::{Row, Rows, VisitorRow, ended_at};
use crate::domain::conversation::{Author, Body, Conversation, Entry, EntryKind, StateName};
use crate::domain::id::{ConversationId, VisitorId};
use crate::domain::time::Timestamp;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{
    EraseError, Erased, Held, KeptCounts, Outline, Person, Place, ReadMarks, Removed, StoreError, Upkeep,
    Walked,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::time::Duration;

/// Conversations that are looked at for one batch.
const AT_ONCE: usize = 100;
/// How long it is remembered how large everything was.
const A_QUARTER: Duration = Duration::from_secs(90 * 24 * 3600);

fn is_closed(conversation: &Conversation) -> bool {
    conversation.state.name() == StateName::Closed
}

/// What people wrote in an entry.
fn body_of(kind: &mut EntryKind) -> Option<&mut Body> {
    match kind {
        EntryKind::Message { body, .. } | EntryKind::Note { body } | EntryKind::Unsent { body } => Some(body),
        EntryKind::Notice { .. } | EntryKind::Decision(_) => None,
    }
}

impl Rows {
    fn remove_closed(&mut self, before: Timestamp, about_entries: u64) -> Removed {
        let mut old: Vec<_> = self
            .all()
            .filter(|c| is_closed(c))
            .filter_map(|c| Some((ended_at(c).filter(|at| *at <= before)?, c.id.clone(), c.last_position)))
            .collect();
        old.sort();
        let mut removed = Removed::default();
        for (_, id, entries) in old.into_iter().take(AT_ONCE) {
            if removed.conversations > 0 && removed.entries + entries > about_entries {
                break;
            }
            self.keep_counts(&id);
            self.conversations.remove(&id);
            self.judgements.remove(&id);
            self.handoffs.retain(|_, handoff| handoff.conversation != id);
            removed.conversations += 1;
            removed.entries += entries;
        }
        removed
    }

    /// Adds what is counted of a conversation to the numbers.
    fn keep_counts(&mut self, id: &ConversationId) {
        let mut counts = self.kept_counts.clone();
        for handoff in self.handoffs_of(id) {
            counts.handoffs += 1;
            counts.abandoned += u64::from(self.abandoned.contains(&handoff.id));
            if let Some(accepted_at) = handoff.accepted_at {
                counts.answered += 1;
                counts.waited_ms +=
                    u64::try_from(accepted_at.since(handoff.at).as_millis()).unwrap_or(u64::MAX);
            }
        }
        counts.conversations += 1;
        if let Some(label) = self.judgements.get(id).and_then(|judged| judged.wrap_up.as_ref()?.label) {
            *self.kept_labels.entry(label.as_str()).or_default() += 1;
        }
        if let Some((score, _)) = self.judgements.get(id).and_then(|judged| judged.csat.as_ref()) {
            counts.rated += 1;
            counts.rating_sum += u64::from(*score);
        }
        let entries = self.conversations.get(id).map(|row| row.entries.as_slice()).unwrap_or_default();
        for entry in entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Message { .. })) {
            match entry.author {
                Author::Visitor => counts.visitor_messages += 1,
                Author::Agent { .. } => counts.agent_messages += 1,
                Author::Bot | Author::System => counts.bot_messages += 1,
            }
        }
        self.kept_counts = counts;
    }

    /// Whether a conversation is nobody's: whoever it was with is erased.
    pub(super) fn is_of_nobody(&self, id: &ConversationId) -> bool {
        self.conversations.get(id).is_some_and(|row| row.conversation.visitor.is_nobody())
    }

    fn rows_of(&self, visitor: &VisitorId) -> Vec<&Row> {
        self.conversations.values().filter(|row| row.conversation.visitor == *visitor).collect()
    }

    fn find_visitors(&self, text: &str, or: &[VisitorId], limit: usize) -> Vec<VisitorId> {
        let lower = text.to_lowercase();
        let has = |part: &str| part.to_lowercase().contains(&lower);
        let is_meant = |id: &VisitorId, known: &VisitorRow| {
            let profile = &known.profile;
            has(id.as_str())
                || has(&profile.name)
                || profile.email.as_deref().is_some_and(has)
                || profile.attributes.values().any(|value| has(value))
                || or.contains(id)
                || self.rows_of(id).iter().any(|row| row.conversation.email.as_deref().is_some_and(has))
        };
        let mut found: Vec<_> = self.visitors.iter().filter(|(id, known)| is_meant(id, known)).collect();
        found.sort_by_key(|(id, known)| std::cmp::Reverse((known.created_at, (*id).clone())));
        found.into_iter().take(limit).map(|(id, _)| id.clone()).collect()
    }

    fn outline_of(&self, visitor: &VisitorId) -> Option<Outline> {
        let (known, theirs) = (self.visitors.get(visitor), self.rows_of(visitor));
        if known.is_none() && theirs.is_empty() {
            return None;
        }
        let entries = || theirs.iter().flat_map(|row| &row.entries);
        let count = |is_one: &dyn Fn(&Entry) -> bool| entries().filter(|entry| is_one(entry)).count() as u64;
        let is_said = |entry: &Entry| matches!(entry.kind, EntryKind::Message { .. });
        let is_theirs = |entry: &Entry| entry.author == Author::Visitor;
        let rated = |row: &&&Row| {
            self.judgements.get(&row.conversation.id).is_some_and(|judged| judged.csat.is_some())
        };
        let held = Held {
            conversations: theirs.len() as u64,
            unfinished: theirs.iter().filter(|row| !is_closed(&row.conversation)).count() as u64,
            messages: count(&|entry| is_said(entry) && is_theirs(entry)),
            answers: count(&|entry| {
                let is_unsent = matches!(entry.kind, EntryKind::Unsent { .. });
                (is_said(entry) || is_unsent) && !is_theirs(entry)
            }),
            notes: count(&|entry| matches!(entry.kind, EntryKind::Note { .. })),
            handoffs: theirs.iter().map(|row| self.handoffs_of(&row.conversation.id).len() as u64).sum(),
            ratings: theirs.iter().filter(rated).count() as u64,
            labels: theirs.iter().map(|row| row.message_labels.len() as u64).sum(),
        };
        let latest = theirs.iter().filter(|row| row.conversation.email.is_some());
        let latest = latest.max_by_key(|row| row.conversation.opened_at);
        let opened = theirs.iter().map(|row| row.conversation.opened_at).min();
        Some(Outline {
            visitor: visitor.clone(),
            profile: known.map(|known| known.profile.clone()).unwrap_or_default(),
            left_email: latest.and_then(|row| row.conversation.email.clone()),
            known_since: known.map(|known| known.created_at).or(opened),
            seen_at: theirs.iter().map(|row| row.conversation.visitor_seen_at).max(),
            held,
        })
    }

    fn has_conversation(&self, visitor: &VisitorId) -> bool {
        self.all().any(|c| c.visitor == *visitor)
    }

    fn visitors_of(&self, person: &Person) -> Vec<VisitorId> {
        let is_theirs = |email: Option<&String>, address: &str| {
            email.is_some_and(|email| email.to_lowercase() == address)
        };
        let mut found: Vec<VisitorId> = match person {
            Person::Visitor(id) => {
                let is_known = self.visitors.contains_key(id) || self.has_conversation(id);
                is_known.then(|| id.clone()).into_iter().collect()
            }
            Person::Email(address) => {
                let writing = self.all().filter(|c| is_theirs(c.email.as_ref(), address));
                let known =
                    self.visitors.iter().filter(|(_, v)| is_theirs(v.profile.email.as_ref(), address));
                writing.map(|c| c.visitor.clone()).chain(known.map(|(id, _)| id.clone())).collect()
            }
        };
        found.sort();
        found.dedup();
        found
    }

    fn erase(&mut self, stamp: &Stamp, visitor: &VisitorId, fresh: &str) -> Result<Erased, EraseError> {
        let theirs: Vec<_> = self.all().filter(|c| c.visitor == *visitor).collect();
        let n_open = theirs.iter().filter(|c| !is_closed(c)).count();
        if n_open > 0 {
            return Err(EraseError::StillOpen(n_open as u64));
        }
        let theirs: Vec<ConversationId> = theirs.into_iter().map(|c| c.id.clone()).collect();
        if theirs.is_empty() && !self.visitors.contains_key(visitor) {
            return Err(EraseError::NotFound);
        }
        let mut erased = Erased { conversations: theirs.len() as u64, ..Erased::default() };
        for (n, id) in theirs.iter().enumerate() {
            self.erase_conversation(id, VisitorId::nobody(fresh, n), &mut erased);
        }
        self.commands.retain(|(actor, _), _| actor != visitor.as_str());
        self.visitor_secrets.retain(|_, owner| owner != visitor);
        self.visitors.remove(visitor);
        let detail = format!("{} conversations", erased.conversations);
        self.audit(stamp, "person.erase", visitor.as_str(), &detail);
        self.n_erasures += 1;
        Ok(erased)
    }

    /// Everything in one conversation that says who it was with, or what was said.
    fn erase_conversation(&mut self, id: &ConversationId, nobody: VisitorId, erased: &mut Erased) {
        if let Some(judged) = self.judgements.get_mut(id) {
            if let Some(wrap_up) = &mut judged.wrap_up {
                wrap_up.note = None;
            }
            if let Some((_, comment)) = &mut judged.csat {
                *comment = None;
            }
        }
        self.handoffs.values_mut().filter(|h| h.conversation == *id).for_each(|h| h.words.clear());
        let Some(row) = self.conversations.get_mut(id) else { return };
        for entry in &mut row.entries {
            if let Some(body) = body_of(&mut entry.kind).filter(|body| !body.as_str().is_empty()) {
                *body = Body::stored(String::new());
                erased.entries += 1;
            }
            entry.client_id = None;
            // Digests of agents' commands are of what was written.
            if let Author::Agent { id: agent, .. } = &entry.author {
                let is_of_it = |actor: &str, of: &ConversationId| actor == agent.as_str() && of == id;
                self.commands.retain(|(actor, _), (_, ack)| !is_of_it(actor, &ack.conversation));
            }
        }
        erased.labels += row.message_labels.len() as u64;
        row.message_labels.clear();
        if let Some(label) = &mut row.label {
            label.position = None;
        }
        let last = row.conversation.last_visitor_seq;
        row.marks = ReadMarks { visitor: last, agent: last };
        row.conversation.visitor = nobody;
        row.conversation.email = None;
        row.conversation.version += 1;
    }

    fn held_of(&self, visitor: &VisitorId) -> Value {
        let theirs: Vec<&Row> =
            self.conversations.values().filter(|row| row.conversation.visitor == *visitor).collect();
        let texts = theirs.iter().flat_map(|row| {
            row.entries.iter().filter_map(|entry| {
                let text = body_of(&mut entry.kind.clone()).map(|body| body.as_str().to_owned())?;
                Some(json!({ "conversation": row.conversation.id, "position": entry.position, "body": text }))
            })
        });
        let profile =
            self.visitors.get(visitor).map(|known| json!({ "id": visitor, "profile": known.profile }));
        let conversations =
            theirs.iter().map(|row| json!({ "id": row.conversation.id, "email": row.conversation.email }));
        json!({
            "visitor": profile.into_iter().collect::<Vec<_>>(),
            "conversations": conversations.collect::<Vec<_>>(),
            "entries": texts.collect::<Vec<_>>(),
        })
    }
}

#[async_trait]
impl Upkeep for MemoryStore {
    async fn remove_closed(&self, before: Timestamp, about_entries: u64) -> Result<Removed, StoreError> {
        Ok(self.rows().remove_closed(before, about_entries))
    }

    async fn forget_commands(
        &self,
        before: Timestamp,
        from: Place,
        n_rows: usize,
    ) -> Result<Walked, StoreError> {
        let mut rows = self.rows();
        let after = (from.0, from.1);
        let seen: Vec<_> = rows
            .commands
            .iter()
            .filter(|(key, _)| **key > after)
            .take(n_rows)
            .map(|(key, (_, ack))| {
                let of = rows.conversation(&ack.conversation);
                (key.clone(), of.is_none_or(|of| is_closed(of) && ack.at <= before))
            })
            .collect();
        let next = (seen.len() == n_rows).then(|| seen.last().cloned()).flatten();
        let next = next.map(|((actor, client_id), _)| Place(actor, client_id));
        let old: Vec<_> = seen.into_iter().filter(|(_, may_go)| *may_go).map(|(key, _)| key).collect();
        old.iter().for_each(|key| drop(rows.commands.remove(key)));
        Ok(Walked { forgotten: old.len() as u64, next })
    }

    async fn forget_visitors(
        &self,
        before: Timestamp,
        from: Place,
        n_rows: usize,
    ) -> Result<Walked, StoreError> {
        let mut rows = self.rows();
        let after = rows.visitors.iter().filter(|(id, _)| id.as_str() > from.0.as_str());
        let seen: Vec<_> = after
            .take(n_rows)
            .map(|(id, known)| (id.clone(), known.created_at <= before && !rows.has_conversation(id)))
            .collect();
        let next = (seen.len() == n_rows).then(|| seen.last().cloned()).flatten();
        let next = next.map(|(id, _)| Place(id.to_string(), String::new()));
        let idle: Vec<_> = seen.into_iter().filter(|(_, may_go)| *may_go).map(|(id, _)| id).collect();
        for id in &idle {
            rows.visitors.remove(id);
            rows.visitor_secrets.retain(|_, owner| owner != id);
        }
        Ok(Walked { forgotten: idle.len() as u64, next })
    }

    async fn visitors_of(&self, person: &Person) -> Result<Vec<VisitorId>, StoreError> {
        Ok(self.rows().visitors_of(person))
    }

    async fn find_visitors(
        &self,
        text: &str,
        or: &[VisitorId],
        limit: usize,
    ) -> Result<Vec<VisitorId>, StoreError> {
        Ok(self.rows().find_visitors(text, or, limit))
    }

    async fn outline_of(&self, visitor: &VisitorId) -> Result<Option<Outline>, StoreError> {
        Ok(self.rows().outline_of(visitor))
    }

    async fn conversations_of(
        &self,
        visitor: &VisitorId,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError> {
        let rows = self.rows();
        let mut theirs: Vec<Conversation> =
            rows.rows_of(visitor).into_iter().map(|row| row.conversation.clone()).collect();
        theirs.sort_by_key(|c| std::cmp::Reverse((c.opened_at, c.id.clone())));
        theirs.truncate(limit);
        Ok(theirs)
    }

    async fn unfinished_of(&self, visitor: &VisitorId) -> Result<Vec<ConversationId>, StoreError> {
        let rows = self.rows();
        let theirs = rows.rows_of(visitor).into_iter().map(|row| &row.conversation);
        Ok(theirs.filter(|c| !is_closed(c)).map(|c| c.id.clone()).collect())
    }

    async fn n_erasures(&self) -> Result<u64, StoreError> {
        Ok(self.rows().n_erasures)
    }

    async fn held_of(&self, visitor: &VisitorId) -> Result<String, StoreError> {
        Ok(self.rows().held_of(visitor).to_string())
    }

    async fn note_export(&self, stamp: Stamp, visitor: VisitorId) -> Result<(), StoreError> {
        self.rows().audit(&stamp, "person.export", visitor.as_str(), "");
        Ok(())
    }

    async fn erase(&self, stamp: Stamp, visitor: VisitorId, fresh: String) -> Result<Erased, EraseError> {
        self.rows().erase(&stamp, &visitor, &fresh)
    }

    async fn kept_counts(&self) -> Result<KeptCounts, StoreError> {
        Ok(self.rows().kept_counts.clone())
    }

    async fn bytes(&self) -> Result<u64, StoreError> {
        let rows = self.rows();
        let bodies = rows.conversations.values().flat_map(|row| &row.entries);
        Ok(bodies
            .map(|entry| body_of(&mut entry.kind.clone()).map_or(0, |body| body.as_str().len() as u64))
            .sum())
    }

    async fn note_bytes(&self, at: Timestamp, bytes: u64) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let oldest = at.minus(A_QUARTER);
        rows.bytes.retain(|noted, _| *noted >= oldest);
        rows.bytes.entry(at).or_insert(bytes);
        Ok(())
    }

    async fn bytes_since(&self, since: Timestamp) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        Ok(self.rows().bytes.range(since..).map(|(at, bytes)| (*at, *bytes)).collect())
    }
}
