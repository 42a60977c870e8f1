//! The model: what a message says, in numbers.
//!
//! The only place that knows how an analysis is made. What follows from one is
//! decided in `domain`.

pub mod analyzer;
pub mod batch;
#[cfg(feature = "rust-bert")]
pub mod bundle;
#[cfg(feature = "rust-bert")]
pub mod encoder;
#[cfg(feature = "rust-bert")]
pub mod engine;
#[cfg(feature = "rust-bert")]
pub mod examples;
#[cfg(feature = "rust-bert")]
pub mod fault;
pub mod labels;
pub mod language;
pub mod lexicon;
pub mod measure;
#[cfg(feature = "rust-bert")]
pub mod model;
#[cfg(feature = "rust-bert")]
pub mod models;
pub mod normalize;
pub mod own_intents;
#[cfg(feature = "rust-bert")]
pub mod projections;
pub mod spelling;
pub mod switch;
#[cfg(feature = "rust-bert")]
pub mod reading;
#[cfg(feature = "rust-bert")]
pub mod repeats;
#[cfg(feature = "rust-bert")]
pub mod tokenizer;
pub mod train;
pub mod words;
#[cfg(feature = "rust-bert")]
pub mod worker;

#[cfg(feature = "rust-bert")]
pub use analyzer::RustBertAnalyzer;
pub use analyzer::{Builder, LexiconAnalyzer};
#[cfg(feature = "rust-bert")]
pub use fault::{Fault, FaultHandle};
pub use switch::ModelSwitch;

/// What can go wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum NlpError {
    /// A file or folder is not there.
    #[error("there is no {what}")]
    Missing {
        /// The path.
        what: String,
    },
    /// A file is there and cannot be used.
    #[error("{what} cannot be read: {why}")]
    Unreadable {
        /// The path.
        what: String,
        /// The reason.
        why: String,
    },
    /// A file is not the one the manifest describes.
    #[error("{what} is damaged: its sha256 is {found}, the manifest says {expected}")]
    Damaged {
        /// The path.
        what: String,
        /// The sum of what is there.
        found: String,
        /// The sum in the manifest.
        expected: String,
    },
    /// The engine failed.
    #[error("the engine failed: {0}")]
    Engine(String),
    /// The training data cannot be used.
    #[error("training data: {0}")]
    Data(String),
}

impl NlpError {
    /// The word for this error in answers, metrics and logs. Never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "model_missing",
            Self::Unreadable { .. } => "model_unreadable",
            Self::Damaged { .. } => "model_damaged",
            Self::Engine(_) => "engine_failed",
            Self::Data(_) => "training_data",
        }
    }
}

#[cfg(feature = "rust-bert")]
impl From<tch::TchError> for NlpError {
    fn from(error: tch::TchError) -> Self {
        // The first line is the cause; the rest is the engine's own stack.
        Self::Engine(error.to_string().lines().next().unwrap_or_default().to_owned())
    }
}
