//! Analyzer: what is in a message. Never waits and never fails the flow (invariant 3).

use tokio::sync::oneshot;

use crate::domain::analysis::{Analysis, Head, OwnIntent, OwnIntents, WordWeight};

/// Finds sentiment, requests and intents in messages.
///
/// The phrase check for an explicit request is part of every answer, by the
/// model or by words.
pub trait Analyzer: Send + Sync {
    /// Hands the text to the model, which answers from its own thread.
    ///
    /// `None` when the model is absent or broken, or its queue is full. The
    /// receiver errs when the model failed on the way; either way `words` has an answer.
    fn start(&self, text: &str) -> Option<oneshot::Receiver<Analysis>>;

    /// What the word model says: always, at once, and the same every time.
    fn words(&self, text: &str) -> Analysis;

    /// From now on every analysis says how probable these are: the site's own intents, as the live policy has them.
    ///
    /// Words know them at once. The model reads their examples on its own thread first; until then words find them in
    /// what the model analyzes too. The receiver says when the model is ready, and errs where it will not be.
    fn learn(&self, intents: &[OwnIntent]) -> oneshot::Receiver<()>;

    /// How probable each of these intents is in each text, whatever was learned: for a draft. By words where there is
    /// no model. The receiver errs when the model failed on the way; asked again, words answer.
    fn own_intents(&self, texts: Vec<String>, intents: &[OwnIntent]) -> oneshot::Receiver<Vec<OwnIntents>>;

    /// Which words moved a head: terms that add up to it. By words where there is no model.
    fn explain(&self, text: &str, head: Head) -> oneshot::Receiver<Vec<WordWeight>>;

    /// Sentence vectors of length one, in the order of the texts.
    fn embed(&self, texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>>;

    /// Forgets the texts that it remembers: somebody was erased, and they may be theirs.
    fn forget(&self) {}

    /// How the model is.
    fn status(&self) -> AnalyzerStatus;

    /// How many texts had come before and were answered from memory.
    fn n_repeats(&self) -> u64 {
        0
    }
}

/// How the model is. Words answer in every state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnalyzerStatus {
    /// It answers.
    Ready {
        /// The model's name.
        name: String,
        /// The model's version.
        version: String,
    },
    /// It is being loaded.
    Loading,
    /// There is none, on purpose or because it could not be loaded.
    Absent {
        /// Why, for a person.
        why: String,
    },
    /// It was there and stopped answering; it has been abandoned.
    Failed {
        /// Why, for a person.
        why: String,
    },
}

impl AnalyzerStatus {
    /// Whether messages are analyzed by the model now.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }
}
