//! Rows of the log.

use super::rows::to_json;
use super::{Row, Sql, values};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Author, Body, Entry, EntryKind, NewEntry, Notice};
use crate::domain::escalation::Decision;
use crate::domain::id::{AgentId, ConversationId};
use crate::flow::ports::{Seen, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const COLUMNS: &str = "position, visitor_seq, kind, author, agent, agent_name, body, data, at, client_id";

#[derive(Serialize, Deserialize)]
struct NoticeData {
    code: Notice,
    params: BTreeMap<String, String>,
}

/// Appends one entry at the given numbers.
pub(super) fn append(
    sql: &dyn Sql,
    conversation: &ConversationId,
    position: u64,
    visitor_seq: Option<u64>,
    entry: &NewEntry,
    client_id: Option<&str>,
) -> Result<(), StoreError> {
    let (author, agent) = match &entry.author {
        Author::Visitor => ("visitor", None),
        Author::Bot => ("bot", None),
        Author::System => ("system", None),
        Author::Agent { id, name } => ("agent", Some((id.as_str(), name.as_str()))),
    };
    let (body, data) = match &entry.kind {
        EntryKind::Message { body, is_no_answer } => {
            (Some(body.as_str()), is_no_answer.then(|| "no_answer".to_owned()))
        }
        EntryKind::Note { body } | EntryKind::Unsent { body } => (Some(body.as_str()), None),
        EntryKind::Notice { code, params } => {
            (None, Some(to_json(&NoticeData { code: *code, params: params.clone() })?))
        }
        EntryKind::Decision(decision) => (None, Some(to_json(decision)?)),
    };
    sql.run(
        "insert into entries (conversation, position, visitor_seq, kind, author, agent, agent_name, body, data, at, \
         client_id) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        values![
            conversation.as_str(),
            position,
            visitor_seq,
            entry.kind.name(),
            author,
            agent.map(|(id, _)| id),
            agent.map(|(_, name)| name),
            body,
            data.as_deref(),
            entry.at.as_millis(),
            client_id,
        ],
    )
    .map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Entry, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(what.to_owned());
    let body = || row.get::<String>(6).map(Body::stored);
    let author = match row.get::<&str>(3)? {
        "visitor" => Author::Visitor,
        "bot" => Author::Bot,
        "system" => Author::System,
        "agent" => Author::Agent { id: row.parsed(4, AgentId::parse)?, name: row.get(5)? },
        _ => return Err(corrupt("author of an entry")),
    };
    let kind = match row.get::<&str>(2)? {
        "message" => {
            EntryKind::Message { body: body()?, is_no_answer: row.get::<Option<&str>>(7)?.is_some() }
        }
        "note" => EntryKind::Note { body: body()? },
        "unsent" => EntryKind::Unsent { body: body()? },
        "notice" => {
            let data: NoticeData = row.json(7)?;
            EntryKind::Notice { code: data.code, params: data.params }
        }
        "decision" => EntryKind::Decision(Box::new(row.json::<Decision>(7)?)),
        _ => return Err(corrupt("kind of an entry")),
    };
    Ok(Entry {
        position: row.get(0)?,
        visitor_seq: row.get(1)?,
        author,
        kind,
        at: row.time(8)?,
        client_id: row.get(9)?,
    })
}

/// Entries after a position, in order.
pub(super) fn after(
    sql: &dyn Sql,
    conversation: &ConversationId,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    sql.all(
        &format!(
            "select {COLUMNS} from entries where conversation = ?1 and position > ?2 order by position limit ?3"
        ),
        values![conversation.as_str(), after, limit],
        read,
    )
}

/// Entries for the visitor after what they have seen, in order: the order of positions is that of their sequences.
pub(super) fn visible_after(
    sql: &dyn Sql,
    conversation: &ConversationId,
    after: Seen,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    sql.all(
        &format!(
            "select {COLUMNS} from entries where conversation = ?1 and position > ?2 and visitor_seq > ?3 \
             order by position limit ?4"
        ),
        values![conversation.as_str(), after.position, after.seq, limit],
        read,
    )
}

/// The last message.
pub(super) fn last_message(sql: &dyn Sql, id: &ConversationId) -> Result<Option<Entry>, StoreError> {
    sql.first(
        &format!(
            "select {COLUMNS} from entries where conversation = ?1 and visitor_seq is not null and kind = 'message' \
             order by position desc limit 1"
        ),
        values![id.as_str()],
        read,
    )
}

pub(super) fn put_analysis(
    sql: &dyn Sql,
    conversation: &ConversationId,
    position: u64,
    analysis: &Analysis,
) -> Result<(), StoreError> {
    sql.run(
        "insert into analyses (conversation, position, data) values (?1, ?2, ?3) \
         on conflict (conversation, position) do update set data = excluded.data",
        values![conversation.as_str(), position, &to_json(analysis)?],
    )
    .map(|_| ())
}

pub(super) fn analyses(
    sql: &dyn Sql,
    conversation: &ConversationId,
) -> Result<BTreeMap<u64, Analysis>, StoreError> {
    sql.all(
        "select position, data from analyses where conversation = ?1",
        values![conversation.as_str()],
        |row| Ok((row.get(0)?, row.json(1)?)),
    )
}
