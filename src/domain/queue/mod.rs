//! Where escalated conversations wait, who is next, and how long it will take.

mod calendar;
mod estimate;
mod order;
mod priority;

pub use calendar::{Hours, InvalidHours, OpeningHours, Weekday};
pub use estimate::{Estimate, MeasuredWait, estimate};
pub use order::{Place, compare};
pub use priority::Priority;

use super::id::QueueId;
use serde::{Deserialize, Serialize};

/// A queue: a set of skills, and when it is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name for ever.
    pub id: QueueId,
    /// Its name for people.
    pub name: String,
    /// What an agent must know to be offered a conversation from it.
    #[serde(default)]
    pub skills: Vec<String>,
    /// The least tier that serves it.
    #[serde(default = "first_tier")]
    pub tier: u8,
    /// When it is open; always, without.
    #[serde(default)]
    pub hours: Option<OpeningHours>,
    /// Intents that lead here.
    #[serde(default)]
    pub intents: Vec<String>,
    /// Where conversations go that no other queue asks for. Exactly one queue is.
    #[serde(default)]
    pub is_default: bool,
}

fn first_tier() -> u8 {
    1
}

/// The queue for a conversation with this intent: the first that lists it, else the default, else the first.
pub fn choose<'a>(queues: &'a [Queue], intent: &str) -> Option<&'a Queue> {
    queues
        .iter()
        .find(|queue| queue.intents.iter().any(|listed| listed == intent))
        .or_else(|| queues.iter().find(|queue| queue.is_default))
        .or_else(|| queues.first())
}
