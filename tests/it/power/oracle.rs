//! What must hold of a store whatever happened to its disk.

use super::workload::{Ledger, text_of};
use baton::domain::conversation::EntryKind;
use baton::flow::ports::Store;
use rusqlite::Connection;
use std::path::Path;

/// What is wrong, in words.
pub type Wrong = String;

/// What a statement must find: nothing.
const NEVER: &[(&str, &str)] = &[
    ("a row that refers to nothing", "select \"table\", rowid from pragma_foreign_key_check"),
    (
        "a gap in a log",
        "select c.id, c.last_position from conversations c left join entries e on e.conversation = c.id group by c.id \
         having count(e.position) <> c.last_position or coalesce(max(e.position), 0) <> c.last_position",
    ),
    (
        "a gap in what a visitor sees",
        "select c.id, c.last_visitor_seq from conversations c left join entries e on e.conversation = c.id \
         group by c.id having count(e.visitor_seq) <> c.last_visitor_seq \
         or coalesce(max(e.visitor_seq), 0) <> c.last_visitor_seq",
    ),
    (
        "an entry of no conversation",
        "select conversation, position from entries where conversation not in (select id from conversations)",
    ),
    (
        "a handoff that is open and should not be, or the other way round",
        "select c.id, c.state from conversations c left join handoffs h on h.conversation = c.id \
         and h.status in ('initiated', 'accepted') group by c.id \
         having count(h.id) <> (c.state in ('queued', 'offered', 'with_agent', 'left_message'))",
    ),
    (
        "a message twice",
        "select conversation, client_id from entries where client_id is not null group by conversation, author, client_id \
         having count(*) > 1",
    ),
    (
        "an answer to a command whose entry is not there",
        "select k.actor, k.client_id from commands k left join entries e on e.conversation = k.conversation \
         and e.position = k.position where k.position is not null and e.position is null",
    ),
    (
        "two open conversations of a visitor",
        "select visitor, count(*) from conversations where state not in ('wrap_up', 'closed') group by visitor \
         having count(*) > 1",
    ),
];

/// Looks at the file: SQLite finds it whole, and its tables agree with each other.
pub fn whole(path: &Path) -> Result<(), Wrong> {
    let wrong = |error: rusqlite::Error| format!("the file cannot be looked at: {error}");
    let connection = Connection::open(path).map_err(wrong)?;
    let verdict: String =
        connection.query_row("pragma integrity_check", [], |row| row.get(0)).map_err(wrong)?;
    if verdict != "ok" {
        return Err(format!("integrity_check: {verdict}"));
    }
    for (what, sql) in NEVER {
        let mut statement = connection.prepare(sql).map_err(wrong)?;
        let mut rows = statement.query([]).map_err(wrong)?;
        if let Some(row) = rows.next().map_err(wrong)? {
            return Err(format!("{what}: {:?} {:?}", row.get_ref(0), row.get_ref(1)));
        }
    }
    Ok(())
}

/// Looks at what was acknowledged: it is there with the answer that was given, once, and word for word. What was not
/// acknowledged is there once or not at all.
pub async fn kept(store: &dyn Store, ledger: &Ledger) -> Result<(), Wrong> {
    let wrong = |error: baton::flow::ports::StoreError| format!("the store cannot be read: {error}");
    for asked in &ledger.asked {
        let stored = store.answered(&asked.command).await.map_err(wrong)?;
        if let Some(ack) = &asked.ack
            && stored.as_ref() != Some(ack)
        {
            return Err(format!(
                "lost: {} was acknowledged as {ack:?}, and is {stored:?}",
                asked.command.client_id
            ));
        }
        let Some(text) = &asked.text else { continue };
        let entries = store.entries(&asked.conversation, 0, 10_000).await.map_err(wrong)?;
        let found: Vec<_> = entries
            .iter()
            .filter(|entry| entry.client_id.as_deref() == Some(asked.command.client_id.as_str()))
            .collect();
        let wanted = usize::from(stored.is_some());
        if found.len() != wanted {
            return Err(format!(
                "{} is stored {} times instead of {wanted}",
                asked.command.client_id,
                found.len()
            ));
        }
        for entry in found {
            let EntryKind::Message { body, .. } = &entry.kind else {
                return Err(format!("{} is no message", asked.command.client_id));
            };
            let place = stored.as_ref().and_then(|ack| ack.position);
            if text_of(body) != text || Some(entry.position) != place {
                return Err(format!("{} is not as it was acknowledged", asked.command.client_id));
            }
        }
    }
    Ok(())
}
