//! Frames between an agent and the server.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::parse::Raw;
use super::{AgentEntry, ErrorCode, Unreadable};
use crate::domain::agent::Presence;
use crate::domain::analysis::Analysis;
use crate::domain::conversation::Destination;
use crate::domain::id::{AgentId, ConversationId, OfferId, QueueId};
use crate::domain::outcome::{Disposition, Label};
use crate::domain::time::Timestamp;

/// What an agent's client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromAgent {
    /// Show this conversation, and what happens in it.
    Watch(Watch),
    /// Stop showing it.
    Unwatch(About),
    /// The agent types, or has stopped.
    Typing(SetTyping),
    /// The agent has seen everything up to here.
    Read(MarkRead),
    /// Something that changes something, and is answered with an ack or an error.
    Command {
        /// Makes a retry harmless.
        client_id: String,
        /// What.
        command: AgentCommand,
    },
}

/// What an agent wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentCommand {
    /// `presence.set`
    SetPresence(SetPresence),
    /// `offer.accept`
    Accept(AboutOffer),
    /// `offer.decline`
    Decline(AboutOffer),
    /// `conversation.take`
    Take(About),
    /// `message.send`
    Send(Say),
    /// `note.add`
    Note(Say),
    /// `conversation.transfer`
    Transfer(Transfer),
    /// `conversation.hand_back`
    HandBack(About),
    /// `conversation.resolve`
    Resolve(About),
    /// `conversation.wrap_up`
    WrapUp(WrapUpFields),
}

/// `presence.set`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetPresence {
    /// Chosen by the agent.
    pub presence: Presence,
}

/// A frame about one offer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AboutOffer {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Which.
    pub offer: OfferId,
}

/// A frame about one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct About {
    /// Which.
    pub conversation: ConversationId,
}

/// `conversation.watch`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Watch {
    /// Which.
    pub conversation: ConversationId,
    /// The last position seen in it.
    #[serde(default)]
    pub after: u64,
}

/// `message.send` and `note.add`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Say {
    /// Where.
    pub conversation: ConversationId,
    /// The words.
    pub text: String,
}

/// `conversation.transfer`: exactly one of queue, agent and up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Transfer {
    /// Which.
    pub conversation: ConversationId,
    /// To this queue.
    #[serde(default)]
    pub queue: Option<QueueId>,
    /// To this agent.
    #[serde(default)]
    pub agent: Option<AgentId>,
    /// To the next tier.
    #[serde(default)]
    pub up: bool,
    /// For whoever gets it.
    #[serde(default)]
    pub note: Option<String>,
}

impl Transfer {
    /// Where it goes, when exactly one of the three is given.
    pub fn destination(&self) -> Option<Destination> {
        match (&self.queue, &self.agent, self.up) {
            (Some(queue), None, false) => Some(Destination::Queue(queue.clone())),
            (None, Some(agent), false) => Some(Destination::Agent(agent.clone())),
            (None, None, true) => Some(Destination::NextTier),
            _ => None,
        }
    }
}

/// `conversation.wrap_up`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WrapUpFields {
    /// Which.
    pub conversation: ConversationId,
    /// The result.
    pub disposition: Disposition,
    /// Of the escalation.
    #[serde(default)]
    pub label: Option<Label>,
    /// In the agent's words.
    #[serde(default)]
    pub note: Option<String>,
}

/// `typing.set`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetTyping {
    /// Where.
    pub conversation: ConversationId,
    /// Begun or stopped.
    pub typing: bool,
}

/// `read.mark`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MarkRead {
    /// Where.
    pub conversation: ConversationId,
    /// The last position seen by the person.
    pub position: u64,
}

impl FromAgent {
    /// Every type of frame.
    pub const TYPES: [&'static str; 14] = [
        "presence.set",
        "offer.accept",
        "offer.decline",
        "conversation.watch",
        "conversation.unwatch",
        "conversation.take",
        "message.send",
        "note.add",
        "conversation.transfer",
        "conversation.hand_back",
        "conversation.resolve",
        "conversation.wrap_up",
        "typing.set",
        "read.mark",
    ];

    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] says whether the socket is closed or the frame answered.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let mut raw = Raw::read(text)?;
        let command = match raw.kind() {
            "conversation.watch" => return raw.fields().map(Self::Watch),
            "conversation.unwatch" => return raw.fields().map(Self::Unwatch),
            "typing.set" => return raw.fields().map(Self::Typing),
            "read.mark" => return raw.fields().map(Self::Read),
            "presence.set" => AgentCommand::SetPresence(raw.fields()?),
            "offer.accept" => AgentCommand::Accept(raw.fields()?),
            "offer.decline" => AgentCommand::Decline(raw.fields()?),
            "conversation.take" => AgentCommand::Take(raw.fields()?),
            "message.send" => AgentCommand::Send(raw.fields()?),
            "note.add" => AgentCommand::Note(raw.fields()?),
            "conversation.transfer" => AgentCommand::Transfer(raw.fields()?),
            "conversation.hand_back" => AgentCommand::HandBack(raw.fields()?),
            "conversation.resolve" => AgentCommand::Resolve(raw.fields()?),
            "conversation.wrap_up" => AgentCommand::WrapUp(raw.fields()?),
            _ => return Err(raw.unknown()),
        };
        Ok(Self::Command { client_id: raw.client_id()?, command })
    }
}

/// What the server says to an agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/protocol.md says what each field means")]
pub enum ToAgent {
    /// First: who is speaking.
    Hello(HelloView),
    /// Everything on the agent's desk.
    Overview(OverviewView),
    /// A conversation is offered to this agent.
    Offer {
        conversation: ConversationId,
        offer: OfferId,
        expires_at: Timestamp,
        timeout_s: u64,
        card: Box<CardView>,
    },
    /// The offer does not stand any more.
    #[serde(rename = "offer.gone")]
    OfferGone { conversation: ConversationId, offer: OfferId, why: String },
    /// Why the conversation is here.
    Packet(Box<PacketView>),
    /// One entry of the log.
    Entry(Box<AgentEntry>),
    /// The analysis of a message that was sent without one.
    Analysis { conversation: ConversationId, position: u64, analysis: Analysis },
    /// Everything up to here was sent.
    CaughtUp { conversation: ConversationId, position: u64 },
    /// A command was carried out.
    Ack { client_id: String, position: Option<u64> },
    /// A frame was not carried out.
    Error { client_id: Option<String>, code: ErrorCode, message: String },
    /// Somebody types, or has stopped.
    Typing {
        conversation: ConversationId,
        who: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        typing: bool,
    },
    /// The visitor has seen everything up to here.
    Read { conversation: ConversationId, by: String, seq: u64 },
}

impl ToAgent {
    /// Every type of frame.
    pub const TYPES: [&'static str; 12] = [
        "hello",
        "overview",
        "offer",
        "offer.gone",
        "packet",
        "entry",
        "analysis",
        "caught_up",
        "ack",
        "error",
        "typing",
        "read",
    ];
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[cfg_attr(test, derive(Deserialize), serde(deny_unknown_fields))]
        #[expect(missing_docs, reason = "docs/protocol.md says what each field means")]
        pub struct $name { $($(#[$attribute])* pub $field: $kind),+ }
    )+};
}

views! {
    /// Who is speaking, and what the pages need to know first.
    HelloView {
        protocol: u32,
        history_id: String,
        account: AccountView,
        presence: String,
        capacity: CapacityView,
        offer_timeout_s: u64,
        threshold: f64,
        dispositions: Vec<String>,
    }

    /// The account that opened the socket.
    AccountView { id: AgentId, name: String, role: String }

    /// How much room an agent has.
    CapacityView { max: u32, used: u32 }

    /// Everything on an agent's desk.
    OverviewView {
        presence: String,
        capacity: CapacityView,
        waiting: Vec<CardView>,
        waiting_total: usize,
        mine: Vec<CardView>,
        left: Vec<CardView>,
        done_today: u64,
        agents: Vec<ColleagueView>,
        queues: Vec<QueueView>,
    }

    /// Another agent.
    ColleagueView { id: AgentId, name: String, presence: String, used: u32, max: u32 }

    /// A queue and who waits in it.
    QueueView { id: QueueId, name: String, waiting: usize, oldest_at: Option<Timestamp> }

    /// Something that has an id and a name.
    NamedView { id: String, name: String }

    /// A visitor on a card.
    CardVisitorView {
        id: String,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<String>,
    }

    /// The last thing said.
    LastView { text: String, at: Timestamp, author: String }

    /// An offer on a card.
    CardOfferView { id: OfferId, expires_at: Timestamp, agent: NamedView }

    /// A conversation in a list.
    CardView {
        conversation: ConversationId,
        state: String,
        visitor: CardVisitorView,
        queue: Option<NamedView>,
        priority: String,
        since: Timestamp,
        due_at: Option<Timestamp>,
        agent: Option<NamedView>,
        score: Option<f64>,
        mood: String,
        reason: Option<String>,
        last: Option<LastView>,
        unread: u64,
        offer: Option<CardOfferView>,
        email: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        up_next: Option<bool>,
    }

    /// Why the conversation is here, and all that is needed to go on.
    PacketView {
        conversation: ConversationId,
        card: CardView,
        threshold: f64,
        leave: f64,
        scores: Vec<ScoreView>,
        handoff: Option<HandoffView>,
        visitor: VisitorView,
        earlier: Vec<EarlierView>,
    }

    /// One point of the score's curve.
    ScoreView { position: u64, at: Timestamp, score: f64 }

    /// The transfer of control.
    HandoffView {
        id: String,
        #[serde(rename = "type")]
        kind: String,
        status: String,
        at: Timestamp,
        reasons: Vec<HandoffReasonView>,
        words: Vec<WordView>,
        counterfactual: Option<CounterfactualView>,
        policy: String,
        tried: Vec<TriedView>,
    }

    /// A reason, its share of the score, and the sentence for it.
    HandoffReasonView {
        code: String,
        contribution: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        text: String,
    }

    /// A word that counted.
    WordView { text: String, weight: f64, position: u64 }

    /// What would have had to be different.
    CounterfactualView {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        without_position: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        score: Option<f64>,
    }

    /// A question, and what the bot made of it.
    TriedView { question: String, answer: Option<String>, no_answer: bool, at: Timestamp }

    /// Who it is.
    VisitorView { id: String, name: String, email: Option<String>, attributes: BTreeMap<String, String> }

    /// A conversation before this one.
    EarlierView {
        conversation: ConversationId,
        closed_at: Option<Timestamp>,
        disposition: Option<String>,
        reason: Option<String>,
    }
}
