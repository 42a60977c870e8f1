//! The store port on plain data.

use super::MemoryStore;
use super::rows::{Rows, ended_at, takes_room};
use crate::domain::agent::{Attendance, Presence};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Change, Conversation, ConversationState, Entry, EntryKind, StateName};
use crate::domain::handoff::{CountedWord, Handoff};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId, VisitorId};
use crate::domain::outcome::{Csat, WrapUp};
use crate::domain::queue::{MeasuredWait, Place};
use crate::domain::time::Timestamp;
use crate::flow::ports::{
    Ack, CommandKey, Committed, Figures, Glance, Judgement, Overdue, ReadMarks, Receipt, Search, Seen, Store,
    StoreError,
};
use async_trait::async_trait;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Most left messages that are listed.
const LEFT_MESSAGES: usize = 500;
/// Most conversations of a visitor that are listed.
const EARLIER: usize = 20;

fn cloned<'a>(found: impl IntoIterator<Item = &'a Conversation>) -> Vec<Conversation> {
    found.into_iter().cloned().collect()
}

impl Rows {
    fn is_overdue(conversation: &Conversation, before: &Overdue) -> bool {
        let seen_at = conversation.visitor_seen_at;
        if conversation.state.due_at().is_some_and(|due| due <= before.now)
            || (conversation.is_undecided() && seen_at <= before.undecided_before)
        {
            return true;
        }
        match &conversation.state {
            ConversationState::WithBot { .. } => seen_at <= before.idle_before,
            ConversationState::Queued { since, .. } | ConversationState::Offered { since, .. } => {
                // Who left an address and was away all the while has not gone away from the queue.
                let gone_timeout = before.now.as_millis() - before.gone_before.as_millis();
                let was_there = since.as_millis() - seen_at.as_millis() < gone_timeout;
                let is_gone = seen_at <= before.gone_before && *since <= before.gone_before;
                is_gone && (was_there || conversation.email.is_none())
            }
            ConversationState::WrapUp { ended_at, .. } => *ended_at <= before.wrap_up_before,
            _ => false,
        }
    }

    fn fits(&self, conversation: &Conversation, search: &Search) -> bool {
        let Some(row) = self.conversations.get(&conversation.id) else { return false };
        let is_wanted_state = search.states.is_empty() || search.states.contains(&conversation.state.name());
        let is_agents = search.agent.as_ref().is_none_or(|agent| {
            conversation.state.agent() == Some(agent) || conversation.last_agent.as_ref() == Some(agent)
        });
        let is_before = search.before.is_none_or(|before| conversation.opened_at < before);
        let is_labeled = row.label.is_some() || !row.message_labels.is_empty();
        let has_text = match search.text.trim() {
            "" => true,
            text => {
                let holds = |hay: &str| hay.to_ascii_lowercase().contains(&text.to_ascii_lowercase());
                conversation.id.as_str() == text
                    || conversation.email.as_deref().is_some_and(holds)
                    || row.entries.iter().filter_map(said).any(holds)
            }
        };
        is_wanted_state
            && is_agents
            && is_before
            && search.is_labeled.is_none_or(|wanted| wanted == is_labeled)
            && has_text
    }

    fn glance(&self, id: &ConversationId) -> Result<Glance, StoreError> {
        let row = self.conversations.get(id).ok_or(StoreError::NotFound)?;
        let is_message = |entry: &&Entry| matches!(entry.kind, EntryKind::Message { .. });
        let last = row.entries.iter().rev().find(is_message).cloned();
        let latest = self.handoffs_of(id).pop();
        let first_reason = |handoff: &Handoff| {
            handoff.reasons.first().map_or(String::new(), |reason| reason.code.as_str().to_owned())
        };
        Ok(Glance { last, reason: latest.map(first_reason), marks: row.marks })
    }
}

/// What somebody wrote in an entry.
fn said(entry: &Entry) -> Option<&str> {
    match &entry.kind {
        EntryKind::Message { body, .. } | EntryKind::Note { body } | EntryKind::Unsent { body } => {
            Some(body.as_str())
        }
        EntryKind::Notice { .. } | EntryKind::Decision(_) => None,
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn history_id(&self) -> String {
        self.history_id.to_string()
    }

    async fn receive(&self, receipt: Receipt) -> Result<Ack, StoreError> {
        self.rows().receive(receipt)
    }

    async fn commit(
        &self,
        change: Change,
        command: Option<CommandKey>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.rows().commit(change, command.as_ref(), now)
    }

    async fn answered(&self, command: &CommandKey) -> Result<Option<Ack>, StoreError> {
        self.rows().answered(command)
    }

    async fn record_words(&self, handoff: &HandoffId, words: Vec<CountedWord>) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let of = rows.handoffs.get(handoff).ok_or(StoreError::NotFound)?.conversation.clone();
        let is_of_nobody = rows.is_of_nobody(&of);
        if let Some(found) = rows.handoffs.get_mut(handoff) {
            found.words = if is_of_nobody { Vec::new() } else { words };
        }
        Ok(())
    }

    async fn record_wrap_up(
        &self,
        conversation: &ConversationId,
        _by: &AgentId,
        mut wrap_up: WrapUp,
    ) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if rows.is_of_nobody(conversation) {
            wrap_up.note = None;
        }
        rows.judgements.entry(conversation.clone()).or_default().wrap_up = Some(wrap_up);
        Ok(())
    }

    async fn record_csat(&self, csat: Csat, _at: Timestamp) -> Result<(), StoreError> {
        self.rows().judgements.entry(csat.conversation).or_default().csat = Some((csat.score, csat.comment));
        Ok(())
    }

    async fn record_read(&self, id: &ConversationId, marks: ReadMarks) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let Some(row) = rows.conversations.get_mut(id) else { return Ok(false) };
        let before = row.marks;
        let last = row.conversation.last_visitor_seq;
        row.marks.visitor = before.visitor.max(marks.visitor.min(last));
        row.marks.agent = before.agent.max(marks.agent.min(last));
        Ok(row.marks != before)
    }

    async fn record_visitor_seen(&self, id: &ConversationId, at: Timestamp) -> Result<(), StoreError> {
        if let Some(row) = self.rows().conversations.get_mut(id) {
            row.conversation.visitor_seen_at = row.conversation.visitor_seen_at.max(at);
        }
        Ok(())
    }

    async fn set_presence(&self, agent: &AgentId, presence: Presence) -> Result<(), StoreError> {
        self.rows().attendance_of(agent).presence = presence;
        Ok(())
    }

    async fn attendance(&self) -> Result<HashMap<AgentId, Attendance>, StoreError> {
        let rows = self.rows();
        let mut found: HashMap<_, _> = rows.attendance.iter().map(|(id, a)| (id.clone(), *a)).collect();
        for agent in rows.all().filter(|c| takes_room(c)).filter_map(|c| c.state.agent()) {
            found.entry(agent.clone()).or_default().held += 1;
        }
        Ok(found)
    }

    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
        Ok(self.rows().conversation(id).cloned())
    }

    async fn latest_of(&self, visitor: &VisitorId) -> Result<Option<Conversation>, StoreError> {
        let rows = self.rows();
        let theirs = rows.all().filter(|c| c.visitor == *visitor);
        Ok(theirs.max_by_key(|c| (c.state.is_open(), c.opened_at, c.id.clone())).cloned())
    }

    async fn earlier_of(
        &self,
        visitor: &VisitorId,
        than: &ConversationId,
    ) -> Result<Vec<Conversation>, StoreError> {
        let rows = self.rows();
        let Some(than) = rows.conversation(than) else { return Ok(Vec::new()) };
        let is_earlier =
            |c: &&Conversation| c.visitor == *visitor && c.id != than.id && c.opened_at <= than.opened_at;
        let mut found: Vec<_> = rows.all().filter(is_earlier).collect();
        found.sort_by_key(|c| Reverse((c.opened_at, c.id.clone())));
        Ok(cloned(found.into_iter().take(EARLIER)))
    }

    async fn entries(&self, id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let rows = self.rows();
        let Some(row) = rows.conversations.get(id) else { return Ok(Vec::new()) };
        Ok(row.entries.iter().filter(|entry| entry.position > after).take(limit).cloned().collect())
    }

    async fn visible_entries(
        &self,
        id: &ConversationId,
        after: Seen,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let rows = self.rows();
        let Some(row) = rows.conversations.get(id) else { return Ok(Vec::new()) };
        let is_after = |entry: &&Entry| entry.visitor_seq.is_some_and(|seq| seq > after.seq);
        Ok(row.entries.iter().filter(is_after).take(limit).cloned().collect())
    }

    async fn analyses(&self, id: &ConversationId) -> Result<BTreeMap<u64, Analysis>, StoreError> {
        Ok(self.rows().conversations.get(id).map(|row| row.analyses.clone()).unwrap_or_default())
    }

    async fn handoffs(&self, id: &ConversationId) -> Result<Vec<Handoff>, StoreError> {
        Ok(self.rows().handoffs_of(id).into_iter().cloned().collect())
    }

    async fn judgement(&self, id: &ConversationId) -> Result<Judgement, StoreError> {
        Ok(self.rows().judgements.get(id).cloned().unwrap_or_default())
    }

    async fn read_marks(&self, id: &ConversationId) -> Result<ReadMarks, StoreError> {
        self.rows().conversations.get(id).map(|row| row.marks).ok_or(StoreError::NotFound)
    }

    async fn waiting(&self) -> Result<Vec<Conversation>, StoreError> {
        Ok(cloned(self.rows().all().filter(|c| c.state.waiting_since().is_some())))
    }

    async fn places(&self) -> Result<Vec<Place>, StoreError> {
        Ok(self.rows().all().filter_map(Conversation::place).collect())
    }

    async fn left_messages(&self) -> Result<Vec<Conversation>, StoreError> {
        let rows = self.rows();
        let mut found: Vec<_> = rows.all().filter(|c| c.state.name() == StateName::LeftMessage).collect();
        found.sort_by_key(|c| (c.state.due_at(), c.id.clone()));
        Ok(cloned(found.into_iter().take(LEFT_MESSAGES)))
    }

    async fn held_by(&self, agent: &AgentId) -> Result<Vec<Conversation>, StoreError> {
        let rows = self.rows();
        let mut found: Vec<_> = rows.all().filter(|c| c.state.agent() == Some(agent)).collect();
        found.sort_by_key(|c| (c.opened_at, c.id.clone()));
        Ok(cloned(found))
    }

    async fn closed_by_since(&self, agent: &AgentId, since: Timestamp) -> Result<u64, StoreError> {
        let rows = self.rows();
        let is_theirs = |c: &&Conversation| {
            c.last_agent.as_ref() == Some(agent) && ended_at(c).is_some_and(|ended| ended >= since)
        };
        Ok(rows.all().filter(is_theirs).count() as u64)
    }

    async fn overdue(&self, before: Overdue, limit: usize) -> Result<Vec<ConversationId>, StoreError> {
        let rows = self.rows();
        let overdue = rows.all().filter(|c| Rows::is_overdue(c, &before));
        Ok(overdue.take(limit).map(|c| c.id.clone()).collect())
    }

    async fn measured_waits(
        &self,
        queue: &QueueId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<MeasuredWait>, StoreError> {
        let rows = self.rows();
        let mut accepted: Vec<_> = rows
            .handoffs
            .values()
            .filter(|handoff| handoff.queue == *queue)
            .filter_map(|handoff| Some((handoff.accepted_at.filter(|at| *at > since)?, handoff)))
            .collect();
        accepted.sort_by_key(|(at, handoff)| Reverse((*at, handoff.id.clone())));
        let measured = accepted.into_iter().take(limit).map(|(at, handoff)| MeasuredWait {
            wait: at.since(handoff.at),
            place_at_start: handoff.place_at_start,
        });
        Ok(measured.collect())
    }

    async fn search(&self, search: Search) -> Result<Vec<Conversation>, StoreError> {
        let rows = self.rows();
        let mut found: Vec<_> = rows.all().filter(|c| rows.fits(c, &search)).collect();
        found.sort_by_key(|c| Reverse((c.opened_at, c.id.clone())));
        Ok(cloned(found.into_iter().take(search.limit)))
    }

    async fn glances(&self, ids: &[ConversationId]) -> Result<HashMap<ConversationId, Glance>, StoreError> {
        let rows = self.rows();
        ids.iter().map(|id| Ok((id.clone(), rows.glance(id)?))).collect()
    }

    async fn opened_between(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError> {
        let rows = self.rows();
        let after = match after {
            Some(id) => match rows.conversation(&id) {
                Some(last) => Some((last.opened_at, id)),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let is_in = |c: &&Conversation| {
            since.is_none_or(|since| c.opened_at >= since)
                && until.is_none_or(|until| c.opened_at < until)
                && after.as_ref().is_none_or(|(at, id)| (c.opened_at, &c.id) > (*at, id))
        };
        let mut found: Vec<_> = rows.all().filter(is_in).collect();
        found.sort_by_key(|c| (c.opened_at, c.id.clone()));
        Ok(cloned(found.into_iter().take(limit)))
    }

    async fn figures(&self, since: Timestamp) -> Result<Figures, StoreError> {
        let rows = self.rows();
        let mut figures = Figures::default();
        figures.by_state.insert(StateName::WrapUp.as_str(), 0);
        // The closed ones are the many, and nobody asks.
        for conversation in rows.all().filter(|c| c.state.name() != StateName::Closed) {
            *figures.by_state.entry(conversation.state.name().as_str()).or_default() += 1;
        }
        for handoff in rows.handoffs.values().filter(|handoff| handoff.at >= since) {
            let first = handoff.reasons.first().map_or("", |reason| reason.code.as_str());
            *figures.by_reason.entry(first.to_owned()).or_default() += 1;
        }
        Ok(figures)
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
