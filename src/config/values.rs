//! The whole configuration, and how a value that is not set is read.

use serde::Deserialize;

use super::{
    AuthConfig, BotConfig, BrokerConfig, GatewayConfig, NlpConfig, NodesConfig, PublicUrl, ServerConfig,
    StoreConfig, TelemetryConfig,
};

/// The defaults, commented: sample, reference and source in one.
pub const DEFAULT: &str = include_str!("default.toml");

/// The whole configuration, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[server]`: addresses and the limits of HTTP.
    pub server: ServerConfig,
    /// `[gateway]`: the limits of sockets.
    pub gateway: GatewayConfig,
    /// `[nlp]`: how messages are analyzed.
    pub nlp: NlpConfig,
    /// `[bot]`: who answers first.
    pub bot: BotConfig,
    /// `[store]`: the database.
    pub store: StoreConfig,
    /// `[nodes]`: this process among others.
    pub nodes: NodesConfig,
    /// `[broker]`: how hints travel between nodes.
    pub broker: BrokerConfig,
    /// `[auth]`: logins, links and tickets.
    pub auth: AuthConfig,
    /// `[telemetry]`: logs and metrics.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Where the database is: `store.path`, or `baton.db` in the data folder.
    #[must_use]
    pub fn database(&self) -> std::path::PathBuf {
        self.store.path.clone().unwrap_or_else(|| self.server.data.join("baton.db"))
    }

    /// The address that browsers use. `local` is the address that was bound, for
    /// when port 0 was asked for and no public address is set.
    #[must_use]
    pub fn public_url(&self, local: std::net::SocketAddr) -> PublicUrl {
        self.server.public_url.clone().unwrap_or_else(|| PublicUrl::of_listener(local))
    }
}

/// Text where empty means "not set".
pub(super) fn text_or_none<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(if text.is_empty() { None } else { Some(text) })
}

/// A span of time where empty means "not set".
pub(super) fn duration_or_none<'de, D>(deserializer: D) -> Result<Option<std::time::Duration>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    use serde::de::IntoDeserializer as _;
    let text = text_or_none(deserializer)?;
    text.map(|text| humantime_serde::deserialize(text.into_deserializer())).transpose()
}

/// A path where empty means "not set".
pub(super) fn path_or_none<'de, D>(deserializer: D) -> Result<Option<std::path::PathBuf>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Ok(text_or_none(deserializer)?.map(Into::into))
}

/// A secret where empty means "not set".
pub(super) fn secret_or_none<'de, D>(deserializer: D) -> Result<Option<secrecy::SecretString>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Ok(text_or_none(deserializer)?.map(Into::into))
}
