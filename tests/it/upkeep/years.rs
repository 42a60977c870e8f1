//! Retention, export and erasure: what is old goes and leaves its numbers; what is held
//! of one person is shown whole and taken out to the last byte.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{done, refused, text};
use crate::support::TestClock;
use crate::support::agent::Desk;
use crate::support::app::{Options, Person, TestApp};
use crate::support::scripted::ScriptedAnalyzer;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use baton::domain::agent::Role;
use baton::flow::ports::{Labels as _, Place, Store as _, Upkeep as _};
use baton::store::SqliteStore;

/// Words that stand nowhere but in what one person wrote, was told, or is called.
const THEIRS: [&str; 9] = [
    "Quillfeather",
    "quill@feather.example",
    "marmaladevariations",
    "a parrot that recites the timetable",
    "the parrot is known to us",
    "we have posted a new parrot",
    "splendid parrot service",
    "parrot note at the end",
    "platinum feathers",
];

/// A conversation from the first message to the rating, held by an agent in between, and closed.
async fn lived(desk: &mut Desk, visitor: &Visitor, lines: [&str; 5]) -> String {
    let [says, noted, told, comment, at_the_end] = lines;
    let mut tab = visitor.connect().await;
    let theirs = tab.says(says).await["conversation"].clone();
    tab.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    assert_eq!(offer["conversation"], theirs, "nobody else was offered: {offer}");
    let id = desk.accepts(&offer).await;
    desk.does(json!({"type": "note.add", "conversation": id, "text": noted})).await;
    desk.says(&id, told).await;
    tab.until_entry(|entry| entry["text"] == told).await;
    desk.does(json!({"type": "conversation.resolve", "conversation": id})).await;
    tab.does(json!({"type": "csat.rate", "conversation": id, "score": 4, "comment": comment})).await;
    let wrap = json!({"type": "conversation.wrap_up", "conversation": id, "disposition": "solved",
        "label": "right", "note": at_the_end});
    desk.does(wrap).await;
    drop(tab);
    id
}

/// Somebody whom the site knows by name and address.
async fn known(app: &TestApp, admin: &Person, name: &str, email: &str, tier: &str) -> Visitor {
    let widgets = admin.get("/api/v1/widgets").await;
    let key = widgets.body["widgets"][0]["identity_key"].as_str().unwrap().to_owned();
    let claims = json!({ "id": name, "name": name, "email": email, "attributes": { "tier": tier },
        "exp": app.now().as_millis() / 1000 + 3600 });
    let claims: baton::auth::Claims = serde_json::from_value(claims).unwrap();
    let identity = baton::auth::sign_identity(&key, &claims).unwrap();
    let booted =
        app.stranger().post("/api/v1/widget/boot", json!({ "key": "wk_demo", "identity": identity })).await;
    assert_eq!(booted.status, 200, "{:?}", booted.body);
    let mut visitor = Visitor::boot(&Door::of(app), address(40)).await;
    visitor.secret = booted.body["visitor"].as_str().unwrap().to_owned();
    visitor
}

/// Which of these words stand in any file of the folder.
fn found_in<'a>(folder: &Path, words: &[&'a str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for word in words {
            if bytes.windows(word.len()).any(|window| window == word.as_bytes()) {
                found.push(*word);
            }
        }
    }
    found
}

fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_from_every_byte_and_the_counts_stay() {
    // Nobody is called but by the button.
    let calm = Arc::new(ScriptedAnalyzer::new(TestClock::new()));
    let app = TestApp::start_with(Options::default().analyzer(calm)).await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    let quill = known(&app, &admin, THEIRS[0], THEIRS[1], THEIRS[8]).await;
    // Others write in between, so that pages split and rows move.
    for n in 0..40 {
        let other = Visitor::boot(&Door::of(&app), address(50 + n)).await;
        other.connect().await.says(&format!("{n}: {}", "a long story about gardens, ".repeat(40))).await;
        if n == 5 || n == 30 {
            let mine = format!("{} {}", ["Good day", "What does it cost"][n / 30], THEIRS[2].repeat(20));
            quill.connect().await.says(&mine).await;
        }
    }
    let id = lived(&mut desk, &quill, [THEIRS[3], THEIRS[4], THEIRS[5], THEIRS[6], THEIRS[7]]).await;
    let shown = admin.get(&format!("/api/v1/conversations/{id}")).await.body;
    let position = shown["entries"].as_array().unwrap().iter().find(|entry| entry["text"] == THEIRS[3]);
    let position = position.unwrap()["position"].as_u64().unwrap();
    let label = admin
        .call(
            reqwest::Method::PUT,
            &format!("/api/v1/conversations/{id}/labels/{position}"),
            Some(json!({ "frustration": 1 })),
        )
        .await;
    assert_eq!(label.status, 200, "{:?}", label.body);
    let data = text(app.data.path()).to_owned();
    let by_email = ["person", "erase", "--data", &data, "--email", "Quill@Feather.example"];
    quill.connect().await.says("and another thing about marmaladevariations").await;
    let mut again = quill.connect().await;
    again.does(json!({"type": "conversation.end"})).await;
    let wrapped = admin.get("/api/v1/conversations?state=wrap_up").await.body;
    if !wrapped["conversations"].as_array().unwrap().is_empty() {
        let wrap = json!({"type": "conversation.wrap_up", "conversation": id, "disposition": "solved",
            "label": "right", "note": THEIRS[7]});
        desk.does(wrap).await;
    }
    drop(again);

    let database = app.data.path().join("baton.db");
    let count = "select (select count(*) from conversations) * 1000000 + (select count(*) from entries) * 1000 \
        + (select count(*) from handoffs) * 10 + (select count(*) from judgements where csat is not null)";
    let before = number(&database, count);
    let export = ["person", "export", "--data", &data, "--email", "quill@feather.example"];
    let held = done(&export);
    assert_eq!(held["persons"].as_array().unwrap().len(), 1);
    let all = held.to_string();
    assert!(THEIRS.iter().all(|word| all.contains(word)), "everything held is in the export");
    assert_eq!(held["persons"][0]["held"]["visitor"][0]["profile"]["email"], THEIRS[1]);
    assert_eq!(held["persons"][0]["held"]["message_labels"][0]["label"]["frustration"], 1);
    let over_the_api = admin.post("/api/v1/persons/export", json!({ "email": THEIRS[1] })).await;
    assert_eq!(over_the_api.status, 200);
    assert_eq!(over_the_api.body["persons"][0]["held"]["entries"], held["persons"][0]["held"]["entries"]);
    assert!(!all.contains("a long story"), "and nothing of anybody else");
    assert!(!found_in(app.data.path(), &THEIRS).is_empty());

    let erased = done(&by_email);
    assert_eq!(erased["compacted"], true, "{erased}");
    assert_eq!(erased["labels"], 1);
    assert_eq!(found_in(app.data.path(), &THEIRS), Vec::<&str>::new(), "no byte is left");
    assert_eq!(number(&database, count), before, "what is counted stays");
    refused(&export, 1);
    let audit = admin.get("/api/v1/audit").await.body.to_string();
    let visitor = erased["visitors"][0].as_str().unwrap();
    assert!(audit.contains("person.erase") && audit.contains("person.export") && audit.contains(visitor));
    // The service goes on: the conversation is there without a word, the browser gets somebody new.
    let shown = admin.get(&format!("/api/v1/conversations/{id}")).await;
    assert_eq!(shown.status, 200, "{:?}", shown.body);
    assert_ne!(shown.body["card"]["visitor"]["id"], visitor);
    assert!(quill.try_open().await.is_err(), "the secret in the browser opens nothing any more");
    let somebody = Visitor::boot(&Door::of(&app), address(90)).await;
    somebody.connect().await.says("Good day").await;
    let erased = admin.post("/api/v1/persons/erase", json!({ "visitor": visitor })).await;
    assert_eq!((erased.status, erased.code()), (404, "not_found"));
    let folder = app.finish().await;
    let store = SqliteStore::open(&folder.path().join("baton.db"), "unused").unwrap();
    let evidence = store.evidence().await.unwrap();
    assert!(evidence.iter().all(|one| !one.text.as_str().is_empty()), "nothing is learned from what is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_goes_in_batches_and_leaves_its_numbers() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let visitor = Visitor::boot(&Door::of(&app), address(60 + n)).await;
        ids.push(lived(&mut desk, &visitor, ["an old parrot", "noted", "told", "fine", "done"]).await);
    }
    let labels = admin.get("/api/v1/labels").await.body;
    let now = app.now();
    drop(desk);
    let folder = app.finish().await;
    let database = folder.path().join("baton.db");
    let sums = |of: &str| number(&database, of);
    let messages = sums("select count(*) from entries where kind = 'message'");
    let n_handoffs = sums("select count(*) from handoffs");
    let n_commands = sums("select count(*) from commands");
    assert!(messages >= 6 && n_handoffs >= 3 && n_commands > 0);

    let store = SqliteStore::open(&database, "unused").unwrap();
    let before = now.plus(Duration::from_secs(60));
    let too_early = now.minus(Duration::from_secs(86_400));
    assert_eq!(store.remove_closed(too_early, 500).await.unwrap().conversations, 0);
    // As many as fit into the batch, and one at the least.
    let mut rounds = Vec::new();
    loop {
        let removed = store.remove_closed(before, 1).await.unwrap();
        rounds.push(removed.conversations);
        if removed.conversations == 0 {
            break;
        }
    }
    assert_eq!(rounds, [1, 1, 1, 0]);
    for table in ["conversations", "entries", "analyses", "handoffs", "judgements"] {
        assert_eq!(sums(&format!("select count(*) from {table}")), 0, "{table}");
    }
    let kept = store.kept_counts().await.unwrap();
    assert_eq!((kept.conversations, kept.rated, kept.rating_sum), (3, 3, 12));
    assert_eq!(kept.visitor_messages + kept.bot_messages + kept.agent_messages, messages as u64);
    assert_eq!((kept.handoffs, kept.answered), (n_handoffs as u64, 3));
    let rows = "select count(*) from kept_counts where label = 'right' and reason = 'asked_for_human' and policy like 'default@%'";
    assert_eq!(sums(rows), 1, "under what reports are asked for");
    let counts = store.count_labels().await.unwrap();
    assert_eq!(
        json!(counts.escalations),
        labels["escalations"]
            .as_object()
            .map_or(Value::Null, |by| { json!([by["right"], by["early"], by["late"], by["needless"]]) })
    );

    // Answers to commands go with their conversations, row by row, however small the steps.
    let (mut place, mut forgotten) = (Some(Place::default()), 0);
    while let Some(from) = place.take() {
        let walked = store.forget_commands(before, from, 2).await.unwrap();
        forgotten += walked.forgotten;
        place = walked.next;
    }
    assert_eq!(forgotten, n_commands as u64);
    assert_eq!(sums("select count(*) from commands"), 0);
    let walked = store.forget_visitors(before, Place::default(), 100).await.unwrap();
    assert_eq!(walked.forgotten, 3);
    assert_eq!(sums("select count(*) from visitor_secret"), 0);
    assert!(
        store
            .conversation(&baton::domain::id::ConversationId::parse(&ids[0]).unwrap())
            .await
            .unwrap()
            .is_none()
    );
}

/// The duty of the service itself: it begins with the service, and admins see what it did.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_removes_what_is_older_than_it_is_kept() {
    let app = TestApp::start().await;
    let mut tab = Visitor::boot(&Door::of(&app), address(70)).await.connect().await;
    tab.says("Good day").await;
    tab.does(json!({"type": "conversation.end"})).await;
    let mut young = Visitor::boot(&Door::of(&app), address(71)).await.connect().await;
    let young = young.says("Good evening").await["conversation"].clone();
    drop(tab);
    let folder = app.finish().await;
    let aged = Connection::open(folder.path().join("baton.db")).unwrap();
    aged.execute("update conversations set ended_at = ended_at - 200000000 where state = 'closed'", [])
        .unwrap();
    drop(aged);
    let app = TestApp::start_in(folder, Options::default().set("store.keep_closed", "2d")).await;
    let admin = app.admin().await;
    let storage = loop {
        let storage = admin.get("/api/v1/storage").await;
        assert_eq!(storage.status, 200, "{:?}", storage.body);
        if storage.body["removed"]["conversations"] == 1 {
            break storage.body;
        }
    };
    assert_eq!(storage["keep_closed_s"], 2 * 86_400);
    assert!(storage["bytes"].as_u64().unwrap() > 4096 && storage["free_bytes"].as_u64().unwrap() > 0);
    assert_eq!(storage["growth_bytes_per_day"], Value::Null, "not measured yet, and it says so");
    assert_eq!(storage["low"], false);
    let left = admin.get("/api/v1/conversations").await.body;
    assert_eq!(left["conversations"].as_array().unwrap().len(), 1);
    assert_eq!(left["conversations"][0]["conversation"], young);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn little_room_on_the_disk_is_said_before_writes_are_refused() {
    let options = Options::default().set("store.least_free", &i64::MAX.to_string());
    let app = TestApp::start_with(options).await;
    let admin = app.admin().await;
    let ready = app.stranger().get("/readyz").await;
    assert_eq!((ready.status, &ready.body["status"]), (200, &json!("degraded")));
    assert!(
        ready.body["disk"]["free_bytes"].as_u64().unwrap()
            < ready.body["disk"]["least_bytes"].as_u64().unwrap()
    );
    assert_eq!(admin.get("/api/v1/storage").await.body["low"], true);
    let metrics = app.stranger().get("/metrics").await.body;
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("baton_store_bytes ") && metrics.contains("baton_disk_free_bytes "));
    app.finish().await;
}
