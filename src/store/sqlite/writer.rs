//! The one thread that writes, and the few that read.
//!
//! Group commit: the writer takes the jobs that wait, gives each a savepoint, commits
//! once, and only then answers each. A job that fails takes nothing with it.

use super::Limits;
use crate::fault::{planted, point};
use crate::flow::ports::StoreError;
use rusqlite::Connection;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Sends a job's answer, once it is known whether the commit went through.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type WriteJob = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// A bounded queue of jobs for threads.
struct Jobs<J> {
    state: Mutex<(VecDeque<J>, bool)>,
    ready: Condvar,
    capacity: usize,
}

impl<J> Jobs<J> {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), ready: Condvar::new(), capacity })
    }

    /// False when it is full or closed: a named answer, not a wait.
    fn push(&self, job: J) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.1 || state.0.len() >= self.capacity {
            return false;
        }
        state.0.push_back(job);
        drop(state);
        self.ready.notify_one();
        true
    }

    /// Waits for jobs and takes up to `most`; none when closed and empty.
    fn take(&self, most: usize) -> Option<Vec<J>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if !state.0.is_empty() {
                let n = state.0.len().min(most);
                return Some(state.0.drain(..n).collect());
            }
            if state.1 {
                return None;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.ready.notify_all();
    }
}

/// The handle to the threads. The last one dropped ends them, after what waits is written.
pub(super) struct Threads {
    writes: Arc<Jobs<WriteJob>>,
    reads: Arc<Jobs<ReadJob>>,
    running: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl Threads {
    /// Starts one writer and as many readers as there are connections for them.
    pub(super) fn start(
        writer: Connection,
        readers: Vec<Connection>,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let (writes, reads) = (Jobs::new(limits.waiting), Jobs::new(limits.waiting));
        let mut running = Vec::new();
        let jobs = writes.clone();
        running.push(
            std::thread::Builder::new()
                .name("store-writer".into())
                .spawn(move || write(&writer, &jobs, limits.group))?,
        );
        for connection in readers {
            let jobs = reads.clone();
            let read = move || {
                while let Some(batch) = jobs.take(1) {
                    batch.into_iter().for_each(|job: ReadJob| job(&connection));
                }
            };
            running.push(std::thread::Builder::new().name("store-reader".into()).spawn(read)?);
        }
        Ok(Self { writes, reads, running: Mutex::new(running) })
    }

    pub(super) async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let (tx, rx) = oneshot::channel();
        let boxed: WriteJob = Box::new(move |connection| {
            let result = in_savepoint(connection, job);
            Box::new(move |committed| {
                let result = result.and_then(|value| committed.map(|()| value).map_err(E::from));
                // The one who asked may be gone; what was written stays.
                let _ = tx.send(result);
            })
        });
        if !self.writes.push(boxed) {
            return Err(StoreError::Unavailable.into());
        }
        rx.await.unwrap_or_else(|_| Err(StoreError::Unavailable.into()))
    }

    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (tx, rx) = oneshot::channel();
        let boxed: ReadJob = Box::new(move |connection| {
            let _ = tx.send(job(connection));
        });
        if !self.reads.push(boxed) {
            return Err(StoreError::Unavailable);
        }
        rx.await.unwrap_or(Err(StoreError::Unavailable))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
        for thread in self.running.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A thread cannot wait for itself: the last handle may be dropped by a job.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(super::failed)?;
    statement.execute([]).map(|_| ()).map_err(super::failed)
}

fn in_savepoint<T, E: From<StoreError>>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    execute(connection, "savepoint step")?;
    let result = job(connection);
    if result.is_err() && !planted("rollback_forgotten") {
        execute(connection, "rollback to step")?;
    }
    execute(connection, "release step")?;
    result
}

fn write(connection: &Connection, jobs: &Jobs<WriteJob>, most: usize) {
    while let Some(group) = jobs.take(most) {
        if execute(connection, "begin immediate").is_err() {
            // Nothing was begun, so the savepoints of these jobs would commit by themselves: they are not run.
            tracing::error!(
                jobs = group.len(),
                "The database does not take writes; {} were refused",
                group.len()
            );
            drop(group);
            continue;
        }
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push(job(connection));
            if connection.is_autocommit() {
                // SQLite itself rolled back everything, as it does on a full disk.
                break;
            }
        }
        if planted("acknowledge_before_commit") {
            answers.drain(..).for_each(|answer| answer(Ok(())));
        }
        point("store.before_commit");
        let committed = if connection.is_autocommit() {
            Err(StoreError::Unavailable)
        } else {
            execute(connection, "commit").inspect_err(|_| {
                let _ = execute(connection, "rollback");
            })
        };
        if committed.is_err() {
            tracing::error!(jobs = answers.len(), "A commit failed; {} writes were refused", answers.len());
        }
        point("store.after_commit");
        for answer in answers {
            answer(committed.clone());
        }
    }
}
