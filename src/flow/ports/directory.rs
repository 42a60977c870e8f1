//! Directory: who may come in, and what admins have set. Not conversations.
//!
//! Every change is one command, all or nothing, and leaves an entry in the audit
//! log in the same write.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::account::{Account, AccountChange, Email};
use crate::domain::agent::Role;
use crate::domain::id::{AgentId, CannedId, KnowledgeId, QueueId, VisitorId, WidgetKey};
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::queue::Queue;
use crate::domain::site::Widget;
use crate::domain::time::Timestamp;
use crate::domain::visitor::Profile;

/// Why a change of the directory was not made.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// What should be changed is not there.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// Something else has that name already.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// It was changed by somebody else first.
    #[error("somebody else changed it first")]
    Conflict,
    /// It would leave nobody who can administer.
    #[error("the last admin cannot be disabled or become something else")]
    LastAdmin,
    /// The queue is needed: it is the default, or conversations wait in it.
    #[error("the queue is in use")]
    QueueInUse,
    /// The link was used, replaced, or is too old.
    #[error("the link is not valid any more")]
    LinkInvalid,
    /// The database did not answer.
    #[error("the store is not available")]
    Store(#[from] StoreError),
}

impl DirectoryError {
    /// The word for this error in answers, metrics and logs. Never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Taken(_) => "taken",
            Self::Conflict => "conflict",
            Self::LastAdmin => "last_admin",
            Self::QueueInUse => "queue_in_use",
            Self::LinkInvalid => "link_invalid",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Who makes a change, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The account; none for the command line and for the product itself.
    pub by: Option<AgentId>,
    /// The instant.
    pub at: Timestamp,
}

/// The hash of a secret; the secret itself is never stored.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretHash(pub String);

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hash]")
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of Account and Agent")]
pub struct NewAccount {
    pub id: AgentId,
    pub email: Email,
    pub name: String,
    pub role: Role,
}

/// An account and what its password is checked against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose.
    pub account: Account,
    /// None until the invitation is accepted.
    pub password: Option<SecretHash>,
}

/// A browser that is logged in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The hash of what the cookie carries.
    pub token: SecretHash,
    /// Whose.
    pub account: AgentId,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The first admin.
    Setup,
    /// A new account.
    Invite,
    /// A forgotten password.
    Reset,
}

impl LinkPurpose {
    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Setup, Self::Invite, Self::Reset].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A link that works once.
#[derive(Debug, Clone)]
pub struct Link {
    /// The hash of what the link carries.
    pub token: SecretHash,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whose; none for the first admin.
    pub account: Option<AgentId>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A visitor's browser.
#[derive(Debug, Clone)]
pub struct VisitorRecord {
    /// Who.
    pub id: VisitorId,
    /// The widget they came through.
    pub widget: WidgetKey,
    /// What is known of them.
    pub profile: Profile,
}

/// One version of the policy, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// `default@3`: its name and number.
    pub version: u32,
    /// The name of the policy.
    pub name: String,
    /// Who published it; empty for the one that came with Baton.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub comment: String,
}

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its number; greater is later.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who, by name; empty for the command line and the product itself.
    pub account: String,
    /// What, as `account.invite`.
    pub action: String,
    /// To what: an id, never a name or an address.
    pub target: String,
    /// What else matters, in one line.
    pub detail: String,
}

/// What a site begins with.
#[derive(Debug, Clone)]
pub struct Furniture {
    /// Queues beside the default one.
    pub queues: Vec<Queue>,
    /// What its bot knows.
    pub knowledge: Vec<KnowledgeEntry>,
    /// Canned replies of its agents.
    pub canned: Vec<CannedReply>,
    /// Its widget: where it is there, nothing is put in.
    pub widget: Widget,
}

/// Who may come in, and what admins have set.
#[async_trait]
pub trait Directory: Send + Sync {
    /// All accounts, by name.
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;
    /// One account.
    async fn account(&self, id: &AgentId) -> Result<Option<Account>, StoreError>;
    /// The account with this address and what its password is checked against.
    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, StoreError>;
    /// Makes an account, with the link by which its owner sets a password.
    async fn add_account(
        &self,
        stamp: Stamp,
        new: NewAccount,
        link: Option<Link>,
    ) -> Result<Account, DirectoryError>;
    /// Changes an account. When the role changes or it is disabled, all its logins end.
    async fn change_account(
        &self,
        stamp: Stamp,
        id: AgentId,
        change: AccountChange,
    ) -> Result<Account, DirectoryError>;
    /// Sets a password and ends all logins but `keep`.
    async fn set_password(
        &self,
        stamp: Stamp,
        id: AgentId,
        password: SecretHash,
        keep: Option<SecretHash>,
    ) -> Result<(), DirectoryError>;
    /// Remembers a link; earlier links for the same purpose and account stop working.
    async fn issue_link(&self, stamp: Stamp, link: Link) -> Result<(), DirectoryError>;
    /// A link that still works.
    async fn link(&self, token: &SecretHash, now: Timestamp) -> Result<Option<Link>, StoreError>;
    /// Uses the setup link: makes the first account, an admin, with a password.
    async fn redeem_setup(
        &self,
        stamp: Stamp,
        token: SecretHash,
        new: NewAccount,
        password: SecretHash,
    ) -> Result<Account, DirectoryError>;
    /// Uses an invitation or a reset: sets the password, and the name where one is given.
    async fn redeem_link(
        &self,
        stamp: Stamp,
        token: SecretHash,
        name: Option<String>,
        password: SecretHash,
    ) -> Result<Account, DirectoryError>;

    /// Remembers a login.
    async fn add_login(&self, login: Login) -> Result<(), StoreError>;
    /// A login and whose it is.
    async fn login(&self, token: &SecretHash) -> Result<Option<(Login, Account)>, StoreError>;
    /// Remembers that a login was used.
    async fn touch_login(&self, token: SecretHash, at: Timestamp) -> Result<(), StoreError>;
    /// Ends a login.
    async fn end_login(&self, token: SecretHash) -> Result<(), StoreError>;
    /// Forgets logins and links that ended before `now`.
    async fn sweep(&self, now: Timestamp, idle_before: Timestamp) -> Result<(), StoreError>;

    /// All queues, in the order they were made.
    async fn queues(&self) -> Result<Vec<Queue>, StoreError>;
    /// Makes or replaces a queue.
    async fn save_queue(&self, stamp: Stamp, queue: Queue) -> Result<(), DirectoryError>;
    /// Removes a queue in which nobody waits.
    async fn remove_queue(&self, stamp: Stamp, id: QueueId) -> Result<(), DirectoryError>;

    /// All knowledge, in the order it was written.
    async fn knowledge(&self) -> Result<Vec<KnowledgeEntry>, StoreError>;
    /// Makes or replaces an entry.
    async fn save_knowledge(&self, stamp: Stamp, entry: KnowledgeEntry) -> Result<(), DirectoryError>;
    /// Removes an entry.
    async fn remove_knowledge(&self, stamp: Stamp, id: KnowledgeId) -> Result<(), DirectoryError>;
    /// A number that grows with every change of the knowledge.
    async fn knowledge_revision(&self) -> Result<i64, StoreError>;

    /// All canned replies, by shortcut.
    async fn canned(&self) -> Result<Vec<CannedReply>, StoreError>;
    /// Makes or replaces a canned reply.
    async fn save_canned(&self, stamp: Stamp, reply: CannedReply) -> Result<(), DirectoryError>;
    /// Removes a canned reply.
    async fn remove_canned(&self, stamp: Stamp, id: CannedId) -> Result<(), DirectoryError>;

    /// All widgets, in the order they were made.
    async fn widgets(&self) -> Result<Vec<Widget>, StoreError>;
    /// One widget.
    async fn widget(&self, key: &WidgetKey) -> Result<Option<Widget>, StoreError>;
    /// Makes or replaces a widget.
    async fn save_widget(&self, stamp: Stamp, widget: Widget) -> Result<(), DirectoryError>;
    /// Removes a widget; its snippet stops working.
    async fn remove_widget(&self, stamp: Stamp, key: WidgetKey) -> Result<(), DirectoryError>;

    /// Puts in what a site begins with, all in one write, unless its widget is there: nodes that begin at the same time
    /// put it in once. What has a name that is taken already is left out.
    async fn furnish(&self, stamp: Stamp, furniture: Furniture) -> Result<(), DirectoryError>;

    /// The visitor whose browser holds this secret.
    async fn visitor_by_secret(&self, secret: &SecretHash) -> Result<Option<VisitorRecord>, StoreError>;
    /// What is known of a visitor.
    async fn visitor(&self, id: &VisitorId) -> Result<Option<VisitorRecord>, StoreError>;
    /// Remembers a visitor, what is known of them, and the secret of their browser.
    async fn save_visitor(
        &self,
        at: Timestamp,
        visitor: VisitorRecord,
        secret: SecretHash,
    ) -> Result<(), StoreError>;

    /// All versions of the policy, newest first; the first is live.
    async fn policies(&self) -> Result<Vec<PolicyVersion>, StoreError>;
    /// The text of one version.
    async fn policy(&self, version: u32) -> Result<Option<(PolicyVersion, String)>, StoreError>;
    /// Publishes a new version on top of `based_on`, which must still be the live one (0: none yet).
    async fn publish_policy(
        &self,
        stamp: Stamp,
        name: String,
        toml: String,
        comment: String,
        based_on: u32,
    ) -> Result<PolicyVersion, DirectoryError>;

    /// The audit log, newest first, from before an entry.
    async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
}
