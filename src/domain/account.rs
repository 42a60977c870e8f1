//! Who may come in: accounts of the humans who answer. Not how they prove it.

use std::fmt;

use super::agent::{Agent, Role};
use super::id::{AgentId, QueueId};
use super::time::Timestamp;

/// An address for mail, in lower case. Hidden from logs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(Box<str>);

/// The text is not an address for mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address such as ana@shop.example was expected")]
pub struct InvalidEmail;

impl Email {
    /// Reads an address. Only its shape is checked: something, one `@`, a name with a dot or `localhost`.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] when the shape is another, or it is longer than 254 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (local, host) = text.split_once('@').ok_or(InvalidEmail)?;
        let is_plain =
            text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '<');
        let has_host = host == "localhost"
            || host.split('.').count() > 1 && host.split('.').all(|part| !part.is_empty());
        if !local.is_empty() && !host.contains('@') && is_plain && has_host {
            Ok(Self(text.to_lowercase().into()))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[e-mail]")
    }
}

/// A human who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What is needed to give them work.
    pub agent: Agent,
    /// What they log in with.
    pub email: Email,
    /// Locked out; kept because conversations name them.
    pub is_disabled: bool,
    /// Whether they have accepted their invitation.
    pub has_password: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When they last logged in.
    pub last_login_at: Option<Timestamp>,
}

impl Account {
    /// The account's id; the same as the agent's.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.agent.id
    }

    /// What they may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.agent.role
    }
}

/// What an admin changes of an account; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Account and Agent")]
pub struct AccountChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub is_disabled: Option<bool>,
    pub capacity: Option<u32>,
    pub tier: Option<u8>,
    pub skills: Option<Vec<String>>,
    pub queues: Option<Vec<QueueId>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_hidden() {
        assert_eq!(Email::parse(" Ana@Shop.example ").unwrap().as_str(), "ana@shop.example");
        assert_eq!(format!("{:?}", Email::parse("a@b.c").unwrap()), "[e-mail]");
        for wrong in
            ["", "ana", "@shop.example", "ana@", "ana@shop", "a@b@c.d", "a b@c.d", "a@b..c", "<a@b.c"]
        {
            assert!(Email::parse(wrong).is_err(), "{wrong}");
        }
    }
}
