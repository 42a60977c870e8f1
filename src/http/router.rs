//! The one table of routes. The router is built from it, each route behind its guard,
//! so that a route without a rule cannot exist; the role matrix is tested from it.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, options, patch, post, put};
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::access::{Access, Gate, guard};
use super::api::{
    accounts, audit, canned, conversations, knowledge, labels, login, models, persons, policies, queues,
    storage, testbench, widget, widgets,
};
use super::state::Http;
use super::{assets, headers, health, metrics, pages};
use crate::domain::agent::Permission::{Administer, Answer, LabelMessages, Supervise, Tune};

/// One route: how it is called, who may call it, and what answers.
struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    answers: MethodRouter<Http>,
}

/// One route as tests and documents see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// How it is called.
    pub method: Method,
    /// Its path, with `{names}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

fn route(method: Method, path: &'static str, access: Access, answers: MethodRouter<Http>) -> Route {
    Route { method, path, access, answers }
}

/// Every route.
fn table() -> Vec<Route> {
    use Access::{Account, Anybody, OwnPages, WidgetSites};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        route(GET, "/", Anybody, get(pages::home)),
        route(GET, "/demo", Anybody, get(pages::demo)),
        route(GET, "/agent", Anybody, get(pages::agent)),
        route(GET, "/admin", Anybody, get(pages::admin)),
        route(GET, "/login", Anybody, get(pages::login)),
        route(GET, "/setup", Anybody, get(pages::login)),
        route(GET, "/invite", Anybody, get(pages::login)),
        route(GET, "/widget", Anybody, get(pages::widget)),
        route(GET, "/widget.js", Anybody, get(pages::loader)),
        route(GET, "/favicon.ico", Anybody, get(pages::icon)),
        route(GET, "/assets/{build}/{*name}", Anybody, get(assets::serve)),
        route(GET, "/healthz", Anybody, get(health::alive)),
        route(GET, "/readyz", Anybody, get(health::ready)),
        route(GET, "/metrics", Anybody, get(metrics::scrape)),
        route(POST, "/api/v1/widget/boot", WidgetSites, post(widget::boot)),
        route(Method::OPTIONS, "/api/v1/widget/boot", WidgetSites, options(widget::may_boot)),
        route(POST, "/api/v1/widget/ticket", WidgetSites, post(widget::ticket)),
        route(POST, "/api/v1/setup", OwnPages, post(login::setup)),
        route(POST, "/api/v1/invites/accept", OwnPages, post(login::accept)),
        route(POST, "/api/v1/login", OwnPages, post(login::login)),
        route(POST, "/api/v1/logout", Account(Answer), post(login::logout)),
        route(GET, "/api/v1/me", Account(Answer), get(login::me)),
        route(PATCH, "/api/v1/me", Account(Answer), patch(login::change_me)),
        route(POST, "/api/v1/tickets", Account(Answer), post(login::ticket)),
        route(GET, "/api/v1/accounts", Account(Supervise), get(accounts::list)),
        route(POST, "/api/v1/accounts", Account(Administer), post(accounts::create)),
        route(PATCH, "/api/v1/accounts/{id}", Account(Administer), patch(accounts::change)),
        route(POST, "/api/v1/accounts/{id}/reset", Account(Administer), post(accounts::reset)),
        route(GET, "/api/v1/queues", Account(Answer), get(queues::list)),
        route(POST, "/api/v1/queues", Account(Administer), post(queues::create)),
        route(PATCH, "/api/v1/queues/{id}", Account(Administer), patch(queues::change)),
        route(DELETE, "/api/v1/queues/{id}", Account(Administer), delete(queues::remove)),
        route(GET, "/api/v1/knowledge", Account(Answer), get(knowledge::list)),
        route(POST, "/api/v1/knowledge", Account(Tune), post(knowledge::create)),
        route(PUT, "/api/v1/knowledge/{id}", Account(Tune), put(knowledge::replace)),
        route(DELETE, "/api/v1/knowledge/{id}", Account(Tune), delete(knowledge::remove)),
        route(POST, "/api/v1/knowledge/try", Account(Tune), post(knowledge::attempt)),
        route(GET, "/api/v1/canned", Account(Answer), get(canned::list)),
        route(POST, "/api/v1/canned", Account(Tune), post(canned::create)),
        route(PUT, "/api/v1/canned/{id}", Account(Tune), put(canned::replace)),
        route(DELETE, "/api/v1/canned/{id}", Account(Tune), delete(canned::remove)),
        route(GET, "/api/v1/widgets", Account(Supervise), get(widgets::list)),
        route(POST, "/api/v1/widgets", Account(Administer), post(widgets::create)),
        route(PATCH, "/api/v1/widgets/{key}", Account(Administer), patch(widgets::change)),
        route(DELETE, "/api/v1/widgets/{key}", Account(Administer), delete(widgets::remove)),
        route(GET, "/api/v1/policies", Account(Supervise), get(policies::list)),
        route(GET, "/api/v1/policies/{version}", Account(Supervise), get(policies::show)),
        route(POST, "/api/v1/policies/check", Account(Tune), post(policies::check)),
        route(POST, "/api/v1/policies", Account(Tune), post(policies::publish)),
        route(POST, "/api/v1/testbench", Account(Tune), post(testbench::run)),
        route(GET, "/api/v1/live", Account(Supervise), get(conversations::live)),
        route(GET, "/api/v1/conversations", Account(Answer), get(conversations::list)),
        route(GET, "/api/v1/conversations/{id}", Account(Answer), get(conversations::show)),
        route(
            PUT,
            "/api/v1/conversations/{id}/label",
            Account(LabelMessages),
            put(labels::label_conversation),
        ),
        route(
            DELETE,
            "/api/v1/conversations/{id}/label",
            Account(LabelMessages),
            delete(labels::unlabel_conversation),
        ),
        route(
            PUT,
            "/api/v1/conversations/{id}/labels/{position}",
            Account(LabelMessages),
            put(labels::label_message),
        ),
        route(
            DELETE,
            "/api/v1/conversations/{id}/labels/{position}",
            Account(LabelMessages),
            delete(labels::unlabel_message),
        ),
        route(GET, "/api/v1/labels", Account(LabelMessages), get(labels::counts)),
        route(GET, "/api/v1/models", Account(Supervise), get(models::list)),
        route(POST, "/api/v1/models/adopt", Account(Administer), post(models::adopt)),
        route(POST, "/api/v1/models/rollback", Account(Administer), post(models::roll_back)),
        route(GET, "/api/v1/storage", Account(Administer), get(storage::show)),
        route(POST, "/api/v1/persons/find", Account(Administer), post(persons::find)),
        route(POST, "/api/v1/persons/show", Account(Administer), post(persons::show)),
        route(POST, "/api/v1/persons/export", Account(Administer), post(persons::export)),
        route(POST, "/api/v1/persons/erase", Account(Administer), post(persons::erase)),
        route(GET, "/api/v1/audit", Account(Administer), get(audit::list)),
    ]
}

/// The table, without what answers.
#[must_use]
pub fn routes() -> Vec<RouteInfo> {
    table().into_iter().map(|Route { method, path, access, .. }| RouteInfo { method, path, access }).collect()
}

/// Everything that is not a socket, ready to be merged with the sockets.
pub fn router(http: Http) -> Router {
    let mut router = Router::new();
    for Route { path, access, answers, .. } in table() {
        let gate = Gate { http: http.clone(), access };
        router = router.route(path, answers.layer(from_fn_with_state(gate, guard)));
    }
    let max_body = http.config.server.max_body_bytes.get();
    let patience: Duration = http.config.server.request_timeout;
    router
        .fallback(pages::nothing)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(max_body))
        .layer(RequestBodyLimitLayer::new(max_body))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, patience))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(http.clone(), headers::on_every_answer))
        .with_state(http)
}

async fn method_not_allowed() -> super::ApiError {
    super::ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address answers to other methods",
    )
}
