//! Upkeep: what happens to the data over the years. What is old goes and leaves its
//! numbers, what is held of one person can be shown and erased, and how large it all is.

use async_trait::async_trait;

use super::StoreError;
use super::directory::{DirectoryError, Stamp};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, VisitorId};
use crate::domain::time::Timestamp;
use crate::domain::visitor::Profile;

/// What a round of retention removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Conversations, with everything that belongs to them.
    pub conversations: u64,
    /// Entries of their logs.
    pub entries: u64,
}

/// Where a walk through a table goes on: after this key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place(pub String, pub String);

/// One step of a walk through a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// Rows that were forgotten.
    pub forgotten: u64,
    /// Where to go on; none at the end.
    pub next: Option<Place>,
}

/// Whom it is about.
#[derive(Clone, PartialEq, Eq)]
pub enum Person {
    /// The visitor of this id.
    Visitor(VisitorId),
    /// Whoever gave this address, or for whom a site gave it: in lower case.
    Email(String),
}

/// An address is shown nowhere.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Visitor(id) => write!(f, "Visitor({id})"),
            Self::Email(_) => f.write_str("Email([redacted])"),
        }
    }
}

/// What an erasure reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Conversations that are nobody's now.
    pub conversations: u64,
    /// Entries whose text is gone.
    pub entries: u64,
    /// Labels of messages that are gone.
    pub labels: u64,
}

/// What is stored about a visitor, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Conversations.
    pub conversations: u64,
    /// Of these, not over yet.
    pub unfinished: u64,
    /// Messages that they wrote.
    pub messages: u64,
    /// Messages that bot and agents wrote to them, unsent ones included.
    pub answers: u64,
    /// Notes of agents about them.
    pub notes: u64,
    /// Times they were handed to humans.
    pub handoffs: u64,
    /// Conversations they rated.
    pub ratings: u64,
    /// Labels of their messages.
    pub labels: u64,
}

/// A visitor as somebody who looks for them sees them.
#[derive(Clone, PartialEq, Eq)]
pub struct Outline {
    /// Who.
    pub visitor: VisitorId,
    /// What the site and they said of them.
    pub profile: Profile,
    /// The address they left in their latest conversation that has one.
    pub left_email: Option<String>,
    /// Known since.
    pub known_since: Option<Timestamp>,
    /// When they were there last.
    pub seen_at: Option<Timestamp>,
    /// How much there is.
    pub held: Held,
}

/// Names and addresses are shown nowhere.
impl std::fmt::Debug for Outline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outline")
            .field("visitor", &self.visitor)
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

/// Why a person was not erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nothing is held of them.
    #[error("nothing is held of this person")]
    NotFound,
    /// A conversation is not over: whoever answers would go on with nobody.
    #[error("{0} of their conversations are not over yet: end them first")]
    StillOpen(u64),
    /// The database did not answer.
    #[error("the store is not available")]
    Store(#[from] StoreError),
}

impl From<DirectoryError> for EraseError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => Self::Store(error),
            _ => Self::NotFound,
        }
    }
}

/// Numbers of conversations that retention removed, by what reports are asked for. No text, and nobody's name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are the columns, and say what they count")]
pub struct KeptCounts {
    pub conversations: u64,
    pub visitor_messages: u64,
    pub bot_messages: u64,
    pub agent_messages: u64,
    pub handoffs: u64,
    pub answered: u64,
    pub abandoned: u64,
    pub waited_ms: u64,
    pub rated: u64,
    pub rating_sum: u64,
}

/// Keeps the data in order.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Removes conversations that were closed before an instant, oldest first, with all that belongs to them: as many
    /// as have about so many entries together, at least one. Their numbers are kept in the same write.
    async fn remove_closed(&self, before: Timestamp, about_entries: u64) -> Result<Removed, StoreError>;

    /// Looks at so many answered commands from a place on, and forgets those that no client tries again: answered
    /// before an instant in a conversation that is closed, or whose conversation is gone.
    async fn forget_commands(
        &self,
        before: Timestamp,
        from: Place,
        n_rows: usize,
    ) -> Result<Walked, StoreError>;

    /// Looks at so many visitors from a place on, and forgets those known since before an instant who have no
    /// conversation.
    async fn forget_visitors(
        &self,
        before: Timestamp,
        from: Place,
        n_rows: usize,
    ) -> Result<Walked, StoreError>;

    /// The visitors that a person is.
    async fn visitors_of(&self, person: &Person) -> Result<Vec<VisitorId>, StoreError>;

    /// Visitors whose id, name, address or attributes have this text in them, or who are one of these; latest known
    /// first, at most so many.
    async fn find_visitors(
        &self,
        text: &str,
        or: &[VisitorId],
        limit: usize,
    ) -> Result<Vec<VisitorId>, StoreError>;

    /// A visitor in outline; none where nothing is stored about them.
    async fn outline_of(&self, visitor: &VisitorId) -> Result<Option<Outline>, StoreError>;

    /// The visitor's conversations, latest first, at most so many.
    async fn conversations_of(
        &self,
        visitor: &VisitorId,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError>;

    /// The visitor's conversations that are not closed.
    async fn unfinished_of(&self, visitor: &VisitorId) -> Result<Vec<ConversationId>, StoreError>;

    /// Everything that is held of a visitor: a JSON object with an array of rows for each table.
    async fn held_of(&self, visitor: &VisitorId) -> Result<String, StoreError>;

    /// Writes into the audit log that what is held of a visitor was shown: the id alone.
    async fn note_export(&self, stamp: Stamp, visitor: VisitorId) -> Result<(), StoreError>;

    /// Takes texts, names, addresses and identities of a visitor out of everything, and leaves what is counted. The
    /// conversations become those of nobody, under ids made from `fresh`. In the audit log: the id alone.
    ///
    /// # Errors
    ///
    /// `StillOpen` while a conversation of theirs is not closed.
    async fn erase(&self, stamp: Stamp, visitor: VisitorId, fresh: String) -> Result<Erased, EraseError>;

    /// How many erasures there were: whoever keeps texts in memory looks whether it has moved.
    async fn n_erasures(&self) -> Result<u64, StoreError>;

    /// All numbers that were kept of what retention removed.
    async fn kept_counts(&self) -> Result<KeptCounts, StoreError>;

    /// How large the database is, in bytes.
    async fn bytes(&self) -> Result<u64, StoreError>;

    /// Remembers how large it was.
    async fn note_bytes(&self, at: Timestamp, bytes: u64) -> Result<(), StoreError>;

    /// How large it was since an instant, oldest first.
    async fn bytes_since(&self, since: Timestamp) -> Result<Vec<(Timestamp, u64)>, StoreError>;
}

/// The disk that the database is on, where it is a file of ours. Its calls block.
pub trait Disk: Send + Sync {
    /// Bytes that can still be written; none where nobody knows.
    fn free(&self) -> Option<u64>;

    /// Bytes of the files of the database; none where it is not in files of ours.
    fn used(&self) -> Option<u64>;

    /// Writes the database anew, so that no byte of what was erased is left in a gap between rows or in the log
    /// beside it. False where it is not in files of ours.
    ///
    /// # Errors
    ///
    /// For a person: why not.
    fn compact(&self) -> Result<bool, String>;
}
