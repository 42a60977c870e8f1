//! The database. SQLite by default: one file, group commit, every acknowledged
//! write on the disk.

pub mod sqlite;

pub use sqlite::{Limits, SqliteStore};
