//! Rows of handoffs.

use super::rows::{one, to_json};
use super::{Row, Sql, person, values};
use crate::domain::conversation::HandoffChange;
use crate::domain::escalation::{Counterfactual, Reason};
use crate::domain::handoff::{CountedWord, Handoff, HandoffStatus};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId};
use crate::domain::queue::{MeasuredWait, Priority};
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What of a handoff is only ever read as a whole.
#[derive(Serialize, Deserialize)]
struct Data {
    queue_name: String,
    reasons: Vec<Reason>,
    counterfactual: Option<Counterfactual>,
    #[serde(default)]
    words: Vec<CountedWord>,
}

pub(super) fn change(sql: &dyn Sql, change: &HandoffChange) -> Result<(), StoreError> {
    match change {
        HandoffChange::Begin(handoff) => insert(sql, handoff),
        HandoffChange::Accept { handoff, agent, at } => one(sql.run(
            // The wait that is measured is the first: who is answered again after a lost agent was answered before.
            "update handoffs set status = 'accepted', agent = ?2, accepted_at = coalesce(accepted_at, ?3) \
             where id = ?1 and status = 'initiated'",
            values![handoff.as_str(), agent.as_str(), at.as_millis()],
        )?),
        HandoffChange::Reopen { handoff } => one(sql.run(
            "update handoffs set status = 'initiated' where id = ?1 and status = 'accepted'",
            values![handoff.as_str()],
        )?),
        HandoffChange::End { handoff, outcome, at } => one(sql.run(
            "update handoffs set status = ?2, outcome = ?3, ended_at = ?4 \
             where id = ?1 and status in ('initiated', 'accepted')",
            values![handoff.as_str(), outcome.status().as_str(), outcome.as_str(), at.as_millis()],
        )?),
    }
}

fn insert(sql: &dyn Sql, handoff: &Handoff) -> Result<(), StoreError> {
    let data = Data {
        queue_name: handoff.queue_name.clone(),
        reasons: handoff.reasons.clone(),
        counterfactual: handoff.counterfactual.clone(),
        words: handoff.words.clone(),
    };
    sql.run(
        "insert into handoffs (id, conversation, kind, reason, status, queue, tier, priority, policy, score, \
         place_at_start, at, answer_due_at, from_agent, data) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
         ?12, ?13, ?14, ?15)",
        values![
            handoff.id.as_str(),
            handoff.conversation.as_str(),
            handoff.kind.as_str(),
            handoff.reasons.first().map_or("", |reason| reason.code.as_str()),
            handoff.status.as_str(),
            handoff.queue.as_str(),
            handoff.tier,
            handoff.priority.as_str(),
            &handoff.policy,
            handoff.score,
            handoff.place_at_start,
            handoff.at.as_millis(),
            handoff.answer_due_at.map(Timestamp::as_millis),
            handoff.from.as_ref().map(AgentId::as_str),
            &to_json(&data)?,
        ],
    )
    .map(|_| ())
}

fn read(row: &Row<'_>, conversation: &ConversationId) -> Result<Handoff, StoreError> {
    let data: Data = row.json(15)?;
    Ok(Handoff {
        id: row.parsed(0, HandoffId::parse)?,
        conversation: conversation.clone(),
        kind: row.parsed(1, |word| serde_json::from_value(word.into()))?,
        reasons: data.reasons,
        counterfactual: data.counterfactual,
        words: data.words,
        policy: row.get(6)?,
        score: row.get(7)?,
        queue: row.parsed(3, QueueId::parse)?,
        queue_name: data.queue_name,
        tier: row.get(4)?,
        priority: row.word(5, Priority::parse)?,
        place_at_start: row.get(8)?,
        at: row.time(9)?,
        answer_due_at: row.time_if_any(10)?,
        from: row.parsed_if_any(11, AgentId::parse)?,
        status: row.word(2, HandoffStatus::parse)?,
        agent: row.parsed_if_any(12, AgentId::parse)?,
        accepted_at: row.time_if_any(13)?,
        ended_at: row.time_if_any(14)?,
    })
}

pub(super) fn of(sql: &dyn Sql, conversation: &ConversationId) -> Result<Vec<Handoff>, StoreError> {
    sql.all(
        "select id, kind, status, queue, tier, priority, policy, score, place_at_start, at, answer_due_at, \
         from_agent, agent, accepted_at, ended_at, data from handoffs where conversation = ?1 order by at, id",
        values![conversation.as_str()],
        |row| read(row, conversation),
    )
}

/// The first reason of the latest handoff.
pub(super) fn latest_reason(sql: &dyn Sql, id: &ConversationId) -> Result<Option<String>, StoreError> {
    sql.first(
        "select reason from handoffs where conversation = ?1 order by at desc, id desc limit 1",
        values![id.as_str()],
        |row| row.get(0),
    )
}

pub(super) fn record_words(
    sql: &dyn Sql,
    handoff: &HandoffId,
    words: &[CountedWord],
) -> Result<(), StoreError> {
    let lock = sql.dialect().for_update();
    let (mut data, conversation): (Data, String) = sql.one(
        &format!("select data, conversation from handoffs where id = ?1{lock}"),
        values![handoff.as_str()],
        |row| Ok((row.json(0)?, row.get(1)?)),
    )?;
    data.words = words.to_vec();
    if !words.is_empty() && person::is_of_nobody(sql, &conversation)? {
        data.words.clear();
    }
    one(sql.run("update handoffs set data = ?2 where id = ?1", values![handoff.as_str(), &to_json(&data)?])?)
}

pub(super) fn measured_waits(
    sql: &dyn Sql,
    queue: &QueueId,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<MeasuredWait>, StoreError> {
    sql.all(
        "select accepted_at - at, place_at_start from handoffs where queue = ?1 and accepted_at > ?2 \
         order by accepted_at desc, id desc limit ?3",
        values![queue.as_str(), since.as_millis(), limit],
        |row| {
            let wait: i64 = row.get(0)?;
            Ok(MeasuredWait {
                wait: Duration::from_millis(u64::try_from(wait).unwrap_or(0)),
                place_at_start: row.get(1)?,
            })
        },
    )
}
