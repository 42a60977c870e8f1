//! Everything that is not a socket: pages, assets, the API, health and metrics.

mod access;
mod api;
mod assets;
mod desk;
mod error;
mod extract;
mod headers;
mod health;
mod lean;
mod listen;
mod metrics;
mod pages;
mod router;
mod site;
mod state;

pub use access::Access;
pub use assets::build;
pub use desk::Desk;
pub use error::{ApiError, Problem};
pub use listen::{Listener, Refused};
pub use router::{RouteInfo, router, routes};
pub use site::Site;
pub use state::Http;
