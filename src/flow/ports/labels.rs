//! Labels: what supervisors say that messages and conversations really were, and
//! all of it at once for learning. Not what is learned.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::StoreError;
use super::directory::{DirectoryError, Stamp};
use crate::domain::id::ConversationId;
use crate::domain::outcome::{ConversationLabel, LabelCounts, MessageLabel};
use crate::domain::tuning::Evidence;

/// The labels of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelsOf {
    /// Of the conversation as a whole.
    pub conversation: Option<ConversationLabel>,
    /// Of its messages, by position.
    pub messages: BTreeMap<u64, MessageLabel>,
}

/// Keeps labels. Every change leaves an entry in the audit log in the same write: ids, never text.
#[async_trait]
pub trait Labels: Send + Sync {
    /// Labels a visitor's message; an earlier label is replaced.
    ///
    /// # Errors
    ///
    /// `NotFound` when no message of the visitor stands there.
    async fn label_message(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        position: u64,
        label: MessageLabel,
    ) -> Result<(), DirectoryError>;

    /// Takes a message's label away, if it has one.
    ///
    /// # Errors
    ///
    /// `NotFound` when no message of the visitor stands there.
    async fn unlabel_message(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        position: u64,
    ) -> Result<(), DirectoryError>;

    /// Labels a conversation; an earlier label is replaced.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such conversation, or no message of the visitor at the label's position.
    async fn label_conversation(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        label: ConversationLabel,
    ) -> Result<(), DirectoryError>;

    /// Takes a conversation's label away, if it has one.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such conversation.
    async fn unlabel_conversation(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
    ) -> Result<(), DirectoryError>;

    /// The labels of one conversation.
    async fn labels_of(&self, conversation: &ConversationId) -> Result<LabelsOf, StoreError>;

    /// How many labels there are.
    async fn count_labels(&self) -> Result<LabelCounts, StoreError>;

    /// Everything that can be learned from: labelled messages, and what labels of escalations and conversations hint
    /// at where nothing was said of the message itself. A supervisor's label of a conversation goes before the agent's
    /// of its escalation.
    async fn evidence(&self) -> Result<Vec<Evidence>, StoreError>;
}
