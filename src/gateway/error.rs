//! From what went wrong inside to what a client is told: the only place where the
//! gateway does so. Causes are logged here, once, and never sent.

use tracing::{debug, warn};

use super::protocol::{Close, ErrorCode};
use crate::flow::FlowError;
use crate::flow::ports::StoreError;

/// An answer to a frame that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable word.
    pub code: ErrorCode,
    /// In words, for whoever writes the client. Never what somebody else wrote.
    pub message: String,
}

impl Refusal {
    /// A refusal of the gateway's own.
    #[must_use]
    pub fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: message.to_owned() }
    }
}

impl From<FlowError> for Refusal {
    fn from(error: FlowError) -> Self {
        let code = ErrorCode::parse(error.code()).unwrap_or(ErrorCode::Rejected);
        if code == ErrorCode::StoreUnavailable {
            // The store has told it, once for all that are refused.
            debug!(error.code = error.code(), error = %error, "A command was refused because the store is not available");
            return Self::new(code, "nothing can be written now");
        }
        debug!(error.code = error.code(), "A command was refused: {error}");
        Self { code, message: error.to_string() }
    }
}

/// What becomes of a socket whose news could not be read.
///
/// A store that is away for a moment is no reason to cut everybody off: the next poll reads again.
///
/// # Errors
///
/// [`Close::Internal`] when what was read makes no sense.
pub fn unread(error: &StoreError) -> Result<(), Close> {
    match error {
        StoreError::Corrupt(what) => {
            tracing::error!(error.code = error.code(), "What stands in the store cannot be read: {what}");
            Err(Close::Internal)
        }
        other => {
            warn!(
                error.code = other.code(),
                "The news of a socket could not be read and are tried again: {other}"
            );
            Ok(())
        }
    }
}
