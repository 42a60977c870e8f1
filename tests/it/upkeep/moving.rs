//! From a file of SQLite to PostgreSQL: everything is there under the same numbers, and
//! retention and erasure work there too.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{done, entries_wanted, fill, refused, text};
use crate::support::agent::Desk;
use crate::support::app::{Options, TestApp};
use crate::support::postgres::Server;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use baton::domain::agent::Role;
use baton::domain::id::{ConversationId, VisitorId};
use baton::flow::ports::directory::Stamp;
use baton::flow::ports::{CommandKey, Person, Place, Store, Upkeep as _};
use baton::store::SqliteStore;

/// Every conversation with its log, analyses and handoffs, in words.
async fn everything(store: &dyn Store) -> Vec<String> {
    let mut found = Vec::new();
    for conversation in store.opened_between(None, None, None, 100_000).await.unwrap() {
        let id = conversation.id.clone();
        if id.as_str() == "cnv_filled" {
            continue;
        }
        found.push(format!(
            "{conversation:?} {:?} {:?} {:?} {:?} {:?}",
            store.entries(&id, 0, 100_000).await.unwrap(),
            store.analyses(&id).await.unwrap(),
            store.handoffs(&id).await.unwrap(),
            store.judgement(&id).await.unwrap(),
            store.read_marks(&id).await.unwrap(),
        ));
    }
    found
}

/// An answered command as it stands in the file.
fn a_command(path: &Path) -> (String, String, Vec<u8>) {
    Connection::open(path)
        .unwrap()
        .query_row(
            "select actor, client_id, digest from commands where actor like 'vis%' limit 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_moves_to_postgres_without_losing_a_message() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    for n in 0..30 {
        let mut tab = Visitor::boot(&Door::of(&app), address(100 + n)).await.connect().await;
        tab.says(&format!("Where is parcel {n}? 📦 “quoted” \\ %_' line\nbreak")).await;
    }
    let kim = Visitor::boot(&Door::of(&app), address(140)).await;
    let mut tab = kim.connect().await;
    let said = tab.sends("once", "Where is my parcel?").await;
    tab.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    let id = desk.accepts(&offer).await;
    desk.says(&id, "I am looking.").await;
    drop((tab, desk));
    let server = Server::shared();
    let database = server.database();
    let data = text(app.data.path()).to_owned();
    let to = database.url();
    let arguments = ["migrate", "--data", &data, "--to", &to];
    assert!(refused(&arguments, 1).contains("another `baton serve` works on"));
    let folder = app.finish().await;
    let file = folder.path().join("baton.db");
    refused(&["migrate", "--data", &data, "--to", "mysql://nowhere"], 2);
    fill(&file, entries_wanted(20_000));

    let began = std::time::Instant::now();
    let moved = done(&arguments);
    eprintln!("{} rows were moved and compared in {:?}", moved["rows"], began.elapsed());
    let before = SqliteStore::open(&file, "unused").unwrap();
    assert_eq!(moved["history_id"], before.history_id());
    assert!(!moved.to_string().contains("sslmode"), "where it went is said without the address's secrets");
    let rows = |table: &str| -> u64 {
        Connection::open(&file)
            .unwrap()
            .query_row(&format!("select count(*) from {table}"), [], |row| row.get(0))
            .unwrap()
    };
    for table in ["conversations", "entries", "commands", "handoffs", "visitor", "account", "audit", "policy"]
    {
        assert_eq!(moved["tables"][table]["rows"], rows(table), "{table}");
    }
    let after = database.open("unused");
    assert_eq!(after.history_id(), before.history_id());
    assert_eq!(everything(&after).await, everything(&before).await);
    // A retry after the move gets the answer of before it.
    let (actor, client_id, digest) = a_command(&file);
    let key = CommandKey { actor, client_id, digest: digest.try_into().unwrap() };
    let ack = before.answered(&key).await.unwrap();
    assert!(ack.is_some());
    assert_eq!(after.answered(&key).await.unwrap(), ack);
    // What the database counts by itself goes on after what was moved.
    let stamp = Stamp { by: None, at: baton::domain::time::Timestamp::from_millis(1_800_000_000_000) };
    after.note_export(stamp, VisitorId::from_suffix("nobody")).await.unwrap();
    drop(after);
    // The service goes on there: the same browser, the same history, the same answer to a retry, the next number.
    let app = TestApp::start_in(folder, Options::default().set("store.url", &to)).await;
    let kim = kim.at(&Door::of(&app));
    let mut tab = kim.connect().await;
    assert_eq!(tab.hello["history_id"], moved["history_id"]);
    assert_eq!(tab.sends("once", "Where is my parcel?").await, said);
    let last = *tab.sequences().last().unwrap();
    assert!(tab.says("Anything new?").await["seq"].as_u64().unwrap() > last);
    let mut browser = app.stranger();
    browser.headers = ana.headers.clone();
    let mut desk = Desk::open(&app, &browser).await;
    let (_, entries) = desk.watches(&id).await;
    assert!(entries.iter().any(|entry| entry["text"] == "I am looking."));
    drop((tab, desk));
    let folder = app.finish().await;
    // Nothing is moved twice, and nothing into what is in use.
    assert!(refused(&arguments, 1).contains("not empty"));
    let other = server.database();
    drop(other.open("another history"));
    assert!(refused(&["migrate", "--data", &data, "--to", &other.url()], 1).contains("a history of its own"));
    // An address may stand in a file, where nobody sees it among what runs.
    let third = server.database();
    let written = folder.path().join("address");
    fs::write(&written, format!("{}\n", third.url())).unwrap();
    let again = done(&["migrate", "--data", &data, "--to", &format!("@{}", text(&written))]);
    assert_eq!(again["tables"], moved["tables"], "the same rows, the same digests");
}

/// A character that PostgreSQL cannot hold is told of before anything is moved, and nothing is left half-way.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_moved_is_said_and_nothing_is_left_half_way() {
    let app = TestApp::start().await;
    let mut tab = Visitor::boot(&Door::of(&app), address(150)).await.connect().await;
    tab.says("Good day").await;
    drop(tab);
    let folder = app.finish().await;
    let file = folder.path().join("baton.db");
    let spoil = Connection::open(&file).unwrap();
    spoil.execute("update visitor set profile = profile || char(0)", []).unwrap();
    let database = Server::shared().database();
    let data = text(folder.path()).to_owned();
    let to = database.url();
    let arguments = ["migrate", "--data", &data, "--to", &to];
    let said = refused(&arguments, 1);
    assert!(said.contains("`visitor`") && said.contains("U+0000"), "{said}");
    spoil.execute("update visitor set profile = substr(profile, 1, length(profile))", []).unwrap();
    drop(spoil);
    let moved = done(&arguments);
    assert_eq!(moved["tables"]["visitor"]["rows"], 1, "the database was as empty as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_and_erasure_work_on_postgres() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    let mut visitors = Vec::new();
    for n in 0..2 {
        let mut tab = Visitor::boot(&Door::of(&app), address(160 + n)).await.connect().await;
        tab.says("Where is my parcel?").await;
        tab.asks_for_a_person().await;
        let offer = desk.next_offer().await;
        let id = desk.accepts(&offer).await;
        desk.says(&id, "Here.").await;
        desk.does(json!({"type": "conversation.resolve", "conversation": id})).await;
        let wrap = json!({"type": "conversation.wrap_up", "conversation": id, "disposition": "solved", "label": "right"});
        desk.does(wrap).await;
        visitors.push(offer["card"]["visitor"]["id"].as_str().unwrap().to_owned());
    }
    let now = app.now();
    drop(desk);
    let folder = app.finish().await;
    let database = Server::shared().database();
    done(&["migrate", "--data", text(folder.path()), "--to", &database.url()]);
    let store = database.open("unused");

    let first = VisitorId::parse(&visitors[0]).unwrap();
    assert_eq!(
        store.visitors_of(&Person::Visitor(first.clone())).await.unwrap(),
        std::slice::from_ref(&first)
    );
    assert_eq!(store.visitors_of(&Person::Email("nobody@shop.example".into())).await.unwrap(), []);
    let held: Value = serde_json::from_str(&store.held_of(&first).await.unwrap()).unwrap();
    let id = held["conversations"][0]["id"].as_str().unwrap().to_owned();
    assert!(held["entries"].to_string().contains("Where is my parcel?"));
    let stamp = Stamp { by: None, at: now };
    let erased = store.erase(stamp, first.clone(), "x1".into()).await.unwrap();
    assert_eq!(erased.conversations, 1);
    assert_eq!(store.visitors_of(&Person::Visitor(first)).await.unwrap(), []);
    let entries = store.entries(&ConversationId::parse(&id).unwrap(), 0, 100).await.unwrap();
    assert!(!entries.is_empty() && !format!("{entries:?}").contains("parcel"));

    let before = now.plus(Duration::from_secs(60));
    let labels = baton::flow::ports::Labels::count_labels(&store).await.unwrap();
    let removed = store.remove_closed(before, 10_000).await.unwrap();
    assert_eq!(removed.conversations, 2);
    let kept = store.kept_counts().await.unwrap();
    assert_eq!((kept.conversations, kept.answered), (2, 2));
    let after = baton::flow::ports::Labels::count_labels(&store).await.unwrap();
    assert_eq!(after.escalations, labels.escalations, "how often it was right to call a person stays true");
    let walked = store.forget_commands(before, Place::default(), 1_000).await.unwrap();
    assert!(walked.forgotten > 0 && walked.next.is_none());
    assert!(store.forget_visitors(before, Place::default(), 1_000).await.unwrap().forgotten > 0);
    assert!(store.bytes().await.unwrap() > 0);
    store.note_bytes(now, 5).await.unwrap();
    assert_eq!(store.bytes_since(now).await.unwrap(), [(now, 5)]);
}
