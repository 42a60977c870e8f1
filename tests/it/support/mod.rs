//! What the tests share: actors, a running server, pages kept in step.

pub mod app;
pub mod clock;
pub mod page;

pub use app::{Options, Person, TestApp};
pub use clock::TestClock;
