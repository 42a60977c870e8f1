//! The threads that write, and those that read, each with a connection of its own.
//! Not how a connection writes: that is the engine's.

use super::engine::Sql;
use crate::flow::ports::StoreError;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::sync::oneshot;

/// A job for a connection: it is run, more than once if the engine has to begin again, and then answered.
pub(crate) trait Work: Send {
    /// Carries it out. True when what it changed is to be kept.
    fn run(&mut self, sql: &dyn Sql) -> bool;

    /// Sends the last result, once it is known whether it was written.
    fn answer(self: Box<Self>, written: Result<(), StoreError>);
}

/// A connection and how it carries out jobs.
pub(crate) trait Engine: Send {
    /// The most jobs it takes at once.
    fn most(&self) -> usize;

    /// Carries out jobs that write, and answers each after its commit.
    fn write(&mut self, jobs: Vec<Box<dyn Work>>);

    /// Carries out a job that reads, and answers it.
    fn read(&mut self, job: Box<dyn Work>);
}

struct Job<T, E, F> {
    job: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Work for Job<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnMut(&dyn Sql) -> Result<T, E> + Send,
{
    fn run(&mut self, sql: &dyn Sql) -> bool {
        // A mistake in one job must not end the thread that all others wait for: the job is undone and refused.
        let ran = catch_unwind(AssertUnwindSafe(|| (self.job)(sql)));
        let result = ran.unwrap_or_else(|_| {
            tracing::error!("A step in the store panicked; nothing of it is kept");
            Err(StoreError::Unavailable.into())
        });
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, written: Result<(), StoreError>) {
        // What was not written was not seen either: a refusal that a lost step had led to is not given.
        let result = match (written, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Unavailable.into()),
            (Err(error), _) => Err(error.into()),
        };
        // The one who asked may be gone; what was written stays.
        let _ = self.answer.send(result);
    }
}

/// A bounded queue of jobs for threads.
struct Jobs {
    state: Mutex<(VecDeque<Box<dyn Work>>, bool)>,
    ready: Condvar,
    capacity: usize,
}

impl Jobs {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), ready: Condvar::new(), capacity })
    }

    /// False when it is full or closed: a named answer, not a wait.
    fn push(&self, job: Box<dyn Work>) -> bool {
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
    fn take(&self, most: usize) -> Option<Vec<Box<dyn Work>>> {
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

    /// Takes no more, and drops what waits: whoever asked is told so.
    fn abandon(&self) {
        self.close();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.clear();
    }

    fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.ready.notify_all();
    }
}

/// Held by a thread while it works through its jobs: if it ends in any other way, nobody waits for it.
struct Attending(Arc<Jobs>);

impl Drop for Attending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("A thread of the store ended; restart the service");
            self.0.abandon();
        }
    }
}

/// The handle to the threads. The last one dropped ends them, after what waits is written.
pub(crate) struct Threads {
    writes: Arc<Jobs>,
    reads: Arc<Jobs>,
    /// Connections on which whoever asks reads by itself.
    here: Mutex<Vec<Box<dyn Engine>>>,
    running: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl Threads {
    /// Starts a thread for each connection. At most `waiting` jobs wait for the writers, and as many for the readers.
    pub(crate) fn start<E: Engine + 'static>(
        writers: Vec<E>,
        readers: Vec<E>,
        waiting: usize,
    ) -> std::io::Result<Self> {
        let (writes, reads) = (Jobs::new(waiting), Jobs::new(waiting));
        let threads = Self { writes, reads, here: Mutex::default(), running: Mutex::default() };
        for mut engine in writers {
            let jobs = threads.writes.clone();
            threads.spawn("store-writer", move || {
                let _attending = Attending(jobs.clone());
                let most = engine.most();
                while let Some(group) = jobs.take(most) {
                    engine.write(group);
                }
            })?;
        }
        for mut engine in readers {
            let jobs = threads.reads.clone();
            threads.spawn("store-reader", move || {
                let _attending = Attending(jobs.clone());
                while let Some(one) = jobs.take(1) {
                    one.into_iter().for_each(|job| engine.read(job));
                }
            })?;
        }
        Ok(threads)
    }

    /// Gives connections for [`Threads::read_here`].
    pub(crate) fn with_here<E: Engine + 'static>(mut self, engines: Vec<E>) -> Self {
        self.here =
            Mutex::new(engines.into_iter().map(|engine| Box::new(engine) as Box<dyn Engine>).collect());
        self
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(|| {
            machine::turns::short();
            run();
        })?;
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    pub(crate) async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, E> + Send + 'static,
    {
        hand_over(&self.writes, job).await
    }

    pub(crate) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, StoreError> + Send + 'static,
    {
        hand_over(&self.reads, job).await
    }

    /// Carries out a job that reads a few rows by their key without a change of threads, which would take longer than
    /// the job. Where no connection is free for it, or the engine waits for a network, it is a job like any other.
    pub(crate) async fn read_here<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, StoreError> + Send + 'static,
    {
        let free = || self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut engine) = free().pop() else { return self.read(job).await };
        let (answer, mut answered) = oneshot::channel();
        engine.read(Box::new(Job { job, result: None, answer }));
        free().push(engine);
        answered.try_recv().unwrap_or(Err(StoreError::Unavailable))
    }
}

async fn hand_over<T, E, F>(jobs: &Jobs, job: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnMut(&dyn Sql) -> Result<T, E> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    if !jobs.push(Box::new(Job { job, result: None, answer })) {
        return Err(StoreError::Unavailable.into());
    }
    answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable.into()))
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
