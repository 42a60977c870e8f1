//! Rows of the log.

use super::{failed, read_json, to_json};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Author, Body, Entry, EntryKind, NewEntry, Notice};
use crate::domain::escalation::Decision;
use crate::domain::id::{AgentId, ConversationId};
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use rusqlite::{Connection, Row, named_params};
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
    connection: &Connection,
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
    connection
        .prepare_cached(
            "insert into entries (conversation, position, visitor_seq, kind, author, agent, agent_name, body, data, at, \
             client_id) values (:conversation, :position, :visitor_seq, :kind, :author, :agent, :agent_name, :body, \
             :data, :at, :client_id)",
        )
        .map_err(failed)?
        .execute(named_params! {
            ":conversation": conversation.as_str(),
            ":position": position,
            ":visitor_seq": visitor_seq,
            ":kind": entry.kind.name(),
            ":author": author,
            ":agent": agent.map(|(id, _)| id),
            ":agent_name": agent.map(|(_, name)| name),
            ":body": body,
            ":data": data,
            ":at": entry.at.as_millis(),
            ":client_id": client_id,
        })
        .map_err(failed)?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Entry, StoreError> {
    let text = |index: usize| row.get::<_, String>(index).map_err(failed);
    let corrupt = |what: &str| StoreError::Corrupt(what.to_owned());
    let body = || row.get::<_, String>(6).map(Body::stored).map_err(failed);
    let author = match text(3)?.as_str() {
        "visitor" => Author::Visitor,
        "bot" => Author::Bot,
        "system" => Author::System,
        "agent" => {
            Author::Agent { id: AgentId::parse(&text(4)?).map_err(|_| corrupt("agent"))?, name: text(5)? }
        }
        _ => return Err(corrupt("author of an entry")),
    };
    let kind = match text(2)?.as_str() {
        "message" => {
            let is_no_answer = row.get::<_, Option<String>>(7).map_err(failed)?.is_some();
            EntryKind::Message { body: body()?, is_no_answer }
        }
        "note" => EntryKind::Note { body: body()? },
        "unsent" => EntryKind::Unsent { body: body()? },
        "notice" => {
            let data: NoticeData = read_json(&text(7)?)?;
            EntryKind::Notice { code: data.code, params: data.params }
        }
        "decision" => EntryKind::Decision(Box::new(read_json::<Decision>(&text(7)?)?)),
        _ => return Err(corrupt("kind of an entry")),
    };
    Ok(Entry {
        position: row.get(0).map_err(failed)?,
        visitor_seq: row.get(1).map_err(failed)?,
        author,
        kind,
        at: Timestamp::from_millis(row.get(8).map_err(failed)?),
        client_id: row.get(9).map_err(failed)?,
    })
}

/// Entries after a position, or after a visitor sequence, in order.
pub(super) fn after(
    connection: &Connection,
    conversation: &ConversationId,
    column: &'static str,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from entries where conversation = ?1 and {column} > ?2 order by {column} limit ?3"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut rows = statement.query((conversation.as_str(), after, limit)).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The last message.
pub(super) fn last_message(
    connection: &Connection,
    id: &ConversationId,
) -> Result<Option<Entry>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from entries where conversation = ?1 and visitor_seq is not null and kind = 'message' \
         order by visitor_seq desc limit 1"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut rows = statement.query([id.as_str()]).map_err(failed)?;
    rows.next().map_err(failed)?.map(read).transpose()
}

pub(super) fn put_analysis(
    connection: &Connection,
    conversation: &ConversationId,
    position: u64,
    analysis: &Analysis,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("insert or replace into analyses (conversation, position, data) values (?1, ?2, ?3)")
        .map_err(failed)?
        .execute((conversation.as_str(), position, to_json(analysis)?))
        .map_err(failed)?;
    Ok(())
}

pub(super) fn analyses(
    connection: &Connection,
    conversation: &ConversationId,
) -> Result<BTreeMap<u64, Analysis>, StoreError> {
    let mut statement = connection
        .prepare_cached("select position, data from analyses where conversation = ?1")
        .map_err(failed)?;
    let mut rows = statement.query([conversation.as_str()]).map_err(failed)?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.insert(row.get(0).map_err(failed)?, read_json(&row.get::<_, String>(1).map_err(failed)?)?);
    }
    Ok(found)
}
