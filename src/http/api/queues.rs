//! Queues: where escalated conversations wait.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::skills;
use super::{DONE, path_id, present};
use crate::auth::Caller;
use crate::domain::analysis::Intent;
use crate::domain::escalation::EscalationPolicy;
use crate::domain::id::QueueId;
use crate::domain::queue::{OpeningHours, Queue};
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Checks, Sent};
use crate::http::state::Http;

fn shown(queue: &Queue) -> Value {
    json!({
        "id": queue.id,
        "name": queue.name,
        "skills": queue.skills,
        "tier": queue.tier,
        "hours": queue.hours,
        "intents": queue.intents,
        "default": queue.is_default,
    })
}

pub(in crate::http) async fn list(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let queues = http.directory().queues().await?;
    Ok(Json(json!({ "queues": queues.iter().map(shown).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Change {
    name: Option<String>,
    skills: Option<Vec<String>>,
    tier: Option<u8>,
    #[serde(default, deserialize_with = "present")]
    hours: Option<Option<OpeningHours>>,
    intents: Option<Vec<String>>,
    default: Option<bool>,
}

/// Puts what was sent into a queue, or says everything that is wrong with it.
fn apply(queue: &mut Queue, sent: Change, policy: &EscalationPolicy) -> Result<(), ApiError> {
    let mut checks = Checks::default();
    if let Some(name) = sent.name {
        queue.name = checks.text(&name, "name", 60);
    }
    if let Some(sent) = sent.skills {
        queue.skills = skills(&mut checks, sent);
    }
    if let Some(tier) = sent.tier {
        checks.expect((1..=3).contains(&tier).into(), "tier", "tier: 1, 2 or 3");
        queue.tier = tier;
    }
    if let Some(hours) = sent.hours {
        if let Some(Err(problems)) = hours.as_ref().map(OpeningHours::check) {
            problems.iter().for_each(|problem| checks.add(Problem::field("hours", problem.to_string())));
        }
        queue.hours = hours;
    }
    if let Some(intents) = sent.intents {
        for intent in &intents {
            let is_own = policy.intents.iter().any(|own| own.name == *intent);
            // What was known when the queue was set up and is no more may stay: it leads nowhere.
            let is_known = is_own || intent.parse::<Intent>().is_ok() || queue.intents.contains(intent);
            checks.expect(is_known.into(), "intents", &format!("intents: `{intent}` is not an intent"));
        }
        queue.intents = intents;
    }
    // A queue stops being the default when another becomes it.
    if sent.default == Some(true) {
        queue.is_default = true;
    }
    checks.done()
}

pub(in crate::http) async fn create(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<Change>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if sent.name.is_none() {
        return Err(ApiError::invalid(vec![Problem::field("name", "name: write 1 to 60 characters")]));
    }
    let id = QueueId::from_suffix(&http.new_suffix());
    let mut queue = Queue {
        id,
        name: String::new(),
        skills: vec![],
        tier: 1,
        hours: None,
        intents: vec![],
        is_default: false,
    };
    apply(&mut queue, sent, &http.flow.policy())?;
    save(&http, &caller, queue).await.map(|queue| (StatusCode::CREATED, queue))
}

pub(in crate::http) async fn change(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(sent): Sent<Change>,
) -> Result<Json<Value>, ApiError> {
    let id = path_id(QueueId::parse(&id), "the queue")?;
    let queues = http.directory().queues().await?;
    let mut queue =
        queues.into_iter().find(|queue| queue.id == id).ok_or_else(|| ApiError::not_found("the queue"))?;
    apply(&mut queue, sent, &http.flow.policy())?;
    save(&http, &caller, queue).await
}

async fn save(http: &Http, caller: &Caller, queue: Queue) -> Result<Json<Value>, ApiError> {
    let id = queue.id.clone();
    http.directory().save_queue(http.logins.stamp(Some(caller)), queue).await?;
    http.tell_queues();
    let queues = http.directory().queues().await?;
    let saved = queues.iter().find(|queue| queue.id == id).ok_or_else(|| ApiError::not_found("the queue"))?;
    Ok(Json(json!({ "queue": shown(saved) })))
}

pub(in crate::http) async fn remove(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = path_id(QueueId::parse(&id), "the queue")?;
    http.directory().remove_queue(http.logins.stamp(Some(&caller)), id).await?;
    http.tell_queues();
    Ok(DONE)
}
