//! The whole service on PostgreSQL, over real sockets: the story of a handoff, a restart,
//! two processes of agents, and a database that goes away while people write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use baton::domain::agent::Role;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::agent::Desk;
use crate::support::postgres::Server;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use crate::support::{Options, TestApp};

/// Between two attempts of somebody who was told that it cannot be done now.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

fn on(server: &Server) -> (Arc<crate::support::postgres::Database>, Options) {
    let database = Arc::new(server.database());
    (Arc::clone(&database), Options::default().postgres(database))
}

/// From the first word to the wrap-up, with a restart of the service in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handoff_goes_its_whole_way_and_survives_a_restart() {
    let (database, options) = on(&Server::shared());
    let app = TestApp::start_with(options).await;
    assert!(!app.data.path().join("baton.db").exists(), "no file of SQLite is made");
    let admin = app.admin().await;
    let ana = app.person(&admin, "ana", Role::Agent).await;
    let mut desk = Desk::online(&app, &ana).await;
    let mara = Visitor::boot(&Door::of(&app), address(1)).await;
    let mut tab = mara.connect().await;
    tab.says("Do you ship to Norway?").await;
    tab.says("Get me a human, please!").await;
    let offer = desk.next_offer().await;
    let conversation = desk.accepts(&offer).await;
    let (_, seen) = desk.watches(&conversation).await;
    assert!(seen.iter().any(|entry| entry["text"] == "Do you ship to Norway?"), "{seen:?}");
    desk.says(&conversation, "We do. Where to?").await;
    tab.until_entry(|entry| entry["text"] == "We do. Where to?").await;
    let history = tab.hello["history_id"].clone();
    let last = *tab.sequences().last().unwrap();

    drop((desk, tab));
    let data = app.finish().await;
    let app = TestApp::start_in(data, Options::default().postgres(database)).await;
    let mara = mara.at(&Door::of(&app));
    let mut tab = mara.connect_after(Some(&conversation), last).await;
    assert_eq!(tab.hello["history_id"], history, "the history goes on");
    let ana = app.login("ana@shop.example").await;
    let mut desk = Desk::online(&app, &ana).await;
    let (_, seen) = desk.watches(&conversation).await;
    assert!(seen.iter().any(|entry| entry["text"] == "We do. Where to?"), "{seen:?}");
    tab.says("To Oslo.").await;
    desk.until_entry(|frame| frame["entry"]["text"] == "To Oslo." || frame["text"] == "To Oslo.").await;
    desk.does(json!({"type": "conversation.resolve", "conversation": conversation})).await;
    tab.until_entry(|entry| entry["code"] == "resolved").await;
    app.finish().await;
}

/// Visitors write while the database crashes and comes back: who is told "sent" is in the transcript, once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_crashes_under_the_service_loses_nothing_that_was_acknowledged() {
    const VISITORS: usize = 6;
    const MESSAGES: usize = 30;
    let server = Server::own();
    let (_database, options) = on(&server);
    let app =
        TestApp::start_with(options.set("gateway.rate_burst", "1000").set("gateway.rate_messages", "1000"))
            .await;
    let door = Door::of(&app);
    let (n_acknowledged, back) = (AtomicUsize::new(0), tokio::sync::Notify::new());
    let writing = (0..VISITORS).map(|n| {
        let (door, n_acknowledged, back) = (&door, &n_acknowledged, &back);
        async move {
            let visitor = Visitor::boot(door, address(n)).await;
            let mut tab = visitor.connect().await;
            let mut acknowledged = Vec::new();
            for n in 0..MESSAGES {
                let (id, text) = (format!("m{n}"), format!("message {n}"));
                let ack = loop {
                    let answer = tab.sends(&id, &text).await;
                    if answer["type"] == "ack" {
                        break answer;
                    }
                    assert_eq!(answer["code"], "store_unavailable", "{answer}");
                    let _ = tokio::time::timeout(PAUSE, back.notified()).await;
                };
                acknowledged.push((ack["seq"].as_u64().unwrap(), text));
                n_acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            (visitor, acknowledged)
        }
    });
    let crashing = async {
        for round in 1..=2 {
            while n_acknowledged.load(Ordering::Relaxed) < round * VISITORS * MESSAGES / 3 {
                let _ = tokio::time::timeout(PAUSE, back.notified()).await;
            }
            let server = server.clone();
            tokio::task::spawn_blocking(move || {
                server.crash();
                server.start_again();
            })
            .await
            .unwrap();
            back.notify_waiters();
        }
    };
    let (written, ()) = tokio::join!(join_all(writing), crashing);
    for (visitor, acknowledged) in written {
        // A connection to the database may be back later than the others.
        let mut tab = loop {
            match visitor.try_open().await {
                Ok(tab) => break tab,
                Err(_) => drop(tokio::time::timeout(PAUSE, back.notified()).await),
            }
        };
        tab.resume(None, 0).await;
        let said = tab.entries.iter().filter(|entry| entry["author"]["kind"] == "visitor");
        let said: Vec<_> = said
            .map(|entry| (entry["seq"].as_u64().unwrap(), entry["text"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(said, acknowledged, "acknowledged is in the transcript, in order, once");
    }
    while app.stranger().get("/readyz").await.status != 200 {
        let _ = tokio::time::timeout(PAUSE, back.notified()).await;
    }
    app.finish().await;
}

/// Nodes that begin on one empty database at the same time put in the example shop once, and all of them serve it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_begin_at_once_put_in_the_shop_once() {
    let (database, _) = on(&Server::shared());
    // They wait for each other at every step, on a machine that may be busy.
    let patient = || Options::default().postgres(Arc::clone(&database)).set("store.timeout", "60s");
    let mut apps = join_all((0..3).map(|_| TestApp::start_with(patient()))).await;
    for (n, app) in apps.iter().enumerate() {
        Visitor::boot(&Door::of(app), address(n)).await.connect().await;
    }
    // Asked of the directory: the link for the first admin is that of the node which came last.
    let directory = Arc::clone(&apps[0].app.http.flow.ports().directory);
    let distinct = |names: Vec<String>| {
        let once: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(once.len(), names.len(), "twice: {names:?}");
        names.len()
    };
    assert_eq!(directory.widgets().await.unwrap().len(), 1);
    distinct(directory.queues().await.unwrap().into_iter().map(|queue| queue.name).collect());
    let knowledge = directory.knowledge().await.unwrap();
    assert!(distinct(knowledge.into_iter().map(|entry| entry.title).collect()) > 10);
    distinct(directory.canned().await.unwrap().into_iter().map(|reply| reply.shortcut).collect());
    drop(directory);
    while let Some(app) = apps.pop() {
        app.finish().await;
    }
}

/// Asks until the service says this of itself; gives the reason where it gives one.
async fn until_ready_is(app: &TestApp, status: u16) -> String {
    loop {
        let ready = app.stranger().get("/readyz").await;
        if ready.status == status {
            return ready.body["why"].as_str().unwrap_or_default().to_owned();
        }
    }
}

/// The service says that its database is gone, or stands still, and why; and goes on by itself when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_named_and_taken_up_again() {
    let server = Server::own();
    let (_database, options) = on(&server);
    // Nobody reads the socket while the service is asked how it is.
    let options = options.set("store.timeout", "1s").set("gateway.pong_timeout", "60s");
    let app = TestApp::start_with(options).await;
    let visitor = Visitor::boot(&Door::of(&app), address(1)).await;
    let mut tab = visitor.connect().await;
    tab.says("Good day").await;
    assert_eq!(until_ready_is(&app, 200).await, "");
    let metrics = async || {
        let metrics = app.stranger().get("/metrics").await.body;
        let of_the_store = metrics.as_str().unwrap().lines().filter(|line| line.starts_with("baton_store_"));
        of_the_store.map(|line| format!("{line}\n")).collect::<String>()
    };
    let says = |metrics: String, line: &str| assert!(metrics.contains(line), "{line}: {metrics}");
    says(metrics().await, "baton_store_writable{} 1");
    let on_a_thread = async |run: fn(&Server)| {
        let server = server.clone();
        tokio::task::spawn_blocking(move || run(&server)).await.unwrap();
    };

    on_a_thread(Server::crash).await;
    assert_eq!(until_ready_is(&app, 503).await, "unreachable");
    let refused = tab.sends("c1", "Are you there?").await;
    assert_eq!(refused["code"], "store_unavailable", "{refused}");
    let told = metrics().await;
    says(told.clone(), "baton_store_writable{} 0");
    says(told, "baton_store_refused_total{cause=\"unreachable\"}");
    on_a_thread(Server::start_again).await;
    until_ready_is(&app, 200).await;
    let said = async |tab: &mut crate::support::visitor::Tab, id: &str, text: &str| {
        // Each connection is made again when it is used next.
        while tab.sends(id, text).await["type"] != "ack" {}
    };
    said(&mut tab, "c1", "Are you there?").await;
    says(metrics().await, "baton_store_writable{} 1");

    server.freeze(true);
    assert_eq!(until_ready_is(&app, 503).await, "silent");
    let refused = tab.sends("c2", "And now?").await;
    assert_eq!(refused["code"], "store_unavailable", "{refused}");
    server.freeze(false);
    until_ready_is(&app, 200).await;
    said(&mut tab, "c2", "And now?").await;
    drop(tab);
    // As a page does: again, while a connection to the database is not back yet.
    let mut tab = loop {
        if let Ok(tab) = visitor.try_open().await {
            break tab;
        }
    };
    tab.resume(None, 0).await;
    let texts = tab.texts();
    for text in ["Good day", "Are you there?", "And now?"] {
        assert_eq!(texts.iter().filter(|said| **said == text).count(), 1, "{texts:?}");
    }
    drop(tab);
    app.finish().await;
}
