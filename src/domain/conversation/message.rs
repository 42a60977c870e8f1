//! What people write: length-checked on construction, hidden from logs.

use std::fmt;

/// Text written by a visitor, an agent or the bot.
///
/// `Debug` hides it, so that no log line or panic can carry it (invariant 12).
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Box<str>);

/// Why a text is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBody {
    /// Nothing but white space.
    #[error("the message is empty")]
    Empty,
    /// More characters or bytes than allowed.
    #[error("the message is longer than allowed")]
    TooLong,
}

impl Body {
    /// Most characters of a message.
    pub const MAX_CHARS: usize = 4_000;
    /// Most bytes of a message in UTF-8.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Checks a text and takes it as it stands; NUL is dropped because nothing that shows text can carry it.
    ///
    /// # Errors
    ///
    /// [`InvalidBody`] when it is blank or too long.
    pub fn new(text: &str) -> Result<Self, InvalidBody> {
        if text.len() > Self::MAX_BYTES || text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidBody::TooLong);
        }
        if text.trim().is_empty() {
            return Err(InvalidBody::Empty);
        }
        Ok(Self(text.replace('\0', "").into()))
    }

    /// A text that was checked before, as the store gives it back.
    pub fn stored(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} characters]", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_12_a_message_never_prints_itself() {
        let body = Body::new("my card is 4111").unwrap();
        assert_eq!(format!("{body:?}"), "[15 characters]");
    }

    #[test]
    fn length_is_counted_in_characters_and_in_bytes() {
        assert!(Body::new(&"ä".repeat(4_000)).is_ok());
        assert_eq!(Body::new(&"ä".repeat(4_001)), Err(InvalidBody::TooLong));
        assert_eq!(Body::new(&"🦀".repeat(4_097)), Err(InvalidBody::TooLong));
        assert_eq!(Body::new(" \n\t"), Err(InvalidBody::Empty));
    }
}
