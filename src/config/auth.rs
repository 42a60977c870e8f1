//! `[auth]`: logins, one-time links and tickets.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

/// How long proofs of who is asking live and what they cost. Meaning: `default.toml`, `[auth]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct AuthConfig {
    #[serde(with = "humantime_serde")]
    pub login_idle_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub login_lifetime: Duration,
    #[serde(with = "humantime_serde")]
    pub invite_lifetime: Duration,
    #[serde(with = "humantime_serde")]
    pub reset_lifetime: Duration,
    #[serde(with = "humantime_serde")]
    pub setup_lifetime: Duration,
    #[serde(with = "humantime_serde")]
    pub ticket_lifetime: Duration,
    pub max_tickets: NonZeroUsize,
    pub min_password_chars: NonZeroUsize,
    pub attempts_per_account: NonZeroU32,
    pub attempts_per_address: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub attempt_interval: Duration,
    pub hash_memory: NonZeroU32,
    pub hash_passes: NonZeroU32,
    pub hash_workers: NonZeroUsize,
}
