//! Labels on site: who may give them, what they say, and what is kept of them.

use baton::domain::agent::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::agent::Desk;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use crate::support::{Person, TestApp};

async fn put(person: &Person, path: &str, body: Value) -> (u16, Value) {
    let answer = person.call(Method::PUT, path, Some(body)).await;
    (answer.status, answer.body)
}

/// The entries of a conversation that can have a label, as (position, label).
fn labels(conversation: &Value) -> Vec<(u64, Value)> {
    let entries = conversation["entries"].as_array().unwrap();
    let can_have = entries.iter().filter(|entry| entry.get("label").is_some());
    can_have.map(|entry| (entry["position"].as_u64().unwrap(), entry["label"].clone())).collect()
}

#[tokio::test]
async fn a_supervisor_says_what_messages_and_conversations_were_and_the_last_word_wins() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let sam = app.person(&admin, "Sam", Role::Supervisor).await;
    let mut tab = Visitor::boot(&Door::of(&app), address(1)).await.connect().await;
    let id = tab.says("Where is my parcel?").await["conversation"].as_str().unwrap().to_owned();
    tab.says("patch me through to the bench").await;
    let path = format!("/api/v1/conversations/{id}");
    let shown = sam.get(&path).await.body;
    assert_eq!(shown["label"], Value::Null);
    let places = labels(&shown);
    assert_eq!(places.len(), 2, "the visitor's messages and nothing else: {shown}");
    assert!(places.iter().all(|(_, label)| label.is_null()));
    let last = places[1].0;
    assert_eq!(sam.get("/api/v1/conversations?labeled=true").await.body["conversations"], json!([]));

    let of_message = format!("{path}/labels/{last}");
    let first = json!({ "human_request": 0 });
    assert_eq!(put(&sam, &of_message, first).await.0, 200);
    let label = json!({ "frustration": 0, "human_request": 1, "sentiment": "neutral", "intents": [] });
    let said = put(&sam, &of_message, label.clone()).await;
    assert_eq!(said, (200, json!({ "position": last, "label": label })));
    let of_whole = format!("{path}/label");
    let late = json!({ "label": "late", "position": last });
    assert_eq!(put(&sam, &of_whole, late.clone()).await, (200, late.clone()));

    let shown = sam.get(&path).await.body;
    assert_eq!(shown["label"], late);
    assert_eq!(labels(&shown), [(places[0].0, Value::Null), (last, label)]);
    let found = |labeled: bool| format!("/api/v1/conversations?labeled={labeled}");
    assert_eq!(sam.get(&found(true)).await.body["conversations"][0]["conversation"], id.as_str());
    assert_eq!(sam.get(&found(false)).await.body["conversations"], json!([]));
    let counts = sam.get("/api/v1/labels").await.body;
    let expected = json!({
        "messages": 1,
        "conversations": 1,
        "escalations": { "right": 0, "early": 0, "late": 0, "needless": 0 },
        "by_head": { "frustration": [1, 0], "human_request": [0, 1], "offensive": [0, 0], "sentiment": [0, 1, 0] },
        "enough": false,
        "needed": 40,
    });
    assert_eq!(counts, expected);

    // Taken away, and once more: what is not there stays away.
    for _ in 0..2 {
        assert_eq!(sam.delete(&of_message).await.status, 204);
        assert_eq!(sam.delete(&of_whole).await.status, 204);
    }
    assert_eq!(sam.get("/api/v1/labels").await.body["messages"], 0);
    let log = admin.get("/api/v1/audit").await.body;
    let said: Vec<(String, String, String)> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"].as_str().unwrap().starts_with("label."))
        .map(|entry| ["action", "target", "detail"].map(|key| entry[key].as_str().unwrap().to_owned()).into())
        .collect();
    let entry = |action: &str, detail: &str| (action.to_owned(), id.clone(), detail.to_owned());
    let at = format!("at {last}");
    let expected = [
        entry("label.conversation.remove", ""),
        entry("label.message.remove", &at),
        entry("label.conversation", "late"),
        entry("label.message", &at),
        entry("label.message", &at),
    ];
    assert_eq!(said, expected);
    assert!(!log.to_string().contains("bench"), "what people write is not in the audit log");
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_a_label_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut tab = Visitor::boot(&Door::of(&app), address(1)).await.connect().await;
    let id = tab.says("I want to talk to a real person").await["conversation"].as_str().unwrap().to_owned();
    tab.until_entry(|entry| entry["code"] == "queued").await;
    let path = format!("/api/v1/conversations/{id}");
    let entries = admin.get(&path).await.body["entries"].as_array().unwrap().clone();
    let message = entries.iter().find(|entry| entry["kind"] == "message").unwrap()["position"].clone();
    let other = entries.iter().find(|entry| entry["kind"] != "message").unwrap()["position"].clone();
    let of_message = format!("{path}/labels/{message}");
    for wrong in [
        json!({}),
        json!({ "frustration": null }),
        json!({ "frustration": 0.5 }),
        json!({ "frustration": true }),
        json!({ "anger": 1 }),
        json!({ "sentiment": "angry" }),
        json!({ "intents": ["revolt"] }),
        json!({ "intents": ["other"] }),
    ] {
        let (status, body) = put(&admin, &of_message, wrong.clone()).await;
        assert_eq!((status, &body["code"]), (422, &json!("invalid")), "{wrong}: {body}");
    }
    let good = json!({ "human_request": 1 });
    for nowhere in [
        format!("{path}/labels/{other}"),
        format!("{path}/labels/9999"),
        format!("{path}/labels/-1"),
        "/api/v1/conversations/cnv_none/labels/1".to_owned(),
        "/api/v1/conversations/agt_none/labels/1".to_owned(),
    ] {
        let (status, body) = put(&admin, &nowhere, good.clone()).await;
        assert_eq!((status, &body["code"]), (404, &json!("not_found")), "{nowhere}: {body}");
    }
    let of_whole = format!("{path}/label");
    assert_eq!(put(&admin, &of_whole, json!({ "label": "perfect" })).await.0, 422);
    assert_eq!(put(&admin, &of_whole, json!({ "label": "missed", "position": other })).await.0, 404);
    assert_eq!(put(&admin, &of_whole, json!({ "label": "missed" })).await.0, 200);
    assert_eq!(put(&ana, &of_message, good).await.1["code"], "forbidden");
    app.finish().await;
}

/// Agents say it at wrap-up, and see their own conversations without the labels of supervisors.
#[tokio::test]
async fn what_agents_say_at_wrap_up_is_counted_too() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    let mut tab = Visitor::boot(&Door::of(&app), address(1)).await.connect().await;
    tab.says("I want to talk to a real person").await;
    let offer = desk.until("offer").await;
    let id = offer["conversation"].as_str().unwrap().to_owned();
    desk.does(json!({"type": "offer.accept", "conversation": id, "offer": offer["offer"]})).await;
    desk.does(json!({"type": "conversation.resolve", "conversation": id})).await;
    let wrap_up = json!({
        "type": "conversation.wrap_up", "conversation": id, "disposition": "solved", "label": "needless",
    });
    desk.does(wrap_up).await;
    let counts = admin.get("/api/v1/labels").await.body;
    assert_eq!(counts["escalations"], json!({ "right": 0, "early": 0, "late": 0, "needless": 1 }));
    let shown = ana.get(&format!("/api/v1/conversations/{id}")).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.get("label").is_none() && labels(&shown.body).is_empty());
    app.finish().await;
}
