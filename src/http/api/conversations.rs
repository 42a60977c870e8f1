//! Conversations: lists, one of them, and the live view.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{labels, path_id};
use crate::auth::Caller;
use crate::domain::agent::Permission;
use crate::domain::conversation::StateName;
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;
use crate::flow::ports::{AnalyzerStatus, Search};
use crate::flow::view::Card;
use crate::http::error::{ApiError, Problem};
use crate::http::state::Http;

/// Most conversations of one answer.
const MOST: usize = 200;
/// Conversations in the live view.
const RECENT: usize = 20;
/// A day, for figures that begin at midnight UTC.
const DAY_MS: i64 = 86_400_000;

/// The states by their words on the wire.
const STATES: [(&str, StateName); 7] = [
    ("bot", StateName::WithBot),
    ("waiting", StateName::Queued),
    ("offered", StateName::Offered),
    ("agent", StateName::WithAgent),
    ("left_message", StateName::LeftMessage),
    ("wrap_up", StateName::WrapUp),
    ("closed", StateName::Closed),
];

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    q: String,
    labeled: Option<bool>,
    before: Option<String>,
    limit: Option<usize>,
}

fn cards(http: &Http, cards: &[Card]) -> Vec<Value> {
    cards.iter().map(|card| http.desk.card(card)).collect()
}

pub(in crate::http) async fn list(
    State(http): State<Http>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, ApiError> {
    let mut states = Vec::new();
    for word in asked.state.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let known = STATES.iter().find(|(known, _)| *known == word);
        let (_, state) = known.ok_or_else(|| {
            ApiError::invalid(vec![Problem::field("state", format!("`{word}` is not a state"))])
        })?;
        states.push(*state);
    }
    let before =
        asked.before.as_deref().filter(|before| !before.is_empty()).map(Timestamp::parse).transpose();
    let before =
        before.map_err(|error| ApiError::invalid(vec![Problem::field("before", error.to_string())]))?;
    let limit = asked.limit.unwrap_or(50).clamp(1, MOST);
    // Agents look through their own; who supervises looks through all.
    let agent = (!caller.may(Permission::Supervise)).then(|| caller.id().clone());
    let search =
        Search { states, text: asked.q.trim().to_owned(), agent, is_labeled: asked.labeled, before, limit };
    let found = http.store().search(search).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.opened_at);
    let found = http.flow.cards(found).await?;
    Ok(Json(json!({ "conversations": cards(&http, &found), "next": next })))
}

pub(in crate::http) async fn show(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id = path_id(ConversationId::parse(&id), "the conversation")?;
    let mut shown = http.desk.conversation(caller.id(), &id).await?;
    if caller.may(Permission::LabelMessages) {
        labels::show_on(&mut shown, &http.labels.labels_of(&id).await?);
    }
    Ok(Json(shown))
}

pub(in crate::http) async fn live(State(http): State<Http>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let now = http.now();
    let midnight = Timestamp::from_millis(now.as_millis().div_euclid(DAY_MS) * DAY_MS);
    let figures = http.store().figures(midnight).await?;
    let overview = http.flow.overview(caller.id()).await?;
    let recent = http.store().search(Search { limit: RECENT, ..Search::default() }).await?;
    let recent = http.flow.cards(recent).await?;
    let by_state: serde_json::Map<String, Value> = STATES
        .iter()
        .map(|(word, state)| {
            ((*word).to_owned(), json!(figures.by_state.get(state.as_str()).copied().unwrap_or(0)))
        })
        .collect();
    let oldest = overview.queues.iter().filter_map(|queue| queue.oldest_at).min();
    let agents: Vec<Value> = overview
        .agents
        .iter()
        .map(|agent| {
            json!({
                "id": agent.id,
                "name": agent.name,
                "presence": agent.presence.as_str(),
                "used": agent.used,
                "max": agent.max,
            })
        })
        .collect();
    let queues: Vec<Value> = overview
        .queues
        .iter()
        .map(|queue| json!({ "id": queue.id, "name": queue.name, "waiting": queue.waiting, "oldest_at": queue.oldest_at }))
        .collect();
    Ok(Json(json!({
        "at": now,
        "conversations": by_state,
        "oldest_wait_s": oldest.map(|oldest| now.since(oldest).as_secs()),
        "agents": agents,
        "queues": queues,
        "escalations_today": figures.by_reason.values().sum::<u64>(),
        "by_reason": figures.by_reason,
        "analyzer": analyzer(&http.flow.ports().analyzer.status(), http.models.trouble()),
        "recent": cards(&http, &recent),
    })))
}

/// Who analyzes now; `why` it is another model than the one that was adopted, or words.
fn analyzer(status: &AnalyzerStatus, trouble: Option<String>) -> Value {
    match status {
        AnalyzerStatus::Ready { name, version } => match trouble {
            None => json!({ "by": "model", "name": name, "version": version, "status": "ready" }),
            Some(why) => {
                json!({ "by": "model", "name": name, "version": version, "status": "ready", "why": why })
            }
        },
        AnalyzerStatus::Loading => {
            json!({ "by": "words", "name": null, "version": null, "status": "loading" })
        }
        AnalyzerStatus::Absent { why } => {
            json!({ "by": "words", "name": null, "version": null, "status": "absent", "why": why })
        }
        AnalyzerStatus::Failed { why } => {
            json!({ "by": "words", "name": null, "version": null, "status": "failed", "why": why })
        }
    }
}
