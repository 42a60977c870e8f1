//! One person: what is held of them, and how it is erased. What is counted stays.

use super::directory::audit;
use super::tables::columns;
use super::{Sql, Value, handoffs, values};
use crate::domain::id::{HandoffId, VisitorId};
use crate::domain::time::Timestamp;
use crate::domain::visitor::Profile;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{EraseError, Erased, Person, StoreError};
use serde_json::{Map, Value as Json};

/// Rows of the conversations of a visitor, who is `?1`.
const OF_THEIRS: &str = "conversation in (select id from conversations where visitor = ?1)";

/// Where a person is, by table: their rows, and the columns that hold no word about them but a secret's hash.
const PERSONAL: [(&str, &str, &[&str]); 11] = [
    ("visitor", "id = ?1", &[]),
    ("visitor_secret", "visitor = ?1", &["hash"]),
    ("conversations", "visitor = ?1", &[]),
    ("entries", OF_THEIRS, &[]),
    ("analyses", OF_THEIRS, &[]),
    ("handoffs", OF_THEIRS, &[]),
    ("judgements", OF_THEIRS, &[]),
    ("message_labels", OF_THEIRS, &[]),
    ("conversation_labels", OF_THEIRS, &[]),
    ("commands", "actor = ?1", &["digest"]),
    ("tickets", "holder = ?1", &["hash"]),
];

/// Tables in which nobody who writes to us is.
#[cfg(test)]
pub(crate) const OF_NOBODY: &[&str] = &[
    "account",
    "attendance",
    "audit",
    "canned",
    "connections",
    "kept_counts",
    "knowledge",
    "link",
    "login",
    "meta",
    "model_versions",
    "nodes",
    "policy",
    "queue",
    "revision",
    "store_bytes",
    "widget",
];

pub(super) fn visitors_of(sql: &dyn Sql, person: &Person) -> Result<Vec<VisitorId>, StoreError> {
    let mut found: Vec<VisitorId> = match person {
        Person::Visitor(id) => sql.all(
            "select id from visitor where id = ?1 union select visitor from conversations where visitor = ?1",
            values![id.as_str()],
            |row| row.parsed(0, VisitorId::parse),
        )?,
        Person::Email(address) => {
            let mut found: Vec<VisitorId> = sql.all(
                "select distinct visitor from conversations where lower(email) = ?1",
                values![address],
                |row| row.parsed(0, VisitorId::parse),
            )?;
            let escaped = address.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            let like = format!("%{escaped}%");
            let known: Vec<(VisitorId, Profile)> = sql.all(
                "select id, profile from visitor where lower(profile) like ?1 escape '\\'",
                values![&like],
                |row| Ok((row.parsed(0, VisitorId::parse)?, row.json(1)?)),
            )?;
            let has_address = |profile: &Profile| {
                profile.email.as_deref().is_some_and(|email| email.to_lowercase() == *address)
            };
            found.extend(known.into_iter().filter(|(_, profile)| has_address(profile)).map(|(id, _)| id));
            found
        }
    };
    found.sort();
    found.dedup();
    Ok(found)
}

pub(super) fn held_of(sql: &dyn Sql, visitor: &VisitorId) -> Result<String, StoreError> {
    let mut tables = Map::new();
    for (table, condition, left_out) in PERSONAL {
        let columns = columns(sql, table)?;
        let columns: Vec<&String> =
            columns.iter().filter(|column| !left_out.contains(&column.as_str())).collect();
        let names = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
        let order = if columns.len() > 1 { "1, 2" } else { "1" };
        let rows: Vec<Json> = sql.all(
            &format!("select {names} from {table} where {condition} order by {order}"),
            values![visitor.as_str()],
            |row| {
                let mut object = Map::new();
                for (place, column) in columns.iter().enumerate() {
                    object.insert((*column).clone(), shown(column, row.get(place)?));
                }
                Ok(Json::Object(object))
            },
        )?;
        tables.insert(table.to_owned(), Json::Array(rows));
    }
    Ok(Json::Object(tables).to_string())
}

/// A column as a person reads it: instants as such, and JSON within JSON as what it is.
fn shown(column: &str, value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) if column == "at" || column.ends_with("_at") => {
            Timestamp::from_millis(number).to_string().into()
        }
        Value::Int(number) => number.into(),
        Value::Real(number) => number.into(),
        Value::Text(text) if text.starts_with(['{', '[']) && column != "body" => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        Value::Text(text) => text.into(),
        Value::Bytes(_) => Json::Null,
    }
}

pub(super) fn erase(
    sql: &dyn Sql,
    stamp: &Stamp,
    visitor: &VisitorId,
    fresh: &str,
) -> Result<Erased, EraseError> {
    let theirs: Vec<(String, bool)> = sql.all(
        &format!(
            "select id, state from conversations where visitor = ?1 order by id{}",
            sql.dialect().for_update()
        ),
        values![visitor.as_str()],
        |row| Ok((row.get(0)?, row.get::<&str>(1)? == "closed")),
    )?;
    let n_open = theirs.iter().filter(|(_, is_closed)| !is_closed).count();
    if n_open > 0 {
        return Err(EraseError::StillOpen(n_open as u64));
    }
    let mut erased = Erased { conversations: theirs.len() as u64, ..Erased::default() };
    for (n, (conversation, _)) in theirs.iter().enumerate() {
        erase_conversation(sql, conversation, &VisitorId::nobody(fresh, n), &mut erased)?;
    }
    sql.run("delete from commands where actor = ?1", values![visitor.as_str()])?;
    sql.run("delete from tickets where holder = ?1", values![visitor.as_str()])?;
    sql.run("delete from visitor_secret where visitor = ?1", values![visitor.as_str()])?;
    let known = sql.run("delete from visitor where id = ?1", values![visitor.as_str()])?;
    if known == 0 && theirs.is_empty() {
        return Err(EraseError::NotFound);
    }
    let detail = format!("{} conversations", erased.conversations);
    audit(sql, stamp, "person.erase", visitor.as_str(), &detail)?;
    sql.run(
        "insert into meta (key, value) values ('erasures', '1') on conflict (key) \
         do update set value = cast(cast(meta.value as bigint) + 1 as text)",
        &[],
    )?;
    Ok(erased)
}

/// How many erasures there were.
pub(super) fn n_erasures(sql: &dyn Sql) -> Result<u64, StoreError> {
    let found =
        sql.first("select cast(value as bigint) from meta where key = 'erasures'", &[], |row| row.get(0))?;
    Ok(found.unwrap_or(0))
}

/// Whether a conversation is nobody's: whoever it was with is erased, and nothing is written about them any more.
pub(super) fn is_of_nobody(sql: &dyn Sql, conversation: &str) -> Result<bool, StoreError> {
    let visitor =
        sql.first("select visitor from conversations where id = ?1", values![conversation], |row| {
            row.parsed(0, VisitorId::parse)
        })?;
    Ok(visitor.is_some_and(|visitor| visitor.is_nobody()))
}

/// Everything in one conversation that says who it was with, or what was said.
fn erase_conversation(
    sql: &dyn Sql,
    conversation: &str,
    nobody: &VisitorId,
    erased: &mut Erased,
) -> Result<(), StoreError> {
    let id = values![conversation];
    // An agent's commands of this conversation: their digests are of what was written.
    let agents: Vec<String> = sql.all(
        "select distinct agent from entries where conversation = ?1 and agent is not null",
        id,
        |row| row.get(0),
    )?;
    for agent in agents {
        sql.run(
            "delete from commands where actor = ?1 and conversation = ?2",
            values![&agent, conversation],
        )?;
    }
    erased.entries += sql.run(
        "update entries set body = '' where conversation = ?1 and body is not null and body <> ''",
        id,
    )?;
    sql.run("update entries set client_id = null where conversation = ?1 and client_id is not null", id)?;
    let begun: Vec<HandoffId> = sql
        .all("select id from handoffs where conversation = ?1", id, |row| row.parsed(0, HandoffId::parse))?;
    for handoff in begun {
        handoffs::record_words(sql, &handoff, &[])?;
    }
    sql.run("update judgements set note = null, comment = null where conversation = ?1", id)?;
    erased.labels += sql.run("delete from message_labels where conversation = ?1", id)?;
    sql.run("update conversation_labels set position = null where conversation = ?1", id)?;
    sql.run(
        "update conversations set visitor = ?2, email = null, version = version + 1, \
         visitor_read = last_visitor_seq, agent_read = last_visitor_seq where id = ?1",
        values![conversation, nobody.as_str()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a table says here whether a person is in it.
    #[test]
    fn every_table_is_known_to_hold_people_or_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baton.db");
        drop(crate::store::SqliteStore::open(&path, "h").unwrap());
        let connection = rusqlite::Connection::open(&path).unwrap();
        for table in crate::store::sqlite::backup::tables(&connection).unwrap() {
            let holds = PERSONAL.iter().any(|(personal, ..)| *personal == table);
            let is_of_nobody = OF_NOBODY.contains(&table.as_str());
            assert!(
                holds != is_of_nobody,
                "{table}: in PERSONAL or in OF_NOBODY, where export and erasure look"
            );
        }
    }
}
