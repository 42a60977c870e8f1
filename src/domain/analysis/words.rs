//! Which words moved a head, and by how much.

use serde::{Deserialize, Serialize};

use super::Intent;

/// One number an analyzer gives, as something that can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// Negative against neutral and positive.
    Negative,
    /// Positive against neutral and negative.
    Positive,
    /// Frustration.
    Frustration,
    /// Offensive.
    Offensive,
    /// Asks for a person.
    HumanRequest,
    /// One of the intents; [`Intent::Other`] has no words.
    Intent(Intent),
}

/// One term of a head's sum. All terms together are the head before its squashing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordWeight {
    /// The word as it was written; for a term that is no word, its name.
    pub word: String,
    /// Where the word stands, in bytes; `None` for what is no word (bias, borders).
    pub span: Option<(usize, usize)>,
    /// What it adds. Above zero it speaks for the head, below against.
    pub weight: f64,
}
