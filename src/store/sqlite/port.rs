//! The store port on SQLite: each command a job on the writing thread, each question
//! a job on a reading one.

use super::{SqliteStore, agents, commit, conversations, entries, failed, handoffs};
use crate::domain::agent::{Attendance, Presence};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Change, Conversation, Entry};
use crate::domain::handoff::{CountedWord, Handoff};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId, VisitorId};
use crate::domain::outcome::{Csat, Disposition, Label, WrapUp};
use crate::domain::queue::MeasuredWait;
use crate::domain::time::Timestamp;
use crate::flow::ports::{
    Ack, CommandKey, Figures, Glance, Judgement, Overdue, ReadMarks, Receipt, Search, Store, StoreError,
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap};

fn read_marks(connection: &Connection, id: &ConversationId) -> Result<ReadMarks, StoreError> {
    connection
        .prepare_cached("select visitor_read, agent_read from conversations where id = ?1")
        .map_err(failed)?
        .query_row([id.as_str()], |row| Ok(ReadMarks { visitor: row.get(0)?, agent: row.get(1)? }))
        .map_err(failed)
}

#[async_trait]
impl Store for SqliteStore {
    fn history_id(&self) -> String {
        self.history_id.to_string()
    }

    async fn receive(&self, receipt: Receipt) -> Result<Ack, StoreError> {
        self.write(move |c| commit::receive(c, &receipt)).await
    }

    async fn commit(
        &self,
        change: Change,
        command: Option<CommandKey>,
        now: Timestamp,
    ) -> Result<Ack, StoreError> {
        self.write(move |c| commit::commit(c, change, command.as_ref(), now)).await
    }

    async fn answered(&self, command: &CommandKey) -> Result<Option<Ack>, StoreError> {
        let command = command.clone();
        self.read(move |c| commit::answered(c, &command)).await
    }

    async fn record_words(&self, handoff: &HandoffId, words: Vec<CountedWord>) -> Result<(), StoreError> {
        let handoff = handoff.clone();
        self.write(move |c| handoffs::record_words(c, &handoff, words)).await
    }

    async fn record_wrap_up(
        &self,
        conversation: &ConversationId,
        by: &AgentId,
        wrap_up: WrapUp,
    ) -> Result<(), StoreError> {
        let (conversation, by) = (conversation.clone(), by.clone());
        self.write(move |c| {
            c.execute(
                "insert into judgements (conversation, disposition, label, note, by_agent) values (?1, ?2, ?3, ?4, ?5) \
                 on conflict (conversation) do update set disposition = excluded.disposition, label = excluded.label, \
                 note = excluded.note, by_agent = excluded.by_agent",
                (
                    conversation.as_str(),
                    wrap_up.disposition.as_str(),
                    wrap_up.label.map(Label::as_str),
                    &wrap_up.note,
                    by.as_str(),
                ),
            )
            .map(|_| ())
            .map_err(failed)
        })
        .await
    }

    async fn record_csat(&self, csat: Csat, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| {
            c.execute(
                "insert into judgements (conversation, csat, comment, rated_at) values (?1, ?2, ?3, ?4) \
                 on conflict (conversation) do update set csat = excluded.csat, comment = excluded.comment, \
                 rated_at = excluded.rated_at",
                (csat.conversation.as_str(), csat.score, &csat.comment, at.as_millis()),
            )
            .map(|_| ())
            .map_err(failed)
        })
        .await
    }

    async fn record_read(&self, id: &ConversationId, marks: ReadMarks) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |c| {
            c.prepare_cached(
                "update conversations set visitor_read = max(visitor_read, min(?2, last_visitor_seq)), \
                 agent_read = max(agent_read, min(?3, last_visitor_seq)) \
                 where id = ?1 and (visitor_read < min(?2, last_visitor_seq) or agent_read < min(?3, last_visitor_seq))",
            )
            .map_err(failed)?
            .execute((id.as_str(), marks.visitor, marks.agent))
            .map(|changed| changed > 0)
            .map_err(failed)
        })
        .await
    }

    async fn record_visitor_seen(&self, id: &ConversationId, at: Timestamp) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(move |c| {
            c.prepare_cached(
                "update conversations set visitor_seen_at = max(visitor_seen_at, ?2) where id = ?1",
            )
            .map_err(failed)?
            .execute((id.as_str(), at.as_millis()))
            .map(|_| ())
            .map_err(failed)
        })
        .await
    }

    async fn set_presence(&self, agent: &AgentId, presence: Presence) -> Result<(), StoreError> {
        let agent = agent.clone();
        self.write(move |c| agents::set_presence(c, &agent, presence)).await
    }

    async fn set_lost(&self, agent: &AgentId, lost_at: Option<Timestamp>) -> Result<(), StoreError> {
        let agent = agent.clone();
        self.write(move |c| agents::set_lost(c, &agent, lost_at)).await
    }

    async fn everybody_lost(&self, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| agents::everybody_lost(c, at)).await
    }

    async fn attendance(&self) -> Result<HashMap<AgentId, Attendance>, StoreError> {
        self.read(agents::attendance).await
    }

    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
        let id = id.clone();
        self.read(move |c| conversations::get(c, &id)).await
    }

    async fn latest_of(&self, visitor: &VisitorId) -> Result<Option<Conversation>, StoreError> {
        let visitor = visitor.clone();
        self.read(move |c| {
            let rest =
                "where visitor = ?1 order by state in ('wrap_up', 'closed'), opened_at desc, id desc limit 1";
            Ok(conversations::select(c, rest, &[&visitor.as_str()])?.pop())
        })
        .await
    }

    async fn earlier_of(
        &self,
        visitor: &VisitorId,
        than: &ConversationId,
    ) -> Result<Vec<Conversation>, StoreError> {
        let (visitor, than) = (visitor.clone(), than.clone());
        self.read(move |c| {
            let rest = "where visitor = ?1 and id <> ?2 and opened_at <= \
                (select opened_at from conversations where id = ?2) order by opened_at desc limit 20";
            conversations::select(c, rest, &[&visitor.as_str(), &than.as_str()])
        })
        .await
    }

    async fn entries(&self, id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let id = id.clone();
        self.read(move |c| entries::after(c, &id, "position", after, limit)).await
    }

    async fn visible_entries(
        &self,
        id: &ConversationId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let id = id.clone();
        self.read(move |c| entries::after(c, &id, "visitor_seq", after, limit)).await
    }

    async fn analyses(&self, id: &ConversationId) -> Result<BTreeMap<u64, Analysis>, StoreError> {
        let id = id.clone();
        self.read(move |c| entries::analyses(c, &id)).await
    }

    async fn handoffs(&self, id: &ConversationId) -> Result<Vec<Handoff>, StoreError> {
        let id = id.clone();
        self.read(move |c| handoffs::of(c, &id)).await
    }

    async fn judgement(&self, id: &ConversationId) -> Result<Judgement, StoreError> {
        let id = id.clone();
        self.read(move |c| {
            let row = c
                .query_row(
                    "select disposition, label, note, csat, comment from judgements where conversation = ?1",
                    [id.as_str()],
                    |row| {
                        Ok((
                            row.get::<_, Option<String>>(0)?,
                            row.get::<_, Option<String>>(1)?,
                            row.get::<_, Option<String>>(2)?,
                            row.get::<_, Option<u8>>(3)?,
                            row.get::<_, Option<String>>(4)?,
                        ))
                    },
                )
                .optional()
                .map_err(failed)?;
            let Some((disposition, label, note, csat, comment)) = row else {
                return Ok(Judgement::default());
            };
            let wrap_up = disposition.and_then(|word| Disposition::parse(&word)).map(|disposition| WrapUp {
                disposition,
                label: label.and_then(|word| Label::parse(&word)),
                note,
            });
            Ok(Judgement { wrap_up, csat: csat.map(|score| (score, comment)) })
        })
        .await
    }

    async fn read_marks(&self, id: &ConversationId) -> Result<ReadMarks, StoreError> {
        let id = id.clone();
        self.read(move |c| read_marks(c, &id)).await
    }

    async fn waiting(&self) -> Result<Vec<Conversation>, StoreError> {
        self.read(|c| conversations::select(c, "where state in ('queued', 'offered')", &[])).await
    }

    async fn left_messages(&self) -> Result<Vec<Conversation>, StoreError> {
        self.read(|c| {
            conversations::select(c, "where state in ('left_message') order by due_at limit 500", &[])
        })
        .await
    }

    async fn held_by(&self, agent: &AgentId) -> Result<Vec<Conversation>, StoreError> {
        let agent = agent.clone();
        self.read(move |c| {
            conversations::select(c, "where agent = ?1 order by opened_at", &[&agent.as_str()])
        })
        .await
    }

    async fn closed_by_since(&self, agent: &AgentId, since: Timestamp) -> Result<u64, StoreError> {
        let agent = agent.clone();
        self.read(move |c| {
            c.query_row(
                "select count(*) from conversations where last_agent = ?1 and ended_at >= ?2",
                (agent.as_str(), since.as_millis()),
                |row| row.get(0),
            )
            .map_err(failed)
        })
        .await
    }

    async fn overdue(&self, before: Overdue, limit: usize) -> Result<Vec<ConversationId>, StoreError> {
        self.read(move |c| conversations::overdue(c, before, limit)).await
    }

    async fn measured_waits(
        &self,
        queue: &QueueId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<MeasuredWait>, StoreError> {
        let queue = queue.clone();
        self.read(move |c| handoffs::measured_waits(c, &queue, since, limit)).await
    }

    async fn search(&self, search: Search) -> Result<Vec<Conversation>, StoreError> {
        self.read(move |c| conversations::search(c, &search)).await
    }

    async fn glances(&self, ids: &[ConversationId]) -> Result<HashMap<ConversationId, Glance>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |c| {
            let mut found = HashMap::with_capacity(ids.len());
            for id in ids {
                let marks = read_marks(c, &id)?;
                let last = entries::last_message(c, &id)?;
                let reason = handoffs::latest_reason(c, &id)?;
                found.insert(id, Glance { last, reason, marks });
            }
            Ok(found)
        })
        .await
    }

    async fn opened_between(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError> {
        self.read(move |c| {
            let since = since.map_or(i64::MIN, Timestamp::as_millis);
            let until = until.map_or(i64::MAX, Timestamp::as_millis);
            let after = after.as_ref().map_or("", ConversationId::as_str);
            let rest = "where opened_at >= ?1 and opened_at < ?2 and (?3 = '' or (opened_at, id) > \
                ((select opened_at from conversations where id = ?3), ?3)) order by opened_at, id limit ?4";
            conversations::select(c, rest, &[&since, &until, &after, &limit])
        })
        .await
    }

    async fn figures(&self, since: Timestamp) -> Result<Figures, StoreError> {
        self.read(move |c| {
            let mut figures = Figures::default();
            // The open states are counted by their indexes; the closed ones are the many.
            let mut statement = c
                .prepare_cached(
                    "select state, count(*) from conversations indexed by one_open_conversation_per_visitor \
                     where state not in ('wrap_up', 'closed') group by state",
                )
                .map_err(failed)?;
            let mut rows = statement.query([]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                let state: String = row.get(0).map_err(failed)?;
                if let Some(name) = crate::domain::conversation::StateName::parse(&state) {
                    figures.by_state.insert(name.as_str(), row.get(1).map_err(failed)?);
                }
            }
            let wrap_up: u64 = c
                .query_row("select count(*) from conversations where state = 'wrap_up'", [], |row| row.get(0))
                .map_err(failed)?;
            figures.by_state.insert("wrap_up", wrap_up);
            let mut statement = c
                .prepare_cached("select reason, count(*) from handoffs where at >= ?1 group by reason")
                .map_err(failed)?;
            let mut rows = statement.query([since.as_millis()]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                figures.by_reason.insert(row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
            }
            Ok(figures)
        })
        .await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(|c| {
            c.execute("insert or replace into meta (key, value) values ('checked', '1')", [])
                .map(|_| ())
                .map_err(failed)
        })
        .await
    }
}
