//! What the tests share: actors, a running server, pages kept in step; and a whole
//! Baton without sockets, with scripts that it plays.

pub mod agent;
pub mod app;
pub mod attendance;
pub mod checks;
pub mod clock;
pub mod cluster;
pub mod command;
pub mod gate;
pub mod histories;
pub mod page;
pub mod port;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod script;
pub mod scripted;
pub mod simulated;
pub mod source;
pub mod stored;
pub mod stores;
pub mod telling;
pub mod through;
pub mod visitor;
pub mod wire;
pub mod world;

pub use app::{Options, Person, TestApp};
pub use clock::TestClock;
