//! Rows of attendance: whether agents are there, and how much they hold.

use super::failed;
use crate::domain::agent::{Attendance, Presence};
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use rusqlite::Connection;
use std::collections::HashMap;

/// Conversations that take room: offered to an agent, or held by one.
pub(super) const TAKES_ROOM: &str = "state in ('offered', 'with_agent')";

pub(super) fn attendance(connection: &Connection) -> Result<HashMap<AgentId, Attendance>, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(what.to_owned());
    let mut found = HashMap::new();
    let mut statement = connection
        .prepare_cached("select agent, presence, lost_at, is_known, last_offer_at from attendance")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let id: String = row.get(0).map_err(failed)?;
        let presence: String = row.get(1).map_err(failed)?;
        let time = |index: usize| {
            row.get::<_, Option<i64>>(index).map(|m| m.map(Timestamp::from_millis)).map_err(failed)
        };
        let attendance = Attendance {
            presence: Presence::parse(&presence).ok_or_else(|| corrupt("presence"))?,
            lost_at: time(2)?,
            is_known: row.get(3).map_err(failed)?,
            held: 0,
            last_offer_at: time(4)?,
        };
        found.insert(AgentId::parse(&id).map_err(|_| corrupt("agent"))?, attendance);
    }
    let sql = format!(
        "select agent, count(*) from conversations where agent is not null and {TAKES_ROOM} group by agent"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let id: String = row.get(0).map_err(failed)?;
        let id = AgentId::parse(&id).map_err(|_| corrupt("agent"))?;
        found.entry(id).or_default().held = row.get(1).map_err(failed)?;
    }
    Ok(found)
}

fn known(connection: &Connection, agent: &AgentId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "insert into attendance (agent, presence, is_known) values (?1, 'offline', 0) on conflict do nothing",
        )
        .map_err(failed)?
        .execute([agent.as_str()])
        .map_err(failed)?;
    Ok(())
}

pub(super) fn set_presence(
    connection: &Connection,
    agent: &AgentId,
    presence: Presence,
) -> Result<(), StoreError> {
    known(connection, agent)?;
    connection
        .execute("update attendance set presence = ?2 where agent = ?1", (agent.as_str(), presence.as_str()))
        .map_err(failed)?;
    Ok(())
}

pub(super) fn set_lost(
    connection: &Connection,
    agent: &AgentId,
    lost_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    known(connection, agent)?;
    connection
        .execute(
            "update attendance set lost_at = ?2, is_known = 1 where agent = ?1",
            (agent.as_str(), lost_at.map(Timestamp::as_millis)),
        )
        .map_err(failed)?;
    Ok(())
}

pub(super) fn everybody_lost(connection: &Connection, at: Timestamp) -> Result<(), StoreError> {
    connection
        .execute("update attendance set lost_at = ?1 where lost_at is null", [at.as_millis()])
        .map_err(failed)?;
    Ok(())
}

pub(super) fn offered(connection: &Connection, agent: &AgentId, at: Timestamp) -> Result<(), StoreError> {
    known(connection, agent)?;
    connection
        .execute(
            "update attendance set last_offer_at = ?2 where agent = ?1",
            (agent.as_str(), at.as_millis()),
        )
        .map_err(failed)?;
    Ok(())
}
