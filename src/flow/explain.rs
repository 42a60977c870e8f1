//! After an escalation: which words counted. Never on the message path.

use super::Flow;
use crate::domain::analysis::{Head, Intent};
use crate::domain::conversation::{Author, EntryKind};
use crate::domain::escalation::ReasonCode;
use crate::domain::handoff::{CountedWord, Handoff};
use crate::domain::id::ConversationId;
use crate::flow::ports::Hint;

/// Messages that are looked at, the latest.
const MESSAGES: usize = 3;
/// Words that are kept of each.
const WORDS: usize = 4;

impl Flow {
    /// Finds and stores the words behind the first reason of a handoff, in the visitor's latest messages.
    pub(super) async fn explain(&self, id: &ConversationId, handoff: &Handoff) {
        let head = match handoff.reasons.first().map(|reason| reason.code) {
            Some(ReasonCode::AskedForHuman) => Head::HumanRequest,
            Some(ReasonCode::LegalThreat) => Head::Intent(Intent::LegalThreat),
            Some(ReasonCode::Safety) => Head::Intent(Intent::Safety),
            Some(ReasonCode::Abuse) => Head::Offensive,
            // Found by likeness to examples as a whole: no word alone is behind it.
            Some(ReasonCode::OwnIntent) => return,
            _ => Head::Frustration,
        };
        let Ok(known) = self.known(id).await else { return };
        let messages: Vec<(u64, String)> = known
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.at <= handoff.at)
            .filter_map(|entry| match (&entry.kind, &entry.author) {
                (EntryKind::Message { body, .. }, Author::Visitor) => {
                    Some((entry.position, body.as_str().to_owned()))
                }
                _ => None,
            })
            .take(MESSAGES)
            .collect();
        let mut words = Vec::new();
        for (position, text) in messages {
            let Ok(mut weights) = self.0.ports.analyzer.explain(&text, head).await else { continue };
            let is_word = |text: &str| text.chars().any(char::is_alphanumeric);
            weights.retain(|word| word.span.is_some() && word.weight > 0.0 && is_word(&word.word));
            weights.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            words.extend(weights.into_iter().take(WORDS).map(|word| CountedWord {
                text: word.word,
                weight: crate::domain::analysis::round4(word.weight),
                position,
            }));
        }
        match self.0.ports.store.record_words(&handoff.id, words).await {
            Ok(()) => self.0.ports.bus.hint(Hint::Explained { id: id.clone() }),
            Err(error) => {
                tracing::warn!(conversation.id = %id, "The words of an escalation were not stored: {error}")
            }
        }
    }
}
