//! Where tests break a store on purpose, for both engines. Nothing happens here otherwise.

use crate::fault::{planted, point};
#[cfg(debug_assertions)]
use std::cell::Cell;

#[cfg(debug_assertions)]
thread_local!(static HAS_MESSAGE: Cell<bool> = const { Cell::new(false) });

/// What this thread commits next holds a visitor's message.
pub(crate) fn received() {
    #[cfg(debug_assertions)]
    HAS_MESSAGE.set(true);
}

/// Whether what is committed holds a visitor's message. In a release build nobody asks.
fn has_message() -> bool {
    #[cfg(debug_assertions)]
    return HAS_MESSAGE.get();
    #[cfg(not(debug_assertions))]
    false
}

/// Everything is written and nothing is committed.
pub(crate) fn before_commit() {
    point("store.before_commit");
    if has_message() {
        point("receive.before_commit");
    }
}

/// Everything is committed and nobody was told.
pub(crate) fn after_commit() {
    point("store.after_commit");
    if has_message() {
        point("receive.after_commit");
    }
    #[cfg(debug_assertions)]
    HAS_MESSAGE.set(false);
}

/// Between two migrations.
pub(crate) fn migrating() {
    point("store.migrating");
}

/// Whether what a job changed is kept: when it says so.
pub(crate) fn is_kept(says_so: bool) -> bool {
    says_so || planted("rollback_forgotten")
}
