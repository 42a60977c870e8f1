//! Where tests break a store on purpose, for both engines. Nothing happens here otherwise.

use super::{Dialect, Row, Sql, values};
use crate::domain::id::ConversationId;
use crate::fault::{is_next_version, planted, point};
use crate::flow::ports::StoreError;
use crate::flow::ports::nodes::Mark;
#[cfg(debug_assertions)]
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

#[cfg(debug_assertions)]
thread_local!(static HAS_MESSAGE: Cell<bool> = const { Cell::new(false) });

/// What this thread commits next holds a visitor's message.
pub(crate) fn received() {
    #[cfg(debug_assertions)]
    HAS_MESSAGE.set(true);
}

/// Whether what is committed holds a visitor's message. In a release build nobody asks.
fn has_message() -> bool {
    #[cfg(debug_assertions)]
    return HAS_MESSAGE.get();
    #[cfg(not(debug_assertions))]
    false
}

/// Everything is written and nothing is committed.
pub(crate) fn before_commit() {
    point("store.before_commit");
    if has_message() {
        point("receive.before_commit");
    }
}

/// Everything is committed and nobody was told.
pub(crate) fn after_commit() {
    point("store.after_commit");
    if has_message() {
        point("receive.after_commit");
    }
    #[cfg(debug_assertions)]
    HAS_MESSAGE.set(false);
}

/// Between two migrations.
pub(crate) fn migrating() {
    point("store.migrating");
}

/// Whether what a job changed is kept: when it says so.
pub(crate) fn is_kept(says_so: bool) -> bool {
    says_so || planted("rollback_forgotten")
}

/// What the version after this one adds to the schema, where a test plays it: of each kind something, and nothing that
/// this version has to know.
pub(crate) fn next_migration() -> Option<&'static str> {
    is_next_version().then_some(
        "alter table conversations add column next_mood text collate \"C\" not null default 'calm'; \
         create table next_moods (id text collate \"C\" primary key, named_at bigint not null default 0); \
         create index conversations_by_next_mood on conversations (next_mood, opened_at)",
    )
}

/// The newest transaction that somebody who skips late commits has seen, and what they know of each conversation.
static SEEN: Mutex<(i64, BTreeMap<ConversationId, Mark>)> = Mutex::new((0, BTreeMap::new()));

/// The mistake of looking only at what is newer than the newest that was seen: a transaction takes its number when it
/// begins to write, and what it wrote is passed over when it commits after a later one. Such rows stay as they were.
pub(crate) fn skip_late_commits(sql: &dyn Sql, marks: &mut [Mark]) -> Result<(), StoreError> {
    if !matches!(sql.dialect(), Dialect::Postgres) || !planted("late_commit_skipped") {
        return Ok(());
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let newest_before = seen.0;
    for mark in marks {
        let written_by = "select cast(cast(xmin as text) as bigint) from conversations where id = ?1";
        let id = values![mark.conversation.as_str()];
        let number: i64 = sql.one(written_by, id, |row: &Row<'_>| row.get(0))?;
        match seen.1.get(&mark.conversation) {
            Some(known) if number <= newest_before => *mark = known.clone(),
            _ => _ = seen.1.insert(mark.conversation.clone(), mark.clone()),
        }
        seen.0 = seen.0.max(number);
    }
    Ok(())
}
