//! The humans who answer, and what each may do.

mod role;

pub use role::{Permission, Role};

use super::id::{AgentId, QueueId};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Chosen by the agent. "Busy" is derived from capacity and never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Takes offers.
    Online,
    /// There, takes none.
    Away,
    /// Not there.
    #[default]
    Offline,
}

impl Presence {
    /// The word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Online, Self::Away, Self::Offline].into_iter().find(|presence| presence.as_str() == text)
    }
}

/// A human who answers: what an admin has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The same as their account.
    pub id: AgentId,
    /// Shown to visitors.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The level of support they give.
    pub tier: u8,
    /// How many conversations they may hold at once.
    pub capacity: u32,
    /// What they know.
    pub skills: Vec<String>,
    /// The queues they serve; all, when empty.
    pub queues: Vec<QueueId>,
}

/// Whether an agent is there, as the store knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attendance {
    /// What they chose.
    pub presence: Presence,
    /// Since when no connection of theirs is left; none while one is.
    pub lost_at: Option<Timestamp>,
    /// Whether they have been connected at all.
    pub is_known: bool,
    /// How many conversations they hold or are offered.
    pub held: u32,
    /// When they last got one.
    pub last_offer_at: Option<Timestamp>,
}

impl Attendance {
    /// Whether an offer can reach them now.
    pub fn is_reachable(&self) -> bool {
        self.presence == Presence::Online && self.is_known && self.lost_at.is_none()
    }
}
