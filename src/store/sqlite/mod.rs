//! SQLite: one file in WAL mode, `synchronous=FULL`, one writer with group commit.

pub mod backup;
mod compact;
mod connected;
mod engine;
mod log;
mod slots;

use super::sql::points::migrating;
use super::sql::{Health, SqlStore, Threads};
use crate::fault::planted;
pub use compact::compact;
pub(super) use connected::Connected;
use engine::SqliteEngine;
use log::{LOG_PAGES, Log};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use slots::{Role, Slot, Slots};
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Numbered, forward only, each safe while the previous version of Baton still runs.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_conversations.sql"),
    include_str!("migrations/0002_directory.sql"),
    include_str!("migrations/0003_labels.sql"),
    include_str!("migrations/0004_models.sql"),
    include_str!("migrations/0005_upkeep.sql"),
    include_str!("migrations/0006_nodes.sql"),
    include_str!("migrations/0007_closings.sql"),
    include_str!("migrations/0008_sequences.sql"),
    include_str!("migrations/0009_in_order_of_time.sql"),
];

/// What is kept of the room of the log beside the database, in bytes.
const LOG_KEPT: u64 = 64 * 1024 * 1024;

/// How long a connection waits for another one's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Memory for pages that the writer has read or changed, in KiB. The pages of one commit fit in: what does not is written to
/// the log before its time, and read again for the next change.
const WRITER_CACHE_KB: i64 = 16 * 1024;

/// How much the store does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections for reading.
    pub readers: usize,
    /// Jobs that may wait; past it the store says it is not available.
    pub waiting: usize,
    /// The most jobs that share one commit.
    pub group: usize,
    /// Pages in the log at which it is carried over into the database.
    pub log_pages: u32,
    /// How long whoever writes waits at most. More than a database that somebody else keeps locked is waited for.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            readers: 3,
            waiting: 8_192,
            group: 256,
            log_pages: LOG_PAGES,
            patience: Duration::from_secs(7),
        }
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
        let history_id = set_up(path, fresh_history_id)?;
        warn_of_file_system(path);
        let health = Arc::new(Health::default());
        let slots = |role, n: usize| (0..n).map(|_| Slot::empty(role)).collect::<Vec<_>>();
        let n_readers = limits.readers.max(1);
        let (reads, reads_here) = (slots(Role::Reads, n_readers), slots(Role::Reads, n_readers));
        let (carries_over, writes) = (Slot::empty(Role::CarriesOver), Slot::empty(Role::Writes));
        let all = [&reads[..], &reads_here[..], &[carries_over.clone(), writes.clone()]].concat();
        let all = Slots::open(path, all)?;
        let readers = |slots: Vec<Arc<Slot>>| {
            slots.into_iter().map(|slot| SqliteEngine::new(slot, 1, path, &health)).collect()
        };
        let log = Log::start(carries_over, limits.log_pages)?;
        let writer = SqliteEngine::new(writes, limits.group, path, &health).tending(log, all);
        let threads =
            Threads::start(vec![writer], readers(reads), limits.waiting)?.with_here(readers(reads_here));
        Ok(Self::new(threads, &history_id).watched(health).patient_for(limits.patience))
    }

    /// Opens a database that somebody else may be working on, to read and nothing else: a write is refused.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong in one line; so when its schema is not the one of this program.
    pub fn open_to_read(path: &Path) -> Result<Self, OpenError> {
        let connection = connect(path, READS)?;
        let found: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found.cmp(&MIGRATIONS.len()) {
            Ordering::Equal => {}
            Ordering::Greater => return Err(OpenError::TooNew { found, known: MIGRATIONS.len() }),
            Ordering::Less => return Err(OpenError::TooOld { found, known: MIGRATIONS.len() }),
        }
        let history_id: String =
            connection.query_row("select value from meta where key = 'history_id'", [], |row| row.get(0))?;
        let Limits { waiting, group, .. } = Limits::default();
        let health = Arc::new(Health::default());
        // Who writes on a connection that only reads is refused.
        let slots = [Slot::empty(Role::Reads), Slot::empty(Role::Reads)];
        Slots::open(path, slots.to_vec())?;
        let [writer, reader] = slots.map(|slot| SqliteEngine::new(slot, group, path, &health));
        let threads = Threads::start(vec![writer], vec![reader], waiting)?;
        Ok(Self::new(threads, &history_id).watched(health))
    }
}

/// Makes the database where there is none, and brings its schema up to date. The id of its history.
fn set_up(path: &Path, fresh_history_id: &str) -> Result<String, OpenError> {
    let connection = connect(path, OpenFlags::default())?;
    to_the_end(&connection, "pragma journal_mode = wal")?;
    assert_durable(&connection)?;
    migrate(&connection)?;
    connection.execute(
        "insert into meta (key, value) values ('history_id', ?1) on conflict do nothing",
        [fresh_history_id],
    )?;
    let history_id =
        connection.query_row("select value from meta where key = 'history_id'", [], |row| row.get(0))?;
    Ok(history_id)
}

/// How a connection is opened that only reads.
const READS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Runs a statement up to the end of its answer. One that changes the file shows its row first and writes after it:
/// whoever stops at the row does not hear that the writing failed.
fn to_the_end(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// What a power cut must not take: each commit is synced into a log that is found again.
fn assert_durable(connection: &Connection) -> Result<(), OpenError> {
    assert_pragma(connection, "journal_mode", "wal")?;
    assert_pragma(connection, "synchronous", "2")
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // What is removed is overwritten, not only forgotten.
    connection.pragma_update(None, "secure_delete", "on")?;
    // A log that had to grow gives the room back once it is carried over.
    connection.query_row(&format!("pragma journal_size_limit = {LOG_KEPT}"), [], |_| Ok(()))?;
    connection.query_row(&format!("pragma wal_autocheckpoint = {LOG_PAGES}"), [], |_| Ok(()))?;
    // Nor does it carry over by itself what is left when the last one closes: nobody would hear that it failed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    // A plan holds whatever values are bound. Otherwise a statement is planned anew for each of them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// File systems whose locks or syncs are not what SQLite needs, by the numbers that Linux gives them.
const DOUBTFUL: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x6573_5546, "FUSE"),
    (0x0102_1994, "tmpfs, which is memory"),
];

/// Says so when the database lies where an acknowledged message may be lost in spite of every sync.
fn warn_of_file_system(path: &Path) {
    let Ok(found) = rustix::fs::statfs(path) else { return };
    // The number is 32 bits wide; the field is signed on some machines, and wider on most.
    let kind = u32::try_from(found.f_type & 0xffff_ffff).unwrap_or_default();
    if let Some((_, name)) = DOUBTFUL.iter().find(|(number, _)| *number == kind) {
        tracing::warn!(
            file_system = name,
            "The database is on {name}: locks and syncs may not hold there, and with them no promise. Put server.data \
             on a disk of this machine"
        );
    }
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
