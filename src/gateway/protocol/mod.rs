//! The only JSON on sockets. What the words mean stands in `docs/protocol.md`.

pub mod agent;
mod close;
mod desk;
mod entry;
mod parse;
pub mod visitor;
mod words;

pub use agent::{FromAgent, ToAgent};
pub use close::{Close, Then};
pub use entry::{AgentEntry, Shown, VisitorEntry};
pub use parse::Unreadable;
pub use visitor::{FromVisitor, ToVisitor};

use serde::Serialize;

/// The version in `hello`. A client that does not know it stops.
pub const PROTOCOL: u32 = 1;

/// What an `error` frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The text has more characters or bytes than allowed.
    TooLong,
    /// More messages than allowed in this time.
    RateLimited,
    /// The client id was used for something else, or somebody else was faster.
    Conflict,
    /// Not possible in the present state.
    Rejected,
    /// A field is missing or wrong.
    Invalid,
    /// This type of frame does not exist.
    UnknownType,
    /// The store takes nothing now.
    StoreUnavailable,
    /// What it is about is not there.
    NotFound,
    /// This account may not do it.
    NotAllowed,
    /// The agent has no room left.
    NoRoom,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::TooLong,
        Self::RateLimited,
        Self::Conflict,
        Self::Rejected,
        Self::Invalid,
        Self::UnknownType,
        Self::StoreUnavailable,
        Self::NotFound,
        Self::NotAllowed,
        Self::NoRoom,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::RateLimited => "rate_limited",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::Invalid => "invalid",
            Self::UnknownType => "unknown_type",
            Self::StoreUnavailable => "store_unavailable",
            Self::NotFound => "not_found",
            Self::NotAllowed => "not_allowed",
            Self::NoRoom => "no_room",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// What it means and what to do, for the table of `docs/protocol.md`.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::TooLong => {
                "The text has more characters or bytes than `limits` allow. Shorten it; use a new client id."
            }
            Self::RateLimited => {
                "More messages than allowed in this time. Wait, then send the same frame again."
            }
            Self::Conflict => {
                "The client id was used before with another content, or somebody else was faster."
            }
            Self::Rejected => "Not possible in the conversation's present state.",
            Self::Invalid => "A field is missing, of another type, or out of its range.",
            Self::UnknownType => "This type of frame does not exist.",
            Self::StoreUnavailable => "Nothing can be written now. Send the same frame again later.",
            Self::NotFound => "What the frame is about does not exist.",
            Self::NotAllowed => "This account may not do it: the conversation is somebody else's.",
            Self::NoRoom => "The agent has no room left.",
        }
    }

    /// Whether the same frame, sent again later, can succeed.
    #[must_use]
    pub fn is_worth_a_retry(self) -> bool {
        matches!(self, Self::RateLimited | Self::StoreUnavailable)
    }
}

#[cfg(test)]
mod tests;
