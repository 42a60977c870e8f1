//! Nouns: what things are and how decisions are made. No I/O, no clock, no chance
//! (invariant 1). Read in this order.

pub mod id;
pub mod time;

pub mod visitor;
pub mod conversation;
pub mod analysis;
pub mod score;
pub mod escalation;
pub mod tuning;
pub mod handoff;
pub mod queue;
pub mod agent;
pub mod account;
pub mod routing;
pub mod outcome;
pub mod knowledge;
pub mod site;
pub mod event;
