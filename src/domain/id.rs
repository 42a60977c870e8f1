//! Identifiers. Each is a newtype whose text begins with what it is, so an id in
//! a log or a URL explains itself. It does not make new ones: chance is a port. Copies
//! share their text.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an identifier beginning with `{expected}_` was expected")]
pub struct InvalidId {
    expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta] $name:ident $prefix:literal),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// What every identifier of this kind begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an identifier from the part after the prefix.
            pub fn from_suffix(suffix: &str) -> Self {
                Self(format!("{}_{suffix}", Self::PREFIX).into())
            }

            /// Reads an identifier.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] when the prefix is another, or the rest is not 1 to 40
            /// ASCII letters and digits.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let error = InvalidId { expected: Self::PREFIX };
                let (prefix, rest) = text.split_once('_').ok_or(error.clone())?;
                let is_plain = !rest.is_empty() && rest.len() <= 40 && rest.bytes().all(|b| b.is_ascii_alphanumeric());
                if prefix == Self::PREFIX && is_plain { Ok(Self(text.into())) } else { Err(error) }
            }

            /// The whole text, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    )+};
}

id! {
    /// One conversation.
    ConversationId "cnv",
    /// One visitor of one site, known or not.
    VisitorId "vis",
    /// One human who answers. The same value as their account.
    AgentId "agt",
    /// One transfer of control from the bot, or an agent, to humans.
    HandoffId "hnd",
    /// One offer of one conversation to one agent.
    OfferId "off",
    /// One queue.
    QueueId "que",
    /// One entry of the knowledge the built-in bot answers from.
    KnowledgeId "kno",
    /// One reply that agents put in with a short word.
    CannedId "can",
    /// One widget on one or more sites: what the snippet carries.
    WidgetKey "wk",
    /// One process that serves: new at every start.
    NodeId "nod",
}

impl VisitorId {
    /// Before the rest of an id that stands for nobody.
    const NOBODY: &str = "nobody";

    /// Whom the `n`th conversation of somebody who was erased is with from now on: a name of its own for each, so that
    /// nothing says that they were one person's.
    pub fn nobody(fresh: &str, n: usize) -> Self {
        let tail = fresh.get(fresh.len().saturating_sub(26)..).unwrap_or(fresh);
        Self::from_suffix(&format!("{}{tail}{n}", Self::NOBODY))
    }

    /// Whether it stands for nobody: whoever it was is erased, and nothing about them is written any more.
    pub fn is_nobody(&self) -> bool {
        self.0.strip_prefix("vis_").is_some_and(|rest| rest.starts_with(Self::NOBODY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_is_and_refuses_others() {
        assert_eq!(ConversationId::parse("cnv_01J").unwrap().to_string(), "cnv_01J");
        for wrong in ["01J", "hnd_01J", "cnv_", "cnv_a b", "cnv_ä", ""] {
            assert!(ConversationId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nobody_is_an_id_like_any_other_and_known_as_such() {
        let nobody = VisitorId::nobody("01jd4x9k2m3n4p5q6r7s8t9v0w", 12);
        assert!(nobody.is_nobody() && VisitorId::parse(nobody.as_str()).is_ok());
        assert_ne!(nobody, VisitorId::nobody("01jd4x9k2m3n4p5q6r7s8t9v0w", 13));
        assert!(!VisitorId::from_suffix("01jd4x9k2m").is_nobody());
    }
}
