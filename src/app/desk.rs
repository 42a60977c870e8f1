//! Conversations as JSON for the API, in the gateway's words.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::domain::id::{AgentId, ConversationId};
use crate::flow::view::Card;
use crate::flow::{Flow, FlowError};
use crate::gateway::protocol::agent::{CardView, PacketView};
use crate::gateway::protocol::{AgentEntry, Shown};
use crate::http::Desk;

/// Writes what the flow's views hold.
pub(super) struct GatewayDesk(pub(super) Flow);

#[async_trait]
impl Desk for GatewayDesk {
    fn card(&self, card: &Card) -> Value {
        json!(CardView::from(card))
    }

    async fn conversation(&self, agent: &AgentId, id: &ConversationId) -> Result<Value, FlowError> {
        let packet = self.0.packet(agent, id).await?;
        let store = &self.0.ports().store;
        let (entries, analyses) = (store.log(id).await?, store.analyses(id).await?);
        let left_out = PacketView::left_out(&packet, &entries, &analyses);
        let left_out = left_out.as_ref().map(|(position, text)| (*position, text.as_str()));
        let visitor = (&packet.card.conversation.visitor, packet.card.visitor_name.as_str());
        let shown = Shown { conversation: id, visitor, to: agent };
        let entries: Vec<AgentEntry> = entries
            .iter()
            .map(|entry| AgentEntry::of(entry, &shown, analyses.get(&entry.position)))
            .collect();
        Ok(json!({
            "card": CardView::from(&packet.card),
            "packet": PacketView::of(&packet, left_out),
            "entries": entries,
        }))
    }
}
