//! The audit log: who changed what, and when.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::error::ApiError;
use crate::http::state::Http;

/// Entries on one page.
const PAGE: u32 = 100;

#[derive(Deserialize)]
pub(in crate::http) struct Before {
    before: Option<i64>,
}

pub(in crate::http) async fn list(
    State(http): State<Http>,
    Query(query): Query<Before>,
) -> Result<Json<Value>, ApiError> {
    let entries = http.directory().audit(query.before, PAGE).await?;
    let next = entries.last().filter(|_| entries.len() == PAGE as usize).map(|entry| entry.number);
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "id": entry.number,
                "at": entry.at,
                "account": entry.account,
                "action": entry.action,
                "target": entry.target,
                "detail": entry.detail,
            })
        })
        .collect();
    Ok(Json(json!({ "entries": entries, "next": next })))
}
