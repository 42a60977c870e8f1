//! `[nlp]`: how messages are analyzed.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Which analyzer runs and what it may take. Meaning: `default.toml`, `[nlp]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct NlpConfig {
    pub backend: Backend,
    #[serde(deserialize_with = "super::values::path_or_none")]
    pub model: Option<PathBuf>,
    #[serde(with = "humantime_serde")]
    pub budget: Duration,
    pub queue: NonZeroUsize,
    pub batch: NonZeroUsize,
    pub threads: NonZeroUsize,
    pub repeats: usize,
}

/// The analyzers to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The model, with the word lists behind it.
    RustBert,
    /// The word lists alone.
    Lexicon,
}
