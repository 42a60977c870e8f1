//! The database. SQLite by default: one file, group commit, every acknowledged write on
//! the disk. PostgreSQL for several nodes. The statements are the same. And plain data,
//! which keeps nothing, for tests.

mod disk;
pub mod memory;
mod moving;
pub mod postgres;
pub mod sql;
pub mod sqlite;

pub use disk::{DatabaseFile, Elsewhere};
pub use memory::MemoryStore;
pub use moving::{MoveError, Moved, MovedStore, move_to_postgres};
pub use postgres::{PostgresSettings, PostgresStore};
pub use sql::SqlStore;
pub use sqlite::{Limits, SqliteStore};
