//! What is written down to answer with: the bot's knowledge and the agents' canned replies.

use super::id::{CannedId, KnowledgeId};

/// One answer and the questions it is for. The built-in bot answers from these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeEntry {
    /// Its name for ever.
    pub id: KnowledgeId,
    /// What it is about.
    pub title: String,
    /// Ways to ask for it.
    pub questions: Vec<String>,
    /// What the bot says.
    pub answer: String,
}

/// A reply that agents put into a conversation with a short word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannedReply {
    /// Its name for ever.
    pub id: CannedId,
    /// The word after the slash.
    pub shortcut: String,
    /// What it becomes.
    pub text: String,
}
