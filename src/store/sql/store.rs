//! The store port: each command a job on the writing thread, each question
//! a job on a reading one.

use super::{Sql, SqlStore, agents, commit, conversations, entries, handoffs, person, values};
use crate::domain::agent::{Attendance, Presence};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Change, Conversation, Entry, StateName};
use crate::domain::handoff::{CountedWord, Handoff};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId, VisitorId};
use crate::domain::outcome::{Csat, Disposition, Label, WrapUp};
use crate::domain::queue::{MeasuredWait, Place};
use crate::domain::time::Timestamp;
use crate::flow::ports::{
    Ack, CommandKey, Committed, Figures, Glance, Judgement, Overdue, ReadMarks, Receipt, Search, Seen, Store,
    StoreError, StoreHealth,
};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};

/// Entries that are read without a change of threads.
const A_FEW: usize = 100;

fn read_marks(sql: &dyn Sql, id: &ConversationId) -> Result<ReadMarks, StoreError> {
    sql.one("select visitor_read, agent_read from conversations where id = ?1", values![id.as_str()], |row| {
        Ok(ReadMarks { visitor: row.get(0)?, agent: row.get(1)? })
    })
}

fn figures(sql: &dyn Sql, since: Timestamp) -> Result<Figures, StoreError> {
    // The open states are counted by their indexes; the closed ones are the many.
    let index = sql.dialect().indexed_by("one_open_conversation_per_visitor");
    let counted: Vec<(Option<StateName>, u64)> = sql.all(
        &format!(
            "select state, count(*) from conversations{index} where state not in ('wrap_up', 'closed') group by state"
        ),
        &[],
        |row| Ok((StateName::parse(row.get(0)?), row.get(1)?)),
    )?;
    let mut by_state: BTreeMap<&'static str, u64> =
        counted.into_iter().filter_map(|(name, n)| Some((name?.as_str(), n))).collect();
    let wrap_up =
        sql.one("select count(*) from conversations where state = 'wrap_up'", &[], |row| row.get(0))?;
    by_state.insert("wrap_up", wrap_up);
    let by_reason = sql.all(
        "select reason, count(*) from handoffs where at >= ?1 group by reason",
        values![since.as_millis()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(Figures { by_state, by_reason })
}

#[async_trait]
impl Store for SqlStore {
    fn history_id(&self) -> String {
        self.history_id.to_string()
    }

    fn health(&self) -> StoreHealth {
        self.health.now()
    }

    async fn receive(&self, receipt: Receipt) -> Result<Ack, StoreError> {
        self.write(move |c| commit::receive(c, &receipt)).await
    }

    async fn commit(
        &self,
        change: Change,
        command: Option<CommandKey>,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.write(move |c| commit::commit(c, &change, command.as_ref(), now)).await
    }

    async fn answered(&self, command: &CommandKey) -> Result<Option<Ack>, StoreError> {
        let command = command.clone();
        self.read_here(move |c| commit::answered(c, &command)).await
    }

    async fn record_words(&self, handoff: &HandoffId, words: Vec<CountedWord>) -> Result<(), StoreError> {
        let handoff = handoff.clone();
        self.write(move |c| handoffs::record_words(c, &handoff, &words)).await
    }

    async fn record_wrap_up(
        &self,
        conversation: &ConversationId,
        by: &AgentId,
        wrap_up: WrapUp,
    ) -> Result<(), StoreError> {
        let (conversation, by) = (conversation.clone(), by.clone());
        self.write(move |c| {
            let is_of_nobody = person::is_of_nobody(c, conversation.as_str())?;
            let note = wrap_up.note.as_deref().filter(|_| !is_of_nobody);
            c.run(
                "insert into judgements (conversation, disposition, label, note, by_agent) values (?1, ?2, ?3, ?4, ?5) \
                 on conflict (conversation) do update set disposition = excluded.disposition, label = excluded.label, \
                 note = excluded.note, by_agent = excluded.by_agent",
                values![
                    conversation.as_str(),
                    wrap_up.disposition.as_str(),
                    wrap_up.label.map(Label::as_str),
                    note,
                    by.as_str(),
                ],
            )
            .map(|_| ())
        })
        .await
    }

    async fn record_csat(&self, csat: Csat, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |c| {
            c.run(
                "insert into judgements (conversation, csat, comment, rated_at) values (?1, ?2, ?3, ?4) \
                 on conflict (conversation) do update set csat = excluded.csat, comment = excluded.comment, \
                 rated_at = excluded.rated_at",
                values![csat.conversation.as_str(), csat.score, csat.comment.as_deref(), at.as_millis(),],
            )
            .map(|_| ())
        })
        .await
    }

    async fn record_read(&self, id: &ConversationId, marks: ReadMarks) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |c| {
            let moved = c.run(
                "update conversations set visitor_read = greatest(visitor_read, least(?2, last_visitor_seq)), \
                 agent_read = greatest(agent_read, least(?3, last_visitor_seq)) where id = ?1 \
                 and (visitor_read < least(?2, last_visitor_seq) or agent_read < least(?3, last_visitor_seq))",
                values![id.as_str(), marks.visitor, marks.agent],
            )?;
            Ok(moved > 0)
        })
        .await
    }

    async fn record_visitor_seen(&self, id: &ConversationId, at: Timestamp) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(move |c| {
            c.run(
                "update conversations set visitor_seen_at = greatest(visitor_seen_at, ?2) where id = ?1",
                values![id.as_str(), at.as_millis()],
            )
            .map(|_| ())
        })
        .await
    }

    async fn set_presence(&self, agent: &AgentId, presence: Presence) -> Result<(), StoreError> {
        let agent = agent.clone();
        self.write(move |c| agents::set_presence(c, &agent, presence)).await
    }

    async fn attendance(&self) -> Result<HashMap<AgentId, Attendance>, StoreError> {
        self.read(agents::attendance).await
    }

    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
        let id = id.clone();
        self.read_here(move |c| conversations::get(c, &id)).await
    }

    async fn latest_of(&self, visitor: &VisitorId) -> Result<Option<Conversation>, StoreError> {
        let visitor = visitor.clone();
        self.read_here(move |c| {
            let rest =
                "where visitor = ?1 order by state in ('wrap_up', 'closed'), opened_at desc, id desc limit 1";
            Ok(conversations::select(c, rest, values![visitor.as_str()])?.pop())
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
                (select opened_at from conversations where id = ?2) order by opened_at desc, id desc limit 20";
            conversations::select(c, rest, values![visitor.as_str(), than.as_str()])
        })
        .await
    }

    async fn entries(&self, id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let id = id.clone();
        let read = move |sql: &dyn Sql| entries::after(sql, &id, after, limit);
        if limit <= A_FEW { self.read_here(read).await } else { self.read(read).await }
    }

    async fn visible_entries(
        &self,
        id: &ConversationId,
        after: Seen,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let id = id.clone();
        let read = move |sql: &dyn Sql| entries::visible_after(sql, &id, after, limit);
        if limit <= A_FEW { self.read_here(read).await } else { self.read(read).await }
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
            let found = c.first(
                "select disposition, label, note, csat, comment from judgements where conversation = ?1",
                values![id.as_str()],
                |row| {
                    let disposition = row.get::<Option<&str>>(0)?.and_then(Disposition::parse);
                    let label = row.get::<Option<&str>>(1)?.and_then(Label::parse);
                    let (note, comment) = (row.get(2)?, row.get(4)?);
                    Ok(Judgement {
                        wrap_up: disposition.map(|disposition| WrapUp { disposition, label, note }),
                        csat: row.get::<Option<u8>>(3)?.map(|score| (score, comment)),
                    })
                },
            )?;
            Ok(found.unwrap_or_default())
        })
        .await
    }

    async fn read_marks(&self, id: &ConversationId) -> Result<ReadMarks, StoreError> {
        let id = id.clone();
        self.read_here(move |c| read_marks(c, &id)).await
    }

    async fn waiting(&self) -> Result<Vec<Conversation>, StoreError> {
        self.read(|c| conversations::select(c, conversations::THAT_WAIT, &[])).await
    }

    async fn places(&self) -> Result<Vec<Place>, StoreError> {
        self.read(conversations::places).await
    }

    async fn left_messages(&self) -> Result<Vec<Conversation>, StoreError> {
        self.read(|c| {
            // Said twice, because only so SQLite sees that the index of those who wait will do.
            let rest = "where state in ('queued', 'offered', 'left_message') and state = 'left_message' \
                order by due_at, id limit 500";
            conversations::select(c, rest, &[])
        })
        .await
    }

    async fn held_by(&self, agent: &AgentId) -> Result<Vec<Conversation>, StoreError> {
        let agent = agent.clone();
        self.read(move |c| {
            conversations::select(c, "where agent = ?1 order by opened_at, id", values![agent.as_str()])
        })
        .await
    }

    async fn closed_by_since(&self, agent: &AgentId, since: Timestamp) -> Result<u64, StoreError> {
        let agent = agent.clone();
        self.read(move |c| {
            c.one(
                "select count(*) from conversations where last_agent = ?1 and ended_at >= ?2",
                values![agent.as_str(), since.as_millis()],
                |row| row.get(0),
            )
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
            for id in &ids {
                let marks = read_marks(c, id)?;
                let last = entries::last_message(c, id)?;
                let reason = handoffs::latest_reason(c, id)?;
                found.insert(id.clone(), Glance { last, reason, marks });
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
            conversations::select(c, rest, values![since, until, after, limit])
        })
        .await
    }

    async fn figures(&self, since: Timestamp) -> Result<Figures, StoreError> {
        self.read(move |c| figures(c, since)).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(|c| touch(c)).await
    }
}

/// Writes something that means nothing. Another value each time: a row that is as it should be is not written, and a full
/// disk would not be noticed.
pub(crate) fn touch(sql: &dyn Sql) -> Result<(), StoreError> {
    let touch = "insert into meta (key, value) values ('checked', '1') \
                 on conflict (key) do update set value = case meta.value when '1' then '2' else '1' end";
    sql.run(touch, &[]).map(|_| ())
}
