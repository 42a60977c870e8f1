//! Everything between one visitor and us until it is closed.

mod aggregate;
pub mod entry;
pub mod message;
pub mod state;
mod transitions;

pub use aggregate::{Absence, Change, Conversation, Exclusion, HandoffChange, Reservation};
pub use entry::{Author, Entry, EntryKind, NewEntry, Notice};
pub use message::{Body, InvalidBody};
pub use state::{ConversationState, InvalidTransition, StateName};
pub use transitions::{Destination, Lost, Turned};
