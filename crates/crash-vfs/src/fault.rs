//! Which call fails, when, and with what. Not when the power goes: that is the disk's.

use libsqlite3_sys as ffi;
use std::ffi::c_int;

/// What SQLite asks a file system for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Opening or making a file.
    Open,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Making durable.
    Sync,
    /// Cutting to a length.
    Truncate,
    /// Locks, of the file and of the shared memory.
    Lock,
    /// Mapping shared memory.
    Map,
    /// Removing a file.
    Delete,
}

/// What is wrong with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No room.
    Full,
    /// It answers with errors.
    Io,
    /// It takes no writes.
    ReadOnly,
}

/// A call that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What fails.
    pub call: Call,
    /// The how manieth of its kind from now, counted from 1.
    pub nth: u64,
    /// With what.
    pub failure: Failure,
    /// All later ones of the kind too, until healed.
    pub is_lasting: bool,
}

impl Fault {
    /// What SQLite's own file systems answer then.
    pub(crate) fn code(self) -> c_int {
        match (self.failure, self.call) {
            (Failure::Full, Call::Write) => ffi::SQLITE_FULL,
            // Room that is only looked for when the data goes to the disk is found missing by the sync.
            (_, Call::Sync) => ffi::SQLITE_IOERR_FSYNC,
            (Failure::Full, Call::Map) => ffi::SQLITE_IOERR_SHMSIZE,
            (Failure::ReadOnly, Call::Write | Call::Truncate | Call::Delete) => ffi::SQLITE_READONLY,
            (Failure::Io, Call::Write) => ffi::SQLITE_IOERR_WRITE,
            (_, Call::Open) => ffi::SQLITE_CANTOPEN,
            (_, Call::Read) => ffi::SQLITE_IOERR_READ,
            (_, Call::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
            (_, Call::Lock) => ffi::SQLITE_IOERR_LOCK,
            (_, Call::Map) => ffi::SQLITE_IOERR_SHMMAP,
            (_, Call::Delete) => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

/// A fault that is armed.
#[derive(Debug)]
pub(crate) struct Armed {
    fault: Fault,
    seen: u64,
}

impl Armed {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, seen: 0 }
    }

    /// Counts a call; the code it fails with, if it does.
    pub(crate) fn strikes(&mut self, call: Call) -> Option<c_int> {
        if call != self.fault.call {
            return None;
        }
        self.seen += 1;
        let is_hit = self.seen == self.fault.nth || (self.fault.is_lasting && self.seen > self.fault.nth);
        is_hit.then(|| self.fault.code())
    }
}
