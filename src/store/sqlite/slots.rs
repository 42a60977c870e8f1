//! The connections of a store, which can all be closed and opened anew while it runs.
//!
//! What a sync should have made durable may be forgotten when it fails: the system takes the pages for written, and the
//! next sync says that all is well ([fsync errors](https://lwn.net/Articles/752063/)). SQLite carries its log over in parts,
//! counts each as done, and syncs with the last one. Where that sync fails, the parts before it are never written again,
//! and the log that still has them may be begun anew. SQLite counts from nothing only where it finds that nobody has the
//! database open; so everybody here lets go of it.

use super::connected::Connected;
use super::log::empty_log;
use super::{OpenError, READS, WRITER_CACHE_KB, assert_durable, connect};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long somebody else who has the database open is waited for, when all of it has to be carried over.
const BRIEFLY: Duration = Duration::from_millis(100);

/// What a connection is for. In this order they are opened: where one fails, there is no writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Reads,
    CarriesOver,
    Writes,
}

/// A place for a connection, whose user holds it for the time of a job.
pub(super) struct Slot {
    role: Role,
    connected: Mutex<Option<Connected>>,
}

impl Slot {
    /// With no connection in it.
    pub(super) fn empty(role: Role) -> Arc<Self> {
        Arc::new(Self { role, connected: Mutex::default() })
    }

    /// The connection, which is there unless the disk does not let it be opened.
    pub(super) fn hold(&self) -> MutexGuard<'_, Option<Connected>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All places of a store.
pub(super) struct Slots {
    path: PathBuf,
    all: Vec<Arc<Slot>>,
}

impl Slots {
    /// Opens the database in this file for all of them.
    pub(super) fn open(path: &Path, mut all: Vec<Arc<Slot>>) -> Result<Self, OpenError> {
        all.sort_by_key(|slot| slot.role);
        for slot in &all {
            *slot.hold() = Some(open(path, slot.role)?);
        }
        Ok(Self { path: path.to_owned(), all })
    }

    /// Closes every connection, carries all of the log over, and opens them anew. Whoever reads is waited for.
    ///
    /// # Errors
    ///
    /// When the log could not be carried over, or the database not be opened. Nobody writes then, until it is tried again;
    /// who reads goes on.
    pub(super) fn renew(&self) -> Result<(), OpenError> {
        let mut held: Vec<_> = self.all.iter().map(|slot| (slot.role, slot.hold())).collect();
        held.iter_mut().for_each(|(_, connected)| **connected = None);
        let mut renewed = carry_all_over(&self.path);
        for (role, connected) in &mut held {
            if *role == Role::Reads || renewed.is_ok() {
                match open(&self.path, *role) {
                    Ok(opened) => **connected = Some(opened),
                    Err(error) => renewed = renewed.and(Err(error)),
                }
            }
        }
        renewed
    }
}

fn open(path: &Path, role: Role) -> Result<Connected, OpenError> {
    let connection = connect(path, if role == Role::Reads { READS } else { OpenFlags::default() })?;
    if role == Role::Writes {
        // What the connection that made the file said of itself is not enough: this one sees what is in the file.
        assert_durable(&connection)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KB)?;
    }
    Ok(Connected::new(connection)?)
}

/// Carries all of the log over, whatever was counted as done before, makes it durable and empties the log.
///
/// A connection that is alone keeps its counts to itself and makes them from the log. It is refused where anybody else
/// has the database open, because the counts would then be theirs.
fn carry_all_over(path: &Path) -> Result<(), OpenError> {
    let alone = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before anything is read: who has looked at the counts of others goes on with them.
    alone.query_row("pragma locking_mode = exclusive", [], |_| Ok(()))?;
    alone.busy_timeout(BRIEFLY)?;
    alone.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    alone.pragma_update(None, "synchronous", "full")?;
    if empty_log(&alone)? {
        Ok(())
    } else {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None).into())
    }
}
