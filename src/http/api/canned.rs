//! Canned replies: what agents put in with a short word.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DONE, path_id};
use crate::auth::Caller;
use crate::domain::id::CannedId;
use crate::domain::knowledge::CannedReply;
use crate::http::error::ApiError;
use crate::http::extract::{Checks, Sent};
use crate::http::state::Http;

fn shown(reply: &CannedReply) -> Value {
    json!({ "id": reply.id, "shortcut": reply.shortcut, "text": reply.text })
}

pub(in crate::http) async fn list(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let replies = http.directory().canned().await?;
    Ok(Json(json!({ "canned": replies.iter().map(shown).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
pub(in crate::http) struct New {
    shortcut: String,
    text: String,
}

pub(in crate::http) async fn create(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<New>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut checks = Checks::default();
    let shortcut = checks.text(sent.shortcut.trim_start_matches('/'), "shortcut", 30).to_lowercase();
    let is_word = shortcut.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    checks.expect(is_word.into(), "shortcut", "shortcut: letters, digits, - and _ only");
    let text = checks.text(&sent.text, "text", 4000);
    checks.done()?;
    let reply = CannedReply { id: CannedId::from_suffix(&http.new_suffix()), shortcut, text };
    let body = json!({ "canned": shown(&reply) });
    http.directory().save_canned(http.logins.stamp(Some(&caller)), reply).await?;
    Ok((StatusCode::CREATED, Json(body)))
}

pub(in crate::http) async fn remove(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = path_id(CannedId::parse(&id), "the canned reply")?;
    http.directory().remove_canned(http.logins.stamp(Some(&caller)), id).await?;
    Ok(DONE)
}
