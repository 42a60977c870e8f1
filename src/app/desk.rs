//! Conversations as JSON for the API, in the gateway's words.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::domain::conversation::Entry;
use crate::domain::id::{AgentId, ConversationId};
use crate::flow::view::Card;
use crate::flow::{Flow, FlowError};
use crate::gateway::protocol::agent::{CardView, PacketView};
use crate::gateway::protocol::{AgentEntry, Shown};
use crate::http::Desk;

/// Entries that are read at once.
const PAGE: usize = 500;

/// Writes what the flow's views hold.
pub(super) struct GatewayDesk(pub(super) Flow);

impl GatewayDesk {
    async fn entries(&self, id: &ConversationId) -> Result<Vec<Entry>, FlowError> {
        let store = &self.0.ports().store;
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry| entry.position);
            let page = store.entries(id, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            entries.extend(page);
            if is_last {
                return Ok(entries);
            }
        }
    }
}

#[async_trait]
impl Desk for GatewayDesk {
    fn card(&self, card: &Card) -> Value {
        json!(CardView::from(card))
    }

    async fn conversation(&self, agent: &AgentId, id: &ConversationId) -> Result<Value, FlowError> {
        let packet = self.0.packet(agent, id).await?;
        let entries = self.entries(id).await?;
        let analyses = self.0.ports().store.analyses(id).await?;
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
