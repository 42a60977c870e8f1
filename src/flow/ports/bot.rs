//! Bot: the chatbot that answers first, ours or the one a site already has.

use crate::domain::analysis::Analysis;
use crate::domain::id::{ConversationId, KnowledgeId, VisitorId};
use async_trait::async_trait;
use std::time::Duration;

/// Who said a line of the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The visitor.
    Visitor,
    /// The bot itself.
    Bot,
    /// A human.
    Agent,
}

/// What the bot is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where.
    pub conversation: ConversationId,
    /// By whom.
    pub visitor: VisitorId,
    /// Position of the message, so that a retry can be told from a new question.
    pub position: u64,
    /// The message.
    pub text: String,
    /// What was found in it, so that nobody has to look again.
    pub analysis: Option<Analysis>,
    /// What was said before and including the message, oldest first; at most the last 50.
    pub transcript: Vec<(Speaker, String)>,
}

/// What the bot says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Answer(String),
    /// It does not know; with words to say so, or Baton's own.
    NoAnswer(Option<String>),
    /// It asks for a human, with words to say so, if any.
    HandOver(Option<String>),
    /// Nothing came within the deadline, or the breaker is open.
    Silent,
}

/// What a bot that answers from entries would answer with.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The entry that is nearest.
    pub entry: KnowledgeId,
    /// How near, from 0 to 1.
    pub similarity: f64,
    /// Whether the bot would answer with it.
    pub is_sure: bool,
}

/// A chatbot.
#[async_trait]
pub trait Bot: Send + Sync {
    /// Answers within [`Bot::deadline`], or says that it cannot.
    async fn reply(&self, question: Question) -> Reply;

    /// The longest that [`Bot::reply`] takes, retries included.
    fn deadline(&self) -> Duration;

    /// What it would answer from, without saying it to anybody; none for a bot that has no entries.
    async fn probe(&self, text: &str) -> Option<Probe> {
        let _ = text;
        None
    }
}
