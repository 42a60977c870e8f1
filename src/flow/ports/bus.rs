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
    /// A human. Their name is looked up by whoever shows it: no hint carries one.
    Agent(AgentId),
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
    /// The visitor has said something: who has sent it to them as an entry already has nothing new.
    Message {
        /// Where.
        id: ConversationId,
        /// Its position.
        position: u64,
        /// Its visitor sequence.
        visitor_seq: u64,
    },
    /// The conversation has entries up to this position that agents see and its visitor does not.
    Inside {
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
    /// A conversation is offered to an agent.
    Offered {
        /// To whom.
        agent: AgentId,
    },
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
    /// What was stored about somebody was erased: texts that are kept in memory may be theirs.
    Erased,
}

/// How hints travel just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hints {
    /// Within this process, which is alone: none is lost.
    Local,
    /// To and from other nodes.
    Flowing,
    /// Nowhere: other nodes are followed by looking at the store, and why.
    PollingOnly(String),
}

/// What became of hints since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HintCounts {
    /// Sent to other nodes.
    pub sent: u64,
    /// Not sent, because nobody could be reached or too many waited.
    pub dropped: u64,
    /// Heard from other nodes.
    pub heard: u64,
    /// Heard and not understood.
    pub ignored: u64,
}

/// Carries hints.
pub trait Bus: Send + Sync {
    /// Tells everybody, without waiting.
    fn hint(&self, hint: Hint);

    /// Tells this node only: what it has found in the store by itself.
    fn hint_here(&self, hint: Hint);

    /// How hints travel just now.
    fn hints(&self) -> Hints;

    /// What became of them.
    fn counts(&self) -> HintCounts;

    /// Listens from now on. A listener that lags is told so and reads everything again.
    fn subscribe(&self) -> broadcast::Receiver<Hint>;
}
