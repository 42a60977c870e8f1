//! The directory: accounts, logins, links, queues, knowledge, widgets, visitors, policy
//! versions, audit. Not conversations.
//!
//! Steps that follow rules between rows run alone, so what a step reads first still holds when it writes: every rule
//! is checked before the first change, and a refusal leaves nothing behind.

mod accounts;
mod content;
mod port;
mod queues;
mod rest;

pub(super) use rest::audit;
