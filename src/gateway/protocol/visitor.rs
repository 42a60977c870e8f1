//! Frames between a visitor and the server.

use serde::{Deserialize, Serialize};

use super::parse::Raw;
use super::{ErrorCode, PROTOCOL, Unreadable, VisitorEntry};
use crate::domain::conversation::ConversationState;
use crate::domain::id::ConversationId;
use crate::domain::site::Widget;
use crate::domain::time::Timestamp;
use crate::flow::view::{People, VisitorStatus};

/// What a visitor's client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromVisitor {
    /// First, once: what was seen already.
    Resume(Resume),
    /// Something that changes something, and is answered with an ack or an error.
    Command {
        /// Makes a retry harmless.
        client_id: String,
        /// What.
        command: VisitorCommand,
    },
    /// The visitor types, or has stopped.
    Typing(SetTyping),
    /// The visitor has seen everything up to here.
    Read(MarkRead),
}

/// What a visitor wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorCommand {
    /// `message.send`
    Send(Send),
    /// `human.request`
    RequestHuman,
    /// `bot.continue`
    ContinueWithBot,
    /// `contact.leave`
    LeaveContact(LeaveContact),
    /// `conversation.end`
    End,
    /// `csat.rate`
    Rate(Rate),
}

/// `resume`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Resume {
    /// The conversation that was followed; none when none was.
    pub conversation: Option<ConversationId>,
    /// The last sequence seen in it.
    #[serde(default)]
    pub after: u64,
}

/// `message.send`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Send {
    /// The words.
    pub text: String,
}

/// `contact.leave`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LeaveContact {
    /// Where to write.
    pub email: String,
}

/// `csat.rate`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rate {
    /// What is rated.
    pub conversation: ConversationId,
    /// 1 to 5.
    pub score: u8,
    /// In the visitor's words.
    #[serde(default)]
    pub comment: Option<String>,
}

/// `typing.set`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct SetTyping {
    /// Begun or stopped.
    pub typing: bool,
}

/// `read.mark`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct MarkRead {
    /// The last sequence seen by the person.
    pub seq: u64,
}

impl FromVisitor {
    /// Every type of frame.
    pub const TYPES: [&'static str; 9] = [
        "resume",
        "message.send",
        "human.request",
        "bot.continue",
        "contact.leave",
        "conversation.end",
        "csat.rate",
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
            "resume" => return raw.fields().map(Self::Resume),
            "typing.set" => return raw.fields().map(Self::Typing),
            "read.mark" => return raw.fields().map(Self::Read),
            "message.send" => VisitorCommand::Send(raw.fields()?),
            "human.request" => VisitorCommand::RequestHuman,
            "bot.continue" => VisitorCommand::ContinueWithBot,
            "contact.leave" => VisitorCommand::LeaveContact(raw.fields()?),
            "conversation.end" => VisitorCommand::End,
            "csat.rate" => VisitorCommand::Rate(raw.fields()?),
            _ => return Err(raw.unknown()),
        };
        Ok(Self::Command { client_id: raw.client_id()?, command })
    }
}

/// What the server says to a visitor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/protocol.md says what each field means")]
pub enum ToVisitor {
    /// First: who is speaking, and where the log stands.
    Hello {
        protocol: u32,
        history_id: String,
        conversation: Option<ConversationId>,
        last_seq: u64,
        limits: LimitsView,
        widget: WidgetView,
    },
    /// One entry of the log.
    Entry(VisitorEntry),
    /// Everything up to here was sent.
    CaughtUp { conversation: Option<ConversationId>, seq: u64 },
    /// A command was carried out.
    Ack { client_id: String, conversation: ConversationId, seq: Option<u64>, at: Timestamp },
    /// A frame was not carried out.
    Error { client_id: Option<String>, code: ErrorCode, message: String },
    /// Who has the conversation, and how long it may take.
    Status(StatusView),
    /// Somebody types, or has stopped.
    Typing { who: String, typing: bool },
    /// An agent has seen everything up to here.
    Read { seq: u64 },
}

/// What a message may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Deserialize), serde(deny_unknown_fields))]
pub struct LimitsView {
    /// Characters.
    pub message_chars: usize,
}

/// How the widget looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Deserialize), serde(deny_unknown_fields))]
pub struct WidgetView {
    name: String,
    greeting: String,
    accent: String,
    locale: String,
}

impl From<&Widget> for WidgetView {
    fn from(widget: &Widget) -> Self {
        Self {
            name: widget.name.clone(),
            greeting: widget.greeting.clone(),
            accent: widget.accent.clone(),
            locale: widget.locale.clone(),
        }
    }
}

/// Who has the conversation, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Deserialize), serde(deny_unknown_fields))]
#[expect(missing_docs, reason = "docs/protocol.md says what each field means")]
pub struct StatusView {
    pub conversation: Option<ConversationId>,
    pub state: String,
    pub position: Option<u32>,
    pub estimate: Option<EstimateView>,
    pub agent: Option<String>,
    pub people: String,
    pub opens_at: Option<Timestamp>,
    pub may_rate: bool,
}

/// How long it may take, from measured waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Deserialize), serde(deny_unknown_fields))]
#[expect(missing_docs, reason = "docs/protocol.md says what each field means")]
pub struct EstimateView {
    pub low_s: u64,
    pub high_s: u64,
    pub from: usize,
}

impl From<&VisitorStatus> for StatusView {
    fn from(status: &VisitorStatus) -> Self {
        let state = match status.conversation.as_ref().map(|conversation| &conversation.state) {
            None => "none",
            Some(ConversationState::WithBot { .. }) => "bot",
            Some(ConversationState::Queued { .. } | ConversationState::Offered { .. }) => "waiting",
            Some(ConversationState::WithAgent { .. }) => "agent",
            Some(ConversationState::LeftMessage { .. }) => "left_message",
            // For the visitor it is over: what the agent still notes is not theirs to wait for.
            Some(ConversationState::WrapUp { .. } | ConversationState::Closed { .. }) => "closed",
        };
        let people = match status.people {
            People::Available => "available",
            People::Nobody => "nobody",
            People::Closed => "closed",
        };
        let estimate = status.estimate.map(|estimate| EstimateView {
            low_s: estimate.low.as_secs(),
            high_s: estimate.high.as_secs(),
            from: estimate.from,
        });
        Self {
            conversation: status.conversation.as_ref().map(|conversation| conversation.id.clone()),
            state: state.to_owned(),
            position: status.position,
            estimate,
            agent: status.agent.clone(),
            people: people.to_owned(),
            opens_at: status.opens_at,
            may_rate: status.may_rate,
        }
    }
}

impl ToVisitor {
    /// Every type of frame.
    pub const TYPES: [&'static str; 8] =
        ["hello", "entry", "caught_up", "ack", "error", "status", "typing", "read"];

    /// The first frame.
    #[must_use]
    pub fn hello(
        history_id: String,
        last: Option<(ConversationId, u64)>,
        message_chars: usize,
        widget: &Widget,
    ) -> Self {
        let (conversation, last_seq) = last.unzip();
        Self::Hello {
            protocol: PROTOCOL,
            history_id,
            conversation,
            last_seq: last_seq.unwrap_or(0),
            limits: LimitsView { message_chars },
            widget: widget.into(),
        }
    }
}
