//! `[nodes]` and `[broker]`: several processes on one database.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// How a process holds its place among others. Meaning: `default.toml`, `[nodes]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct NodesConfig {
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    #[serde(with = "humantime_serde")]
    pub renewal: Duration,
}

/// How hints travel between nodes. Meaning: `default.toml`, `[broker]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct BrokerConfig {
    #[serde(deserialize_with = "super::values::secret_or_none")]
    pub url: Option<SecretString>,
}
