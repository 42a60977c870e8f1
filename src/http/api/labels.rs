//! Labels: what a message or a conversation really was, and how many were labelled.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DONE, path_id};
use crate::auth::Caller;
use crate::domain::id::ConversationId;
use crate::domain::outcome::{ConversationLabel, LabelCounts, MessageLabel, NEEDED_LABELS, Verdict};
use crate::flow::ports::LabelsOf;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::Sent;
use crate::http::state::Http;

fn shown(label: ConversationLabel) -> Value {
    json!({ "label": label.verdict.as_str(), "position": label.position })
}

/// Puts the labels on a conversation as it is shown: `label` on it and on each of the visitor's messages.
pub(super) fn show_on(conversation: &mut Value, labels: &LabelsOf) {
    conversation["label"] = json!(labels.conversation.map(shown));
    let Some(entries) = conversation["entries"].as_array_mut() else { return };
    for entry in entries {
        if entry["kind"] == "message" && entry["author"]["kind"] == "visitor" {
            let label = entry["position"].as_u64().and_then(|position| labels.messages.get(&position));
            entry["label"] = json!(label);
        }
    }
}

/// The conversation and the position out of a path.
fn place(id: &str, position: &str) -> Result<(ConversationId, u64), ApiError> {
    let id = path_id(ConversationId::parse(id), "the conversation")?;
    // What SQLite can hold as a number; beyond it there is no message either.
    let position = position.parse::<u32>().map_err(|_| ApiError::not_found("the visitor's message"))?;
    Ok((id, position.into()))
}

pub(in crate::http) async fn label_message(
    State(http): State<Http>,
    caller: Caller,
    Path((id, position)): Path<(String, String)>,
    Sent(label): Sent<MessageLabel>,
) -> Result<Json<Value>, ApiError> {
    let (id, position) = place(&id, &position)?;
    let label = label
        .checked()
        .map_err(|invalid| ApiError::invalid(vec![Problem::field("label", invalid.to_string())]))?;
    let body = json!({ "position": position, "label": label });
    http.labels.label_message(http.logins.stamp(Some(&caller)), id, position, label).await?;
    Ok(Json(body))
}

pub(in crate::http) async fn unlabel_message(
    State(http): State<Http>,
    caller: Caller,
    Path((id, position)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (id, position) = place(&id, &position)?;
    http.labels.unlabel_message(http.logins.stamp(Some(&caller)), id, position).await?;
    Ok(DONE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OfConversation {
    label: String,
    position: Option<u32>,
}

pub(in crate::http) async fn label_conversation(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(sent): Sent<OfConversation>,
) -> Result<Json<Value>, ApiError> {
    let id = path_id(ConversationId::parse(&id), "the conversation")?;
    let verdict = Verdict::parse(&sent.label).ok_or_else(|| {
        let message = "label: one of right, early, late, needless, missed";
        ApiError::invalid(vec![Problem::field("label", message)])
    })?;
    let label = ConversationLabel { verdict, position: sent.position.map(u64::from) };
    http.labels.label_conversation(http.logins.stamp(Some(&caller)), id, label).await?;
    Ok(Json(shown(label)))
}

pub(in crate::http) async fn unlabel_conversation(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = path_id(ConversationId::parse(&id), "the conversation")?;
    http.labels.unlabel_conversation(http.logins.stamp(Some(&caller)), id).await?;
    Ok(DONE)
}

pub(in crate::http) async fn counts(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let counts = http.labels.count_labels().await?;
    let is_enough = counts.is_enough();
    let LabelCounts {
        messages,
        conversations,
        escalations,
        frustration,
        human_request,
        offensive,
        sentiment,
    } = counts;
    let [right, early, late, needless] = escalations;
    Ok(Json(json!({
        "messages": messages,
        "conversations": conversations,
        "escalations": { "right": right, "early": early, "late": late, "needless": needless },
        "by_head": {
            "frustration": frustration,
            "human_request": human_request,
            "offensive": offensive,
            "sentiment": sentiment,
        },
        "enough": is_enough,
        "needed": NEEDED_LABELS,
    })))
}
