//! Verbs: what happens, one file a step.

pub mod ports;
