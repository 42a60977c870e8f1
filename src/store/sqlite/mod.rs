//! SQLite: one file in WAL mode, `synchronous=FULL`, one writer with group commit.

pub mod backup;
mod compact;
mod engine;

use super::sql::points::migrating;
use super::sql::{SqlStore, Threads};
use crate::fault::planted;
use crate::flow::ports::StoreError;
pub use compact::compact;
use engine::SqliteEngine;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::cmp::Ordering;
use std::path::Path;

/// Numbered, forward only, each safe while the previous version of Baton still runs.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_conversations.sql"),
    include_str!("migrations/0002_directory.sql"),
    include_str!("migrations/0003_labels.sql"),
    include_str!("migrations/0004_models.sql"),
    include_str!("migrations/0005_upkeep.sql"),
    include_str!("migrations/0006_nodes.sql"),
];

/// How much the store does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections for reading.
    pub readers: usize,
    /// Jobs that may wait; past it the store says it is not available.
    pub waiting: usize,
    /// The most jobs that share one commit.
    pub group: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { readers: 3, waiting: 8_192, group: 256 }
    }
}

/// The store in one SQLite file.
pub type SqliteStore = SqlStore;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite says so.
    #[error("the database cannot be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The threads could not be started.
    #[error("the threads of the store cannot be started: {0}")]
    Threads(#[from] std::io::Error),
    /// It was written by a newer Baton.
    #[error("the database was written by a newer version: schema {found}, this one knows {known}")]
    TooNew {
        /// Its schema.
        found: usize,
        /// The latest known here.
        known: usize,
    },
    /// It was written by an older Baton, and may only be read.
    #[error(
        "the database was written by an older version: schema {found}, this one needs {known}; `baton migrate` brings it up to date"
    )]
    TooOld {
        /// Its schema.
        found: usize,
        /// The one that is needed.
        known: usize,
    },
    /// The file system does not give what a promise needs.
    #[error(
        "the database does not keep `{pragma}` at `{wanted}` but at `{found}`: acknowledged messages would not be safe"
    )]
    NotDurable {
        /// Which setting.
        pragma: &'static str,
        /// What Baton needs.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
}

/// Opening it.
impl SqlStore {
    /// Opens or makes the database, brings its schema up to date, and asserts that what is acknowledged is on the disk.
    /// `fresh_history_id` names the history of a database that is new.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong in one line.
    pub fn open(path: &Path, fresh_history_id: &str) -> Result<Self, OpenError> {
        Self::open_with(path, fresh_history_id, Limits::default())
    }

    /// Like [`SqliteStore::open`], with limits of the configuration.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong in one line.
    pub fn open_with(path: &Path, fresh_history_id: &str, limits: Limits) -> Result<Self, OpenError> {
        let writer = connect(path, OpenFlags::default())?;
        writer.pragma_update(None, "journal_mode", "wal")?;
        assert_pragma(&writer, "journal_mode", "wal")?;
        assert_pragma(&writer, "synchronous", "2")?;
        migrate(&writer)?;
        writer.execute(
            "insert into meta (key, value) values ('history_id', ?1) on conflict do nothing",
            [fresh_history_id],
        )?;
        let history_id: String =
            writer.query_row("select value from meta where key = 'history_id'", [], |row| row.get(0))?;
        let readers = || (0..limits.readers.max(1)).map(|_| reader(path)).collect::<Result<Vec<_>, _>>();
        let writer = SqliteEngine::new(writer, limits.group)?;
        let threads = Threads::start(vec![writer], readers()?, limits.waiting)?.with_here(readers()?);
        Ok(Self::new(threads, &history_id))
    }

    /// Opens a database that somebody else may be working on, to read and nothing else: a write is refused.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong in one line; so when its schema is not the one of this program.
    pub fn open_to_read(path: &Path) -> Result<Self, OpenError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let found: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found.cmp(&MIGRATIONS.len()) {
            Ordering::Equal => {}
            Ordering::Greater => return Err(OpenError::TooNew { found, known: MIGRATIONS.len() }),
            Ordering::Less => return Err(OpenError::TooOld { found, known: MIGRATIONS.len() }),
        }
        let history_id: String =
            connection.query_row("select value from meta where key = 'history_id'", [], |row| row.get(0))?;
        let Limits { waiting, group, .. } = Limits::default();
        let writer = SqliteEngine::new(connection, group)?;
        Ok(Self::new(Threads::start(vec![writer], vec![reader(path)?], waiting)?, &history_id))
    }
}

/// A connection that is refused every write.
fn reader(path: &Path) -> Result<SqliteEngine, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(SqliteEngine::new(connect(path, flags)?, 1)?)
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // What is removed is overwritten, not only forgotten.
    connection.pragma_update(None, "secure_delete", "on")?;
    connection.set_prepared_statement_cache_capacity(128);
    // A plan holds whatever values are bound. Otherwise a statement is planned anew for each of them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn assert_pragma(
    connection: &Connection,
    pragma: &'static str,
    wanted: &'static str,
) -> Result<(), OpenError> {
    let found: rusqlite::types::Value = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
    let found = match found {
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    if found.eq_ignore_ascii_case(wanted) {
        Ok(())
    } else {
        Err(OpenError::NotDurable { pragma, wanted, found })
    }
}

fn migrate(connection: &Connection) -> Result<(), OpenError> {
    let found: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > MIGRATIONS.len() {
        return Err(OpenError::TooNew { found, known: MIGRATIONS.len() });
    }
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        migrating();
        connection
            .execute_batch(&format!("begin immediate; {sql} pragma user_version = {}; commit;", index + 1))?;
    }
    if planted("no_unique_index") {
        connection.execute_batch("drop index one_open_conversation_per_visitor")?;
    }
    Ok(())
}

/// What an error of SQLite means to the flow. The details go to the log once, here; they hold no message text,
/// because every value is bound.
fn failed(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::ConstraintViolation => {
            StoreError::Conflict
        }
        rusqlite::Error::QueryReturnedNoRows => StoreError::NotFound,
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            StoreError::Corrupt(error.to_string())
        }
        other => {
            tracing::error!(error = %other, "The database answered with an error: {other}");
            StoreError::Unavailable
        }
    }
}
