//! What the API and the pages promise, over real requests.

use baton::domain::agent::Role;
use futures_util::SinkExt as _;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::app::next_frame;
use crate::support::wire::PATIENCE;
use crate::support::{Options, TestApp};

#[tokio::test]
async fn what_is_wrong_is_said_as_a_problem_with_a_code() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let nowhere = admin.get("/api/v1/nowhere").await;
    assert_eq!((nowhere.status, nowhere.code()), (404, "not_found"));
    assert_eq!(nowhere.header("content-type"), "application/problem+json");
    for field in ["type", "title", "status", "code", "detail"] {
        assert!(!nowhere.body[field].is_null(), "{field}");
    }
    let other = admin.call(Method::DELETE, "/api/v1/me", None).await;
    assert_eq!((other.status, other.code()), (405, "method_not_allowed"));
    let text = admin.call(Method::POST, "/api/v1/canned", None).await;
    assert_eq!((text.status, text.code()), (415, "not_json"));
    let wrong = admin.post("/api/v1/canned", json!({ "shortcut": 5 })).await;
    assert_eq!((wrong.status, wrong.code()), (422, "invalid"));
    let large = admin.post("/api/v1/canned", json!({ "shortcut": "x".repeat(2_000_000) })).await;
    assert_eq!(large.status, 413);
    let mistakes =
        admin.post("/api/v1/accounts", json!({ "email": "none", "name": " ", "role": "boss" })).await;
    let fields: Vec<&str> =
        mistakes.body["problems"].as_array().unwrap().iter().map(|p| p["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "name", "role"], "every mistake at once");
    app.finish().await;
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_strict() {
    let app = TestApp::start().await;
    let stranger = app.stranger();
    for path in [
        "/",
        "/agent",
        "/admin",
        "/login",
        "/demo",
        "/widget?key=wk_demo",
        "/api/v1/me",
        "/healthz",
        "/nothing",
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("*"), "{path}: {policy}");
    }
    for path in ["/agent", "/admin", "/login", "/setup", "/invite"] {
        let answer = stranger.get(path).await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn assets_are_served_under_their_build_and_nothing_beside_them() {
    let app = TestApp::start().await;
    let stranger = app.stranger();
    let build = &app.app.http.site.build;
    let tokens = stranger.get(&format!("/assets/{build}/shared/tokens.css")).await;
    assert_eq!(tokens.status, 200);
    assert_eq!(tokens.header("content-type"), "text/css; charset=utf-8");
    let loader = stranger.get("/widget.js").await;
    assert_eq!(loader.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(loader.header("cross-origin-resource-policy"), "cross-origin");
    for hidden in
        ["shared/format.test.js", "login/index.html", "../Cargo.toml", "%2e%2e/Cargo.toml", "nothing.js"]
    {
        assert_eq!(stranger.get(&format!("/assets/{build}/{hidden}")).await.status, 404, "{hidden}");
    }
    let page = stranger.get("/login").await;
    let text = page.body.as_str().unwrap();
    assert!(text.contains(&format!("/assets/{build}/login/main.js")) && !text.contains("{{"), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn the_shop_is_there_in_the_demonstration_only() {
    let app = TestApp::start().await;
    assert!(app.stranger().get("/demo").await.body.as_str().unwrap().contains("data-key=\"wk_demo\""));
    app.finish().await;
    let app = TestApp::start_with(Options::default().set("server.demo", "false")).await;
    assert_eq!(app.stranger().get("/demo").await.status, 404);
    let admin = app.admin().await;
    assert_eq!(admin.get("/api/v1/widgets").await.body["widgets"], json!([]));
    assert_eq!(admin.get("/api/v1/knowledge").await.body["knowledge"], json!([]));
    assert_eq!(admin.get("/api/v1/queues").await.body["queues"][0]["name"], "General");
    app.finish().await;
}

#[tokio::test]
async fn queues_are_made_changed_and_removed_and_one_is_always_the_default() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let hours = json!({ "timezone": "Europe/Berlin", "days": { "mon": [["09:00", "17:30"]] }, "holidays": ["2026-12-25"] });
    let body = json!({ "name": "Tech", "skills": ["Pumps", "pumps "], "tier": 2, "hours": hours, "intents": ["technical_problem"] });
    let made = admin.post("/api/v1/queues", body.clone()).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(made.body["queue"]["skills"], json!(["pumps"]));
    assert_eq!(made.body["queue"]["hours"], hours);
    let id = made.body["queue"]["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.post("/api/v1/queues", body).await.code(), "taken");
    let path = format!("/api/v1/queues/{id}");
    let wrong = json!({ "hours": { "timezone": "Mars/Base", "days": { "mon": [["17:00", "09:00"]] }, "holidays": ["soon"] }, "intents": ["revolt"], "tier": 9 });
    assert_eq!(admin.patch(&path, wrong).await.body["problems"].as_array().unwrap().len(), 5);
    let changed = admin.patch(&path, json!({ "hours": null, "default": true })).await;
    assert_eq!(
        (&changed.body["queue"]["hours"], &changed.body["queue"]["default"]),
        (&json!(null), &json!(true))
    );
    let queues = admin.get("/api/v1/queues").await;
    let defaults =
        queues.body["queues"].as_array().unwrap().iter().filter(|queue| queue["default"] == true).count();
    assert_eq!(defaults, 1);
    assert_eq!(admin.delete(&path).await.code(), "queue_in_use", "the default one stays");
    assert_eq!(admin.delete("/api/v1/queues/que_returns").await.status, 204);
    assert_eq!(admin.delete("/api/v1/queues/que_returns").await.status, 404);
    app.finish().await;
}

/// An account with an empty list serves every queue, so removing its only queue would
/// give it all of them.
#[tokio::test]
async fn a_queue_that_somebody_serves_alone_is_not_removed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ben = app.person(&admin, "Ben", Role::Agent).await;
    let path = format!("/api/v1/accounts/{}", ben.id);
    assert_eq!(
        admin
            .patch(
                &path,
                json!({ "queues": ["que_returns"], "capacity": 5, "tier": 2, "skills": ["Refunds"] })
            )
            .await
            .status,
        200
    );
    assert_eq!(admin.delete("/api/v1/queues/que_returns").await.code(), "queue_in_use");
    assert_eq!(admin.patch(&path, json!({ "queues": ["que_returns", "que_delivery"] })).await.status, 200);
    assert_eq!(admin.delete("/api/v1/queues/que_returns").await.status, 204);
    let accounts = admin.get("/api/v1/accounts").await;
    let ben = accounts.body["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["name"] == "Ben")
        .unwrap()
        .clone();
    assert_eq!(
        (&ben["queues"], &ben["capacity"], &ben["skills"]),
        (&json!(["que_delivery"]), &json!(5), &json!(["refunds"]))
    );
    assert_eq!(admin.patch(&path, json!({ "queues": ["que_gone"] })).await.code(), "invalid");
    app.finish().await;
}

#[tokio::test]
async fn knowledge_and_canned_replies_are_written_and_removed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({ "title": "Snails", "questions": ["what eats my lettuce"], "answer": "Snails do." });
    let made = admin.post("/api/v1/knowledge", body).await;
    assert_eq!(made.status, 201);
    let path = format!("/api/v1/knowledge/{}", made.body["entry"]["id"].as_str().unwrap());
    let found = admin.post("/api/v1/knowledge/try", json!({ "text": "what eats my lettuce" })).await;
    assert_eq!(found.body["entry"]["title"], "Snails");
    assert_eq!(found.body["sure"], true);
    let body = json!({ "title": "Snails", "questions": ["what eats my lettuce"], "answer": "Slugs do." });
    assert_eq!(admin.call(Method::PUT, &path, Some(body.clone())).await.body["entry"]["answer"], "Slugs do.");
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(admin.call(Method::PUT, &path, Some(body)).await.status, 404);
    let canned = admin.post("/api/v1/canned", json!({ "shortcut": "/Slugs", "text": "Beer helps." })).await;
    assert_eq!(canned.body["canned"]["shortcut"], "slugs");
    assert_eq!(
        admin.post("/api/v1/canned", json!({ "shortcut": "slugs", "text": "x" })).await.code(),
        "taken"
    );
    let path = format!("/api/v1/canned/{}", canned.body["canned"]["id"].as_str().unwrap());
    let other = json!({ "shortcut": "snails", "text": "Beer helps here too." });
    assert_eq!(
        admin.call(Method::PUT, &path, Some(other.clone())).await.body["canned"]["shortcut"],
        "snails"
    );
    assert_eq!(admin.call(Method::PUT, "/api/v1/canned/can_0", Some(other)).await.code(), "not_found");
    assert_eq!(admin.delete(&path).await.status, 204);
    app.finish().await;
}

#[tokio::test]
async fn a_widget_lists_sites_and_nothing_that_could_break_out_of_a_header() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let sites = json!([
        "https://shop.example",
        "shop.example",
        "https://a.example; script-src *",
        "https://*.example",
        "javascript:alert(1)"
    ]);
    let refused =
        admin.post("/api/v1/widgets", json!({ "name": "Shop", "sites": sites, "accent": "red" })).await;
    assert_eq!(refused.body["problems"].as_array().unwrap().len(), 5, "{:?}", refused.body);
    let supervisor = app.person(&admin, "Sam", Role::Supervisor).await;
    let seen = supervisor.get("/api/v1/widgets").await;
    assert!(seen.body["widgets"][0]["identity_key"].is_null(), "only admins see the key that signs visitors");
    assert_eq!(admin.delete("/api/v1/widgets/wk_demo").await.status, 204);
    let boot = app.stranger().post("/api/v1/widget/boot", json!({ "key": "wk_demo" })).await;
    assert_eq!(boot.code(), "unknown_widget");
    app.finish().await;
}

#[tokio::test]
async fn a_policy_is_checked_published_once_and_live_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let first = admin.get("/api/v1/policies/default@1").await;
    let toml = first.body["toml"].as_str().unwrap().to_owned();
    assert_eq!(first.body["policy"]["escalate"]["enter"], 0.62);
    let stricter = toml.replace("enter = 0.62", "enter = 0.7");
    let wrong = toml.replace("enter = 0.62", "enter = 7");
    let line = wrong.lines().position(|line| line == "enter = 7").unwrap() + 1;
    let checked = admin.post("/api/v1/policies/check", json!({ "toml": wrong })).await;
    assert_eq!(checked.body["problems"][0]["line"], line);
    assert!(checked.body["policy"].is_null());
    let publish =
        |toml: &str, based_on: &str| json!({ "toml": toml, "comment": "calmer", "based_on": based_on });
    assert_eq!(admin.post("/api/v1/policies", publish(&wrong, "default@1")).await.code(), "invalid");
    let published = admin.post("/api/v1/policies", publish(&stricter, "default@1")).await;
    assert_eq!((published.status, &published.body["live"]), (201, &json!("default@2")));
    assert_eq!(app.app.http.flow.policy().enter, 0.7);
    assert_eq!(admin.post("/api/v1/policies", publish(&toml, "default@1")).await.code(), "conflict");
    let versions = admin.get("/api/v1/policies").await;
    assert_eq!(versions.body["live"], "default@2");
    assert_eq!(versions.body["versions"][0]["author"], "Ada");
    let data = app.finish().await;
    let app = TestApp::start_in(data, Options::default()).await;
    assert_eq!(app.app.http.flow.policy().label(), "default@2", "also after a restart");
    app.finish().await;
}

#[tokio::test]
async fn every_change_by_an_admin_stands_in_the_audit_log_without_names_or_secrets() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ben = app.person(&admin, "Ben", Role::Agent).await;
    admin.patch(&format!("/api/v1/accounts/{}", ben.id), json!({ "role": "supervisor" })).await;
    admin.post(&format!("/api/v1/accounts/{}/reset", ben.id), json!({})).await;
    admin.delete("/api/v1/queues/que_returns").await;
    admin.delete("/api/v1/widgets/wk_demo").await;
    let log = admin.get("/api/v1/audit").await;
    let entries = log.body["entries"].as_array().unwrap();
    let said: Vec<String> = entries
        .iter()
        .filter(|entry| entry["account"] == "Ada")
        .map(|entry| format!("{} {}", entry["action"].as_str().unwrap(), entry["detail"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            "widget.remove ",
            "queue.remove ",
            "account.reset reset",
            "account.change supervisor",
            "account.create agent",
            "account.setup ",
        ]
    );
    assert!(!log.body.to_string().contains("ben@shop.example"));
    app.finish().await;
}

#[tokio::test]
async fn the_test_bench_decides_as_the_live_path_does() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let turns = json!([
        { "speaker": "visitor", "text": "Where is my parcel?" },
        { "speaker": "bot", "text": "It is on its way." },
        { "speaker": "visitor", "text": "I want to talk to a real person" },
    ]);
    let answer = admin.post("/api/v1/testbench", json!({ "turns": turns })).await;
    assert_eq!(
        (&answer.body["escalated"], &answer.body["turn"]),
        (&json!(true), &json!(2)),
        "{:?}",
        answer.body
    );
    assert_eq!(answer.body["escalations"][0]["reasons"][0]["code"], "asked_for_human");
    assert_eq!(answer.body["decisions"][1]["outcome"], "escalate");
    assert_eq!(answer.body["decisions"][1]["counterfactual"]["kind"], "without_reason");
    assert!(
        answer.body["analyses"][1].is_null()
            && answer.body["analyses"][2]["human_request"].as_f64().unwrap() >= 0.5
    );
    for decision in answer.body["decisions"].as_array().unwrap() {
        let sum: f64 =
            decision["contributions"].as_array().unwrap().iter().map(|c| c["value"].as_f64().unwrap()).sum();
        assert!((sum - decision["score"].as_f64().unwrap()).abs() < 1e-6, "{decision}");
    }
    assert_eq!(answer.body["words"]["head"], "human_request");
    let refused = admin.post("/api/v1/testbench", json!({ "turns": turns, "toml": "enter = " })).await;
    assert_eq!(refused.code(), "invalid");
    app.finish().await;
}

#[tokio::test]
async fn readiness_says_degraded_on_words_and_metrics_are_for_this_machine() {
    let app = TestApp::start().await;
    let stranger = app.stranger();
    assert_eq!(stranger.get("/healthz").await.status, 200);
    let ready = stranger.get("/readyz").await;
    assert_eq!((ready.status, &ready.body["status"]), (200, &json!("degraded")));
    let metrics = stranger.get("/metrics").await;
    let text = metrics.body.as_str().unwrap();
    assert!(
        text.contains("baton_analyzer_ready 0.0") || text.contains("baton_analyzer_ready{} 0.0"),
        "{text}"
    );
    assert!(text.contains("baton_queue_depth{queue=\"Delivery\"} 0.0"), "{text}");
    let forwarded = [("x-forwarded-for", "10.1.1.1")];
    assert_eq!(
        stranger.call_with(Method::GET, "/metrics", &forwarded, None).await.status,
        403,
        "through a proxy"
    );
    app.finish().await;
    let app = TestApp::start_with(Options::default().set("telemetry.metrics_token", "sesame opens")).await;
    let stranger = app.stranger();
    assert_eq!(stranger.get("/metrics").await.status, 403);
    let token = [("authorization", "Bearer sesame opens")];
    assert_eq!(stranger.call_with(Method::GET, "/metrics", &token, None).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn what_happens_in_a_conversation_is_counted_once() {
    let app = TestApp::start().await;
    let (_, ticket) = app.boot().await;
    let mut socket = app.socket("visitor", &ticket).await;
    let resume = json!({ "type": "resume", "conversation": null, "after": 0 }).to_string();
    socket.send(Message::text(resume)).await.unwrap();
    let text = "I want to talk to a real person";
    let message = json!({ "type": "message.send", "client_id": "c1", "text": text }).to_string();
    socket.send(Message::text(message.clone())).await.unwrap();
    while next_frame(&mut socket).await.unwrap()["code"] != "queued" {}
    // The same again, as after a lost acknowledgement: it is one message all the same.
    socket.send(Message::text(message)).await.unwrap();
    while next_frame(&mut socket).await.unwrap()["type"] != "ack" {}
    let metrics = app.stranger().get("/metrics").await;
    let text = metrics.body.as_str().unwrap();
    for line in [
        "baton_messages_total{author=\"visitor\"} 1",
        "baton_analyses_total{by=\"words\"} 1",
        "baton_escalations_total{reason=\"asked_for_human\"} 1",
        "baton_queue_depth{queue=\"General\"} 1.0",
        "baton_sockets{kind=\"visitor\"} 1.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("real person"));
    drop(socket);
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_sends_nothing_or_never_ends_its_head_is_hung_up_on() {
    let options =
        Options::default().set("gateway.first_byte_timeout", "200ms").set("server.header_timeout", "200ms");
    let app = TestApp::start_with(options).await;
    let mut silent = TcpStream::connect(app.app.local).await.unwrap();
    let mut slow = TcpStream::connect(app.app.local).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let hung_up = async {
        let mut rest = Vec::new();
        let _ = silent.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
        let _ = slow.read_to_end(&mut rest).await;
    };
    tokio::time::timeout(PATIENCE, hung_up).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn one_address_holds_so_many_connections_and_no_more() {
    let app = TestApp::start_with(Options::default().set("server.connections_per_address", "2")).await;
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(app.app.local).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.unwrap();
        held.push(stream);
    }
    let mut third = TcpStream::connect(app.app.local).await.unwrap();
    let _ = third.write_all(request).await;
    let mut rest = Vec::new();
    let _ = third.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "the third is hung up on");
    drop(held);
    app.finish().await;
}
