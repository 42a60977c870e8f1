//! A gate in front of the real store and directory. It changes no answer: it counts
//! what is under way, so that a test can wait for silence without sleeping, and it
//! can fall shut between two writes, which is what a crash looks like from inside.

use baton::domain::analysis::Analysis;
use baton::domain::conversation::Entry;
use baton::flow::ports::StoreError;
use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot, watch};

use super::stores::EveryPort;
use super::through::every_call;

/// Where a crash falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The write does not happen.
    Before,
    /// The write happens and nobody hears of it.
    After,
}

#[derive(Default)]
struct State {
    under_way: usize,
    writes: u64,
    rows: u64,
    crash: Option<(u64, Crash)>,
    held: Option<(u64, oneshot::Receiver<()>)>,
}

/// Counts, and falls shut when told to.
pub struct Gate {
    store: Arc<dyn EveryPort>,
    state: Arc<Mutex<State>>,
    less: Arc<Notify>,
    is_shut: watch::Sender<bool>,
}

/// One call under way.
struct UnderWay {
    state: Arc<Mutex<State>>,
    less: Arc<Notify>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.state.lock().unwrap().under_way -= 1;
        self.less.notify_one();
    }
}

impl Gate {
    /// An open gate.
    pub fn new(store: Arc<dyn EveryPort>) -> Self {
        Self { store, state: Arc::default(), less: Arc::default(), is_shut: watch::Sender::new(false) }
    }

    /// The store behind it, past the gate.
    pub fn store(&self) -> &Arc<dyn EveryPort> {
        &self.store
    }

    /// Falls shut at the write that is `after` writes from now; 0 is the next.
    pub fn crash(&self, after: u64, how: Crash) {
        let mut state = self.state.lock().unwrap();
        state.crash = Some((state.writes + after + 1, how));
    }

    /// Keeps the write that is `after` writes from now waiting, until what is returned is dropped; 0 is the next. Those
    /// behind it go through.
    pub fn hold(&self, after: u64) -> oneshot::Sender<()> {
        let (let_go, held) = oneshot::channel();
        let mut state = self.state.lock().unwrap();
        state.held = Some((state.writes + after + 1, held));
        let_go
    }

    /// Falls shut now.
    pub fn shut(&self) {
        self.is_shut.send_replace(true);
    }

    /// Whether it has fallen shut.
    pub fn is_shut(&self) -> bool {
        *self.is_shut.borrow()
    }

    /// Resolves when it has fallen shut.
    pub async fn until_shut(&self) {
        let mut shut = self.is_shut.subscribe();
        let _ = shut.wait_for(|shut| *shut).await;
    }

    /// Whether no call is under way.
    pub fn is_idle(&self) -> bool {
        self.state.lock().unwrap().under_way == 0
    }

    /// Resolves when a call has ended.
    pub async fn until_less(&self) {
        if !self.is_idle() {
            self.less.notified().await;
        }
    }

    fn behind(&self) -> &dyn EveryPort {
        &*self.store
    }

    fn enter(&self) -> UnderWay {
        self.state.lock().unwrap().under_way += 1;
        UnderWay { state: self.state.clone(), less: self.less.clone() }
    }

    /// Rows of logs and analyses that were read so far.
    pub fn rows_read(&self) -> u64 {
        self.state.lock().unwrap().rows
    }

    async fn read<T: 'static>(&self, call: impl Future<Output = T>) -> T {
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        let under_way = self.enter();
        let answer = call.await;
        drop(under_way);
        self.state.lock().unwrap().rows += rows_of(&answer);
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn write<T>(&self, call: impl Future<Output = T>) -> T {
        let (crash, held) = {
            let mut state = self.state.lock().unwrap();
            state.writes += 1;
            let n = state.writes;
            let crash = state.crash.filter(|(at, _)| *at <= n).map(|(_, how)| how);
            (crash, state.held.take_if(|(at, _)| *at == n))
        };
        if let Some((_, held)) = held {
            let _dropped = held.await;
        }
        if crash == Some(Crash::Before) {
            self.shut();
        }
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        let under_way = self.enter();
        let answer = call.await;
        drop(under_way);
        if crash == Some(Crash::After) {
            self.shut();
        }
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        answer
    }
}

/// How many rows of logs and analyses an answer holds.
fn rows_of(answer: &dyn Any) -> u64 {
    let entries = answer.downcast_ref::<Result<Vec<Entry>, StoreError>>();
    let analyses = answer.downcast_ref::<Result<BTreeMap<u64, Analysis>, StoreError>>();
    let n_entries = entries.and_then(|found| found.as_ref().ok()).map_or(0, Vec::len);
    let n_analyses = analyses.and_then(|found| found.as_ref().ok()).map_or(0, BTreeMap::len);
    (n_entries + n_analyses) as u64
}

every_call!(Gate);
