//! Models: which one is live, which were and which lie ready; adopting and rolling back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::flow::ports::{AnalyzerStatus, ModelVersion, ReadyModel};
use crate::http::error::ApiError;
use crate::http::extract::{Checks, Sent};
use crate::http::state::Http;

fn shown(version: &ModelVersion, live: u32) -> Value {
    json!({
        "number": version.number,
        "version": version.version,
        "folder": version.folder,
        "author": version.author,
        "at": version.at,
        "comment": version.comment,
        "rollback": version.is_rollback,
        "live": version.number == live,
    })
}

fn ready(model: &ReadyModel) -> Value {
    let trained_on: Vec<Value> =
        model.trained_on.iter().map(|(set, lines)| json!({ "set": set, "lines": lines })).collect();
    let figures: Option<Value> = model.figures.as_deref().and_then(|text| serde_json::from_str(text).ok());
    json!({
        "name": model.name,
        "version": model.version,
        "folder": model.folder,
        "trained_on": trained_on,
        "figures": figures,
    })
}

pub(in crate::http) async fn list(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let versions = http.models.versions().await?;
    let trouble = http.models.trouble();
    // Another model answers than the one that was adopted: none of the adoptions is live then.
    let number = versions.first().map(|newest| newest.number).filter(|_| trouble.is_none());
    let (shipped, available) = http.models.ready().await;
    let live = match http.flow.ports().analyzer.status() {
        AnalyzerStatus::Ready { name, version } => {
            json!({ "name": name, "version": version, "number": number })
        }
        AnalyzerStatus::Loading | AnalyzerStatus::Absent { .. } | AnalyzerStatus::Failed { .. } => {
            Value::Null
        }
    };
    Ok(Json(json!({
        "live": live,
        "trouble": trouble,
        "shipped": shipped.map(|model| json!({ "name": model.name, "version": model.version })),
        "versions": versions.iter().map(|version| shown(version, number.unwrap_or(0))).collect::<Vec<_>>(),
        "available": available.iter().map(ready).collect::<Vec<_>>(),
    })))
}

#[derive(Deserialize)]
pub(in crate::http) struct Wanted {
    version: String,
    #[serde(default)]
    comment: String,
}

/// A comment may be left out.
fn comment(checks: &mut Checks, sent: &str) -> String {
    if sent.trim().is_empty() { String::new() } else { checks.text(sent, "comment", 500) }
}

pub(in crate::http) async fn adopt(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut checks = Checks::default();
    let version = checks.text(&sent.version, "version", 100);
    let comment = comment(&mut checks, &sent.comment);
    checks.done()?;
    let adopted = http.models.adopt(http.logins.stamp(Some(&caller)), &version, comment).await?;
    Ok((StatusCode::CREATED, Json(json!({ "version": shown(&adopted, adopted.number) }))))
}

#[derive(Deserialize)]
pub(in crate::http) struct Taken {
    #[serde(default)]
    comment: String,
}

pub(in crate::http) async fn roll_back(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<Taken>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut checks = Checks::default();
    let comment = comment(&mut checks, &sent.comment);
    checks.done()?;
    let adopted = http.models.roll_back(http.logins.stamp(Some(&caller)), comment).await?;
    Ok((StatusCode::CREATED, Json(json!({ "version": shown(&adopted, adopted.number) }))))
}
