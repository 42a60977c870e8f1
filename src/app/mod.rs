//! The composition root: the only folder that knows every adapter.

mod desk;
mod start;

pub use start::{App, Replacements, open_store};
