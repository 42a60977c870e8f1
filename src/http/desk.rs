//! How a conversation is written as JSON. The words are the gateway's, so that a card
//! is the same over HTTP and over a socket; the composition root brings the two together.

use async_trait::async_trait;
use serde_json::Value;

use crate::domain::id::{AgentId, ConversationId};
use crate::flow::FlowError;
use crate::flow::view::Card;

/// Writes conversations as agents see them.
#[async_trait]
pub trait Desk: Send + Sync {
    /// A conversation in a list.
    fn card(&self, card: &Card) -> Value;

    /// One conversation: `card`, `packet` and `entries`. Who may see it is checked first.
    ///
    /// # Errors
    ///
    /// `NotAllowed` or `NotFound`.
    async fn conversation(&self, agent: &AgentId, id: &ConversationId) -> Result<Value, FlowError>;
}
