//! The integration tests: one binary, modules in reading order.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]
#![expect(clippy::type_complexity, reason = "a table of a test is read where it stands")]

mod support;

mod scenarios;
mod states;
mod decisions;
mod standing;
mod plans;
mod races;
mod invariants;
mod simulation;
mod store_contract;
mod directory_contract;
mod upkeep_contract;
mod store_sqlite;
mod store_postgres;
mod service_postgres;
mod postgres_tls;
mod differential;
mod nodes;
mod cluster;
mod architecture;
#[cfg(feature = "rust-bert")]
mod analyzer;
#[cfg(feature = "rust-bert")]
mod evaluate;
#[cfg(feature = "rust-bert")]
mod tokenization;
#[cfg(feature = "rust-bert")]
mod own_intents;
mod config;
mod auth;
mod roles;
mod api;
mod labels;
mod learning;
mod models;
mod pages;
mod gateway;
mod kill;
mod power;
mod upkeep;
mod failpoints;
mod faults;
mod protocol_page;
mod race;
mod storm;
mod soak;
#[cfg(feature = "rust-bert")]
mod model_trouble;
