//! What is said on a socket: frame in, frames out. No sockets here.

mod agent;
mod erased;
mod sending;
mod visitor;

pub use agent::AgentSession;
pub use visitor::VisitorSession;

use super::limit::Bucket;
use crate::config::GatewayConfig;
use crate::domain::time::Timestamp;

/// How many frames of any kind one socket may send for each message allowed. Typing and reading take most of them.
const FRAMES_PER_MESSAGE: u32 = 10;

/// The allowance of frames of one socket. Who exceeds it is not talking, and is closed.
fn frame_allowance(config: &GatewayConfig, now: Timestamp) -> Bucket {
    let times = |number: std::num::NonZeroU32| {
        number.saturating_mul(std::num::NonZeroU32::MIN.saturating_add(FRAMES_PER_MESSAGE - 1))
    };
    Bucket::new(times(config.rate_messages), config.rate_interval, times(config.rate_burst), now)
}

/// How much of a conversation is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refreshed {
    /// What a hint spoke of.
    News,
    /// Also what hints may have been lost of.
    Everything,
}
