//! A disk in memory under SQLite, for tests: it keeps what was written apart from what was
//! synced, its power can be cut at a chosen operation, and its calls can be made to fail.
//!
//! Not a file system, and not for a service: this crate is a dev-dependency, and the one
//! place where `unsafe` is allowed, because SQLite asks for files through C.
//!
//! A database on it is opened by its [`Disk::uri`], which every connection understands;
//! nothing of the program under test has to know.

mod disk;
mod fault;
mod tear;
mod vfs;

pub use disk::{Disk, Files, Sync};
pub use fault::{Call, Failure, Fault};
pub use tear::{Dice, Tearing};
