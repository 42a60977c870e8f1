//! A copy of the database while it is written to, and whether a database is whole.
//! Not where copies are kept, and not the models beside the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{MIGRATIONS, OpenError, connect};

/// Pages that are copied at once: 2 MiB of the usual pages.
const PAGES: i32 = 512;
/// After so many steps the copy goes to the disk, so that no write waits for the whole of it at the end.
const STEPS_PER_SYNC: usize = 16;
/// How long somebody else may hold the database before copying gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a database was not copied, or is not whole.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite says so.
    #[error("the database cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The copy cannot be written.
    #[error("the copy cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// It is damaged, or it is not what it should be.
    #[error("the database is not whole: {0}")]
    NotWhole(String),
    /// Nothing moved for so long.
    #[error("somebody else holds the database")]
    Busy,
}

/// What stands in a database.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contents {
    /// The number of its schema.
    pub schema: usize,
    /// The name of its history.
    pub history_id: String,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Folders of the models that were adopted, but for the one that came with Baton.
    pub models: BTreeSet<String>,
}

/// How far the copy is, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Copied.
    pub done: u64,
    /// To copy.
    pub total: u64,
}

/// Copies the database at `source`, which may be written to all the while, into the new file `target`, and checks the
/// copy: what stands in it is counted on both sides.
///
/// One snapshot is read from beginning to end, so that writes neither wait for it nor make it begin again; `between`
/// is called after each step.
///
/// # Errors
///
/// [`BackupError`]; the file at `target` is then worth nothing.
pub fn copy(
    source: &Path,
    target: &Path,
    mut between: impl FnMut(Progress),
) -> Result<Contents, BackupError> {
    let from = connect(source, to_read())?;
    // A read that is open pins the snapshot for every step that follows.
    from.execute_batch("begin; select count(*) from meta")?;
    let mut to = Connection::open(target)?;
    to.execute_batch("pragma journal_mode = off; pragma synchronous = off")?;
    let file = File::options().write(true).open(target)?;
    {
        let backup = Backup::new(&from, &mut to)?;
        let (mut steps, mut busy_for) = (0_usize, Duration::ZERO);
        loop {
            let step = backup.step(PAGES)?;
            let progress = backup.progress();
            between(Progress {
                done: pages(progress.pagecount).saturating_sub(pages(progress.remaining)),
                total: pages(progress.pagecount),
            });
            match step {
                StepResult::Done => break,
                StepResult::More => busy_for = Duration::ZERO,
                _ if busy_for >= PATIENCE => return Err(BackupError::Busy),
                _ => {
                    std::thread::park_timeout(Duration::from_millis(50));
                    busy_for += Duration::from_millis(50);
                }
            }
            steps += 1;
            if steps.is_multiple_of(STEPS_PER_SYNC) {
                file.sync_data()?;
            }
        }
    }
    // The copy says of itself that it has a log beside it; from here on it is one file.
    to.execute_batch("pragma journal_mode = delete; pragma synchronous = full")?;
    drop(to);
    file.sync_all()?;
    let wanted = contents(&from)?;
    let found = inspect(target)?;
    if found == wanted {
        Ok(found)
    } else {
        Err(BackupError::NotWhole("the copy holds other rows than the database it was made from".into()))
    }
}

/// What stands in a database that nobody writes to, once it is sure that it is whole: its pages, every reference, and
/// the positions of every conversation.
///
/// # Errors
///
/// [`BackupError::NotWhole`] says what is wrong; [`OpenError::TooNew`] when a newer Baton wrote it.
pub fn inspect(path: &Path) -> Result<Contents, BackupError> {
    let connection = connect(path, to_read())?;
    let not_whole = |error: rusqlite::Error| BackupError::NotWhole(error.to_string());
    let mut statement = connection.prepare("pragma integrity_check(3)").map_err(not_whole)?;
    let said = statement.query_map([], |row| row.get::<_, String>(0)).map_err(not_whole)?;
    let said = said.collect::<Result<Vec<_>, _>>().map_err(not_whole)?;
    if said != ["ok"] {
        return Err(BackupError::NotWhole(said.join("; ")));
    }
    let mut statement = connection.prepare("pragma foreign_key_check")?;
    if let Some(row) = statement.query([])?.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        return Err(BackupError::NotWhole(format!("a row of {table} points to nothing in {parent}")));
    }
    let found = contents(&connection)?;
    if found.schema > MIGRATIONS.len() {
        return Err(OpenError::TooNew { found: found.schema, known: MIGRATIONS.len() }.into());
    }
    let with_gaps: u64 = connection.query_row(
        "select count(*) from conversations left join \
         (select conversation, count(*) as n, max(position) as last from entries group by conversation) as log \
         on log.conversation = conversations.id \
         where last_position <> coalesce(log.n, 0) or last_position <> coalesce(log.last, 0)",
        [],
        |row| row.get(0),
    )?;
    if with_gaps > 0 {
        return Err(BackupError::NotWhole(format!("{with_gaps} conversations have gaps in their logs")));
    }
    Ok(found)
}

/// Gives the history of a database that nobody works on another name, so that clients notice and start over. Returns
/// the old one.
///
/// # Errors
///
/// [`BackupError`] when it cannot be written.
pub fn rename_history(path: &Path, history_id: &str) -> Result<String, BackupError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let before =
        connection.query_row("select value from meta where key = 'history_id'", [], |row| row.get(0))?;
    connection.execute("update meta set value = ?1 where key = 'history_id'", [history_id])?;
    // One file again, with no log beside it, so that it can be moved.
    connection.execute_batch("pragma journal_mode = delete")?;
    Ok(before)
}

fn to_read() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn pages(number: i32) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The tables of a database, but for SQLite's own.
pub(crate) fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn contents(connection: &Connection) -> Result<Contents, BackupError> {
    let tables = tables(connection)?;
    for needed in ["meta", "conversations", "entries"] {
        if !tables.iter().any(|table| table == needed) {
            return Err(BackupError::NotWhole(format!(
                "it has no table `{needed}`, so it is none of Baton's"
            )));
        }
    }
    let mut rows = BTreeMap::new();
    let mut models = BTreeSet::new();
    for table in tables {
        let count =
            connection.query_row(&format!("select count(*) from \"{table}\""), [], |row| row.get(0))?;
        if table == "model_versions" {
            let mut statement = connection.prepare("select folder from model_versions where folder <> ''")?;
            models = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        }
        rows.insert(table, count);
    }
    Ok(Contents {
        schema: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
        history_id: connection
            .query_row("select value from meta where key = 'history_id'", [], |row| row.get(0))?,
        rows,
        models,
    })
}
