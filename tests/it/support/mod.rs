//! What the tests share: actors, a running server, pages kept in step.

pub mod page;
