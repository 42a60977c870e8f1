//! Training: the same encoder and heads, with gradients. Nothing here runs
//! while the service serves.

pub mod augment;
pub mod calibrate;
pub mod data;
pub mod fit_words;
#[cfg(feature = "rust-bert")]
pub mod learn;
pub mod maps;
