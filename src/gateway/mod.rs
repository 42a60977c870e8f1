//! PLACE: WebSockets of visitors and agents.
//!
//! Carries what `flow` decides to where people sit, and back. Decides nothing itself
//! but who may talk how much. The store is the truth: a socket that is lost loses
//! nothing, and its client resumes from the last entry it saw (invariant 8).

pub mod protocol;

mod dispatch;
mod error;
mod follow;
mod heartbeat;
mod limit;
mod presence;
mod pump;
mod registry;
mod routes;
mod session;
mod state;
mod upgrade;

pub use registry::{Registry, Sockets};
pub use routes::routes;
pub use state::Gateway;
