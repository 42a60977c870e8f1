//! The composition root: the only folder that knows every adapter.

mod desk;
mod place;
mod policy;
mod start;
mod store;

pub use place::{restoring_mark, take_alone};
pub(crate) use start::housekeeping_of;
pub use start::{App, Replacements};
pub use store::{describe_store, open_store, open_store_to_read};
