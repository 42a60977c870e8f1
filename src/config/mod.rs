//! What is set before the start: addresses, paths, limits, secrets.
//!
//! Not the policy, which a supervisor changes while the service runs. Values and
//! their meaning stand in `default.toml`; this folder reads, layers and checks them.

mod auth;
mod bot;
mod check;
mod gateway;
mod load;
mod nlp;
mod policy;
mod public_url;
mod reference;
mod server;
mod store;
mod telemetry;

use serde::Deserialize;

pub use auth::AuthConfig;
pub use bot::{BotConfig, BotKind};
pub use check::warnings;
pub use gateway::GatewayConfig;
pub use load::{Layers, Problem, Problems, load};
pub use nlp::{Backend, NlpConfig};
pub use policy::{DEFAULT_POLICY, parse_policy};
pub use public_url::PublicUrl;
pub use reference::reference;
pub use server::{Network, ServerConfig};
pub use store::StoreConfig;
pub use telemetry::{LogFormat, TelemetryConfig};

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
fn text_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(if text.is_empty() { None } else { Some(text) })
}

/// A path where empty means "not set".
fn path_or_none<'de, D>(deserializer: D) -> Result<Option<std::path::PathBuf>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Ok(text_or_none(deserializer)?.map(Into::into))
}

/// A secret where empty means "not set".
fn secret_or_none<'de, D>(deserializer: D) -> Result<Option<secrecy::SecretString>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Ok(text_or_none(deserializer)?.map(Into::into))
}
