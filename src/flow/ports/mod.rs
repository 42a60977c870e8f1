//! What the flow needs from the world; the traits are owned here.

pub mod analyzer;

pub use analyzer::{Analyzer, AnalyzerStatus};
