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
mod nodes;
mod policy;
mod public_url;
mod reference;
mod server;
mod store;
mod telemetry;
mod values;

pub use auth::AuthConfig;
pub use bot::{BotConfig, BotKind};
pub use check::warnings;
pub use gateway::GatewayConfig;
pub use load::{Layers, Problem, Problems, load};
pub use nlp::{Backend, NlpConfig};
pub use nodes::{BrokerConfig, NodesConfig};
pub use policy::{DEFAULT_POLICY, parse_policy};
pub use public_url::PublicUrl;
pub use reference::reference;
pub use server::{Network, ServerConfig};
pub use store::StoreConfig;
pub use telemetry::{LogFormat, TelemetryConfig};
pub use values::{Config, DEFAULT};
