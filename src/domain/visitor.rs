//! Who is writing: what the site told us about the visitor, and nothing it did not.

use super::id::VisitorId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of a visitor. Every field comes from the site or the visitor and is text to show, never to trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Profile {
    /// The name to show; empty when unknown.
    #[serde(default)]
    pub name: String,
    /// Where to write when nobody is there.
    #[serde(default)]
    pub email: Option<String>,
    /// Page, language and whatever else the site passed.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

impl Profile {
    /// The name agents see: the given one, else a short form of the id.
    pub fn shown_name(&self, id: &VisitorId) -> String {
        if !self.name.trim().is_empty() {
            return self.name.clone();
        }
        let text = id.as_str();
        let tail: String = text.chars().skip(text.chars().count().saturating_sub(4)).collect();
        format!("guest-{}", tail.to_lowercase())
    }
}
