//! `[bot]`: who answers first.

use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// The bot and how long it is waited for. Meaning: `default.toml`, `[bot]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct BotConfig {
    pub kind: BotKind,
    #[serde(deserialize_with = "super::values::text_or_none")]
    pub url: Option<String>,
    #[serde(deserialize_with = "super::values::secret_or_none")]
    pub secret: Option<SecretString>,
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    pub retries: u32,
    pub breaker_failures: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub breaker_pause: Duration,
}

/// The bots to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BotKind {
    /// Answers from the knowledge base of the admin console.
    Knowledge,
    /// A chatbot that exists already, over a signed webhook.
    Webhook,
}
