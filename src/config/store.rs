//! `[store]`: the database.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// Where the database is and how writes are gathered. Meaning: `default.toml`, `[store]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct StoreConfig {
    #[serde(deserialize_with = "super::values::secret_or_none")]
    pub url: Option<SecretString>,
    #[serde(deserialize_with = "super::values::path_or_none")]
    pub authorities: Option<PathBuf>,
    #[serde(deserialize_with = "super::values::path_or_none")]
    pub path: Option<PathBuf>,
    pub max_batch: NonZeroUsize,
    pub queue: NonZeroUsize,
    pub readers: NonZeroUsize,
    pub writers: NonZeroUsize,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    #[serde(deserialize_with = "super::values::duration_or_none")]
    pub keep_closed: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub keep_commands: Duration,
    pub least_free: u64,
}
