//! Rows of handoffs.

use super::{failed, read_json, to_json};
use crate::domain::conversation::HandoffChange;
use crate::domain::escalation::{Counterfactual, Reason};
use crate::domain::handoff::{CountedWord, Handoff, HandoffStatus};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId};
use crate::domain::queue::{MeasuredWait, Priority};
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use rusqlite::{Connection, OptionalExtension, named_params};
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

pub(super) fn change(connection: &Connection, change: &HandoffChange) -> Result<(), StoreError> {
    match change {
        HandoffChange::Begin(handoff) => insert(connection, handoff),
        HandoffChange::Accept { handoff, agent, at } => one(connection
            .prepare_cached(
                // The wait that is measured is the first: who is answered again after a lost agent was answered before.
                "update handoffs set status = 'accepted', agent = ?2, accepted_at = coalesce(accepted_at, ?3) \
                     where id = ?1 and status = 'initiated'",
            )
            .map_err(failed)?
            .execute((handoff.as_str(), agent.as_str(), at.as_millis()))),
        HandoffChange::Reopen { handoff } => one(connection
            .prepare_cached("update handoffs set status = 'initiated' where id = ?1 and status = 'accepted'")
            .map_err(failed)?
            .execute([handoff.as_str()])),
        HandoffChange::End { handoff, outcome, at } => one(connection
            .prepare_cached(
                "update handoffs set status = ?2, outcome = ?3, ended_at = ?4 \
                     where id = ?1 and status in ('initiated', 'accepted')",
            )
            .map_err(failed)?
            .execute((handoff.as_str(), outcome.status().as_str(), outcome.as_str(), at.as_millis()))),
    }
}

/// A claim changes exactly one row, or somebody was faster.
fn one(changed: rusqlite::Result<usize>) -> Result<(), StoreError> {
    match changed.map_err(failed)? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

fn insert(connection: &Connection, handoff: &Handoff) -> Result<(), StoreError> {
    let data = Data {
        queue_name: handoff.queue_name.clone(),
        reasons: handoff.reasons.clone(),
        counterfactual: handoff.counterfactual.clone(),
        words: handoff.words.clone(),
    };
    connection
        .prepare_cached(
            "insert into handoffs (id, conversation, kind, reason, status, queue, tier, priority, policy, score, \
             place_at_start, at, answer_due_at, from_agent, data) values (:id, :conversation, :kind, :reason, :status, \
             :queue, :tier, :priority, :policy, :score, :place, :at, :answer_due_at, :from_agent, :data)",
        )
        .map_err(failed)?
        .execute(named_params! {
            ":id": handoff.id.as_str(),
            ":conversation": handoff.conversation.as_str(),
            ":kind": handoff.kind.as_str(),
            ":reason": handoff.reasons.first().map_or("", |reason| reason.code.as_str()),
            ":status": handoff.status.as_str(),
            ":queue": handoff.queue.as_str(),
            ":tier": handoff.tier,
            ":priority": handoff.priority.as_str(),
            ":policy": handoff.policy,
            ":score": handoff.score,
            ":place": handoff.place_at_start,
            ":at": handoff.at.as_millis(),
            ":answer_due_at": handoff.answer_due_at.map(Timestamp::as_millis),
            ":from_agent": handoff.from.as_ref().map(AgentId::as_str),
            ":data": to_json(&data)?,
        })
        .map_err(failed)?;
    Ok(())
}

pub(super) fn of(connection: &Connection, conversation: &ConversationId) -> Result<Vec<Handoff>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "select id, kind, status, queue, tier, priority, policy, score, place_at_start, at, answer_due_at, \
             from_agent, agent, accepted_at, ended_at, data from handoffs where conversation = ?1 order by at, id",
        )
        .map_err(failed)?;
    let mut rows = statement.query([conversation.as_str()]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |index: usize| row.get::<_, String>(index).map_err(failed);
        let time = |index: usize| {
            row.get::<_, Option<i64>>(index).map(|m| m.map(Timestamp::from_millis)).map_err(failed)
        };
        let agent = |index: usize| -> Result<Option<AgentId>, StoreError> {
            let text: Option<String> = row.get(index).map_err(failed)?;
            text.map(|text| AgentId::parse(&text).map_err(|e| StoreError::Corrupt(e.to_string()))).transpose()
        };
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of a handoff"));
        let data: Data = read_json(&text(15)?)?;
        found.push(Handoff {
            id: HandoffId::parse(&text(0)?).map_err(|_| corrupt("id"))?,
            conversation: conversation.clone(),
            kind: serde_json::from_value(text(1)?.into()).map_err(|_| corrupt("kind"))?,
            reasons: data.reasons,
            counterfactual: data.counterfactual,
            words: data.words,
            policy: text(6)?,
            score: row.get(7).map_err(failed)?,
            queue: QueueId::parse(&text(3)?).map_err(|_| corrupt("queue"))?,
            queue_name: data.queue_name,
            tier: row.get(4).map_err(failed)?,
            priority: Priority::parse(&text(5)?).ok_or_else(|| corrupt("priority"))?,
            place_at_start: row.get(8).map_err(failed)?,
            at: time(9)?.ok_or_else(|| corrupt("time"))?,
            answer_due_at: time(10)?,
            from: agent(11)?,
            status: HandoffStatus::parse(&text(2)?).ok_or_else(|| corrupt("status"))?,
            agent: agent(12)?,
            accepted_at: time(13)?,
            ended_at: time(14)?,
        });
    }
    Ok(found)
}

/// The first reason of the latest handoff.
pub(super) fn latest_reason(
    connection: &Connection,
    id: &ConversationId,
) -> Result<Option<String>, StoreError> {
    connection
        .prepare_cached(
            "select reason from handoffs where conversation = ?1 order by at desc, id desc limit 1",
        )
        .map_err(failed)?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()
        .map_err(failed)
}

pub(super) fn record_words(
    connection: &Connection,
    handoff: &HandoffId,
    words: Vec<CountedWord>,
) -> Result<(), StoreError> {
    let text: String = connection
        .query_row("select data from handoffs where id = ?1", [handoff.as_str()], |row| row.get(0))
        .map_err(failed)?;
    let mut data: Data = read_json(&text)?;
    data.words = words;
    one(connection
        .execute("update handoffs set data = ?2 where id = ?1", (handoff.as_str(), to_json(&data)?)))
}

pub(super) fn measured_waits(
    connection: &Connection,
    queue: &QueueId,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<MeasuredWait>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "select accepted_at - at, place_at_start from handoffs where queue = ?1 and accepted_at > ?2 \
             order by accepted_at desc limit ?3",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map((queue.as_str(), since.as_millis(), limit), |row| {
            let wait: i64 = row.get(0)?;
            Ok(MeasuredWait {
                wait: Duration::from_millis(u64::try_from(wait).unwrap_or(0)),
                place_at_start: row.get(1)?,
            })
        })
        .map_err(failed)?;
    rows.map(|row| row.map_err(failed)).collect()
}
