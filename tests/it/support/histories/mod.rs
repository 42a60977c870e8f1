//! Random histories of a store: operations made from a seed, and everything that can be
//! asked of a store afterwards.

pub mod make;
pub mod operation;
pub mod questions;
