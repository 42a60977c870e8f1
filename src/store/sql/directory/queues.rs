//! Rows of queues.

use super::rest::audit;
use crate::domain::id::QueueId;
use crate::domain::queue::Queue;
use crate::flow::ports::StoreError;
use crate::flow::ports::directory::{DirectoryError, Stamp};
use crate::store::sql::rows::to_json;
use crate::store::sql::{Row, Sql, values};

fn read_queue(row: &Row<'_>) -> Result<Queue, StoreError> {
    Ok(Queue {
        id: row.parsed(0, QueueId::parse)?,
        name: row.get(1)?,
        skills: row.json(2)?,
        tier: row.get(3)?,
        hours: match row.get::<Option<&str>>(4)? {
            Some(_) => row.json(4)?,
            None => None,
        },
        intents: row.json(5)?,
        is_default: row.get(6)?,
    })
}

pub(super) fn all_queues(sql: &dyn Sql) -> Result<Vec<Queue>, StoreError> {
    sql.all(
        "select id, name, skills, tier, hours, intents, is_default from queue order by number",
        &[],
        read_queue,
    )
}

pub(super) fn save_queue(sql: &dyn Sql, stamp: &Stamp, queue: &Queue) -> Result<(), DirectoryError> {
    let id = queue.id.as_str();
    if sql.exists("select 1 from queue where name = ?1 and id <> ?2", values![&queue.name, id])? {
        return Err(DirectoryError::Taken("the name"));
    }
    // Exactly one queue is the default: the first one is, and a new default takes its place.
    let has_other = sql.exists("select 1 from queue where is_default = 1 and id <> ?1", values![id])?;
    let is_default = queue.is_default || !has_other;
    if is_default {
        sql.run("update queue set is_default = 0 where id <> ?1", values![id])?;
    }
    let is_new = !sql.exists("select 1 from queue where id = ?1", values![id])?;
    let hours = queue.hours.as_ref().map(to_json).transpose()?;
    sql.run(
        "insert into queue (id, name, skills, tier, hours, intents, is_default)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict (id) do update set name = excluded.name, skills = excluded.skills, tier = excluded.tier,
             hours = excluded.hours, intents = excluded.intents, is_default = excluded.is_default",
        values![
            id,
            &queue.name,
            &to_json(&queue.skills)?,
            queue.tier,
            hours.as_deref(),
            &to_json(&queue.intents)?,
            is_default,
        ],
    )?;
    audit(sql, stamp, if is_new { "queue.create" } else { "queue.change" }, id, &queue.name)?;
    Ok(())
}

/// The accounts that name a queue among theirs, and all they name.
fn members_of(sql: &dyn Sql, id: &QueueId) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let all: Vec<(String, Vec<String>)> =
        sql.all("select id, queues from account", &[], |row| Ok((row.get(0)?, row.json(1)?)))?;
    Ok(all.into_iter().filter(|(_, queues)| queues.iter().any(|queue| queue == id.as_str())).collect())
}

/// Whether a conversation that is not over stands in the queue.
fn has_open_conversations(sql: &dyn Sql, id: &QueueId) -> Result<bool, StoreError> {
    sql.exists(
        "select 1 from conversations where queue = ?1 and state not in ('closed', 'with_bot')",
        values![id.as_str()],
    )
}

pub(super) fn remove_queue(sql: &dyn Sql, stamp: &Stamp, id: &QueueId) -> Result<(), DirectoryError> {
    let is_default: bool = sql
        .first("select is_default from queue where id = ?1", values![id.as_str()], |row| row.get(0))?
        .ok_or(DirectoryError::NotFound("queue"))?;
    if is_default || has_open_conversations(sql, id)? {
        return Err(DirectoryError::QueueInUse);
    }
    let members = members_of(sql, id)?;
    // An empty list means all queues, so nobody may be left with one.
    if members.iter().any(|(_, queues)| queues.len() == 1) {
        return Err(DirectoryError::QueueInUse);
    }
    sql.run("delete from queue where id = ?1", values![id.as_str()])?;
    for (account, queues) in members {
        let left: Vec<String> = queues.into_iter().filter(|queue| queue != id.as_str()).collect();
        sql.run("update account set queues = ?1 where id = ?2", values![&to_json(&left)?, &account])?;
    }
    Ok(audit(sql, stamp, "queue.remove", id.as_str(), "")?)
}
