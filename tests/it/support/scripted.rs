//! An analyzer and a bot that do as the test says, and identifiers that count.

use async_trait::async_trait;
use baton::domain::analysis::{
    Analysis, AnalyzedBy, By, Head, Intent, OwnIntent, OwnIntents, Sentiment, WordWeight, asks_for_human,
};
use baton::domain::time::Timestamp;
use baton::flow::ports::{Analyzer, AnalyzerStatus, Bot, Clock, IdSource, Question, Reply};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

use super::clock::TestClock;

/// Identifiers that count.
#[derive(Default)]
pub struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn suffix(&self) -> String {
        format!("{:06}", self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// An analysis in which nothing was found.
pub fn calm() -> Analysis {
    Analysis::nothing_found(AnalyzedBy { by: By::Model, name: "script".to_owned(), version: "1".to_owned() })
}

/// An analysis of a message that is angry at the service.
pub fn angry(frustration: f64) -> Analysis {
    let mut analysis = calm();
    analysis.frustration = frustration;
    analysis.sentiment = Sentiment::new(frustration, 1.0 - frustration, 0.0);
    analysis.rounded()
}

/// An analysis of a message that asks for a person.
pub fn human(probability: f64) -> Analysis {
    Analysis { human_request: probability, ..calm() }
}

/// An analysis of a message about one thing.
pub fn about(intent: Intent, probability: f64) -> Analysis {
    let mut analysis = calm();
    analysis.intents = analysis.intents.with(intent, probability);
    analysis
}

/// When the model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// So much later.
    After(Duration),
    /// It was asked and says nothing.
    Never,
    /// It cannot be asked: absent, broken, or full.
    Absent,
}

/// What is to be found in a text.
#[derive(Debug, Clone)]
struct Found {
    model: Analysis,
    words: Analysis,
    when: Option<When>,
}

type Pending = (Option<Timestamp>, oneshot::Sender<Analysis>, Analysis);

/// Finds in each text what the script says; nothing in texts that it does not know.
pub struct ScriptedAnalyzer {
    clock: TestClock,
    found: Mutex<HashMap<String, Found>>,
    when: Mutex<When>,
    pending: Mutex<Vec<Pending>>,
    n_forgotten: AtomicUsize,
}

impl ScriptedAnalyzer {
    /// A model that answers at once.
    pub fn new(clock: TestClock) -> Self {
        Self {
            clock,
            found: Mutex::default(),
            when: Mutex::new(When::Now),
            pending: Mutex::default(),
            n_forgotten: AtomicUsize::new(0),
        }
    }

    /// How often it was told to forget texts.
    pub fn n_forgotten(&self) -> usize {
        self.n_forgotten.load(Ordering::Acquire)
    }

    /// How the model answers, where a text does not say otherwise.
    pub fn answers(&self, when: When) {
        *self.when.lock().unwrap() = when;
    }

    /// What model and words find in a text.
    pub fn finds(&self, text: &str, model: Analysis) {
        self.finds_differently(text, model.clone(), model, None);
    }

    /// What the model finds in a text and when, and what words find in it.
    pub fn finds_differently(&self, text: &str, model: Analysis, words: Analysis, when: Option<When>) {
        self.found.lock().unwrap().insert(text.to_owned(), Found { model, words, when });
    }

    /// The earliest instant at which a pending answer comes.
    pub fn next_answer(&self) -> Option<Timestamp> {
        self.pending.lock().unwrap().iter().filter_map(|(at, ..)| *at).min()
    }

    /// Gives the answers whose time has come.
    pub fn deliver(&self) {
        let now = self.clock.now();
        let mut pending = self.pending.lock().unwrap();
        let (due, rest) = std::mem::take(&mut *pending)
            .into_iter()
            .partition(|(at, ..): &Pending| at.is_some_and(|at| at <= now));
        *pending = rest;
        for (_, tx, analysis) in due {
            let _ = tx.send(analysis);
        }
    }

    /// What never came is given up, as when the process ends.
    pub fn forget_pending(&self) {
        self.pending.lock().unwrap().clear();
    }

    fn of(&self, text: &str) -> Found {
        let known = self.found.lock().unwrap().get(text).cloned();
        let found = known.unwrap_or_else(|| Found { model: calm(), words: calm(), when: None });
        let phrase = asks_for_human(text);
        let mut words = found.words.with_phrase(phrase.as_ref());
        words.analyzer.by = By::Words;
        Found { model: found.model.with_phrase(phrase.as_ref()), words, when: found.when }
    }
}

impl Analyzer for ScriptedAnalyzer {
    fn start(&self, text: &str) -> Option<oneshot::Receiver<Analysis>> {
        let found = self.of(text);
        let (tx, rx) = oneshot::channel();
        match found.when.unwrap_or(*self.when.lock().unwrap()) {
            When::Absent => return None,
            When::Now => {
                let _ = tx.send(found.model);
            }
            When::After(span) => {
                self.pending.lock().unwrap().push((Some(self.clock.now().plus(span)), tx, found.model));
            }
            When::Never => self.pending.lock().unwrap().push((None, tx, found.model)),
        }
        Some(rx)
    }

    fn words(&self, text: &str) -> Analysis {
        self.of(text).words
    }

    fn forget(&self) {
        self.n_forgotten.fetch_add(1, Ordering::AcqRel);
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
        let weights = text.split_whitespace().map(|word| {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let weight = f64::from(u32::try_from(word.len()).unwrap()) / 10.0;
            WordWeight { word: word.to_owned(), span: Some((start, start + word.len())), weight }
        });
        let _ = tx.send(weights.collect());
        rx
    }

    fn embed(&self, _texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>> {
        None
    }

    fn status(&self) -> AnalyzerStatus {
        match *self.when.lock().unwrap() {
            When::Absent => AnalyzerStatus::Absent { why: "the script says so".to_owned() },
            _ => AnalyzerStatus::Ready { name: "script".to_owned(), version: "1".to_owned() },
        }
    }
}

/// What the bot does when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BotMode {
    /// Replies at once, always with this.
    AtOnce(Reply),
    /// Waits until the test says what it replies.
    WhenTold,
}

/// A bot that replies when told.
pub struct ScriptedBot {
    mode: Mutex<BotMode>,
    asked: Mutex<Vec<(Question, oneshot::Sender<Reply>)>>,
    n_asked: Mutex<usize>,
}

impl ScriptedBot {
    /// A bot that answers everything at once.
    pub fn new() -> Self {
        let mode = BotMode::AtOnce(Reply::Answer("I have looked that up for you.".to_owned()));
        Self { mode: Mutex::new(mode), asked: Mutex::default(), n_asked: Mutex::default() }
    }

    /// What it does from now on.
    pub fn does(&self, mode: BotMode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// How many questions it was asked so far.
    pub fn n_asked(&self) -> usize {
        *self.n_asked.lock().unwrap()
    }

    /// Replies to the oldest question that waits. False when none does.
    pub fn replies(&self, reply: Reply) -> bool {
        let mut asked = self.asked.lock().unwrap();
        if asked.is_empty() {
            return false;
        }
        let (_, tx) = asked.remove(0);
        tx.send(reply).is_ok()
    }

    /// Questions that never got a reply are given up, as when the process ends.
    pub fn forget_questions(&self) {
        self.asked.lock().unwrap().clear();
    }
}

#[async_trait]
impl Bot for ScriptedBot {
    async fn reply(&self, question: Question) -> Reply {
        *self.n_asked.lock().unwrap() += 1;
        let mode = self.mode.lock().unwrap().clone();
        match mode {
            BotMode::AtOnce(reply) => reply,
            BotMode::WhenTold => {
                let (tx, rx) = oneshot::channel();
                self.asked.lock().unwrap().push((question, tx));
                match rx.await {
                    Ok(reply) => reply,
                    // The process it was asked in is gone.
                    Err(_) => std::future::pending().await,
                }
            }
        }
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(20)
    }
}
