//! Logging in and out, the one-time links, the caller's own account, tickets for sockets.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::DONE;
use crate::auth::{AuthError, Caller, Holder, Secret};
use crate::domain::account::{Account, AccountChange, Email};
use crate::http::error::ApiError;
use crate::http::extract::{Checks, Client, Sent};
use crate::http::state::Http;

/// What an account's owner sees of it.
fn own(account: &Account) -> Value {
    json!({
        "id": account.id(),
        "name": account.agent.name,
        "email": account.email.as_str(),
        "role": account.role().as_str(),
    })
}

/// An answer that sets the cookie.
fn logged_in(http: &Http, token: &Secret, account: &Account) -> Response {
    let cookie = http.site.cookie().set(token, http.logins.lifetime());
    let mut response = Json(json!({ "account": own(account) })).into_response();
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

#[derive(Deserialize)]
pub(in crate::http) struct Credentials {
    email: String,
    password: SecretString,
}

pub(in crate::http) async fn login(
    State(http): State<Http>,
    Client(from): Client,
    Sent(sent): Sent<Credentials>,
) -> Result<Response, ApiError> {
    match http.logins.login(&sent.email, sent.password, from).await {
        Ok((token, account)) => {
            http.metrics.login("ok");
            tracing::info!(agent.id = %account.id(), "Account {} logged in", account.id());
            Ok(logged_in(&http, &token, &account))
        }
        Err(AuthError::WrongPassword) => {
            http.metrics.login("wrong_password");
            let detail = "that is not the right password, or there is no such account";
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "wrong_password", detail))
        }
        Err(error) => {
            if matches!(error, AuthError::TooMany { .. }) {
                http.metrics.login("rate_limited");
            }
            Err(error.into())
        }
    }
}

pub(in crate::http) async fn logout(State(http): State<Http>, caller: Caller) -> Result<Response, ApiError> {
    http.logins.logout(&caller).await?;
    http.tickets.revoke(caller.id()).await?;
    let mut response = DONE.into_response();
    if let Ok(value) = HeaderValue::from_str(&http.site.cookie().clear()) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    Ok(response)
}

#[derive(Deserialize)]
pub(in crate::http) struct Setup {
    token: String,
    name: String,
    email: String,
    password: SecretString,
}

pub(in crate::http) async fn setup(
    State(http): State<Http>,
    Client(from): Client,
    Sent(sent): Sent<Setup>,
) -> Result<Response, ApiError> {
    let mut checks = Checks::default();
    let name = checks.text(&sent.name, "name", 100);
    let email = checks.parsed(Email::parse(&sent.email), "email");
    checks.done()?;
    let email = email.ok_or_else(|| ApiError::invalid(Vec::new()))?;
    let token = Secret::received(&sent.token);
    let (token, account) = http.logins.setup(&token, name, email, sent.password, from).await?;
    tracing::info!(agent.id = %account.id(), "The first admin is account {}", account.id());
    Ok(logged_in(&http, &token, &account))
}

#[derive(Deserialize)]
pub(in crate::http) struct Accept {
    token: String,
    name: Option<String>,
    password: SecretString,
}

pub(in crate::http) async fn accept(
    State(http): State<Http>,
    Client(from): Client,
    Sent(sent): Sent<Accept>,
) -> Result<Response, ApiError> {
    let mut checks = Checks::default();
    let name = sent.name.as_deref().map(|name| checks.text(name, "name", 100));
    checks.done()?;
    let (token, account) =
        http.logins.accept(&Secret::received(&sent.token), name, sent.password, from).await?;
    Ok(logged_in(&http, &token, &account))
}

pub(in crate::http) async fn me(caller: Caller) -> Json<Value> {
    Json(json!({ "account": own(&caller.account) }))
}

#[derive(Deserialize)]
struct NewPassword {
    old: SecretString,
    new: SecretString,
}

#[derive(Deserialize)]
pub(in crate::http) struct ChangeMe {
    name: Option<String>,
    password: Option<NewPassword>,
}

pub(in crate::http) async fn change_me(
    State(http): State<Http>,
    caller: Caller,
    Sent(sent): Sent<ChangeMe>,
) -> Result<Json<Value>, ApiError> {
    let mut checks = Checks::default();
    let name = sent.name.as_deref().map(|name| checks.text(name, "name", 100));
    checks.done()?;
    if let Some(password) = sent.password {
        http.logins.change_password(&caller, password.old, password.new).await?;
    }
    let mut account = caller.account.clone();
    if name.is_some() {
        let change = AccountChange { name, ..AccountChange::default() };
        account = http.logins.change(Some(&caller), caller.id().clone(), change).await?;
    }
    Ok(Json(json!({ "account": own(&account) })))
}

pub(in crate::http) async fn ticket(
    State(http): State<Http>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    let holder = Holder::Agent { agent: caller.id().clone(), role: caller.account.role() };
    let ticket = http.tickets.issue(holder, http.now()).await?;
    Ok(Json(json!({ "ticket": ticket.expose() })))
}
