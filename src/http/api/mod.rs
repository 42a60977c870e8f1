//! The API, one file a resource. The wire is here and nowhere else (invariant 10):
//! what stands in the domain has no JSON of its own on it.

pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod canned;
pub(super) mod conversations;
pub(super) mod knowledge;
pub(super) mod labels;
pub(super) mod login;
pub(super) mod models;
pub(super) mod persons;
pub(super) mod policies;
pub(super) mod queues;
pub(super) mod storage;
pub(super) mod testbench;
pub(super) mod widget;
pub(super) mod widgets;

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

/// A change was made and there is nothing to say about it.
pub(super) const DONE: StatusCode = StatusCode::NO_CONTENT;

/// Tells a field that is null from one that is not there.
fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// An identifier out of a path. One that cannot be one names nothing.
fn path_id<T, E>(parsed: Result<T, E>, what: &str) -> Result<T, ApiError> {
    parsed.map_err(|_| ApiError::not_found(what))
}
