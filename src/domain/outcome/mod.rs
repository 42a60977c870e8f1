//! How a conversation ended: what the agent chose, what the visitor said of it,
//! and whether the escalation was right.

mod label;

pub use label::{ConversationLabel, InvalidLabel, LabelCounts, MessageLabel, NEEDED_LABELS};

use super::id::ConversationId;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the store and on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    };
}

words! {
    /// The result an agent chooses at wrap-up.
    Disposition {
        /// Done.
        Solved => "solved",
        /// Not done.
        Unsolved => "unsolved",
        /// The visitor stopped answering.
        NoReply => "no_reply",
        /// Not a real conversation.
        Spam => "spam",
        /// Anything else.
        Other => "other",
    }
}

words! {
    /// What an agent says of the escalation that brought the conversation.
    Label {
        /// At the right moment.
        Right => "right",
        /// Too early.
        Early => "early",
        /// Too late.
        Late => "late",
        /// The bot could have kept it.
        Needless => "needless",
    }
}

words! {
    /// What a supervisor says of a whole conversation.
    Verdict {
        /// A human was called at the right moment, or rightly not at all.
        Right => "right",
        /// Too early.
        Early => "early",
        /// Too late.
        Late => "late",
        /// The bot could have kept it.
        Needless => "needless",
        /// No human was called, and one should have been.
        Missed => "missed",
    }
}

/// What an agent says at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapUp {
    /// The result.
    pub disposition: Disposition,
    /// Of the escalation, when the agent said so.
    pub label: Option<Label>,
    /// In their words.
    pub note: Option<String>,
}

/// What the visitor says at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csat {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// 1 to 5.
    pub score: u8,
    /// In their words.
    pub comment: Option<String>,
}
