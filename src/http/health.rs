//! Whether we are alive, and ready for traffic.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::state::Http;
use crate::flow::ports::{AnalyzerStatus, Hints, StoreError};

/// How long the store may take to say whether it takes writes.
const WITHIN: Duration = Duration::from_secs(2);

/// The process runs and answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `ready`; `degraded` while word lists analyze instead of the model, or another model than the one that
/// was adopted, or while the disk has little room, with traffic still welcome; 503 while the store takes no writes.
pub(super) async fn ready(State(http): State<Http>) -> Response {
    let checked = tokio::time::timeout(WITHIN, http.store().check()).await;
    let unavailable = match checked {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some((error.code(), "unavailable")),
        // A disk or a server that stands still: whoever asks is not to stand still with it.
        Err(_) => Some((StoreError::Unavailable.code(), "silent")),
    };
    if let Some((code, otherwise)) = unavailable {
        let why = http.store().health().trouble.unwrap_or(otherwise);
        let body = json!({"status": "unavailable", "store": code, "why": why});
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    }
    // Where hints do not flow nothing is lost and nothing is degraded: it takes up to two seconds longer.
    let hints = match http.flow.ports().bus.hints() {
        Hints::Local => json!({"by": "local"}),
        Hints::Flowing => json!({"by": "broker"}),
        Hints::PollingOnly(why) => json!({"by": "polling", "why": why}),
    };
    let wanted_words = http.config.nlp.backend == crate::config::Backend::Lexicon;
    let mut body = match http.flow.ports().analyzer.status() {
        AnalyzerStatus::Ready { name, version } => match http.models.trouble() {
            None => {
                json!({"status": "ready", "store": "ok", "analyzer": {"by": "model", "name": name, "version": version}})
            }
            Some(why) => {
                json!({"status": "degraded", "store": "ok", "analyzer": {"by": "model", "name": name, "version": version, "why": why}})
            }
        },
        AnalyzerStatus::Loading => {
            json!({"status": "degraded", "store": "ok", "analyzer": {"by": "words", "why": "the model is being loaded"}})
        }
        AnalyzerStatus::Absent { why } | AnalyzerStatus::Failed { why } => {
            // Words by choice are still words: whoever watches should know.
            let why = if wanted_words { "nlp.backend is lexicon".to_owned() } else { why };
            json!({"status": "degraded", "store": "ok", "analyzer": {"by": "words", "why": why}})
        }
    };
    if let Some((free, least)) = http.housekeeping.has_little_room() {
        body["status"] = json!("degraded");
        body["disk"] =
            json!({"free_bytes": free, "least_bytes": least, "why": "less is free than store.least_free"});
    }
    body["hints"] = hints;
    body["node"] = json!(http.flow.node().as_str());
    Json(body).into_response()
}
