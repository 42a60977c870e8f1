//! Labels on plain data.

use super::MemoryStore;
use super::rows::{Row, Rows};
use crate::domain::conversation::{Author, Body, EntryKind};
use crate::domain::escalation::Decision;
use crate::domain::id::ConversationId;
use crate::domain::outcome::{ConversationLabel, Label, LabelCounts, MessageLabel, Verdict};
use crate::domain::tuning::{Evidence, Source, hint_of_escalation, hint_of_place};
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{DirectoryError, Labels, LabelsOf, StoreError};
use async_trait::async_trait;

impl Row {
    /// What the visitor wrote at a position.
    fn text_at(&self, position: u64) -> Option<&Body> {
        let entry = self.entries.iter().find(|entry| entry.position == position)?;
        match (&entry.kind, &entry.author) {
            (EntryKind::Message { body, .. }, Author::Visitor) => Some(body),
            _ => None,
        }
    }

    /// The last decision that called a human because of a message, and that message's position.
    fn escalation(&self) -> Option<(u64, &Decision)> {
        self.entries.iter().rev().find_map(|entry| match &entry.kind {
            EntryKind::Decision(decision) if decision.is_escalation() => Some((decision.about?, &**decision)),
            _ => None,
        })
    }
}

impl Rows {
    /// The row in which a visitor's message stands.
    fn row_with_message(&mut self, id: &ConversationId, position: u64) -> Result<&mut Row, DirectoryError> {
        let row = self.conversations.get_mut(id);
        let row = row.filter(|row| row.text_at(position).is_some());
        row.ok_or(DirectoryError::NotFound("the visitor's message"))
    }

    fn row_of(&mut self, id: &ConversationId) -> Result<&mut Row, DirectoryError> {
        self.conversations.get_mut(id).ok_or(DirectoryError::NotFound("the conversation"))
    }

    /// What is said of a whole conversation: by the supervisor, or else by the agent at wrap-up.
    fn verdict(&self, id: &ConversationId, row: &Row) -> Option<ConversationLabel> {
        let by_agent = || {
            let label = self.judgements.get(id)?.wrap_up.as_ref()?.label?;
            Some(ConversationLabel { verdict: Verdict::parse(label.as_str())?, position: None })
        };
        row.label.or_else(by_agent)
    }

    fn evidence(&self) -> Vec<Evidence> {
        let (mut said, mut hinted) = (Vec::new(), Vec::new());
        for (id, row) in &self.conversations {
            let add = |found: &mut Vec<Evidence>, position: u64, label: MessageLabel, source: Source| {
                let text = row.text_at(position).filter(|text| !text.as_str().is_empty());
                let evidence = text.map(|text| Evidence {
                    conversation: id.clone(),
                    position,
                    text: text.clone(),
                    label,
                    source,
                });
                found.extend(evidence);
            };
            for (position, label) in &row.message_labels {
                add(&mut said, *position, label.clone(), Source::Said);
            }
            let Some(label) = self.verdict(id, row) else { continue };
            let of_escalation = row.escalation().and_then(|(position, decision)| {
                Some((position, hint_of_escalation(decision, label.verdict)?))
            });
            let of_place =
                label.position.and_then(|position| Some((position, hint_of_place(label.verdict)?)));
            // What was said of the message itself goes before what is only hinted at.
            let nothing = MessageLabel::default();
            for (position, hint) in of_escalation.into_iter().chain(of_place) {
                if let Some(rest) = hint.beyond(row.message_labels.get(&position).unwrap_or(&nothing)) {
                    add(&mut hinted, position, rest, Source::Hinted);
                }
            }
        }
        said.extend(hinted);
        said
    }
}

#[async_trait]
impl Labels for MemoryStore {
    async fn label_message(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        position: u64,
        label: MessageLabel,
    ) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        rows.row_with_message(&conversation, position)?.message_labels.insert(position, label);
        rows.audit(&stamp, "label.message", conversation.as_str(), &format!("at {position}"));
        Ok(())
    }

    async fn unlabel_message(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        position: u64,
    ) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        if rows.row_with_message(&conversation, position)?.message_labels.remove(&position).is_some() {
            rows.audit(&stamp, "label.message.remove", conversation.as_str(), &format!("at {position}"));
        }
        Ok(())
    }

    async fn label_conversation(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        label: ConversationLabel,
    ) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        rows.row_of(&conversation)?;
        if let Some(position) = label.position {
            rows.row_with_message(&conversation, position)?;
        }
        rows.row_of(&conversation)?.label = Some(label);
        rows.audit(&stamp, "label.conversation", conversation.as_str(), label.verdict.as_str());
        Ok(())
    }

    async fn unlabel_conversation(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
    ) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        if rows.row_of(&conversation)?.label.take().is_some() {
            rows.audit(&stamp, "label.conversation.remove", conversation.as_str(), "");
        }
        Ok(())
    }

    async fn labels_of(&self, conversation: &ConversationId) -> Result<LabelsOf, StoreError> {
        let rows = self.rows();
        let Some(row) = rows.conversations.get(conversation) else { return Ok(LabelsOf::default()) };
        Ok(LabelsOf { conversation: row.label, messages: row.message_labels.clone() })
    }

    async fn count_labels(&self) -> Result<LabelCounts, StoreError> {
        let rows = self.rows();
        let mut counts = LabelCounts::default();
        for row in rows.conversations.values() {
            row.message_labels.values().for_each(|label| counts.add(label));
            counts.conversations += usize::from(row.label.is_some());
        }
        let labels = rows.judgements.values().filter_map(|judged| judged.wrap_up.as_ref()?.label);
        // Those of conversations that were removed are kept as numbers.
        let mut of_agents = rows.kept_labels.clone();
        labels.for_each(|label| *of_agents.entry(label.as_str()).or_default() += 1);
        for (place, label) in Label::ALL.iter().enumerate() {
            counts.escalations[place] = of_agents.get(label.as_str()).copied().unwrap_or(0);
        }
        Ok(counts)
    }

    async fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        Ok(self.rows().evidence())
    }
}
