//! The states of a conversation, and who holds it in each. The ways between them
//! stand in `transitions.rs`, and no others exist (invariant 7).

use crate::domain::id::{AgentId, HandoffId, OfferId};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Who holds the conversation now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ConversationState {
    /// The bot answers.
    WithBot {
        /// Since when.
        since: Timestamp,
        /// When the bot must have answered; past it, its silence ends at a human.
        answer_due_at: Option<Timestamp>,
    },
    /// It waits for a human; this state is its entry in the queue.
    Queued {
        /// The transfer it waits in.
        handoff: HandoffId,
        /// Since when it waits; kept over declined and expired offers.
        since: Timestamp,
    },
    /// It is shown to one agent for a limited time.
    Offered {
        /// The transfer it waits in.
        handoff: HandoffId,
        /// This offer.
        offer: OfferId,
        /// To whom.
        agent: AgentId,
        /// Since when it waits, the offer included.
        since: Timestamp,
        /// When the offer ends by itself.
        expires_at: Timestamp,
    },
    /// A human answers.
    WithAgent {
        /// The accepted transfer.
        handoff: HandoffId,
        /// Who.
        agent: AgentId,
        /// Since when.
        since: Timestamp,
    },
    /// The visitor left an address; a human will write back.
    LeftMessage {
        /// The transfer it waits in.
        handoff: HandoffId,
        /// When somebody must have taken it; then it is queued again.
        due_at: Timestamp,
    },
    /// The visitor is done with; the agent says how it went.
    WrapUp {
        /// The finished transfer.
        handoff: HandoffId,
        /// Who wraps up.
        agent: AgentId,
        /// When the conversation ended.
        ended_at: Timestamp,
    },
    /// Over.
    Closed {
        /// When.
        closed_at: Timestamp,
    },
}

/// A state without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// The bot answers.
    WithBot,
    /// It waits.
    Queued,
    /// It is shown to an agent.
    Offered,
    /// A human answers.
    WithAgent,
    /// An address was left.
    LeftMessage,
    /// The agent notes how it went.
    WrapUp,
    /// Over.
    Closed,
}

impl StateName {
    /// All of them, in the order of a conversation's life.
    pub const ALL: [Self; 7] = [
        Self::WithBot,
        Self::Queued,
        Self::Offered,
        Self::WithAgent,
        Self::LeftMessage,
        Self::WrapUp,
        Self::Closed,
    ];

    /// The word in the store and in tests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WithBot => "with_bot",
            Self::Queued => "queued",
            Self::Offered => "offered",
            Self::WithAgent => "with_agent",
            Self::LeftMessage => "left_message",
            Self::WrapUp => "wrap_up",
            Self::Closed => "closed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

/// The step is not possible from the present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a conversation that is {} cannot {step}", .from.as_str())]
pub struct InvalidTransition {
    /// Where it is.
    pub from: StateName,
    /// What was tried.
    pub step: &'static str,
}

impl ConversationState {
    /// The state without its details.
    pub fn name(&self) -> StateName {
        match self {
            Self::WithBot { .. } => StateName::WithBot,
            Self::Queued { .. } => StateName::Queued,
            Self::Offered { .. } => StateName::Offered,
            Self::WithAgent { .. } => StateName::WithAgent,
            Self::LeftMessage { .. } => StateName::LeftMessage,
            Self::WrapUp { .. } => StateName::WrapUp,
            Self::Closed { .. } => StateName::Closed,
        }
    }

    /// The agent whose capacity it takes: offered to, held by, or wrapped up by.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Offered { agent, .. } | Self::WithAgent { agent, .. } | Self::WrapUp { agent, .. } => {
                Some(agent)
            }
            _ => None,
        }
    }

    /// The transfer it is in.
    pub fn handoff(&self) -> Option<&HandoffId> {
        match self {
            Self::Queued { handoff, .. }
            | Self::Offered { handoff, .. }
            | Self::WithAgent { handoff, .. }
            | Self::LeftMessage { handoff, .. }
            | Self::WrapUp { handoff, .. } => Some(handoff),
            _ => None,
        }
    }

    /// Since when it waits for a human, if it does.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        match self {
            Self::Queued { since, .. } | Self::Offered { since, .. } => Some(*since),
            _ => None,
        }
    }

    /// Whether the visitor still has it open: a visitor has at most one such.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::WrapUp { .. } | Self::Closed { .. })
    }

    /// The next moment at which this state changes by itself.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self {
            Self::WithBot { answer_due_at, .. } => *answer_due_at,
            Self::Offered { expires_at, .. } => Some(*expires_at),
            Self::LeftMessage { due_at, .. } => Some(*due_at),
            _ => None,
        }
    }

    pub(super) fn cannot(&self, step: &'static str) -> InvalidTransition {
        InvalidTransition { from: self.name(), step }
    }
}
