//! The database. SQLite by default: one file, group commit, every acknowledged write on
//! the disk. PostgreSQL for several nodes. The statements are the same.

pub mod sql;
pub mod sqlite;

pub use sql::SqlStore;
pub use sqlite::{Limits, SqliteStore};
