//! Clock, bus, identifiers, analyzer and bot of a simulation.

use super::dice::Dice;
use crate::support::scripted::{about, angry, calm, human};
use async_trait::async_trait;
use baton::domain::analysis::{
    Analysis, By, Head, Intent, OwnIntent, OwnIntents, WordWeight, asks_for_human,
};
use baton::domain::time::Timestamp;
use baton::flow::ports::{
    Analyzer, AnalyzerStatus, Bot, Bus, Clock, Hint, HintCounts, Hints, IdSource, Question, Reply, Search,
    Store,
};
use baton::store::MemoryStore;
use futures_util::FutureExt as _;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{broadcast, oneshot};

#[derive(Default)]
struct Time {
    now: Timestamp,
    last: u64,
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
}

/// A clock that stands still until it is moved. Cheap to clone.
#[derive(Clone, Default)]
pub struct SimulatedClock(Arc<Mutex<Time>>);

struct Sleep {
    key: (Timestamp, u64),
    clock: SimulatedClock,
}

impl SimulatedClock {
    /// Stands at an instant.
    pub fn at(now: Timestamp) -> Self {
        let clock = Self::default();
        clock.0.lock().unwrap().now = now;
        clock
    }

    /// The earliest instant that anybody sleeps until.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.0.lock().unwrap().sleepers.keys().next().map(|(until, _)| *until)
    }

    /// It is later now; never earlier.
    pub fn move_to(&self, to: Timestamp) {
        let due: Vec<Waker> = {
            let mut time = self.0.lock().unwrap();
            time.now = time.now.max(to);
            let now = time.now;
            time.sleepers
                .iter_mut()
                .filter(|((until, _), _)| *until <= now)
                .filter_map(|(_, w)| w.take())
                .collect()
        };
        due.into_iter().for_each(Waker::wake);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut time = self.0.lock().unwrap();
        time.last += 1;
        let key = (until, time.last);
        time.sleepers.insert(key, None);
        Box::pin(Sleep { key, clock: self.clone() })
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut time = self.clock.0.lock().unwrap();
        if time.now >= self.key.0 {
            return Poll::Ready(());
        }
        time.sleepers.insert(self.key, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.0.lock().unwrap().sleepers.remove(&self.key);
    }
}

/// Identifiers that count, over all lives of the process. Cheap to clone.
#[derive(Clone, Default)]
pub struct CountedIds(Arc<Mutex<u64>>);

impl IdSource for CountedIds {
    fn suffix(&self) -> String {
        let mut last = self.0.lock().unwrap();
        *last += 1;
        format!("{last:06}")
    }
}

/// A bus that loses hints, says them twice and late, in any order. Cheap to clone.
#[derive(Clone)]
pub struct BadBus {
    dice: Dice,
    /// Hints in a hundred that are lost.
    pub losing: usize,
    under_way: Arc<Mutex<Vec<Hint>>>,
    nobody: broadcast::Sender<Hint>,
}

impl BadBus {
    /// Nothing is under way.
    pub fn new(dice: Dice, losing: usize) -> Self {
        Self { dice, losing, under_way: Arc::default(), nobody: broadcast::Sender::new(1) }
    }

    /// One of the hints under way arrives.
    pub fn deliver(&self) -> Option<Hint> {
        let mut under_way = self.under_way.lock().unwrap();
        let n = under_way.len();
        (n > 0).then(|| under_way.swap_remove(self.dice.below(n)))
    }

    /// What is under way is lost.
    pub fn clear(&self) {
        self.under_way.lock().unwrap().clear();
    }
}

impl Bus for BadBus {
    fn hint(&self, hint: Hint) {
        if !matches!(hint, Hint::Conversation { .. }) || self.dice.percent(self.losing) {
            return;
        }
        let mut under_way = self.under_way.lock().unwrap();
        if self.dice.percent(20) {
            under_way.push(hint.clone());
        }
        under_way.push(hint);
    }

    fn hint_here(&self, hint: Hint) {
        self.hint(hint);
    }

    fn hints(&self) -> Hints {
        Hints::Local
    }

    fn counts(&self) -> HintCounts {
        HintCounts::default()
    }

    fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.nobody.subscribe()
    }
}

/// What visitors write. Each text is written once in a run: a number follows it.
pub const TEXTS: [&str; 6] = [
    "Where is my parcel?",
    "This is a shame!",
    "Get me a human",
    "You will hear from my lawyer",
    "hm",
    "I am so angry with you",
];

fn found_in(text: &str) -> Analysis {
    match TEXTS.iter().position(|known| text.starts_with(known)) {
        Some(1) => angry(0.55),
        Some(2) => human(0.98),
        Some(3) => about(Intent::LegalThreat, 0.9),
        Some(5) => angry(0.9),
        _ => calm(),
    }
}

/// What words find is less than what the model finds.
fn found_by_words(text: &str) -> Analysis {
    let mut words = match TEXTS.iter().position(|known| text.starts_with(known)) {
        Some(5) => angry(0.6),
        _ => calm(),
    };
    words.analyzer.by = By::Words;
    words.with_phrase(asks_for_human(text).as_ref())
}

/// A model that answers at once, late, out of order, or never. Cheap to clone.
#[derive(Clone)]
pub struct MoodyAnalyzer {
    dice: Dice,
    store: MemoryStore,
    pending: Arc<Mutex<Vec<(oneshot::Sender<Analysis>, Analysis)>>>,
}

impl MoodyAnalyzer {
    /// Nothing is pending.
    pub fn new(dice: Dice, store: MemoryStore) -> Self {
        Self { dice, store, pending: Arc::default() }
    }

    /// One of the answers comes, in any order; sometimes the model fails instead.
    pub fn deliver(&self) {
        let chosen = {
            let mut pending = self.pending.lock().unwrap();
            let n = pending.len();
            (n > 0).then(|| pending.swap_remove(self.dice.below(n)))
        };
        if let Some((tx, analysis)) = chosen
            && self.dice.percent(80)
        {
            let _ = tx.send(analysis);
        }
    }

    /// What was asked is forgotten with the process.
    pub fn clear(&self) {
        let forgotten = std::mem::take(&mut *self.pending.lock().unwrap());
        drop(forgotten);
    }
}

impl Analyzer for MoodyAnalyzer {
    fn start(&self, text: &str) -> Option<oneshot::Receiver<Analysis>> {
        let search = Search { text: text.to_owned(), limit: 1, ..Search::default() };
        let stored = self.store.search(search).now_or_never().unwrap().unwrap();
        assert!(!stored.is_empty(), "invariant 2: somebody thinks about `{text}`, which is not stored");
        let analysis = found_in(text).with_phrase(asks_for_human(text).as_ref());
        let (tx, rx) = oneshot::channel();
        match self.dice.below(10) {
            0 => return None,
            1..=4 => drop(tx.send(analysis)),
            5 => drop(tx),
            _ => self.pending.lock().unwrap().push((tx, analysis)),
        }
        Some(rx)
    }

    fn words(&self, text: &str) -> Analysis {
        found_by_words(text)
    }

    fn learn(&self, _intents: &[OwnIntent]) -> oneshot::Receiver<()> {
        oneshot::channel().1
    }

    fn own_intents(&self, texts: Vec<String>, _intents: &[OwnIntent]) -> oneshot::Receiver<Vec<OwnIntents>> {
        let (tx, rx) = oneshot::channel();
        let _ = tx.send(texts.iter().map(|text| self.words(text).own_intents).collect());
        rx
    }

    fn explain(&self, text: &str, _head: Head) -> oneshot::Receiver<Vec<WordWeight>> {
        let (tx, rx) = oneshot::channel();
        let word = text.split_whitespace().next().unwrap_or_default();
        let weight = WordWeight { word: word.to_owned(), span: Some((0, word.len())), weight: 0.5 };
        if self.dice.percent(80) {
            let _ = tx.send(vec![weight]);
        }
        rx
    }

    fn embed(&self, _texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>> {
        None
    }

    fn status(&self) -> AnalyzerStatus {
        AnalyzerStatus::Ready { name: "simulated".to_owned(), version: "1".to_owned() }
    }
}

/// A bot that answers at once, slowly, after its own deadline, or never. Cheap to clone.
#[derive(Clone)]
pub struct MoodyBot {
    /// What falls here decides what it does.
    pub dice: Dice,
    /// What time it is.
    pub clock: SimulatedClock,
}

#[async_trait]
impl Bot for MoodyBot {
    async fn reply(&self, question: Question) -> Reply {
        match self.dice.below(8) {
            0..=2 => {}
            3 => self.clock.sleep(Duration::from_secs(3)).await,
            4 => self.clock.sleep(Duration::from_secs(19)).await,
            // It does not keep its own word.
            5 => self.clock.sleep(Duration::from_secs(90)).await,
            6 => std::future::pending().await,
            _ => return Reply::Silent,
        }
        let position = question.position;
        match self.dice.below(8) {
            0 => Reply::NoAnswer(None),
            1 => Reply::HandOver(Some(format!("Somebody will look at {position}"))),
            2 => Reply::HandOver(None),
            // Blank: none at all.
            3 => Reply::Answer("  ".to_owned()),
            _ => Reply::Answer(format!("I have looked up {position}")),
        }
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(20)
    }
}
