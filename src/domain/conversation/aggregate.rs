//! The conversation as one thing that changes as a whole, and the change that one
//! step makes of it. What people said is not in here but in the log.

use super::{ConversationState, InvalidTransition, NewEntry};
use crate::domain::analysis::Analysis;
use crate::domain::handoff::{Handoff, HandoffOutcome};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId, VisitorId, WidgetKey};
use crate::domain::queue::{Place, Priority};
use crate::domain::time::Timestamp;
use std::time::Duration;

/// An agent who is passed over for a while, because they declined or let an offer expire.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Exclusion {
    /// Who.
    pub agent: AgentId,
    /// Until when.
    pub until: Timestamp,
}

/// Everything between one visitor and us until it is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its name for ever.
    pub id: ConversationId,
    /// Who writes.
    pub visitor: VisitorId,
    /// Through which widget, when it came through one.
    pub widget: Option<WidgetKey>,
    /// Who holds it now.
    pub state: ConversationState,
    /// Grows with every change; a step that read an older one is refused.
    pub version: u64,
    /// Grows whenever control changes hands; an answer of the bot made under an older one is not sent.
    pub epoch: u64,
    /// Where it waits or waited last.
    pub queue: Option<QueueId>,
    /// The level of support it needs.
    pub tier: u8,
    /// How urgent.
    pub priority: Priority,
    /// Ahead of its class: its agent was lost.
    pub is_front: bool,
    /// Agents passed over for a while.
    pub excluded: Vec<Exclusion>,
    /// A transfer to this agent only, as long as they are there.
    pub wanted_agent: Option<AgentId>,
    /// Who held it last; the first to ask when the visitor comes back.
    pub last_agent: Option<AgentId>,
    /// Where to write when nobody was there.
    pub email: Option<String>,
    /// The conversation it continues.
    pub previous: Option<ConversationId>,
    /// When it began.
    pub opened_at: Timestamp,
    /// When the visitor was last seen here or wrote.
    pub visitor_seen_at: Timestamp,
    /// When a human must have answered, by the promise of its priority.
    pub answer_due_at: Option<Timestamp>,
    /// The last score.
    pub score: Option<f64>,
    /// Visitor's messages up to this position are decided on.
    pub decided_position: u64,
    /// Last position in the log. Kept by the store.
    pub last_position: u64,
    /// Last visitor sequence. Kept by the store.
    pub last_visitor_seq: u64,
    /// Position of the visitor's last message. Kept by the store.
    pub last_visitor_position: u64,
}

impl Conversation {
    /// A new one, with the bot.
    pub fn open(id: ConversationId, visitor: VisitorId, at: Timestamp) -> Self {
        Self {
            id,
            visitor,
            widget: None,
            state: ConversationState::WithBot { since: at, answer_due_at: None },
            version: 0,
            epoch: 1,
            queue: None,
            tier: 1,
            priority: Priority::Normal,
            is_front: false,
            excluded: Vec::new(),
            wanted_agent: None,
            last_agent: None,
            email: None,
            previous: None,
            opened_at: at,
            visitor_seen_at: at,
            answer_due_at: None,
            score: None,
            decided_position: 0,
            last_position: 0,
            last_visitor_seq: 0,
            last_visitor_position: 0,
        }
    }

    /// Whether a message of the visitor waits for its decision.
    pub fn is_undecided(&self) -> bool {
        self.last_visitor_position > self.decided_position
    }

    /// Whether it waits and its visitor has been gone too long. Counted from when it began to wait, where that is later:
    /// who passes a conversation on does not end it. A left message that fell due is not abandoned, because its visitor
    /// was gone all the while and left an address for that.
    pub fn is_abandoned(&self, gone_timeout: Duration, now: Timestamp) -> bool {
        let Some(since) = self.state.waiting_since() else { return false };
        let is_gone = now.since(self.visitor_seen_at.max(since)) >= gone_timeout;
        let was_there = since.since(self.visitor_seen_at) < gone_timeout;
        is_gone && (was_there || self.email.is_none())
    }

    /// Its place among those who wait, if it waits.
    pub fn place(&self) -> Option<Place> {
        Some(Place {
            conversation: self.id.clone(),
            queue: self.queue.clone(),
            tier: self.tier,
            priority: self.priority,
            is_front: self.is_front,
            answer_due_at: self.answer_due_at,
            since: self.state.waiting_since()?,
        })
    }

    /// Whether this agent is passed over now.
    pub fn excludes(&self, agent: &AgentId, at: Timestamp) -> bool {
        self.excluded.iter().any(|exclusion| exclusion.agent == *agent && exclusion.until > at)
    }
}

/// What happens to a handoff in a change.
#[derive(Debug, Clone, PartialEq)]
pub enum HandoffChange {
    /// A new transfer of control.
    Begin(Box<Handoff>),
    /// A human took it.
    Accept {
        /// Which.
        handoff: HandoffId,
        /// Who.
        agent: AgentId,
        /// When.
        at: Timestamp,
    },
    /// The human is gone; it waits again.
    Reopen {
        /// Which.
        handoff: HandoffId,
    },
    /// It ended.
    End {
        /// Which.
        handoff: HandoffId,
        /// How.
        outcome: HandoffOutcome,
        /// When.
        at: Timestamp,
    },
}

/// Room that an agent must have for the change to happen, checked in the same write (invariant 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose.
    pub agent: AgentId,
    /// How many conversations they may hold, this one included.
    pub capacity: u32,
}

/// An agent who must still be gone for the change to happen, checked in the same write: they may have come back, on
/// this node or another, after somebody saw that they were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Who.
    pub agent: AgentId,
    /// They have been gone since then at the latest.
    pub since: Timestamp,
}

/// All that one step changes: written as one, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The conversation after the step, still with the version it was read at; the store checks and raises it.
    pub conversation: Conversation,
    /// It does not exist yet.
    pub is_new: bool,
    /// What goes into the log, in this order.
    pub entries: Vec<NewEntry>,
    /// What happens to handoffs, in this order.
    pub handoffs: Vec<HandoffChange>,
    /// Room needed.
    pub reservation: Option<Reservation>,
    /// Who must be gone.
    pub absence: Option<Absence>,
    /// Analyses of the visitor's messages, by position.
    pub analyses: Vec<(u64, Analysis)>,
    /// The log must still end where it ended when the conversation was read: something in here names a position.
    pub is_placed: bool,
}

impl Change {
    /// A change of an existing conversation that so far changes nothing.
    pub fn of(conversation: Conversation) -> Self {
        Self {
            conversation,
            is_new: false,
            entries: Vec::new(),
            handoffs: Vec::new(),
            reservation: None,
            absence: None,
            analyses: Vec::new(),
            is_placed: false,
        }
    }

    /// Goes on with a second transition, so that both are written as one.
    ///
    /// # Errors
    ///
    /// The second transition's.
    pub fn then(
        mut self,
        step: impl FnOnce(Conversation) -> Result<Self, InvalidTransition>,
    ) -> Result<Self, InvalidTransition> {
        let next = step(self.conversation)?;
        self.conversation = next.conversation;
        self.entries.extend(next.entries);
        self.handoffs.extend(next.handoffs);
        self.analyses.extend(next.analyses);
        self.reservation = next.reservation.or(self.reservation);
        self.absence = next.absence.or(self.absence);
        self.is_placed |= next.is_placed;
        Ok(self)
    }

    /// Adds an entry.
    #[must_use]
    pub fn with(mut self, entry: NewEntry) -> Self {
        self.entries.push(entry);
        self
    }
}
