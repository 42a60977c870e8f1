//! What Baton asks of the machine that it runs on, and no library has a safe form of.
//!
//! A crate of its own because the service has no unsafe code.

pub mod heap;
pub mod turns;
