//! What can come of a step instead of success.

use super::ports::StoreError;
use crate::domain::conversation::InvalidTransition;

/// Why a step was not done. All but the last are ordinary answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// It is not there, or not for the one who asks.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// Somebody was faster, or a client id was used for something else.
    #[error("somebody else changed it first")]
    Conflict,
    /// Not from the present state.
    #[error("not possible now: {0}")]
    Rejected(#[from] InvalidTransition),
    /// Not by this account.
    #[error("not allowed: {0}")]
    NotAllowed(&'static str),
    /// The agent holds as much as they may.
    #[error("no room left")]
    NoRoom,
    /// What was given is not what is expected.
    #[error("{0}")]
    Invalid(&'static str),
    /// The store does not answer.
    #[error("the store is not available")]
    Store(StoreError),
}

impl FlowError {
    /// The word for this error in answers, metrics and logs. Never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Conflict => "conflict",
            Self::Rejected(_) => "rejected",
            Self::NotAllowed(_) => "not_allowed",
            Self::NoRoom => "no_room",
            Self::Invalid(_) => "invalid",
            Self::Store(_) => "store_unavailable",
        }
    }
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::ClientId => Self::Conflict,
            StoreError::NoRoom => Self::NoRoom,
            StoreError::NotFound => Self::NotFound("conversation"),
            StoreError::Unavailable | StoreError::Corrupt(_) => Self::Store(error),
        }
    }
}
