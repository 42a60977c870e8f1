//! Nouns: what things are and how decisions are made. No I/O, no clock, no chance.

pub mod analysis;
