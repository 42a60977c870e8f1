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
use rusqlite::Connection;
use std::cell::Cell;
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
    done: Receiver<()>,
    thread: Option<JoinHandle<()>>,
    is_asked: bool,
    /// Pages at which it is carried over, and at which it is next.
    pages: u32,
    carry_at: u32,
}

impl Log {
    /// Starts the thread, with a connection of its own, which carries over a log of so many pages.
    pub(super) fn start(connection: Connection, pages: u32) -> Result<Self, OpenError> {
        let (ask, asked) = sync_channel(1);
        let (tell, done) = sync_channel(1);
        let carry = move || {
            machine::turns::long();
            while asked.recv().is_ok() {
                carry_over(&connection);
                let _ = tell.send(());
            }
        };
        let thread = std::thread::Builder::new().name("store-log".to_owned()).spawn(carry)?;
        Ok(Self { ask: Some(ask), done, thread: Some(thread), is_asked: false, pages, carry_at: pages })
    }

    /// Counts the pages that commits of this connection put into the log, and leaves the carrying over to [`Log::tend`].
    pub(super) fn count(connection: &Connection) {
        connection.wal_hook(Some(|_, pages| {
            IN_LOG.set(pages.try_into().unwrap_or(0));
            Ok(())
        }));
    }

    /// Looks after the log, between two commits of the writer.
    pub(super) fn tend(&mut self, writer: &Connection) {
        if self.is_asked {
            // Where the thread is gone the writer carries all of it over by itself.
            if self.done.try_recv() == Err(TryRecvError::Empty) {
                return;
            }
            self.is_asked = false;
            self.carry_at = if begin_anew(writer) { self.pages } else { IN_LOG.get() + self.pages / 4 };
        } else if IN_LOG.get() >= self.carry_at {
            self.is_asked = true;
            if let Some(ask) = &self.ask {
                let _ = ask.try_send(());
            }
        }
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

/// Carries over what nobody reads any more in an older state. What goes wrong with the disk is not told from here: the
/// next commit meets it too, and a log that does not get shorter is told of by its size.
fn carry_over(connection: &Connection) {
    for _ in 0..ROUNDS {
        let carried = connection.query_row("pragma wal_checkpoint(passive)", [], |row| {
            Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
        });
        if carried.is_ok_and(|left| left < FEW) {
            return;
        }
    }
}

/// Carries over the rest and begins the log anew. False when somebody reads in it for longer.
fn begin_anew(writer: &Connection) -> bool {
    let patient = writer.busy_timeout(PATIENCE);
    let is_busy = patient
        .and_then(|()| writer.query_row("pragma wal_checkpoint(restart)", [], |row| row.get::<_, bool>(0)))
        .unwrap_or(true);
    let _ = writer.busy_timeout(super::PATIENCE);
    if !is_busy {
        IN_LOG.set(0);
    }
    !is_busy
}
