//! Baton hands a chatbot's conversation to a human at the right moment.

pub mod domain;
pub mod flow;

pub mod auth;
pub mod http;
pub mod config;
pub mod telemetry;
pub mod shutdown;
pub mod fault;
pub mod store;
pub mod bot;
pub mod system;
pub mod broker;
pub mod gateway;
pub mod nlp;

pub mod app;
pub mod cli;
pub mod demo;
