//! What is known outside when the server stands still, or ends, at a named point. The points
//! that are passed while people are busy are also in `kill`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use baton::domain::conversation::{Author, EntryKind};
use baton::flow::ports::{Store as _, StoreError};
use baton::store::SqliteStore;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::invariants::DeafBus;
use crate::kill::agents::Agent;
use crate::support::app::PASSWORD;
use crate::support::process::{Site, is_aborted};
use crate::support::visitor::{Door, Tab, Visitor};
use crate::support::wire::{PATIENCE, Wire, address};
use crate::support::{Options, TestApp};

/// How long a server that stands still is listened to: what it had sent before has come by then.
const AFTER: Duration = Duration::from_secs(2);

/// How often it is looked whether the server stands still.
const LOOK: Duration = Duration::from_millis(200);

/// Which commit that holds a visitor's message a server stands still at, and which commit of all: a message is three of
/// those, each after the one before: its own, its decision, the bot's answer, and others come between now and then.
const MESSAGES: [usize; 2] = [1, 4];
const COMMITS: [usize; 3] = [30, 31, 32];

/// Messages of visitors as they are stored: who and what.
async fn stored(database: &Path) -> BTreeMap<String, usize> {
    let store = SqliteStore::open_to_read(database).unwrap();
    let mut found = BTreeMap::new();
    for conversation in store.opened_between(None, None, None, 1_000).await.unwrap() {
        for entry in store.entries(&conversation.id, 0, 10_000).await.unwrap() {
            if let (Author::Visitor, EntryKind::Message { body, .. }) = (&entry.author, &entry.kind) {
                *found.entry(body.as_str().to_owned()).or_default() += 1;
            }
        }
    }
    found
}

/// What one visitor was told of their messages, and what is stored of them.
#[derive(Default)]
struct Told {
    acked: Vec<String>,
    /// The one without an answer, if the server stood still at a message.
    unanswered: Option<String>,
    /// How often each is stored after the kill, and after a retry of what was not answered.
    before: BTreeMap<String, usize>,
    after: BTreeMap<String, usize>,
}

fn client_id(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
}

/// Waits for something to come; none when the server stands still.
async fn unless_still<T>(site: &Site, coming: impl Future<Output = T>) -> Option<T> {
    let mut coming = std::pin::pin!(coming);
    loop {
        if let Ok(came) = tokio::time::timeout(LOOK, &mut coming).await {
            return Some(came);
        }
        if site.log().contains("failpoint ") {
            return tokio::time::timeout(AFTER, &mut coming).await.ok();
        }
    }
}

/// What the demonstration's bot has an answer to.
fn questions() -> Vec<String> {
    let knowledge = include_str!("../../demo/knowledge.jsonl").lines().filter(|line| !line.trim().is_empty());
    let first = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["questions"][0].as_str().unwrap().to_owned()
    };
    knowledge.map(first).collect()
}

/// Asks one question after the other, each after the bot's answer to the one before, until the server stands still.
async fn talk(site: &Site, tab: &mut Tab) -> Told {
    let mut told = Told::default();
    let questions = questions();
    loop {
        let text = questions[told.acked.len()].clone();
        let message = json!({"type": "message.send", "client_id": client_id(&text), "text": text});
        tab.wire.send(&message).await.unwrap();
        match unless_still(site, tab.wait_for(|frame| frame["type"] == "ack")).await {
            Some(_) => told.acked.push(text),
            None => {
                told.unanswered = Some(text);
                return told;
            }
        }
        let said = told.acked.len();
        let bots = |tab: &Tab| tab.entries.iter().filter(|entry| entry["author"]["kind"] == "bot").count();
        while bots(tab) < said {
            match unless_still(site, tab.next()).await {
                Some(came) => drop(came.unwrap()),
                None => return told,
            }
        }
    }
}

/// The server stands still at `point`; then it is killed and started again, and what was not answered is sent again.
async fn stand_still_at(point: &str, nth: usize) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
    let site = Site::new(folder.path());
    // The first start writes the demonstration, the second next to nothing.
    site.start().await.stop().await;
    let server = site.start_with(Some(&format!("{point}:{nth}:stall"))).await.unwrap();
    let door = Door { base: site.base(), key: "wk_demo".into(), origin: site.base() };
    let visitor = Visitor::boot(&door, address(nth)).await;
    let mut told = talk(&site, &mut visitor.connect().await).await;
    assert!(site.log().contains(&format!("failpoint {point}")), "nobody came to {point}");
    server.kill().await;
    told.before = stored(&database).await;

    let server = site.start().await;
    if let Some(text) = &told.unanswered {
        let answer = visitor.connect().await.sends(&client_id(text), text).await;
        assert_eq!(answer["type"], "ack", "{answer}");
    }
    server.stop().await;
    told.after = stored(&database).await;
    let n_said = told.acked.len() + usize::from(told.unanswered.is_some());
    for text in &told.acked {
        assert_eq!(told.before.get(text), Some(&1), "`{text}` was acknowledged and is not stored");
    }
    assert_eq!(told.after.len(), n_said, "{:?}", told.after);
    assert!(told.after.values().all(|n| *n == 1), "something is stored twice: {:?}", told.after);
    told
}

/// Servers that stand still at a visitor's message, and beside them servers that stand still at whatever commit it is:
/// what was acknowledged is stored, and nothing is stored twice, wherever it is (`stand_still_at`).
async fn at_messages(side: &str) -> [Told; MESSAGES.len()] {
    let (at_message, at_any) = (format!("receive.{side}_commit"), format!("store.{side}_commit"));
    let messages = futures_util::future::join_all(MESSAGES.map(|nth| stand_still_at(&at_message, nth)));
    let others = futures_util::future::join_all(COMMITS.map(|nth| stand_still_at(&at_any, nth)));
    let (messages, _) = tokio::join!(messages, others);
    messages.try_into().ok().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_before_it_is_committed() {
    for told in at_messages("before").await {
        let text = told.unanswered.expect("a message was acknowledged whose commit stood still");
        assert_eq!(told.before.get(&text), None, "`{text}` was not committed and is stored");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_and_not_acknowledged_is_there_once_after_a_retry() {
    for told in at_messages("after").await {
        let text = told.unanswered.expect("a message was acknowledged though nobody was told");
        assert_eq!(told.before.get(&text), Some(&1), "`{text}` was committed and is not stored");
    }
}

/// A database that a start left in the middle of its migrations is brought up to date by the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_ends_between_two_migrations_is_made_good_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path());
    for nth in [1, 2, 2, 1] {
        let status = site.start_with(Some(&format!("store.migrating:{nth}:abort"))).await.err();
        assert!(
            status.is_some_and(is_aborted),
            "{status:?}: migration {nth} was not reached\n{}",
            site.log()
        );
    }
    site.start().await.stop().await;
}

/// Agents who were there before a crash have their grace after it, and no more: what they held is not left to them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_7_agents_of_before_a_crash_have_their_grace_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let site =
        Site::new(folder.path()).set("gateway.ping_interval", "500ms").set("gateway.pong_timeout", "5s");
    let email = site.account("Ana", "agent", PASSWORD).await;
    let server = site.start().await;
    let door = Door { base: site.base(), key: "wk_demo".into(), origin: site.base() };
    let ticket = Agent::new("Ana", email, PASSWORD, 1, 1).ticket(&site.base()).await.unwrap();
    let mut ana = Wire::open(&site.base(), "/ws/agent", &ticket, address(1)).await.unwrap();
    ana.send(&json!({"type": "presence.set", "client_id": "here", "presence": "online"})).await.unwrap();
    let visitor = Visitor::boot(&door, address(2)).await;
    let mut tab = visitor.connect().await;
    tab.asks_for_a_person().await;
    let offer = loop {
        let frame = ana.hear().await.unwrap();
        if frame["type"] == "offer" {
            break frame;
        }
    };
    let (conversation, offer) = (&offer["conversation"], &offer["offer"]);
    let accept =
        json!({"type": "offer.accept", "client_id": "a", "conversation": conversation, "offer": offer});
    ana.send(&accept).await.unwrap();
    tab.until_state("agent").await;
    server.kill().await;

    let server = site.start().await;
    visitor.connect().await.until_state("waiting").await;
    server.stop().await;
}

/// No hint ever arrives: another tab learns of a message when it next looks by itself (invariant 8).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_8_a_lost_hint_costs_a_look_at_the_store_and_no_entry() {
    let bus = Arc::new(DeafBus(broadcast::Sender::new(1)));
    let app = TestApp::start_with(Options::default().bus(bus)).await;
    let visitor = Visitor::boot(&Door::of(&app), address(1)).await;
    let (mut says, mut reads) = (visitor.connect().await, visitor.connect().await);
    says.says("Is anybody there?").await;
    reads.until_entry(|entry| entry["text"] == "Is anybody there?").await;
    app.finish().await;
}

/// The commit itself fails, as on a broken disk: nobody who shares it is told that it went well.
#[tokio::test]
async fn a_commit_that_fails_is_acknowledged_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("baton.db"), "first").unwrap();
    let answer = store
        .write(|c| {
            // A login of no account, looked at when it is committed and not before.
            c.run("pragma defer_foreign_keys = on", &[])?;
            c.run("insert into login (token, account, created_at, seen_at, expires_at) values ('t', 'x', 0, 0, 0)", &[])?;
            Ok::<_, StoreError>(())
        })
        .await;
    assert!(answer.is_err(), "it was acknowledged and is not stored");
}

/// Asks until the service says this of itself, and gives the whole answer.
async fn until_ready_is(site: &Site, status: u16) -> Value {
    let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    loop {
        let answer = http.get(format!("{}/readyz", site.base())).send().await.expect("it answers");
        let found = answer.status().as_u16();
        let body = answer.json().await.unwrap();
        if found == status {
            return body;
        }
    }
}

/// A disk that stands still in the middle of a commit: whoever writes is told so, and `/readyz` says so, within bounds.
/// When the commit ends after all, a retry has the ack of what was written then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_stands_still_is_named_and_what_it_wrote_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path()).set("store.timeout", "3s");
    std::fs::write(site.hold(), "").unwrap();
    let server = site.start_with(Some("receive.before_commit:1:hold")).await.unwrap();
    let door = Door { base: site.base(), key: "wk_demo".to_owned(), origin: site.base() };
    let (eve, tom) = (Visitor::boot(&door, address(1)).await, Visitor::boot(&door, address(2)).await);
    let (mut eves, mut toms) = (eve.connect().await, tom.connect().await);
    // What opens a conversation does not pass the point.
    tokio::join!(eves.says("Good day"), toms.says("Hello"));
    let refused = tokio::join!(eves.sends("c1", "Is this stored?"), toms.sends("c1", "And mine?"));
    for refused in [refused.0, refused.1] {
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("store_unavailable")));
    }
    let why = until_ready_is(&site, 503).await;
    assert_eq!((&why["store"], &why["why"]), (&json!("store_unavailable"), &json!("silent")));
    let alive = reqwest::get(format!("{}/healthz", site.base())).await.unwrap();
    assert_eq!(alive.status(), 200);

    std::fs::remove_file(site.hold()).unwrap();
    until_ready_is(&site, 200).await;
    // Nobody has listened meanwhile, so the sockets may be closed: as clients do, they come back and send again.
    (eves, toms) = (eve.connect().await, tom.connect().await);
    for (tab, text) in [(&mut eves, "Is this stored?"), (&mut toms, "And mine?")] {
        let first = tab.sends("c1", text).await;
        assert_eq!(first["type"], "ack", "{first}");
        assert_eq!(tab.sends("c1", text).await, first, "the same ack to every retry");
        let other = tab.sends("c1", "something else").await;
        assert_eq!(other["code"], "conflict", "{other}");
    }
    drop((eves, toms));
    server.stop().await;
    let stored = stored(&site.data.join("baton.db")).await;
    let expected = ["And mine?", "Good day", "Hello", "Is this stored?"];
    assert_eq!(stored, expected.map(|text| (text.to_owned(), 1)).into(), "once each");
    let told = site.log();
    assert!(told.contains("The database takes no writes (silent)"), "{told}");
    assert!(told.contains("The database takes writes again"), "{told}");
}
