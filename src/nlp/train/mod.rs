//! Training: the same encoder and heads, with gradients. Nothing here runs
//! while the service serves.

#[cfg(feature = "rust-bert")]
mod adam;
pub mod augment;
pub mod calibrate;
#[cfg(feature = "rust-bert")]
pub mod compare;
pub mod data;
pub mod fit_words;
#[cfg(feature = "rust-bert")]
pub mod from_labels;
#[cfg(feature = "rust-bert")]
mod heads;
#[cfg(feature = "rust-bert")]
pub mod learn;
pub mod maps;
#[cfg(feature = "rust-bert")]
pub mod teach;
