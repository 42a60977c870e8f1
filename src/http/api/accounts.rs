//! Accounts: who may come in, as what, and with which work.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::path_id;
use crate::auth::{Caller, Secret};
use crate::domain::account::{Account, AccountChange, Email};
use crate::domain::agent::Role;
use crate::domain::id::{AgentId, QueueId};
use crate::http::error::ApiError;
use crate::http::extract::{Checks, Sent};
use crate::http::state::Http;

fn shown(account: &Account) -> Value {
    json!({
        "id": account.id(),
        "name": account.agent.name,
        "email": account.email.as_str(),
        "role": account.role().as_str(),
        "disabled": account.is_disabled,
        "invited": !account.has_password,
        "capacity": account.agent.capacity,
        "tier": account.agent.tier,
        "skills": account.agent.skills,
        "queues": account.agent.queues,
        "created_at": account.created_at,
        "last_login_at": account.last_login_at,
    })
}

fn link(http: &Http, secret: &Secret) -> String {
    http.site.public_url.join(&format!("/invite?token={}", secret.expose()))
}

fn role(checks: &mut Checks, text: &str) -> Option<Role> {
    checks.parsed(Role::parse(text).ok_or("role: one of agent, supervisor, admin"), "role")
}

pub(in crate::http) async fn list(State(http): State<Http>) -> Result<Json<Value>, ApiError> {
    let accounts = http.directory().accounts().await?;
    Ok(Json(json!({ "accounts": accounts.iter().map(shown).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
pub(in crate::http) struct New {
    email: String,
    name: String,
    role: String,
}

pub(in crate::http) async fn create(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<New>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut checks = Checks::default();
    let email = checks.parsed(Email::parse(&sent.email), "email");
    let name = checks.text(&sent.name, "name", 100);
    let role = role(&mut checks, &sent.role);
    checks.done()?;
    let (Some(email), Some(role)) = (email, role) else { return Err(ApiError::invalid(Vec::new())) };
    let (account, secret) = http.logins.invite(Some(&caller), email, name, role).await?;
    http.tell_queues();
    let body = json!({ "account": shown(&account), "invite_url": link(&http, &secret) });
    Ok((StatusCode::CREATED, Json(body)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Change {
    name: Option<String>,
    role: Option<String>,
    disabled: Option<bool>,
    capacity: Option<u32>,
    tier: Option<u8>,
    skills: Option<Vec<String>>,
    queues: Option<Vec<String>>,
}

/// Skills are words: trimmed, in lower case, each once.
pub(super) fn skills(checks: &mut Checks, sent: Vec<String>) -> Vec<String> {
    let mut skills: Vec<String> = Vec::new();
    for skill in sent {
        let skill = checks.text(&skill, "skills", 40).to_lowercase();
        if !skills.contains(&skill) {
            skills.push(skill);
        }
    }
    checks.expect((skills.len() <= 50).into(), "skills", "skills: at most 50");
    skills
}

pub(in crate::http) async fn change(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(sent): Sent<Change>,
) -> Result<Json<Value>, ApiError> {
    let id = path_id(AgentId::parse(&id), "the account")?;
    let mut checks = Checks::default();
    let known = http.directory().queues().await?;
    let queues = sent.queues.map(|queues| {
        let mut ids = Vec::new();
        for text in queues {
            let id = QueueId::parse(&text).ok().filter(|id| known.iter().any(|queue| queue.id == *id));
            checks.expect(id.is_some().into(), "queues", "queues: one of them does not exist");
            ids.extend(id);
        }
        ids
    });
    let change = AccountChange {
        name: sent.name.as_deref().map(|name| checks.text(name, "name", 100)),
        role: sent.role.as_deref().and_then(|text| role(&mut checks, text)),
        is_disabled: sent.disabled,
        capacity: sent.capacity,
        tier: sent.tier,
        skills: sent.skills.map(|sent| skills(&mut checks, sent)),
        queues,
    };
    checks.expect((change.capacity.unwrap_or(0) <= 100).into(), "capacity", "capacity: 0 to 100");
    checks.expect(change.tier.is_none_or(|tier| (1..=3).contains(&tier)).into(), "tier", "tier: 1, 2 or 3");
    checks.done()?;
    let account = http.logins.change(Some(&caller), id, change).await?;
    // A ticket carries the role of the moment it was made.
    http.tickets.revoke(account.id()).await?;
    http.tell_queues();
    Ok(Json(json!({ "account": shown(&account) })))
}

pub(in crate::http) async fn reset(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id = path_id(AgentId::parse(&id), "the account")?;
    let secret = http.logins.reset(Some(&caller), &id).await?;
    Ok(Json(json!({ "reset_url": link(&http, &secret) })))
}
