//! Store: the truth. It takes whole commands, each all or nothing, each checking
//! the version it was decided on; no step holds a transaction open.

use crate::domain::agent::{Attendance, Presence};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Body, Change, Conversation, Entry, StateName};
use crate::domain::handoff::{CountedWord, Handoff};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId, VisitorId};
use crate::domain::outcome::{Csat, WrapUp};
use crate::domain::queue::{MeasuredWait, Place};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};

/// Entries read at once where all are read.
const PAGE: usize = 1_000;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the conversation first; read again and decide again.
    #[error("somebody else changed it first")]
    Conflict,
    /// The same client id was used for something else.
    #[error("this client id was used for something else")]
    ClientId,
    /// The agent has no room left.
    #[error("the agent has no room left")]
    NoRoom,
    /// It is not there.
    #[error("not found")]
    NotFound,
    /// The store cannot take or give anything now: disk full, read-only, closed, or more waiting than it takes.
    #[error("the store is not available")]
    Unavailable,
    /// What stands in it cannot be read.
    #[error("the store holds something that cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// The stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::ClientId => "conflict",
            Self::NoRoom => "no_room",
            Self::NotFound => "not_found",
            Self::Unavailable | Self::Corrupt(_) => "store_unavailable",
        }
    }
}

/// How far a visitor has seen a conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// The visitor's sequence of the last entry that they have.
    pub seq: u64,
    /// The position of that entry, or any before it: where the search for what comes next begins.
    pub position: u64,
}

/// Where nothing but the sequence is known: the position of an entry is never smaller than its sequence.
impl From<u64> for Seen {
    fn from(seq: u64) -> Self {
        Self { seq, position: seq }
    }
}

/// What makes a retry harmless: one actor, one client id, one content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandKey {
    /// Whose: the text of a visitor's or an agent's id.
    pub actor: String,
    /// Given by the client, unique for the actor for ever.
    pub client_id: String,
    /// Of the content; the same client id with another digest is a conflict.
    pub digest: [u8; 16],
}

/// The answer to a command that changed something, and to every retry of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Where.
    pub conversation: ConversationId,
    /// Position of the first entry it wrote; none where it wrote none.
    pub position: Option<u64>,
    /// Visitor sequence of that entry, where it has one.
    pub visitor_seq: Option<u64>,
    /// When it was written.
    pub at: Timestamp,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its answer; the first one, when its command was carried out before.
    pub ack: Ack,
    /// Whether it is written. Nothing of it is, when its command was carried out before, here or by another node.
    pub is_written: bool,
}

/// A visitor's message into the conversation of theirs that is open.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// By whom.
    pub visitor: VisitorId,
    /// What.
    pub body: Body,
    /// When.
    pub at: Timestamp,
    /// For retries.
    pub command: CommandKey,
}

/// What an agent, or supervisor, looks for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// In these states; all, when empty.
    pub states: Vec<StateName>,
    /// Words that must stand in a message, or the visitor's name or address.
    pub text: String,
    /// Held last, or now, by this agent.
    pub agent: Option<AgentId>,
    /// With a label of a supervisor on it or on one of its messages, or without any; either, when not said.
    pub is_labeled: Option<bool>,
    /// Opened before.
    pub before: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// How a finished conversation was judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judgement {
    /// The agent's words.
    pub wrap_up: Option<WrapUp>,
    /// The visitor's.
    pub csat: Option<(u8, Option<String>)>,
}

/// How far each side has read, as visitor sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadMarks {
    /// By the visitor.
    pub visitor: u64,
    /// By an agent.
    pub agent: u64,
}

/// What a list shows of a conversation beside the conversation itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Glance {
    /// The last message.
    pub last: Option<Entry>,
    /// The first reason of the latest handoff.
    pub reason: Option<String>,
    /// How far each side has read.
    pub marks: ReadMarks,
}

/// Numbers for the live view.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Conversations by state.
    pub by_state: BTreeMap<&'static str, u64>,
    /// Handoffs begun since the given instant, by first reason.
    pub by_reason: BTreeMap<String, u64>,
}

/// How the store fares, as it knows without asking the database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreHealth {
    /// Why the last writes were refused, in a stable word; none while they go through.
    pub trouble: Option<&'static str>,
    /// Refused since the start, by why.
    pub refused: BTreeMap<&'static str, u64>,
    /// Bytes of the log beside the database, where it has one.
    pub log_bytes: u64,
}

/// The truth.
#[async_trait]
pub trait Store: Send + Sync {
    /// Changes when the store was replaced or restored; clients then start over.
    fn history_id(&self) -> String;

    /// How it fares. A store that never has trouble need not say.
    fn health(&self) -> StoreHealth {
        StoreHealth::default()
    }

    /// Writes a visitor's message into their open conversation. It waits for nobody's version (invariant 4).
    ///
    /// # Errors
    ///
    /// `Conflict` when they have none that is open.
    async fn receive(&self, receipt: Receipt) -> Result<Ack, StoreError>;

    /// Writes one step, whole or not at all. With a command, a retry gives the first answer again and changes nothing.
    ///
    /// # Errors
    ///
    /// `Conflict` when the conversation has another version than the change was made from, or the visitor has
    /// another open conversation; `NoRoom` when the reservation does not fit.
    async fn commit(
        &self,
        change: Change,
        command: Option<CommandKey>,
        now: Timestamp,
    ) -> Result<Committed, StoreError>;

    /// The answer already given to a command, if it was carried out.
    ///
    /// # Errors
    ///
    /// `ClientId` when it was carried out with another content.
    async fn answered(&self, command: &CommandKey) -> Result<Option<Ack>, StoreError>;

    /// Keeps the words that counted in an escalation, found after it.
    async fn record_words(&self, handoff: &HandoffId, words: Vec<CountedWord>) -> Result<(), StoreError>;

    /// Keeps what the agent says at the end.
    async fn record_wrap_up(
        &self,
        conversation: &ConversationId,
        by: &AgentId,
        wrap_up: WrapUp,
    ) -> Result<(), StoreError>;

    /// Keeps what the visitor says at the end.
    async fn record_csat(&self, csat: Csat, at: Timestamp) -> Result<(), StoreError>;

    /// Keeps how far somebody has read; it never goes back. True when it moved.
    async fn record_read(&self, id: &ConversationId, marks: ReadMarks) -> Result<bool, StoreError>;

    /// Keeps that the visitor is there, or was there last at this instant.
    async fn record_visitor_seen(&self, id: &ConversationId, at: Timestamp) -> Result<(), StoreError>;

    /// Keeps what an agent chose.
    async fn set_presence(&self, agent: &AgentId, presence: Presence) -> Result<(), StoreError>;

    /// Whether agents are there, and how many conversations each holds.
    async fn attendance(&self) -> Result<HashMap<AgentId, Attendance>, StoreError>;

    /// One conversation.
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, StoreError>;

    /// The visitor's latest conversation, open or not.
    async fn latest_of(&self, visitor: &VisitorId) -> Result<Option<Conversation>, StoreError>;

    /// The visitor's conversations before this one, latest first.
    async fn earlier_of(
        &self,
        visitor: &VisitorId,
        than: &ConversationId,
    ) -> Result<Vec<Conversation>, StoreError>;

    /// Entries after a position, in order.
    async fn entries(&self, id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The whole log, in order: for what looks at a conversation from its beginning, and no message by itself.
    async fn log(&self, id: &ConversationId) -> Result<Vec<Entry>, StoreError> {
        let mut log: Vec<Entry> = Vec::new();
        loop {
            let after = log.last().map_or(0, |entry| entry.position);
            let page = self.entries(id, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            log.extend(page);
            if is_last {
                return Ok(log);
            }
        }
    }

    /// Entries the visitor may see, after what they have seen, in order.
    async fn visible_entries(
        &self,
        id: &ConversationId,
        after: Seen,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Analyses by the position of their message.
    async fn analyses(&self, id: &ConversationId) -> Result<BTreeMap<u64, Analysis>, StoreError>;

    /// All handoffs of a conversation, oldest first.
    async fn handoffs(&self, id: &ConversationId) -> Result<Vec<Handoff>, StoreError>;

    /// How it was judged.
    async fn judgement(&self, id: &ConversationId) -> Result<Judgement, StoreError>;

    /// How far each side has read.
    async fn read_marks(&self, id: &ConversationId) -> Result<ReadMarks, StoreError>;

    /// Everything queued or offered, in no order.
    async fn waiting(&self) -> Result<Vec<Conversation>, StoreError>;

    /// The places of everything queued or offered, in no order: read far more often than all of it.
    async fn places(&self) -> Result<Vec<Place>, StoreError>;

    /// Left messages.
    async fn left_messages(&self) -> Result<Vec<Conversation>, StoreError>;

    /// What an agent holds, is offered, or wraps up.
    async fn held_by(&self, agent: &AgentId) -> Result<Vec<Conversation>, StoreError>;

    /// How many conversations an agent closed since.
    async fn closed_by_since(&self, agent: &AgentId, since: Timestamp) -> Result<u64, StoreError>;

    /// What time has to look at: states past their due time, undecided messages, conversations whose visitor is gone,
    /// wrap-ups to close. At most so many.
    async fn overdue(&self, before: Overdue, limit: usize) -> Result<Vec<ConversationId>, StoreError>;

    /// The latest measured waits of a queue since an instant, at most so many.
    async fn measured_waits(
        &self,
        queue: &QueueId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<MeasuredWait>, StoreError>;

    /// Conversations that fit, latest first.
    async fn search(&self, search: Search) -> Result<Vec<Conversation>, StoreError>;

    /// What a list shows of each of these conversations.
    async fn glances(&self, ids: &[ConversationId]) -> Result<HashMap<ConversationId, Glance>, StoreError>;

    /// Conversations opened in a span of time, oldest first, after the given one; for export.
    async fn opened_between(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError>;

    /// Numbers for the live view and the metrics.
    async fn figures(&self, since: Timestamp) -> Result<Figures, StoreError>;

    /// Whether a write goes through now.
    async fn check(&self) -> Result<(), StoreError>;
}

/// The instants before which things are overdue.
#[derive(Debug, Clone, Copy)]
pub struct Overdue {
    /// States due before this.
    pub now: Timestamp,
    /// Messages received before this should be decided on.
    pub undecided_before: Timestamp,
    /// With the bot and silent since before this.
    pub idle_before: Timestamp,
    /// Waiting and their visitor gone since before this.
    pub gone_before: Timestamp,
    /// Wrapped up since before this.
    pub wrap_up_before: Timestamp,
}
