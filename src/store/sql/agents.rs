//! Rows of attendance: whether agents are there, and how much they hold.

use super::{Alone, Row, Sql, values};
use crate::domain::agent::{Attendance, Presence};
use crate::domain::conversation::Absence;
use crate::domain::id::{AgentId, ConversationId};
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use std::collections::HashMap;

/// Conversations that take room: offered to an agent, or held by one.
pub(super) const TAKES_ROOM: &str = "state in ('offered', 'with_agent')";

fn agent(row: &Row<'_>) -> Result<AgentId, StoreError> {
    row.parsed(0, AgentId::parse)
}

pub(super) fn attendance(sql: &dyn Sql) -> Result<HashMap<AgentId, Attendance>, StoreError> {
    let mut found: HashMap<AgentId, Attendance> =
        sql.all("select agent, presence, lost_at, is_known, last_offer_at from attendance", &[], |row| {
            let attendance = Attendance {
                presence: row.word(1, Presence::parse)?,
                lost_at: row.time_if_any(2)?,
                is_known: row.get(3)?,
                held: 0,
                last_offer_at: row.time_if_any(4)?,
            };
            Ok((agent(row)?, attendance))
        })?;
    let held: Vec<(AgentId, u32)> = sql.all(
        &format!(
            "select agent, count(*) from conversations where agent is not null and {TAKES_ROOM} group by agent"
        ),
        &[],
        |row| Ok((agent(row)?, row.get(1)?)),
    )?;
    for (agent, held) in held {
        found.entry(agent).or_default().held = held;
    }
    Ok(found)
}

/// Makes sure that the agent has a row to be changed.
pub(super) fn known(sql: &dyn Sql, agent: &AgentId) -> Result<(), StoreError> {
    sql.run(
        "insert into attendance (agent, presence, is_known) values (?1, 'offline', 0) on conflict do nothing",
        values![agent.as_str()],
    )
    .map(|_| ())
}

/// How many conversations other than this one take the agent's room. No other step gives of it before this one is
/// written. The agent is locked after the conversation and never before it.
pub(super) fn held_beside(
    sql: &dyn Sql,
    agent: &AgentId,
    conversation: &ConversationId,
) -> Result<u32, StoreError> {
    sql.alone(Alone::Room(agent.as_str()))?;
    sql.one(
        &format!("select count(*) from conversations where agent = ?1 and {TAKES_ROOM} and id <> ?2"),
        values![agent.as_str(), conversation.as_str()],
        |row| row.get(0),
    )
}

/// Refuses a step that takes something from an agent who is not gone, or not for that long: they came back in between.
/// They cannot come back before the step is written.
pub(super) fn must_be_gone(sql: &dyn Sql, absence: &Absence) -> Result<(), StoreError> {
    let lock = sql.dialect().for_update();
    let is_gone = sql.exists(
        &format!("select 1 from attendance where agent = ?1 and lost_at <= ?2{lock}"),
        values![absence.agent.as_str(), absence.since.as_millis()],
    )?;
    if is_gone { Ok(()) } else { Err(StoreError::Conflict) }
}

pub(super) fn set_presence(sql: &dyn Sql, agent: &AgentId, presence: Presence) -> Result<(), StoreError> {
    known(sql, agent)?;
    sql.run(
        "update attendance set presence = ?2 where agent = ?1",
        values![agent.as_str(), presence.as_str()],
    )
    .map(|_| ())
}

pub(super) fn is_here(sql: &dyn Sql, agent: &AgentId) -> Result<(), StoreError> {
    known(sql, agent)?;
    sql.run("update attendance set lost_at = null, is_known = 1 where agent = ?1", values![agent.as_str()])
        .map(|_| ())
}

pub(super) fn offered(sql: &dyn Sql, agent: &AgentId, at: Timestamp) -> Result<(), StoreError> {
    known(sql, agent)?;
    sql.run(
        "update attendance set last_offer_at = ?2 where agent = ?1",
        values![agent.as_str(), at.as_millis()],
    )
    .map(|_| ())
}
