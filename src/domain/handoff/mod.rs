//! The transfer of control from the bot, or from one human, to humans, with all
//! that they need to go on where it stopped.

use super::escalation::{Counterfactual, Reason};
use super::id::{AgentId, ConversationId, HandoffId, QueueId};
use super::queue::Priority;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The kind of an escalation, in the words of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalationType {
    /// To another team, for its knowledge.
    Functional,
    /// Up a tier.
    Hierarchical,
    /// Because of its severity.
    Priority,
    /// By a rule, a timer, or the bot.
    Automatic,
    /// The visitor asked.
    CustomerInitiated,
}

impl EscalationType {
    /// The word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Functional => "functional",
            Self::Hierarchical => "hierarchical",
            Self::Priority => "priority",
            Self::Automatic => "automatic",
            Self::CustomerInitiated => "customer_initiated",
        }
    }
}

/// Where a handoff stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoffStatus {
    /// It waits for a human.
    Initiated,
    /// A human has it.
    Accepted,
    /// It ended well.
    Completed,
    /// It ended without a human: withdrawn or abandoned.
    Failed,
}

impl HandoffStatus {
    /// The word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Accepted => "accepted",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Initiated, Self::Accepted, Self::Completed, Self::Failed]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// How a handoff ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandoffOutcome {
    /// A human dealt with it, or passed it on.
    Completed,
    /// The visitor went on without a human.
    Withdrawn,
    /// The visitor went away while waiting.
    Abandoned,
}

impl HandoffOutcome {
    /// The status it ends in.
    pub fn status(self) -> HandoffStatus {
        match self {
            Self::Completed => HandoffStatus::Completed,
            Self::Withdrawn | Self::Abandoned => HandoffStatus::Failed,
        }
    }

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Withdrawn => "withdrawn",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A word of a message and how much it moved the score that led here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountedWord {
    /// The word as written.
    pub text: String,
    /// Its share of the head's sum; positive words raised it.
    pub weight: f64,
    /// The message it stands in.
    pub position: u64,
}

/// One transfer of control.
#[derive(Debug, Clone, PartialEq)]
pub struct Handoff {
    /// Its name.
    pub id: HandoffId,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Of which kind.
    pub kind: EscalationType,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
    /// What would have had to be different.
    pub counterfactual: Option<Counterfactual>,
    /// The words that counted; found after the escalation, never on its path.
    pub words: Vec<CountedWord>,
    /// The policy that decided, as `name@version`.
    pub policy: String,
    /// The score at that moment.
    pub score: f64,
    /// Where it waits.
    pub queue: QueueId,
    /// The queue's name at that moment.
    pub queue_name: String,
    /// The tier it needs.
    pub tier: u8,
    /// How urgent.
    pub priority: Priority,
    /// Its place in the queue when it came, from 1: the base of honest estimates.
    pub place_at_start: u32,
    /// When.
    pub at: Timestamp,
    /// When a human must have answered.
    pub answer_due_at: Option<Timestamp>,
    /// Who passed it on, when a human did.
    pub from: Option<AgentId>,
    /// Where it stands.
    pub status: HandoffStatus,
    /// Who took it.
    pub agent: Option<AgentId>,
    /// When it was taken first.
    pub accepted_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}
