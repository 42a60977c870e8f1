//! The chatbot we take over from: our own, that answers from what an admin wrote,
//! or the one a site already has, over a signed webhook.

mod knowledge;
mod webhook;

pub use knowledge::KnowledgeBot;
pub use webhook::{WebhookBot, WebhookSettings, signature};
