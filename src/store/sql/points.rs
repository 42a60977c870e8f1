//! Where tests break a store on purpose, for both engines. Nothing happens here otherwise.

use crate::fault::{planted, point};

/// Everything is written and nothing is committed.
pub(crate) fn before_commit() {
    point("store.before_commit");
}

/// Everything is committed and nobody was told.
pub(crate) fn after_commit() {
    point("store.after_commit");
}

/// Between two migrations.
pub(crate) fn migrating() {
    point("store.migrating");
}

/// Whether what a job changed is kept: when it says so.
pub(crate) fn is_kept(says_so: bool) -> bool {
    says_so || planted("rollback_forgotten")
}
