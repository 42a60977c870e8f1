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

/// What was sent as a reply, or everything that is wrong with it.
fn read(id: CannedId, sent: &New) -> Result<CannedReply, ApiError> {
    let mut checks = Checks::default();
    let shortcut = checks.text(sent.shortcut.trim_start_matches('/'), "shortcut", 30).to_lowercase();
    let is_word = shortcut.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    checks.expect(is_word.into(), "shortcut", "shortcut: letters, digits, - and _ only");
    let text = checks.text(&sent.text, "text", 4000);
    checks.done()?;
    Ok(CannedReply { id, shortcut, text })
}

pub(in crate::http) async fn create(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<New>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let reply = read(CannedId::from_suffix(&http.new_suffix()), &sent)?;
    let body = json!({ "canned": shown(&reply) });
    http.directory().save_canned(http.logins.stamp(Some(&caller)), reply).await?;
    Ok((StatusCode::CREATED, Json(body)))
}

pub(in crate::http) async fn replace(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(sent): Sent<New>,
) -> Result<Json<Value>, ApiError> {
    let id = path_id(CannedId::parse(&id), "the canned reply")?;
    let is_there = http.directory().canned().await?.iter().any(|reply| reply.id == id);
    if !is_there {
        return Err(ApiError::not_found("the canned reply"));
    }
    let reply = read(id, &sent)?;
    let body = json!({ "canned": shown(&reply) });
    http.directory().save_canned(http.logins.stamp(Some(&caller)), reply).await?;
    Ok(Json(body))
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
