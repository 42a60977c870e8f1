//! The analyzer the flow asks: the model where it answers, words where not.

use std::{path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

#[cfg(feature = "rust-bert")]
use super::{
    fault::FaultHandle,
    worker::{self, Desk, Setup},
};
use super::{lexicon::Lexicon, own_intents::Index};
use crate::{
    domain::analysis::{Analysis, Head, OwnIntent, OwnIntents, WordWeight},
    flow::ports::{Analyzer, AnalyzerStatus},
};

/// Answers by words alone.
#[derive(Debug, Clone)]
pub struct LexiconAnalyzer {
    /// Why there is no model.
    status: AnalyzerStatus,
    own: Arc<ArcSwap<Index>>,
}

impl LexiconAnalyzer {
    /// Words alone, and the reason for it.
    pub fn new(why: impl Into<String>) -> Self {
        Self { status: AnalyzerStatus::Absent { why: why.into() }, own: Arc::default() }
    }

    /// Words while a model is being loaded that will take this one's place.
    pub fn while_loading() -> Self {
        Self { status: AnalyzerStatus::Loading, own: Arc::default() }
    }
}

impl Default for LexiconAnalyzer {
    fn default() -> Self {
        Self::new("words were asked for")
    }
}

impl Analyzer for LexiconAnalyzer {
    fn start(&self, _text: &str) -> Option<oneshot::Receiver<Analysis>> {
        None
    }

    fn words(&self, text: &str) -> Analysis {
        by_words(text, &self.own.load())
    }

    fn learn(&self, intents: &[OwnIntent]) -> oneshot::Receiver<()> {
        self.own.store(Arc::new(Index::new(intents)));
        // Nobody will say that the model is ready.
        oneshot::channel().1
    }

    fn own_intents(&self, texts: Vec<String>, intents: &[OwnIntent]) -> oneshot::Receiver<Vec<OwnIntents>> {
        found_by_words(&texts, intents)
    }

    fn explain(&self, text: &str, head: Head) -> oneshot::Receiver<Vec<WordWeight>> {
        explained_by_words(text, head)
    }

    fn embed(&self, _texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>> {
        None
    }

    fn status(&self) -> AnalyzerStatus {
        self.status.clone()
    }
}

fn by_words(text: &str, own: &Index) -> Analysis {
    Analysis { own_intents: own.find(text, None), ..Lexicon::compiled_in().analyze(text) }
}

fn found_by_words(texts: &[String], intents: &[OwnIntent]) -> oneshot::Receiver<Vec<OwnIntents>> {
    let index = Index::new(intents);
    let (tx, rx) = oneshot::channel();
    drop(tx.send(texts.iter().map(|text| index.find(text, None)).collect()));
    rx
}

fn explained_by_words(text: &str, head: Head) -> oneshot::Receiver<Vec<WordWeight>> {
    let (tx, rx) = oneshot::channel();
    // The receiver is in our hands: it cannot be gone.
    drop(tx.send(Lexicon::compiled_in().explain(text, head)));
    rx
}

/// What an analyzer is made of.
#[derive(Debug, Clone)]
pub struct Builder {
    folder: Option<PathBuf>,
    capacity: usize,
    n_threads: usize,
    most_in_batch: usize,
    hangs_after: Duration,
    n_repeats: usize,
    #[cfg(feature = "rust-bert")]
    precision: Option<super::model::Precision>,
    #[cfg(feature = "rust-bert")]
    faults: Option<Arc<FaultHandle>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            folder: None,
            capacity: 256,
            n_threads: 1,
            most_in_batch: super::batch::MOST_TEXTS,
            hangs_after: Duration::from_secs(10),
            n_repeats: 0,
            #[cfg(feature = "rust-bert")]
            precision: None,
            #[cfg(feature = "rust-bert")]
            faults: None,
        }
    }
}

impl Builder {
    /// The model folder. Without one it is looked for.
    #[must_use]
    pub fn model(mut self, folder: Option<PathBuf>) -> Self {
        self.folder = folder;
        self
    }

    /// Where the model is that will be loaded, if there is one.
    pub fn folder(&self) -> Option<PathBuf> {
        #[cfg(feature = "rust-bert")]
        return worker::find(self.folder.as_deref());
        #[cfg(not(feature = "rust-bert"))]
        self.folder.clone()
    }

    /// How many texts may wait for the model.
    #[must_use]
    pub fn queue(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// How many threads compute, each with a model of its own.
    #[must_use]
    pub fn threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// The most texts computed together.
    #[must_use]
    pub fn batch(mut self, most: usize) -> Self {
        self.most_in_batch = most;
        self
    }

    /// After this long a batch is given up, and the model with it.
    #[must_use]
    pub fn hangs_after(mut self, span: Duration) -> Self {
        self.hangs_after = span;
        self
    }

    /// How many analyses are remembered for texts that come again; none unless asked for.
    #[must_use]
    pub fn repeats(mut self, n_repeats: usize) -> Self {
        self.n_repeats = n_repeats;
        self
    }

    /// The number format, where it must not be left to the machine's speed.
    #[cfg(feature = "rust-bert")]
    #[must_use]
    pub fn precision(mut self, precision: super::model::Precision) -> Self {
        self.precision = Some(precision);
        self
    }

    /// Breaks the worker on purpose, for tests.
    #[cfg(feature = "rust-bert")]
    #[must_use]
    pub fn faults(mut self, faults: Arc<FaultHandle>) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Starts loading the model and returns at once.
    #[cfg(feature = "rust-bert")]
    pub fn start(self) -> Result<RustBertAnalyzer, LexiconAnalyzer> {
        let Some(folder) = worker::find(self.folder.as_deref()) else {
            return Err(LexiconAnalyzer::new("no model folder was found"));
        };
        let setup = Setup {
            folder,
            capacity: self.capacity,
            n_threads: self.n_threads,
            most_in_batch: self.most_in_batch.max(1),
            hangs_after: self.hangs_after,
            n_repeats: self.n_repeats,
            precision: self.precision,
            faults: self.faults,
        };
        Ok(RustBertAnalyzer { desk: Desk::open(&setup) })
    }

    /// The analyzer for the flow: the model, or words alone where there is none.
    pub fn build(self) -> Arc<dyn Analyzer> {
        #[cfg(feature = "rust-bert")]
        return match self.start() {
            Ok(analyzer) => Arc::new(analyzer),
            Err(words) => Arc::new(words),
        };
        #[cfg(not(feature = "rust-bert"))]
        Arc::new(LexiconAnalyzer::new("this program was built without the model"))
    }
}

/// Answers by the model, from its own threads.
#[cfg(feature = "rust-bert")]
pub struct RustBertAnalyzer {
    desk: Arc<Desk>,
}

#[cfg(feature = "rust-bert")]
impl RustBertAnalyzer {
    /// Waits until the model is there or known not to come. Not for tasks: it
    /// blocks its thread.
    pub fn wait_until_loaded(&self) -> AnalyzerStatus {
        self.desk.wait_until_loaded()
    }

    /// The number format in use, once the model is there.
    pub fn precision(&self) -> Option<super::model::Precision> {
        self.desk.precision()
    }
}

#[cfg(feature = "rust-bert")]
impl Drop for RustBertAnalyzer {
    fn drop(&mut self) {
        self.desk.close();
    }
}

#[cfg(feature = "rust-bert")]
impl Analyzer for RustBertAnalyzer {
    fn start(&self, text: &str) -> Option<oneshot::Receiver<Analysis>> {
        self.desk.analyze(text)
    }

    fn words(&self, text: &str) -> Analysis {
        by_words(text, &self.desk.own())
    }

    fn learn(&self, intents: &[OwnIntent]) -> oneshot::Receiver<()> {
        self.desk.learn(Index::new(intents))
    }

    fn own_intents(&self, texts: Vec<String>, intents: &[OwnIntent]) -> oneshot::Receiver<Vec<OwnIntents>> {
        let found = self.desk.own_intents(&texts, Index::new(intents));
        found.unwrap_or_else(|| found_by_words(&texts, intents))
    }

    fn explain(&self, text: &str, head: Head) -> oneshot::Receiver<Vec<WordWeight>> {
        self.desk.explain(text, head).unwrap_or_else(|| explained_by_words(text, head))
    }

    fn embed(&self, texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>> {
        self.desk.embed(texts)
    }

    fn forget(&self) {
        self.desk.forget();
    }

    fn status(&self) -> AnalyzerStatus {
        self.desk.status()
    }

    fn n_repeats(&self) -> u64 {
        self.desk.n_repeats_found()
    }
}
