//! Roles, and the one table of what each may do.

use serde::{Deserialize, Serialize};

/// What an account is for. Each includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers visitors.
    Agent,
    /// Also sees everybody's conversations and tunes policy and knowledge.
    Supervisor,
    /// Also manages accounts, queues and widgets.
    Admin,
}

/// Something an account may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Answer visitors, see own conversations and what is needed for it.
    Answer,
    /// See and take everybody's conversations, live figures, accounts.
    Supervise,
    /// Change policy, knowledge and canned replies.
    Tune,
    /// Say what messages and conversations really were.
    LabelMessages,
    /// Change accounts, queues, widgets; read the audit.
    Administer,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Answer, Self::Supervise, Self::Tune, Self::LabelMessages, Self::Administer];
}

impl Role {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Supervisor, Self::Admin];

    /// Whether this role may do that.
    pub fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::Answer => Self::Agent,
            Permission::Supervise | Permission::Tune | Permission::LabelMessages => Self::Supervisor,
            Permission::Administer => Self::Admin,
        };
        self >= least
    }

    /// The word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
