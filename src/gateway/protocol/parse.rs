//! From text to a frame: strict about what it is, lenient about what it has besides.
//!
//! A text that is no frame closes the socket; a frame that is wrong is answered.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ErrorCode;

/// Most bytes of a client id.
const MAX_CLIENT_ID: usize = 64;

/// Why a text is not a frame that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Not JSON, not an object, or without a type: the socket is closed.
    NotAFrame,
    /// A frame that is answered with an error.
    Wrong {
        /// The client id, when it had a valid one.
        client_id: Option<String>,
        /// What is wrong.
        code: ErrorCode,
        /// In words, for whoever writes the client.
        message: String,
    },
}

/// A frame as it came: its type known to be one of ours, its fields not read yet.
#[derive(Debug)]
pub struct Raw {
    kind: String,
    fields: Map<String, Value>,
    client_id: Result<Option<String>, ()>,
}

impl Raw {
    /// Reads a text as an object with a `type`.
    ///
    /// # Errors
    ///
    /// [`Unreadable::NotAFrame`] when it is not one.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
            return Err(Unreadable::NotAFrame);
        };
        let Some(Value::String(kind)) = fields.remove("type") else {
            return Err(Unreadable::NotAFrame);
        };
        let client_id = match fields.remove("client_id") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if is_client_id(&id) => Ok(Some(id)),
            Some(_) => Err(()),
        };
        Ok(Self { kind, fields, client_id })
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The client id of a frame that must have one.
    ///
    /// # Errors
    ///
    /// When it has none, or one that is not 1 to 64 visible ASCII characters.
    pub fn client_id(&self) -> Result<String, Unreadable> {
        match &self.client_id {
            Ok(Some(id)) => Ok(id.clone()),
            Ok(None) => Err(self.wrong(ErrorCode::Invalid, "`client_id` is missing")),
            Err(()) => {
                Err(self.wrong(ErrorCode::Invalid, "`client_id` must be 1 to 64 visible ASCII characters"))
            }
        }
    }

    /// The fields.
    ///
    /// # Errors
    ///
    /// When one that is needed is missing, or is of another type.
    pub fn fields<T: DeserializeOwned>(&mut self) -> Result<T, Unreadable> {
        let fields = Value::Object(std::mem::take(&mut self.fields));
        // The text of the error may quote what somebody wrote; it goes back to its writer and nowhere else.
        serde_json::from_value(fields).map_err(|error| self.wrong(ErrorCode::Invalid, &error.to_string()))
    }

    /// The answer to a type that is not one of ours.
    #[must_use]
    pub fn unknown(&self) -> Unreadable {
        self.wrong(ErrorCode::UnknownType, "this type is not known")
    }

    /// The answer to a frame that is wrong.
    #[must_use]
    pub fn wrong(&self, code: ErrorCode, message: &str) -> Unreadable {
        let client_id = self.client_id.clone().ok().flatten();
        Unreadable::Wrong { client_id, code, message: message.chars().take(200).collect() }
    }
}

fn is_client_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_CLIENT_ID && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_frame_is_told_from_a_frame_that_is_wrong() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for text in ["", "hello", "[]", "null", "1", "{}", "{\"type\":1}", "{\"type\":\"a\"} x", &deep] {
            assert_eq!(Raw::read(text).err(), Some(Unreadable::NotAFrame), "{}", &text[..text.len().min(20)]);
        }
        assert!(Raw::read(r#"{"type":"a","unknown":{"nested":[1]}}"#).is_ok());
    }

    #[test]
    fn a_client_id_is_1_to_64_visible_ascii_characters() {
        let read = |id: &str| {
            Raw::read(&serde_json::json!({"type": "a", "client_id": id}).to_string()).unwrap().client_id()
        };
        assert_eq!(read("c1-~!").unwrap(), "c1-~!");
        assert_eq!(read(&"x".repeat(64)).unwrap().len(), 64);
        for wrong in ["", " ", "a b", "ä", "a\n", &"x".repeat(65)] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        assert!(Raw::read(r#"{"type":"a","client_id":7}"#).unwrap().client_id().is_err());
        assert!(Raw::read(r#"{"type":"a"}"#).unwrap().client_id().is_err());
    }
}
