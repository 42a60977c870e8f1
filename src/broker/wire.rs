//! A hint as it travels between nodes: ids and numbers, short, with a version. What a
//! node does not understand it leaves alone.

use serde::{Deserialize, Serialize};

use crate::domain::id::{AgentId, ConversationId};
use crate::flow::ports::{Hint, Side};

/// Of the words below. A node that hears another version leaves the hint alone and finds by polling what it was about.
const VERSION: u8 = 1;

/// The longest hint there is, and more.
const MAX_BYTES: usize = 512;

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    h: Said,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Conversation { id: ConversationId, position: u64 },
    Message { id: ConversationId, position: u64, seq: u64 },
    Inside { id: ConversationId, position: u64 },
    Explained { id: ConversationId },
    Queues,
    Offered { agent: AgentId },
    Typing { id: ConversationId, who: Who, is: bool },
    Read { id: ConversationId, who: Who, seq: u64 },
    Policy,
    Erased,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    Visitor,
    Bot,
    Agent(AgentId),
}

impl From<Side> for Who {
    fn from(side: Side) -> Self {
        match side {
            Side::Visitor => Self::Visitor,
            Side::Bot => Self::Bot,
            Side::Agent(agent) => Self::Agent(agent),
        }
    }
}

impl From<Who> for Side {
    fn from(who: Who) -> Self {
        match who {
            Who::Visitor => Self::Visitor,
            Who::Bot => Self::Bot,
            Who::Agent(agent) => Self::Agent(agent),
        }
    }
}

/// The bytes of a hint.
pub(super) fn write(hint: &Hint) -> Vec<u8> {
    let said = match hint.clone() {
        Hint::Conversation { id, position } => Said::Conversation { id, position },
        Hint::Message { id, position, visitor_seq } => Said::Message { id, position, seq: visitor_seq },
        Hint::Inside { id, position } => Said::Inside { id, position },
        Hint::Explained { id } => Said::Explained { id },
        Hint::Queues => Said::Queues,
        Hint::Offered { agent } => Said::Offered { agent },
        Hint::Typing { id, who, is_typing } => Said::Typing { id, who: who.into(), is: is_typing },
        Hint::Read { id, who, visitor_seq } => Said::Read { id, who: who.into(), seq: visitor_seq },
        Hint::Policy => Said::Policy,
        Hint::Erased => Said::Erased,
    };
    serde_json::to_vec(&Wire { v: VERSION, h: said }).unwrap_or_default()
}

/// The hint in some bytes, if it is one of this version.
pub(super) fn read(bytes: &[u8]) -> Option<Hint> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let Wire { v, h } = serde_json::from_slice(bytes).ok()?;
    if v != VERSION {
        return None;
    }
    Some(match h {
        Said::Conversation { id, position } => Hint::Conversation { id, position },
        Said::Message { id, position, seq } => Hint::Message { id, position, visitor_seq: seq },
        Said::Inside { id, position } => Hint::Inside { id, position },
        Said::Explained { id } => Hint::Explained { id },
        Said::Queues => Hint::Queues,
        Said::Offered { agent } => Hint::Offered { agent },
        Said::Typing { id, who, is } => Hint::Typing { id, who: who.into(), is_typing: is },
        Said::Read { id, who, seq } => Hint::Read { id, who: who.into(), visitor_seq: seq },
        Said::Policy => Hint::Policy,
        Said::Erased => Hint::Erased,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hint_comes_back_as_it_was_and_is_short() {
        let id = ConversationId::from_suffix("01jd4x9k2m3n4p5q6r7s8t9v0w");
        let agent = Side::Agent(AgentId::from_suffix("ana"));
        let hints = [
            Hint::Conversation { id: id.clone(), position: u64::MAX },
            Hint::Message { id: id.clone(), position: u64::MAX, visitor_seq: u64::MAX },
            Hint::Inside { id: id.clone(), position: u64::MAX },
            Hint::Explained { id: id.clone() },
            Hint::Queues,
            Hint::Offered { agent: AgentId::from_suffix("ana") },
            Hint::Typing { id: id.clone(), who: agent.clone(), is_typing: true },
            Hint::Typing { id: id.clone(), who: Side::Bot, is_typing: false },
            Hint::Read { id: id.clone(), who: agent, visitor_seq: 7 },
            Hint::Read { id, who: Side::Visitor, visitor_seq: 7 },
            Hint::Policy,
            Hint::Erased,
        ];
        for hint in hints {
            let bytes = write(&hint);
            assert!(bytes.len() <= 150, "{}", String::from_utf8_lossy(&bytes));
            assert_eq!(read(&bytes), Some(hint));
        }
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        let long = format!(r#"{{"v":1,"h":"queues","x":"{}"}}"#, "x".repeat(MAX_BYTES));
        for text in [
            "",
            "queues",
            "\u{0}\u{1}",
            "{}",
            r#"{"v":2,"h":"queues"}"#,
            r#"{"v":1,"h":"moved"}"#,
            r#"{"v":1,"h":{"conversation":{"id":"vis_1","position":1}}}"#,
            r#"{"v":1,"h":{"conversation":{"id":"cnv_1","position":-1}}}"#,
            &long,
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        // A field more, from a later version that kept the number: still understood.
        assert_eq!(read(br#"{"v":1,"h":"queues","since":3}"#), Some(Hint::Queues));
    }
}
