//! Labels that supervisors give: what a message really is, and whether a human was
//! called at the right moment. What is learned from them is decided elsewhere.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Verdict;
use crate::domain::analysis::{Intent, Mood};

/// So many labelled messages are needed before anything is learned from them.
pub const NEEDED_LABELS: usize = 40;

/// What a visitor's message really is. What is left out was not said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageLabel {
    /// Losing patience with how it is being served.
    #[serde(default, with = "zero_or_one", skip_serializing_if = "Option::is_none")]
    pub frustration: Option<bool>,
    /// Asks for a person.
    #[serde(default, with = "zero_or_one", skip_serializing_if = "Option::is_none")]
    pub human_request: Option<bool>,
    /// Insults or threatens somebody.
    #[serde(default, with = "zero_or_one", skip_serializing_if = "Option::is_none")]
    pub offensive: Option<bool>,
    /// How it sounds as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Mood>,
    /// All its intents; an empty list says that it has none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intents: Option<Vec<Intent>>,
}

/// A label that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// Nothing is said.
    #[error("say at least one of frustration, human_request, offensive, sentiment, intents")]
    Empty,
    /// `other` is what is left when nothing else is found.
    #[error("intents: `other` cannot be labelled; an empty list says that there is none")]
    Other,
}

impl MessageLabel {
    /// The label with every intent once, in the order of the list.
    ///
    /// # Errors
    ///
    /// It says nothing, or names `other`.
    pub fn checked(mut self) -> Result<Self, InvalidLabel> {
        if self == Self::default() {
            return Err(InvalidLabel::Empty);
        }
        if let Some(intents) = &mut self.intents {
            if intents.contains(&Intent::Other) {
                return Err(InvalidLabel::Other);
            }
            intents.sort_unstable();
            intents.dedup();
        }
        Ok(self)
    }
}

/// What a supervisor says of a whole conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationLabel {
    /// Whether a human was called when one should have been.
    pub verdict: Verdict,
    /// The position of the visitor's message at which a human should have come, where they said so.
    pub position: Option<u64>,
}

/// How many labels there are, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelCounts {
    /// Labelled messages.
    pub messages: usize,
    /// Conversations labelled by supervisors.
    pub conversations: usize,
    /// Escalations labelled by agents at wrap-up: right, early, late, needless.
    pub escalations: [usize; 4],
    /// Messages labelled 0 and 1.
    pub frustration: [usize; 2],
    /// Messages labelled 0 and 1.
    pub human_request: [usize; 2],
    /// Messages labelled 0 and 1.
    pub offensive: [usize; 2],
    /// Messages labelled negative, neutral, positive.
    pub sentiment: [usize; 3],
}

impl LabelCounts {
    /// Counts one more message.
    pub fn add(&mut self, label: &MessageLabel) {
        self.messages += 1;
        for (counts, said) in [
            (&mut self.frustration, label.frustration),
            (&mut self.human_request, label.human_request),
            (&mut self.offensive, label.offensive),
        ] {
            if let Some(said) = said {
                counts[usize::from(said)] += 1;
            }
        }
        match label.sentiment {
            Some(Mood::Negative) => self.sentiment[0] += 1,
            Some(Mood::Neutral) => self.sentiment[1] += 1,
            Some(Mood::Positive) => self.sentiment[2] += 1,
            None => {}
        }
    }

    /// Whether there are enough to learn from.
    pub fn is_enough(&self) -> bool {
        self.messages >= NEEDED_LABELS
    }
}

/// Yes and no as 1 and 0, as in all labelled text of this project.
mod zero_or_one {
    use super::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(said: &Option<bool>, to: S) -> Result<S::Ok, S::Error> {
        match said {
            Some(said) => to.serialize_u8(u8::from(*said)),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
        match Option::<u64>::deserialize(from)? {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(_) => Err(serde::de::Error::custom("expected 0 or 1")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_something_and_only_what_can_be_said() {
        let label = MessageLabel { human_request: Some(true), ..MessageLabel::default() };
        assert_eq!(label.clone().checked(), Ok(label));
        assert_eq!(MessageLabel::default().checked(), Err(InvalidLabel::Empty));
        let other = MessageLabel { intents: Some(vec![Intent::Other]), ..MessageLabel::default() };
        assert_eq!(other.checked(), Err(InvalidLabel::Other));
        let twice = vec![Intent::Refund, Intent::Complaint, Intent::Refund];
        let twice = MessageLabel { intents: Some(twice), ..MessageLabel::default() };
        assert_eq!(
            twice.checked().map(|label| label.intents),
            Ok(Some(vec![Intent::Complaint, Intent::Refund]))
        );
    }

    #[test]
    fn labels_are_counted_by_what_they_say() {
        let mut counts = LabelCounts::default();
        counts.add(&MessageLabel { frustration: Some(true), ..MessageLabel::default() });
        counts.add(&MessageLabel {
            frustration: Some(false),
            sentiment: Some(Mood::Positive),
            ..MessageLabel::default()
        });
        assert_eq!((counts.messages, counts.frustration, counts.sentiment), (2, [1, 1], [0, 0, 1]));
        assert!(!counts.is_enough());
    }
}
