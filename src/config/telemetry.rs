//! `[telemetry]`: logs and metrics.

use secrecy::SecretString;
use serde::Deserialize;

/// How Baton is seen from outside. Meaning: `default.toml`, `[telemetry]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct TelemetryConfig {
    pub format: LogFormat,
    pub level: String,
    #[serde(deserialize_with = "super::values::secret_or_none")]
    pub metrics_token: Option<SecretString>,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
