//! PLACE: telling whoever listens that something changed: on this node, or on others.
//!
//! Hints only, never data (invariant 8).

mod local;
mod nats;
mod wire;

pub use local::LocalBus;
pub use nats::{InvalidAddress, NatsBus};
