//! Bus: tells whoever listens, on this node or another, that something changed.
//! At most once and hints only: losing one loses time, never data (invariant 8).

use crate::domain::id::{AgentId, ConversationId};
use tokio::sync::broadcast;

/// Who types or reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// The visitor.
    Visitor,
    /// The bot.
    Bot,
    /// A human; the name is the one shown.
    Agent(AgentId, String),
}

/// Something changed; the store knows what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The conversation has entries up to this position, or another state.
    Conversation {
        /// Which.
        id: ConversationId,
        /// Its last position.
        position: u64,
    },
    /// A late analysis of a message, or the words of an escalation, were stored.
    Explained {
        /// Which.
        id: ConversationId,
    },
    /// Who waits, or who could answer, changed.
    Queues,
    /// Somebody types or has stopped.
    Typing {
        /// Where.
        id: ConversationId,
        /// Who.
        who: Side,
        /// Begun or stopped.
        is_typing: bool,
    },
    /// Somebody has seen everything up to here.
    Read {
        /// Where.
        id: ConversationId,
        /// Who: the visitor, or an agent.
        who: Side,
        /// Up to this visitor sequence.
        visitor_seq: u64,
    },
    /// Another policy is live.
    Policy,
}

/// Carries hints.
pub trait Bus: Send + Sync {
    /// Tells everybody, without waiting.
    fn hint(&self, hint: Hint);

    /// Listens from now on. A listener that lags is told so and reads everything again.
    fn subscribe(&self) -> broadcast::Receiver<Hint>;
}
