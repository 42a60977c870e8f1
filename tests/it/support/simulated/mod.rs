//! A Baton in which nothing is left to chance but one seed: its own order of execution,
//! clock, bus, identifiers, analyzer, bot, and a store that fails when told.

pub mod desks;
pub mod dice;
pub mod ending;
pub mod order;
pub mod parts;
pub mod people;
pub mod process;
pub mod run;
pub mod store;
