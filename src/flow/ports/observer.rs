//! Observer: is told what happened, and counts it. It cannot fail and does not wait.

use crate::domain::event::Event;

/// Whoever counts.
pub trait Observer: Send + Sync {
    /// Takes note.
    fn observe(&self, event: &Event);
}

/// Counts nothing: for tests and for commands that serve nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyCounts;

impl Observer for NobodyCounts {
    fn observe(&self, _event: &Event) {}
}
