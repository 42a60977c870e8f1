//! Carrying the log over into the database, while commits go on.
//!
//! SQLite would do it in the commit that makes the log long enough, and whoever waits for that commit waits for it too.
//! And it begins the log from its start only at a commit that finds all of it carried over and nobody reading in it:
//! with readers at work that may not come about for minutes, in which the log grows, every commit carries over again, and
//! each page is read through a longer log.
//!
//! Here a thread with a connection of its own carries over. Then the writer, between two commits, carries over the few
//! pages that came since, waits a moment for those who still read in the log, and begins it anew.

use super::OpenError;
use super::slots::Slot;
use rusqlite::{Connection, ffi};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Pages in the log at which it is carried over: 16 MB. The same few pages are written again and again, and are
/// carried over once for all; a start reads so much at most.
pub(super) const LOG_PAGES: u32 = 4_000;

/// Pages that came in meanwhile are carried over as well, until so few are left.
const FEW: i64 = 200;

/// How often it is gone on with what came in meanwhile.
const ROUNDS: usize = 4;

/// How long the writer waits for those who read in the log. Who reads for longer is left alone: it is tried again when
/// the log has grown.
const PATIENCE: Duration = Duration::from_millis(20);

thread_local! {
    /// Pages in the log after the last commit of this thread. SQLite's callback takes nothing along.
    static IN_LOG: Cell<u32> = const { Cell::new(0) };
}

/// The writer's view of the thread that carries over.
pub(super) struct Log {
    ask: Option<SyncSender<()>>,
    /// Whether nothing was lost.
    done: Receiver<bool>,
    thread: Option<JoinHandle<()>>,
    is_asked: bool,
    /// Pages at which it is carried over, and at which it is next.
    pages: u32,
    carry_at: u32,
}

impl Log {
    /// Starts the thread, with the connection in a place of its own, which carries over a log of so many pages.
    pub(super) fn start(slot: Arc<Slot>, pages: u32) -> Result<Self, OpenError> {
        let (ask, asked) = sync_channel(1);
        let (tell, done) = sync_channel(1);
        let carry = move || {
            machine::turns::long();
            let mut is_sound = true;
            while asked.recv().is_ok() {
                is_sound = slot.hold().as_ref().is_none_or(|at| carry_over(at.connection()));
                let _ = tell.send(is_sound);
            }
            if is_sound && let Some(at) = &*slot.hold() {
                leave_one_file(at.connection());
            }
        };
        let thread = std::thread::Builder::new().name("store-log".to_owned()).spawn(carry)?;
        Ok(Self { ask: Some(ask), done, thread: Some(thread), is_asked: false, pages, carry_at: pages })
    }

    /// Counts the pages that commits of this connection put into the log, from nothing on, and leaves the carrying over to
    /// [`Log::tend`].
    pub(super) fn count_anew(&mut self, writer: &Connection) {
        IN_LOG.set(0);
        self.carry_at = self.pages;
        writer.wal_hook(Some(|_, pages| {
            IN_LOG.set(pages.try_into().unwrap_or(0));
            Ok(())
        }));
    }

    /// Looks after the log, between two commits of the writer. False when a sync failed: what it should have made durable
    /// may be forgotten, and the log must not be begun anew before all of it was carried over once more.
    pub(super) fn tend(&mut self, writer: &Connection) -> bool {
        if self.is_asked {
            // Where the thread is gone the writer carries all of it over by itself.
            let is_sound = match self.done.try_recv() {
                Err(TryRecvError::Empty) => return true,
                answer => answer.unwrap_or(true),
            };
            self.is_asked = false;
            if !is_sound {
                return false;
            }
            let begun = begin_anew(writer);
            self.carry_at =
                if matches!(begun, Ok(true)) { self.pages } else { IN_LOG.get() + self.pages / 4 };
            return !begun.is_err_and(|error| is_failed_sync(&error));
        }
        if IN_LOG.get() >= self.carry_at {
            self.is_asked = true;
            if let Some(ask) = &self.ask {
                let _ = ask.try_send(());
            }
        }
        true
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Carries over what nobody reads any more in an older state. False when a sync failed. What else goes wrong with the disk
/// is not told from here: the next commit meets it too, and a log that does not get shorter is told of by its size.
fn carry_over(connection: &Connection) -> bool {
    for _ in 0..ROUNDS {
        let carried = connection.query_row("pragma wal_checkpoint(passive)", [], |row| {
            Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
        });
        match carried {
            Ok(left) if left < FEW => break,
            Err(error) if is_failed_sync(&error) => return false,
            _ => {}
        }
    }
    true
}

/// Carries over the rest and begins the log anew. False when somebody reads in it for longer.
fn begin_anew(writer: &Connection) -> rusqlite::Result<bool> {
    writer.busy_timeout(PATIENCE)?;
    let begun = writer.query_row("pragma wal_checkpoint(restart)", [], |row| row.get::<_, bool>(0));
    writer.busy_timeout(super::PATIENCE)?;
    if matches!(begun, Ok(false)) {
        IN_LOG.set(0);
    }
    begun.map(|is_busy| !is_busy)
}

/// Empties the log when the store is closed, if nobody is in the way. It is not tried twice: after a failed sync the log
/// stays, and whoever opens the database next begins with all of it.
fn leave_one_file(connection: &Connection) {
    let _ = connection.busy_timeout(PATIENCE).and_then(|()| empty_log(connection));
}

/// Carries over the rest of the log and empties it. False when somebody is in the way.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, bool>(0))
        .map(|is_busy| !is_busy)
}

/// Whether an error is that of a sync, after which nothing is known of what it should have written.
fn is_failed_sync(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_FSYNC)
}
