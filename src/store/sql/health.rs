//! Whether a database takes writes, as its own threads saw it last. Not a probe: that is
//! [`Store::check`](crate::flow::ports::Store::check).
//!
//! Everything that goes wrong with a disk goes wrong for every message, so it is told
//! once: when it begins, and when it is over.

use crate::flow::ports::StoreHealth;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A trouble that begins so soon after another was told is not told again.
const QUIET: Duration = Duration::from_secs(30);

/// A log that is larger than this is not carried over into the database as it should be.
const LARGE_LOG: u64 = 256 * 1024 * 1024;

/// What is wrong with a database that cannot write or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No room on the disk.
    DiskFull,
    /// The disk takes no writes.
    ReadOnly,
    /// The disk answers with errors.
    Io,
    /// Somebody else keeps it locked.
    Busy,
    /// What stands in the file is no database any more.
    Damaged,
    /// The server cannot be reached.
    Unreachable,
    /// It does not answer in time: a disk that stands still, or a server.
    Silent,
    /// Something else; the log says what.
    Other,
}

impl Cause {
    /// The stable word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::ReadOnly => "read_only",
            Self::Io => "io_error",
            Self::Busy => "busy",
            Self::Damaged => "damaged",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Other => "other",
        }
    }
}

/// What is known of the database of a store.
#[derive(Default)]
pub(crate) struct Health(Mutex<State>);

#[derive(Default)]
struct State {
    known: StoreHealth,
    trouble: Option<Trouble>,
    told_at: Option<Instant>,
    unread_told_at: Option<Instant>,
    is_log_told: bool,
}

struct Trouble {
    since: Instant,
    n_refused: u64,
    is_told: bool,
}

impl Health {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known now.
    pub(crate) fn now(&self) -> StoreHealth {
        self.state().known.clone()
    }

    /// So many writes were refused.
    pub(crate) fn refused(&self, cause: Cause, n: usize, detail: &str) {
        let mut state = self.state();
        *state.known.refused.entry(cause.word()).or_default() += n as u64;
        state.known.trouble = Some(cause.word());
        if let Some(trouble) = &mut state.trouble {
            trouble.n_refused += n as u64;
            return;
        }
        let is_told = state.told_at.is_none_or(|told| told.elapsed() >= QUIET);
        state.trouble = Some(Trouble { since: Instant::now(), n_refused: n as u64, is_told });
        if is_told {
            state.told_at = Some(Instant::now());
            tracing::error!(
                store.trouble = cause.word(),
                "The database takes no writes ({}): {detail}. Whoever writes is refused until it does",
                cause.word()
            );
        }
    }

    /// A write went through.
    pub(crate) fn written(&self) {
        let mut state = self.state();
        let Some(trouble) = state.trouble.take() else { return };
        state.known.trouble = None;
        if trouble.is_told {
            let (refused, lasted_ms) = (trouble.n_refused, trouble.since.elapsed().as_millis());
            tracing::warn!(
                refused,
                duration_ms = lasted_ms,
                "The database takes writes again after {lasted_ms} ms, in which {refused} were refused"
            );
        }
    }

    /// Something could not be read.
    pub(crate) fn unread(&self, cause: Cause, detail: &str) {
        let mut state = self.state();
        *state.known.refused.entry("unread").or_default() += 1;
        if state.unread_told_at.is_none_or(|told| told.elapsed() >= QUIET) {
            state.unread_told_at = Some(Instant::now());
            tracing::error!(
                store.trouble = cause.word(),
                "The database cannot be read ({}): {detail}",
                cause.word()
            );
        }
    }

    /// How large the log beside the database is.
    pub(crate) fn log(&self, bytes: u64) {
        let mut state = self.state();
        state.known.log_bytes = bytes;
        if bytes >= LARGE_LOG && !state.is_log_told {
            tracing::warn!(
                bytes,
                "The log beside the database has grown to {} MiB: something keeps reading an old state, or the \
                 database file cannot be written",
                bytes / 1024 / 1024
            );
        }
        state.is_log_told = bytes >= LARGE_LOG / 2 && (state.is_log_told || bytes >= LARGE_LOG);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_lasts_until_a_write_goes_through() {
        let health = Health::default();
        assert_eq!(health.now(), StoreHealth::default());
        health.refused(Cause::DiskFull, 3, "no room");
        health.refused(Cause::Io, 1, "no answer");
        let now = health.now();
        assert_eq!(now.trouble, Some("io_error"), "the latest");
        assert_eq!(now.refused.into_iter().collect::<Vec<_>>(), [("disk_full", 3), ("io_error", 1)]);
        health.written();
        assert_eq!(health.now().trouble, None);
        assert_eq!(health.now().refused["disk_full"], 3, "what was counted stays");
    }

    #[test]
    fn a_second_trouble_right_after_the_first_is_counted_and_not_told() {
        let health = Health::default();
        for _ in 0..3 {
            health.refused(Cause::DiskFull, 1, "no room");
            assert_eq!(health.now().trouble, Some("disk_full"));
            health.written();
        }
        assert!(health.state().told_at.is_some());
        health.refused(Cause::DiskFull, 1, "no room");
        assert!(!health.state().trouble.as_ref().unwrap().is_told);
    }

    #[test]
    fn a_large_log_is_told_once_until_it_was_small_again() {
        let health = Health::default();
        let told = |bytes| {
            health.log(bytes);
            health.state().is_log_told
        };
        assert!(!told(1));
        assert!(told(LARGE_LOG));
        assert!(told(LARGE_LOG - 1));
        assert!(!told(LARGE_LOG / 4));
    }
}
