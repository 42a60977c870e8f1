//! The analyzer the flow asks, with a model behind it that can be changed while
//! messages flow; and the shelf from which models are taken. It does not know which
//! one should be live.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio::sync::oneshot;

use super::analyzer::Builder;
use crate::domain::analysis::{Analysis, Head, OwnIntent, OwnIntents, WordWeight};
use crate::flow::ports::{Analyzer, AnalyzerStatus, ModelShelf, ReadyModel};

/// Answers with the model that is live.
pub struct ModelSwitch {
    live: ArcSwap<Arc<dyn Analyzer>>,
    builder: Option<Builder>,
    models: PathBuf,
    /// The site's own intents, for the next model. Held while they or the model change, so that no model misses them.
    own: Mutex<Vec<OwnIntent>>,
    /// What the models before this one remembered: the count must not fall.
    earlier_repeats: AtomicU64,
}

impl ModelSwitch {
    /// Answers with `first` until told otherwise. Models are loaded as `builder` says, from folders in `models`; without
    /// a builder there are none to load.
    pub fn new(first: Arc<dyn Analyzer>, builder: Option<Builder>, models: PathBuf) -> Self {
        Self {
            live: ArcSwap::from_pointee(first),
            builder,
            models,
            own: Mutex::default(),
            earlier_repeats: AtomicU64::new(0),
        }
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        (!name.is_empty()).then(|| self.models.join(name))
    }
}

impl Analyzer for ModelSwitch {
    fn start(&self, text: &str) -> Option<oneshot::Receiver<Analysis>> {
        self.live.load().start(text)
    }

    fn words(&self, text: &str) -> Analysis {
        self.live.load().words(text)
    }

    fn learn(&self, intents: &[OwnIntent]) -> oneshot::Receiver<()> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        *own = intents.to_vec();
        self.live.load().learn(intents)
    }

    fn own_intents(&self, texts: Vec<String>, intents: &[OwnIntent]) -> oneshot::Receiver<Vec<OwnIntents>> {
        self.live.load().own_intents(texts, intents)
    }

    fn explain(&self, text: &str, head: Head) -> oneshot::Receiver<Vec<WordWeight>> {
        self.live.load().explain(text, head)
    }

    fn embed(&self, texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>> {
        self.live.load().embed(texts)
    }

    fn forget(&self) {
        self.live.load().forget();
    }

    fn status(&self) -> AnalyzerStatus {
        self.live.load().status()
    }

    fn n_repeats(&self) -> u64 {
        self.earlier_repeats.load(Ordering::Relaxed) + self.live.load().n_repeats()
    }
}

#[async_trait]
impl ModelShelf for ModelSwitch {
    async fn shipped(&self) -> Option<ReadyModel> {
        let builder = self.builder.clone()?;
        on_a_thread(move || look(&builder.folder()?, "")).await.flatten()
    }

    async fn available(&self) -> Vec<ReadyModel> {
        let models = self.models.clone();
        on_a_thread(move || list(&models)).await.unwrap_or_default()
    }

    async fn load(&self, folder: &str) -> Result<Arc<dyn Analyzer>, String> {
        let builder = self.builder.clone().ok_or("nlp.backend is lexicon")?;
        let builder = match self.folder(folder) {
            Some(folder) => builder.model(Some(folder)),
            None => builder,
        };
        on_a_thread(move || load(builder)).await.unwrap_or_else(|| Err("its thread ended early".to_owned()))
    }

    fn go_live(&self, loaded: Arc<dyn Analyzer>) {
        // The one before it ends when nobody asks it any more, after answering what it was handed.
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if !own.is_empty() {
            // The model reads their examples by itself; until then words find them.
            drop(loaded.learn(&own));
        }
        let before = self.live.swap(Arc::new(loaded));
        self.earlier_repeats.fetch_add(before.n_repeats(), Ordering::Relaxed);
    }

    fn takes_models(&self) -> bool {
        self.builder.is_some()
    }
}

/// Runs what blocks on a thread of its own (invariant 11); none when it ends without an answer.
async fn on_a_thread<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tx, rx) = oneshot::channel();
    // Whoever asked may be gone by then; then nobody needs the answer.
    let started =
        std::thread::Builder::new().name("model-shelf".to_owned()).spawn(move || drop(tx.send(run())));
    started.ok()?;
    rx.await.ok()
}

/// Loads a model and lets it answer once.
#[cfg(feature = "rust-bert")]
fn load(builder: Builder) -> Result<Arc<dyn Analyzer>, String> {
    let why = |status: AnalyzerStatus| match status {
        AnalyzerStatus::Absent { why } | AnalyzerStatus::Failed { why } => why,
        AnalyzerStatus::Ready { .. } | AnalyzerStatus::Loading => "it does not answer".to_owned(),
    };
    let analyzer = builder.start().map_err(|words| why(words.status()))?;
    let status = analyzer.wait_until_loaded();
    if !status.is_ready() {
        return Err(why(status));
    }
    let answer = analyzer.start("Where is my order?").and_then(|answer| answer.blocking_recv().ok());
    if answer.is_some() { Ok(Arc::new(analyzer)) } else { Err(why(analyzer.status())) }
}

#[cfg(not(feature = "rust-bert"))]
fn load(_builder: Builder) -> Result<Arc<dyn Analyzer>, String> {
    Err("this program was built without the model".to_owned())
}

/// The models in a folder of an installation.
#[cfg(feature = "rust-bert")]
fn list(models: &Path) -> Vec<ReadyModel> {
    let folders = super::models::folders(models);
    folders.iter().filter_map(|folder| look(folder, super::models::name(folder))).collect()
}

#[cfg(not(feature = "rust-bert"))]
fn list(_models: &Path) -> Vec<ReadyModel> {
    Vec::new()
}

/// What a model says of itself; none when it has no manifest of this kind.
#[cfg(feature = "rust-bert")]
fn look(folder: &Path, name: &str) -> Option<ReadyModel> {
    let manifest = super::bundle::Bundle::manifest(folder).ok()?;
    Some(ReadyModel {
        name: manifest.name,
        version: manifest.version,
        folder: name.to_owned(),
        trained_on: manifest.trained_on.into_iter().map(|set| (set.set, set.lines)).collect(),
        figures: std::fs::read_to_string(folder.join(super::train::from_labels::FIGURES)).ok(),
    })
}

#[cfg(not(feature = "rust-bert"))]
fn look(_folder: &Path, _name: &str) -> Option<ReadyModel> {
    None
}
