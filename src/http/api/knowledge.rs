//! Knowledge: what the built-in bot answers from.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DONE, path_id};
use crate::auth::Caller;
use crate::domain::id::KnowledgeId;
use crate::domain::knowledge::KnowledgeEntry;
use crate::http::error::ApiError;
use crate::http::extract::{Checks, Sent};
use crate::http::state::Http;

fn shown(entry: &KnowledgeEntry) -> Value {
    json!({ "id": entry.id, "title": entry.title, "questions": entry.questions, "answer": entry.answer })
}

pub(in crate::http) async fn list(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let entries = http.directory().knowledge().await?;
    Ok(Json(json!({ "knowledge": entries.iter().map(shown).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
pub(in crate::http) struct Entry {
    title: String,
    questions: Vec<String>,
    answer: String,
}

async fn save(http: &Http, caller: &Caller, id: KnowledgeId, sent: Entry) -> Result<Json<Value>, ApiError> {
    let mut checks = Checks::default();
    let title = checks.text(&sent.title, "title", 200);
    let n_questions = sent.questions.len();
    checks.expect((1..=50).contains(&n_questions).into(), "questions", "questions: write 1 to 50");
    let questions = sent.questions.iter().map(|question| checks.text(question, "questions", 500)).collect();
    let answer = checks.text(&sent.answer, "answer", 4000);
    checks.done()?;
    let entry = KnowledgeEntry { id, title, questions, answer };
    let body = json!({ "entry": shown(&entry) });
    http.directory().save_knowledge(http.logins.stamp(Some(caller)), entry).await?;
    Ok(Json(body))
}

pub(in crate::http) async fn create(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<Entry>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let id = KnowledgeId::from_suffix(&http.new_suffix());
    save(&http, &caller, id, sent).await.map(|body| (StatusCode::CREATED, body))
}

pub(in crate::http) async fn replace(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(sent): Sent<Entry>,
) -> Result<Json<Value>, ApiError> {
    let id = path_id(KnowledgeId::parse(&id), "the entry")?;
    let is_there = http.directory().knowledge().await?.iter().any(|entry| entry.id == id);
    if !is_there {
        return Err(ApiError::not_found("the entry"));
    }
    save(&http, &caller, id, sent).await
}

pub(in crate::http) async fn remove(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = path_id(KnowledgeId::parse(&id), "the entry")?;
    http.directory().remove_knowledge(http.logins.stamp(Some(&caller)), id).await?;
    Ok(DONE)
}

#[derive(Deserialize)]
pub(in crate::http) struct Attempt {
    text: String,
}

/// What the bot would answer with, without asking it in anybody's name.
pub(in crate::http) async fn attempt(
    State(http): State<Http>,
    Sent(sent): Sent<Attempt>,
) -> Result<Json<Value>, ApiError> {
    let mut checks = Checks::default();
    let text = checks.text(&sent.text, "text", 4000);
    checks.done()?;
    let nothing = json!({ "entry": null, "similarity": 0.0, "sure": false });
    let Some(probe) = http.flow.ports().bot.probe(&text).await else { return Ok(Json(nothing)) };
    let entries = http.directory().knowledge().await?;
    let entry = entries.iter().find(|entry| entry.id == probe.entry).map(shown);
    Ok(Json(json!({ "entry": entry, "similarity": probe.similarity, "sure": probe.is_sure })))
}
