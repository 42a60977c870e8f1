//! How urgent a conversation is.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Urgency, least first, so that the greatest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// Most.
    #[default]
    Normal,
    /// Losing patience, or a legal threat.
    High,
    /// Somebody may come to harm.
    Urgent,
}

impl Priority {
    /// All, least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }

    /// Raised by waiting: one class for each `step` waited, so that nobody waits for ever. Urgent stays above all:
    /// waiting alone never reaches it.
    #[must_use]
    pub fn raised_by(self, waited: Duration, step: Duration) -> Self {
        let steps = waited.as_millis().checked_div(step.as_millis()).unwrap_or(0);
        match (self, steps) {
            (Self::Urgent, _) => Self::Urgent,
            (Self::Low, 1) => Self::Normal,
            (Self::Low, 2..) | (Self::Normal, 1..) => Self::High,
            (unchanged, _) => unchanged,
        }
    }
}
