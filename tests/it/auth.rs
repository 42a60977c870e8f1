//! Who gets in, and who does not: over real requests and sockets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use baton::app::{App, Replacements};
use baton::auth::{Claims, sign_identity};
use baton::config::{Layers, load};
use baton::domain::agent::Role;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{PASSWORD, next_frame};
use crate::support::{Options, TestApp, TestClock};

#[tokio::test]
async fn the_setup_link_makes_one_admin_and_only_one() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    assert_eq!(admin.get("/api/v1/me").await.body["account"]["role"], "admin");
    let again = json!({ "token": app.setup_token(), "name": "Eve", "email": "eve@shop.example", "password": PASSWORD });
    let refused = app.stranger().post("/api/v1/setup", again).await;
    assert_eq!((refused.status, refused.code()), (410, "link_invalid"));
    let data = app.finish().await;
    let app = TestApp::start_in(data, Options::default()).await;
    assert_eq!(app.app.setup_url, None, "there is an account: no link is made");
    app.finish().await;
}

#[tokio::test]
async fn a_login_sets_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let app = TestApp::start().await;
    app.admin().await;
    let body = json!({ "email": "ADA@shop.example", "password": PASSWORD });
    let answer = app.stranger().post("/api/v1/login", body).await;
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["baton=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "on loopback without TLS: {cookie}");
    assert_eq!(answer.header("cache-control"), "no-store");
    app.finish().await;
}

#[tokio::test]
async fn behind_tls_the_cookie_is_secure_and_bound_to_the_host() {
    let app = TestApp::start_with(Options::default().set("server.public_url", "https://help.example")).await;
    assert!(app.app.setup_url.as_ref().unwrap().starts_with("https://help.example/setup?token="));
    let own = [("origin", "https://help.example"), ("x-baton-csrf", "1")];
    let body = json!({ "token": app.setup_token(), "name": "Ada", "email": "ada@shop.example", "password": PASSWORD });
    let answer = app.stranger().call_with(Method::POST, "/api/v1/setup", &own, Some(body)).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-baton=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(!answer.header("strict-transport-security").is_empty());
    let here = app
        .stranger()
        .post("/api/v1/login", json!({ "email": "ada@shop.example", "password": PASSWORD }))
        .await;
    assert_eq!(here.code(), "wrong_origin", "this machine's own names are not ours any more");
    app.finish().await;
}

#[tokio::test]
async fn behind_a_proxy_the_address_is_the_last_that_nobody_can_make_up() {
    let options =
        Options::default().set("server.trusted_proxies", "127.0.0.1").set("auth.attempts_per_address", "2");
    let app = TestApp::start_with(options).await;
    let guess = async |forwarded: &str| {
        let body = json!({ "email": "ada@shop.example", "password": "not it at all" });
        let headers = [("x-forwarded-for", forwarded)];
        app.stranger().call_with(Method::POST, "/api/v1/login", &headers, Some(body)).await.status
    };
    assert_eq!((guess("10.0.0.1").await, guess("10.0.0.1").await), (401, 401));
    assert_eq!(guess("10.0.0.1").await, 429);
    assert_eq!(guess("10.0.0.9, 10.0.0.1").await, 429, "what the client wrote in front does not count");
    assert_eq!(guess("10.0.0.2, 127.0.0.1").await, 401, "a second trusted proxy is passed over");
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = TestApp::start().await;
    app.admin().await;
    let stranger = app.stranger();
    let wrong = stranger
        .post("/api/v1/login", json!({ "email": "ada@shop.example", "password": "not it at all" }))
        .await;
    let unknown =
        stranger.post("/api/v1/login", json!({ "email": "bob@shop.example", "password": PASSWORD })).await;
    let nonsense =
        stranger.post("/api/v1/login", json!({ "email": "no address", "password": PASSWORD })).await;
    assert_eq!((wrong.status, wrong.code()), (401, "wrong_password"));
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(wrong.body, nonsense.body);
    app.finish().await;
}

#[tokio::test]
async fn guessing_ends_with_a_pause_that_is_told() {
    let clock = Arc::new(TestClock::new());
    let options = Options::default().set("auth.attempts_per_account", "3").clock(Arc::clone(&clock));
    let app = TestApp::start_with(options).await;
    app.admin().await;
    let guess = json!({ "email": "ada@shop.example", "password": "not it at all" });
    for _ in 0..3 {
        assert_eq!(app.stranger().post("/api/v1/login", guess.clone()).await.status, 401);
    }
    let right = json!({ "email": "ada@shop.example", "password": PASSWORD });
    let paused = app.stranger().post("/api/v1/login", right.clone()).await;
    assert_eq!((paused.status, paused.code()), (429, "rate_limited"), "also with the right password");
    assert_eq!(paused.header("retry-after"), "300");
    clock.advance(Duration::from_secs(300));
    assert_eq!(app.stranger().post("/api/v1/login", right).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_login_ends_when_idle_and_in_any_case() {
    let clock = Arc::new(TestClock::new());
    let app = TestApp::start_with(Options::default().clock(Arc::clone(&clock))).await;
    let admin = app.admin().await;
    // Used every eleven hours it lives on, and ends after its seven days all the same.
    for _ in 0..15 {
        clock.advance(Duration::from_secs(11 * 3600));
        assert_eq!(admin.get("/api/v1/me").await.status, 200);
    }
    clock.advance(Duration::from_secs(11 * 3600));
    assert_eq!(admin.get("/api/v1/me").await.status, 401, "the seven days are over");
    let idle = app.login("ada@shop.example").await;
    clock.advance(Duration::from_secs(12 * 3600));
    assert_eq!(idle.get("/api/v1/me").await.code(), "not_logged_in", "twelve hours without a request");
    app.finish().await;
}

#[tokio::test]
async fn logging_out_ends_the_login_and_its_tickets() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ticket = admin.ticket().await;
    let answer = admin.post("/api/v1/logout", json!({})).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(admin.get("/api/v1/me").await.status, 401);
    assert_eq!(next_frame(&mut app.socket("agent", &ticket).await).await, Err(4401));
    app.finish().await;
}

#[tokio::test]
async fn a_changing_call_needs_the_header_and_our_own_origin() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let port = app.app.local.port();
    let localhost = format!("http://localhost:{port}");
    let elsewhere = format!("http://localhost:{}", port - 1);
    for (headers, status) in [
        (vec![], 403),
        (vec![("origin", app.url.as_str())], 403),
        (vec![("origin", "https://evil.example"), ("x-baton-csrf", "1")], 403),
        (vec![("origin", "null"), ("x-baton-csrf", "1")], 403),
        (vec![("origin", elsewhere.as_str()), ("x-baton-csrf", "1")], 403),
        (vec![("origin", localhost.as_str()), ("x-baton-csrf", "1")], 200),
        (vec![("x-baton-csrf", "1")], 200),
    ] {
        let answer = admin.call_with(Method::POST, "/api/v1/tickets", &headers, Some(json!({}))).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    let login = json!({ "email": "ada@shop.example", "password": PASSWORD });
    let foreign = [("origin", "https://evil.example"), ("x-baton-csrf", "1")];
    let answer = app.stranger().call_with(Method::POST, "/api/v1/login", &foreign, Some(login)).await;
    assert_eq!(answer.code(), "wrong_origin", "nobody is logged in from another page");
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_opens_one_socket_of_its_own_kind() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ticket = admin.ticket().await;
    let mut socket = app.socket("agent", &ticket).await;
    assert_eq!(next_frame(&mut socket).await.unwrap()["type"], "hello");
    assert_eq!(next_frame(&mut app.socket("agent", &ticket).await).await, Err(4401), "used");
    assert_eq!(
        next_frame(&mut app.socket("visitor", &admin.ticket().await).await).await,
        Err(4403),
        "an agent's"
    );
    let (_, ticket) = app.boot().await;
    assert_eq!(next_frame(&mut app.socket("agent", &ticket).await).await, Err(4403), "a visitor's");
    let (_, ticket) = app.boot().await;
    let mut socket = app.socket("visitor", &ticket).await;
    assert_eq!(next_frame(&mut socket).await.unwrap()["type"], "hello");
    drop(socket);
    app.finish().await;
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_with_its_sockets() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ben = app.person(&admin, "Ben", Role::Agent).await;
    let mut socket = app.socket("agent", &ben.ticket().await).await;
    assert_eq!(next_frame(&mut socket).await.unwrap()["type"], "hello");
    let unused = ben.ticket().await;
    let path = format!("/api/v1/accounts/{}", ben.id);
    assert_eq!(admin.patch(&path, json!({ "disabled": true })).await.status, 200);
    assert_eq!(ben.get("/api/v1/me").await.status, 401);
    let end = loop {
        if let Err(code) = next_frame(&mut socket).await {
            break code;
        }
    };
    assert_eq!(end, 4403);
    assert_eq!(next_frame(&mut app.socket("agent", &unused).await).await, Err(4401));
    let login = json!({ "email": "ben@shop.example", "password": PASSWORD });
    assert_eq!(app.stranger().post("/api/v1/login", login).await.code(), "wrong_password");
    app.finish().await;
}

#[tokio::test]
async fn the_last_admin_stays_admin() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let path = format!("/api/v1/accounts/{}", admin.id);
    for change in [json!({ "disabled": true }), json!({ "role": "agent" })] {
        let refused = admin.patch(&path, change).await;
        assert_eq!((refused.status, refused.code()), (409, "last_admin"));
    }
    let second = app.person(&admin, "Bea", Role::Admin).await;
    assert_eq!(second.patch(&path, json!({ "role": "agent" })).await.status, 200);
    assert_eq!(admin.get("/api/v1/me").await.status, 401, "a new role needs a new login");
    app.finish().await;
}

#[tokio::test]
async fn a_reset_link_works_once_and_ends_every_login() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ben = app.person(&admin, "Ben", Role::Agent).await;
    let answer = admin.post(&format!("/api/v1/accounts/{}/reset", ben.id), json!({})).await;
    let link = answer.body["reset_url"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&format!("{}/invite?token=", app.url)), "{link}");
    assert_eq!(ben.get("/api/v1/me").await.status, 200, "until it is used nothing changes");
    let token = link.split("token=").nth(1).unwrap();
    let weak =
        app.stranger().post("/api/v1/invites/accept", json!({ "token": token, "password": "short" })).await;
    assert_eq!((weak.status, weak.code()), (422, "weak_password"));
    let body = json!({ "token": token, "password": "other plain words" });
    assert_eq!(app.stranger().post("/api/v1/invites/accept", body.clone()).await.status, 200);
    assert_eq!(app.stranger().post("/api/v1/invites/accept", body).await.code(), "link_invalid");
    assert_eq!(ben.get("/api/v1/me").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_logins_and_needs_the_old_one() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let elsewhere = app.login("ada@shop.example").await;
    let change = |old: &str| json!({ "password": { "old": old, "new": "other plain words" } });
    let refused = admin.patch("/api/v1/me", change("not it at all")).await;
    assert_eq!((refused.status, refused.code()), (403, "wrong_password"), "and the page stays logged in");
    assert_eq!(admin.patch("/api/v1/me", change(PASSWORD)).await.status, 200);
    assert_eq!(admin.get("/api/v1/me").await.status, 200);
    assert_eq!(elsewhere.get("/api/v1/me").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn the_widget_boots_on_its_own_sites_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({ "name": "Shop", "sites": ["https://shop.example/", "http://localhost:3000"] });
    let made = admin.post("/api/v1/widgets", body).await;
    let key = made.body["key"].as_str().unwrap().to_owned();
    assert!(made.body["snippet"].as_str().unwrap().contains(&format!("data-key=\"{key}\"")));
    let stranger = app.stranger();
    let boot = |origin: &'static str, key: String| {
        let stranger = stranger.clone();
        async move {
            let headers = [("origin", origin)];
            stranger
                .call_with(Method::POST, "/api/v1/widget/boot", &headers, Some(json!({ "key": key })))
                .await
        }
    };
    let allowed = boot("https://shop.example", key.clone()).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://shop.example");
    assert!(allowed.header("access-control-allow-credentials").is_empty(), "no cookie ever goes along");
    for origin in ["https://evil.example", "https://shop.example.evil", "http://shop.example", "null"] {
        let refused = boot(origin, key.clone()).await;
        assert_eq!((refused.status, refused.code()), (403, "site_not_allowed"), "{origin}");
        assert!(refused.header("access-control-allow-origin").is_empty(), "{origin}");
    }
    assert_eq!(boot("https://shop.example", "wk_other".into()).await.code(), "unknown_widget");
    let ask = |origin: &'static str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        let stranger = stranger.clone();
        async move { stranger.call_with(Method::OPTIONS, "/api/v1/widget/boot", &headers, None).await }
    };
    assert_eq!(ask("http://localhost:3000").await.header("access-control-allow-headers"), "content-type");
    assert_eq!(ask("https://evil.example").await.status, 403);
    let frame = stranger.get(&format!("/widget?key={key}")).await;
    let policy = frame.header("content-security-policy");
    assert!(
        policy.ends_with("frame-ancestors 'self' https://shop.example http://localhost:3000"),
        "{policy}"
    );
    assert!(frame.header("x-frame-options").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_visitors_secret_reaches_that_visitor_and_no_other() {
    let app = TestApp::start().await;
    let (secret, _) = app.boot().await;
    let (other, _) = app.boot().await;
    assert_ne!(secret, other);
    let stranger = app.stranger();
    let again = stranger.post("/api/v1/widget/boot", json!({ "key": "wk_demo", "visitor": secret })).await;
    assert_eq!(again.body["visitor"], secret.as_str(), "the same visitor again");
    let ticket = stranger.post("/api/v1/widget/ticket", json!({ "key": "wk_demo", "visitor": secret })).await;
    assert_eq!(ticket.status, 200);
    let unknown =
        stranger.post("/api/v1/widget/ticket", json!({ "key": "wk_demo", "visitor": "made up" })).await;
    assert_eq!((unknown.status, unknown.code()), (401, "unknown_visitor"));
    let elsewhere =
        stranger.post("/api/v1/widget/ticket", json!({ "key": "wk_other", "visitor": secret })).await;
    assert_eq!(elsewhere.code(), "unknown_visitor", "a secret belongs to one widget");
    let made_up =
        stranger.post("/api/v1/widget/boot", json!({ "key": "wk_demo", "visitor": "made up" })).await;
    assert_ne!(made_up.body["visitor"], "made up", "nobody chooses a secret");
    app.finish().await;
}

#[tokio::test]
async fn a_visitor_is_who_the_site_signs_they_are() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let widgets = admin.get("/api/v1/widgets").await;
    let key = widgets.body["widgets"][0]["identity_key"].as_str().unwrap().to_owned();
    let exp = app.now().as_millis() / 1000 + 60;
    let claims =
        Claims { id: "42".into(), name: "Mara".into(), email: None, attributes: BTreeMap::new(), exp };
    let identity = sign_identity(&key, &claims).unwrap();
    let boot = |identity: String| {
        let stranger = app.stranger();
        async move {
            stranger.post("/api/v1/widget/boot", json!({ "key": "wk_demo", "identity": identity })).await
        }
    };
    let (first, second) = (boot(identity.clone()).await, boot(identity).await);
    assert_eq!((first.status, second.status), (200, 200));
    assert_ne!(first.body["visitor"], second.body["visitor"], "each browser has a secret of its own");
    let forged = sign_identity("another key", &claims).unwrap();
    assert_eq!(boot(forged).await.code(), "identity_invalid");
    let late = sign_identity(&key, &Claims { exp: exp - 3600, ..claims }).unwrap();
    assert_eq!(boot(late).await.code(), "identity_expired");
    app.finish().await;
}

#[tokio::test]
async fn nothing_secret_stands_in_the_database() {
    let app = TestApp::start().await;
    let setup = app.setup_token();
    let admin = app.admin().await;
    let (visitor, ticket) = app.boot().await;
    let cookie = admin.headers["cookie"].to_str().unwrap().split('=').nth(1).unwrap().to_owned();
    let data = app.finish().await;
    let mut stored = Vec::new();
    for file in std::fs::read_dir(data.path()).unwrap() {
        stored.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    for (what, secret) in [
        ("password", PASSWORD),
        ("cookie", &cookie),
        ("visitor", &visitor),
        ("setup", &setup),
        ("ticket", &ticket),
    ] {
        let is_there = stored.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "the {what} stands in the database as it is");
    }
}

#[tokio::test]
async fn two_services_never_work_on_one_database() {
    let app = TestApp::start().await;
    let data = app.data.path().to_str().unwrap().to_owned();
    let environment = [("BATON_SERVER__DATA", data.as_str()), ("BATON_SERVER__LISTEN", "127.0.0.1:0")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let config = load(&Layers { environment, ..Layers::default() }).unwrap();
    let refused = App::start(config, Replacements::default()).await.err().unwrap();
    assert!(refused.to_string().contains("another `baton serve`"), "{refused}");
    app.finish().await;
}
