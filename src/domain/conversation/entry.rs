//! One entry of a conversation's log: what happened, in order. The log is the
//! transcript; what a visitor may see of it has its own gap-free numbers.

use super::Body;
use crate::domain::escalation::Decision;
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who wrote an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    /// The visitor of this conversation.
    Visitor,
    /// The bot that answers first.
    Bot,
    /// A human; the name is the one shown at the time.
    Agent {
        /// Whose account.
        id: AgentId,
        /// Shown to the visitor.
        name: String,
    },
    /// Baton itself: notices and decisions.
    System,
}

/// What kind of thing happened, as told to visitors and agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The conversation waits for a human.
    Queued,
    /// Nobody who could take it is online.
    NobodyThere,
    /// The queue is closed now; `opens_at` says until when.
    OutOfHours,
    /// A human has taken it.
    AgentJoined,
    /// The human is gone; it waits again, in front.
    AgentLeft,
    /// It moves to another queue or human.
    Transferred,
    /// The bot has it again.
    BackToBot,
    /// The visitor left an address.
    LeftMessage,
    /// The human says it is done.
    Resolved,
    /// It is over.
    Ended,
    /// It is over because the visitor went away while waiting.
    Abandoned,
}

impl Notice {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::NobodyThere => "nobody_there",
            Self::OutOfHours => "out_of_hours",
            Self::AgentJoined => "agent_joined",
            Self::AgentLeft => "agent_left",
            Self::Transferred => "transferred",
            Self::BackToBot => "back_to_bot",
            Self::LeftMessage => "left_message",
            Self::Resolved => "resolved",
            Self::Ended => "ended",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryKind {
    /// Said by visitor, bot or agent; everybody sees it.
    Message {
        /// The words.
        body: Body,
        /// A bot's message that says it could not answer.
        is_no_answer: bool,
    },
    /// Written by agents for agents.
    Note {
        /// The words.
        body: Body,
    },
    /// Something happened that visitor and agents should know.
    Notice {
        /// What.
        code: Notice,
        /// Names and times that belong to it.
        params: BTreeMap<String, String>,
    },
    /// Baton decided; agents and supervisors see why. Boxed: it is by far the largest kind.
    Decision(Box<Decision>),
    /// A bot's answer that came after the bot had lost control. Kept, never sent.
    Unsent {
        /// The words that were not said.
        body: Body,
    },
}

impl EntryKind {
    /// Whether the visitor may see it, and so whether it has a visitor sequence (invariant 14).
    pub fn is_for_visitor(&self) -> bool {
        matches!(self, Self::Message { .. } | Self::Notice { .. })
    }

    /// The word for the kind in the store and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Note { .. } => "note",
            Self::Notice { .. } => "notice",
            Self::Decision(_) => "decision",
            Self::Unsent { .. } => "unsent",
        }
    }
}

/// An entry to append; the store gives it its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Who.
    pub author: Author,
    /// What.
    pub kind: EntryKind,
    /// When.
    pub at: Timestamp,
}

impl NewEntry {
    /// A notice by Baton.
    pub fn notice(code: Notice, params: &[(&str, String)], at: Timestamp) -> Self {
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Self { author: Author::System, kind: EntryKind::Notice { code, params }, at }
    }

    /// A message everybody sees.
    pub fn message(author: Author, body: Body, at: Timestamp) -> Self {
        Self { author, kind: EntryKind::Message { body, is_no_answer: false }, at }
    }

    /// A decision by Baton.
    pub fn decision(decision: Decision, at: Timestamp) -> Self {
        Self { author: Author::System, kind: EntryKind::Decision(Box::new(decision)), at }
    }
}

/// An entry as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place among everything in the conversation, from 1.
    pub position: u64,
    /// Its place among what the visitor may see, from 1 without gaps; none for the rest.
    pub visitor_seq: Option<u64>,
    /// Who.
    pub author: Author,
    /// What.
    pub kind: EntryKind,
    /// When.
    pub at: Timestamp,
    /// The id its sender gave it, so that the sender knows its own again.
    pub client_id: Option<String>,
}

impl Entry {
    /// What was said; nothing, where it is no message.
    pub fn text(&self) -> &str {
        match &self.kind {
            EntryKind::Message { body, .. } => body.as_str(),
            _ => "",
        }
    }
}
