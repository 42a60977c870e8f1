//! `[gateway]`: the limits of sockets.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

/// What one socket, visitor or address may cost. Meaning: `default.toml`, `[gateway]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml says what each key means")]
pub struct GatewayConfig {
    pub max_message_chars: NonZeroUsize,
    pub max_message_bytes: NonZeroUsize,
    pub max_frame_bytes: NonZeroUsize,
    pub max_fragments: NonZeroUsize,
    pub rate_messages: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub rate_interval: Duration,
    pub rate_burst: NonZeroU32,
    pub sockets_per_address: NonZeroUsize,
    #[serde(with = "humantime_serde")]
    pub first_byte_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub ping_interval: Duration,
    #[serde(with = "humantime_serde")]
    pub pong_timeout: Duration,
    pub outbox: NonZeroUsize,
}
