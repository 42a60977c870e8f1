//! Breaks a worker on purpose, for tests of what happens then. Not in the way of one that
//! was given no handle.

use std::sync::{Condvar, Mutex, PoisonError};

/// Breaks a worker on purpose.
#[derive(Debug, Default)]
pub struct FaultHandle {
    fault: Mutex<Option<Fault>>,
    changed: Condvar,
}

/// How a worker breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It stops and says nothing.
    Stall,
    /// It dies.
    Crash,
}

impl FaultHandle {
    /// Breaks the worker at its next batch.
    pub fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// Lets a stalled worker go on.
    pub fn clear(&self) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_all();
    }

    pub(super) fn strike(&self) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if *fault == Some(Fault::Crash) {
            drop(fault);
            panic!("the worker was told to crash");
        }
        while *fault == Some(Fault::Stall) {
            fault = self.changed.wait(fault).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
