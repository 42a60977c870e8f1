//! The whole matrix: every route of the table, called by everybody.

use baton::domain::agent::{Permission, Role};
use baton::http::{Access, RouteInfo, routes};
use reqwest::Method;
use serde_json::json;

use crate::support::{Person, TestApp};

/// A path that names nothing that is there.
fn path(route: &RouteInfo) -> String {
    let path =
        route.path.replace("{id}", "agt_nobody").replace("{key}", "wk_nothing").replace("{version}", "9999");
    path.replace("{position}", "1").replace("{build}", "x").replace("{*name}", "nothing.js")
}

/// The routes that need an account. Logging out is last: it ends what the others need.
fn with_account() -> Vec<(RouteInfo, Permission)> {
    let mut found: Vec<_> = routes()
        .into_iter()
        .filter_map(|route| match route.access {
            Access::Account(permission) => Some((route, permission)),
            _ => None,
        })
        .collect();
    found.sort_by_key(|(route, _)| route.path == "/api/v1/logout");
    found
}

async fn call(person: &Person, route: &RouteInfo) -> (u16, String) {
    let body =
        (route.method != Method::GET && route.method != Method::DELETE).then(|| json!({ "nothing": true }));
    let answer = person.call(route.method.clone(), &path(route), body).await;
    (answer.status, answer.code().to_owned())
}

/// Every route that needs an account lets in exactly the roles that may, and says to
/// everybody else what they lack.
#[tokio::test]
async fn every_route_lets_in_the_roles_that_may_and_no_others() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let people = [
        (Role::Agent, app.person(&admin, "Ana", Role::Agent).await),
        (Role::Supervisor, app.person(&admin, "Sam", Role::Supervisor).await),
        (Role::Admin, app.person(&admin, "Ida", Role::Admin).await),
    ];
    let stranger = app.stranger();
    let mut n_checked = 0;
    for (route, permission) in with_account() {
        assert_eq!(call(&stranger, &route).await, (401, "not_logged_in".into()), "{route:?} without a login");
        for (role, person) in &people {
            let (status, code) = call(person, &route).await;
            let is_let_in = status != 401 && code != "forbidden" && code != "wrong_origin";
            assert_eq!(is_let_in, role.may(permission), "{route:?} as {role:?}: {status} {code}");
            assert!(
                is_let_in || (status, code.as_str()) == (403, "forbidden"),
                "{route:?} as {role:?}: {status} {code}"
            );
            assert!(status < 500, "{route:?} as {role:?}: {status} {code}");
            n_checked += 1;
        }
    }
    assert!(n_checked >= 90, "the table has shrunk to {n_checked} checks");
    app.finish().await;
}

/// Whoever may call a changing route may not do so from another page.
#[tokio::test]
async fn no_changing_route_can_be_called_from_another_page() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (route, _) in with_account().into_iter().filter(|(route, _)| route.method != Method::GET) {
        for headers in [
            vec![("origin", "https://evil.example"), ("x-baton-csrf", "1")],
            vec![("origin", &*app.url)],
            vec![],
        ] {
            let answer =
                admin.call_with(route.method.clone(), &path(&route), &headers, Some(json!({}))).await;
            assert_eq!((answer.status, answer.code()), (403, "wrong_origin"), "{route:?} with {headers:?}");
        }
    }
    app.finish().await;
}

/// What is open to everybody is listed here, and a new open route has to be too.
#[test]
fn the_open_routes_are_these() {
    let mut open: Vec<String> = routes()
        .into_iter()
        .filter(|route| !matches!(route.access, Access::Account(_)))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    open.sort();
    let expected = [
        "GET /",
        "GET /admin",
        "GET /agent",
        "GET /assets/{build}/{*name}",
        "GET /demo",
        "GET /favicon.ico",
        "GET /healthz",
        "GET /invite",
        "GET /login",
        "GET /metrics",
        "GET /readyz",
        "GET /setup",
        "GET /widget",
        "GET /widget.js",
        "OPTIONS /api/v1/widget/boot",
        "POST /api/v1/invites/accept",
        "POST /api/v1/login",
        "POST /api/v1/setup",
        "POST /api/v1/widget/boot",
        "POST /api/v1/widget/ticket",
    ];
    assert_eq!(open, expected);
}
