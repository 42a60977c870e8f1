//! What the tests share: actors, a running server, pages kept in step.

pub mod agent;
pub mod app;
pub mod clock;
pub mod page;
pub mod visitor;
pub mod wire;

pub use app::{Options, Person, TestApp};
pub use clock::TestClock;
