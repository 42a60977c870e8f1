//! PLACE: telling whoever listens that something changed: on this node, or on others.
//!
//! Hints only, never data (invariant 8).

mod local;

pub use local::LocalBus;
