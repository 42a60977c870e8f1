//! What PostgreSQL promises beyond the contract of all stores: about its settings, about
//! two nodes on one database, and about a server that goes away and comes back.

use crate::support::postgres::{Database, Server, a_fresh_postgres};
use crate::support::stored::{at, cnv, escalate, get, key, offer, open, receipt, says};
use crate::support::world::{agent, body};
use baton::domain::agent::{Presence, Role};
use baton::domain::conversation::{Change, Conversation};
use baton::domain::id::NodeId;
use baton::flow::ports::directory::{NewAccount, Stamp};
use baton::flow::ports::nodes::{Company, Term};
use baton::flow::ports::{Directory, DirectoryError, Nodes as _, Store, StoreError};
use baton::store::postgres::OpenError;
use baton::store::sql::Value;
use baton::store::{PostgresSettings, PostgresStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn refused(database: &Database) -> OpenError {
    PostgresStore::connect(database.settings(), "x").map(drop).unwrap_err()
}

#[tokio::test]
async fn the_history_id_stays_with_the_database() {
    let (store, database) = a_fresh_postgres();
    assert_eq!(store.history_id(), "first");
    assert_eq!(database.open("second").history_id(), "first");
    assert_eq!(PostgresStore::connect_to_read(database.settings()).unwrap().history_id(), "first");
}

/// The schema is made once, whoever comes first.
#[tokio::test]
async fn nodes_that_start_at_the_same_moment_do_not_race() {
    let database = Server::shared().database();
    let opened = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|n| (n, &database))
            .map(|(n, it)| scope.spawn(move || it.open(&format!("h{n}"))))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(opened.iter().all(|store| store.history_id() == opened[0].history_id()));
    opened[3].check().await.unwrap();
}

#[tokio::test]
async fn a_database_that_would_lose_what_it_acknowledged_is_not_opened() {
    let database = Server::shared().database();
    let name = database.name();
    database.run(&format!("alter database {name} set synchronous_commit = off"));
    let found = refused(&database);
    assert!(matches!(found, OpenError::NotDurable { setting: "synchronous_commit", .. }), "{found}");
    database.run(&format!("alter database {name} set synchronous_commit = on"));
    database.open("x").check().await.unwrap();
}

#[tokio::test]
async fn a_database_of_another_encoding_or_without_an_address_is_not_opened() {
    let server = Server::shared();
    let database = server.database_made("encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0");
    assert!(matches!(refused(&database), OpenError::Encoding(_)));
    let nowhere = "postgres://baton:geheim@127.0.0.1:1/x?sslmode=disable";
    let found = PostgresStore::connect(PostgresSettings::new(nowhere.to_owned().into()), "x");
    let found = found.map(drop).unwrap_err();
    assert!(matches!(found, OpenError::Unreachable(_)) && !found.to_string().contains("geheim"), "{found}");
    let not_there = PostgresSettings::new(server.url("not_there").into());
    let found = PostgresStore::connect(not_there, "x").map(drop).unwrap_err().to_string();
    assert!(found.contains("not_there"), "{found}");
}

/// Two versions at once: a newer schema is fine while nothing was taken away that this version needs.
#[tokio::test]
async fn a_newer_schema_is_opened_while_older_versions_may_run_beside_it() {
    let (store, database) = a_fresh_postgres();
    let known = store.schema().await.unwrap();
    database.run("update meta set value = '999' where key = 'schema'");
    let beside = database.open("x");
    beside.check().await.unwrap();
    assert_eq!(beside.schema().await.unwrap(), 999, "and it is left as it is");
    database.run("update meta set value = '998' where key = 'schema_beside'");
    let found = refused(&database);
    assert!(matches!(found, OpenError::TooNew { found: 999, known: k } if k == known), "{found}");
}

#[tokio::test]
async fn who_opens_it_to_read_cannot_write() {
    let empty = Server::shared().database();
    let found = PostgresStore::connect_to_read(empty.settings()).map(drop).unwrap_err();
    assert!(matches!(found, OpenError::TooOld { found: 0, .. }), "{found}");
    let (store, database) = a_fresh_postgres();
    open(&store, "eve", 0).await;
    let reading = PostgresStore::connect_to_read(database.settings()).unwrap();
    assert_eq!(get(&reading, "eve").await.last_position, 1);
    assert_eq!(reading.check().await, Err(StoreError::Unavailable));
    assert_eq!(get(&reading, "eve").await.last_position, 1);
}

/// Jobs that run beside each other do not share their mistakes, and a step that goes on after a refused statement
/// is not called written: PostgreSQL keeps nothing of it.
#[tokio::test]
async fn a_job_that_fails_takes_nothing_with_it_and_leaves_nothing_behind() {
    let (store, _database) = a_fresh_postgres();
    let opened = open(&store, "eve", 0).await;
    let stale = Change::of(Conversation { version: 99, ..opened }).with(says("lost", 2));
    let broken = store.write(|sql| {
        sql.run("update conversations set version = 77", &[])?;
        Err::<(), _>(StoreError::NoRoom)
    });
    let (first, stale, broken) = tokio::join!(
        store.receive(receipt("eve", "c1", "first", 1)),
        store.commit(stale, None, at(2)),
        broken,
    );
    first.unwrap();
    assert_eq!((stale, broken), (Err(StoreError::Conflict), Err(StoreError::NoRoom)));
    let careless = store.write(|sql| {
        sql.run("update conversations set version = 78", &[])?;
        let twice = "insert into meta (key, value) values ('history_id', 'x')";
        assert_eq!(sql.run(twice, &[]), Err(StoreError::Conflict));
        Ok::<_, StoreError>(())
    });
    assert_eq!(careless.await, Err(StoreError::Unavailable));
    assert_eq!(get(&store, "eve").await.version, 1);
    assert_eq!(store.history_id(), "first");
}

#[tokio::test]
async fn text_that_postgresql_cannot_hold_is_kept_without_what_it_cannot_hold() {
    let (store, _database) = a_fresh_postgres();
    open(&store, "eve", 0).await;
    let mut odd = receipt("eve", "c\u{0}1", "Hello", 1);
    odd.body = body("one \u{0}two \u{2028} 🦀");
    store.receive(odd.clone()).await.unwrap();
    let again = store.receive(odd).await.unwrap();
    assert_eq!(again.position, Some(2));
    let kept = store
        .read(|sql| sql.one("select ?1 || ''", &[Value::Text("a\0b")], |row| row.get::<String>(0)))
        .await;
    assert_eq!(kept.unwrap(), "ab");
}

/// A message that is sent again to another node while the first still writes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_command_on_two_nodes_at_once_is_carried_out_once() {
    let (one, database) = a_fresh_postgres();
    let two = database.open("second");
    open(&one, "eve", 0).await;
    for n in 0..50 {
        let send = |node: &PostgresStore| {
            let (node, receipt) = (node.clone(), receipt("eve", &format!("c{n}"), "again", 1));
            async move { node.receive(receipt).await }
        };
        let answers = tokio::join!(send(&one), send(&two), send(&one), send(&two));
        let first = answers.0.unwrap();
        assert_eq!(first.position, Some(n + 2));
        for other in [answers.1, answers.2, answers.3] {
            assert_eq!(other.unwrap(), first);
        }
    }
    assert_eq!(get(&two, "eve").await.last_position, 51);
}

/// Invariant 4 across nodes: of two steps decided on the same version, one is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_4_of_two_nodes_that_change_the_same_version_one_wins() {
    let (one, database) = a_fresh_postgres();
    let two = database.open("second");
    for n in 0..50 {
        let name = format!("v{n}");
        let opened = open(&one, &name, 0).await;
        let change = |who: &str| Change::of(opened.clone()).with(says(who, 1));
        let answers =
            tokio::join!(one.commit(change("one"), None, at(1)), two.commit(change("two"), None, at(1)));
        let answers = [answers.0, answers.1];
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        assert!(answers.contains(&Err(StoreError::Conflict)), "{answers:?}");
        let kept = get(&one, &name).await;
        assert_eq!((kept.version, kept.last_position), (opened.version + 1, 2));
    }
}

/// Invariant 6 across nodes: the last room of an agent is given once, whatever conversations ask for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_6_two_nodes_give_the_last_room_once() {
    let (one, database) = a_fresh_postgres();
    let two = database.open("second");
    for n in 0..40 {
        let names = ["a", "b", "c", "d"].map(|side| format!("{side}{n}"));
        for name in &names {
            open(&one, name, 0).await;
            escalate(&one, name, 1).await;
        }
        let to = format!("agent{n}");
        let answers = tokio::join!(
            offer(&one, &names[0], &to, 1, 2),
            offer(&two, &names[1], &to, 1, 2),
            offer(&one, &names[2], &to, 1, 2),
            offer(&two, &names[3], &to, 1, 2),
        );
        let answers = [answers.0, answers.1, answers.2, answers.3];
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|a| **a == Err(StoreError::NoRoom)).count(), 3, "{answers:?}");
        assert_eq!(one.attendance().await.unwrap()[&agent(&to)].held, 1);
    }
}

/// Rules between rows hold when admins work on two nodes: an address is given once, a policy has one successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_between_rows_hold_across_nodes() {
    let (one, database) = a_fresh_postgres();
    let two = database.open("second");
    let stamp = Stamp { by: None, at: at(0) };
    for n in 0..20 {
        let account = |side: &str| NewAccount {
            id: agent(&format!("{side}{n}")),
            email: baton::domain::account::Email::parse(&format!("ana{n}@shop.example")).unwrap(),
            name: "Ana".into(),
            role: Role::Agent,
        };
        let (a, b) = tokio::join!(
            one.add_account(stamp.clone(), account("one"), None),
            two.add_account(stamp.clone(), account("two"), None),
        );
        let taken = |answer: &Result<_, DirectoryError>| matches!(answer, Err(DirectoryError::Taken(_)));
        assert!((a.is_ok() && taken(&b)) || (b.is_ok() && taken(&a)), "{a:?} {b:?}");
        let publish = |node: &PostgresStore| {
            let (node, stamp) = (node.clone(), stamp.clone());
            async move { node.publish_policy(stamp, "p".into(), "t".into(), String::new(), n).await }
        };
        let (a, b) = tokio::join!(publish(&one), publish(&two));
        let lost = |answer: &Result<_, DirectoryError>| matches!(answer, Err(DirectoryError::Conflict));
        assert!((a.is_ok() && lost(&b)) || (b.is_ok() && lost(&a)), "{a:?} {b:?}");
    }
}

/// A node that takes its place counts as lost who is connected nowhere, and not who connects to another at that moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_while_a_node_takes_its_place_is_not_lost() {
    let (_first, database) = a_fresh_postgres();
    let settings = || PostgresSettings { timeout: Duration::from_secs(60), ..database.settings() };
    let node = || PostgresStore::connect(settings(), "x").unwrap();
    let (one, two) = (node(), node());
    let (now, expires_at) = (at(0), at(10));
    let lease =
        one.take(&NodeId::from_suffix("one"), Term { now, expires_at }, Company::Others).await.unwrap();
    one.set_presence(&agent("ana"), Presence::Online).await.unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let holds = Arc::new(tokio::sync::Notify::new());
    let held = Arc::clone(&holds);
    // As `connected` does it, and not committed yet.
    let connecting = one.write(move |sql| {
        sql.run("update attendance set lost_at = null, is_known = 1 where agent = 'agt_ana'", &[])?;
        let fence = Value::Int(i64::try_from(lease.fence).unwrap());
        sql.run(
            "insert into connections (agent, node, fence) values ('agt_ana', ?1, ?2)",
            &[Value::Text(lease.node.as_str()), fence],
        )?;
        held.notify_one();
        let _ = wait.recv();
        Ok::<_, StoreError>(())
    });
    let taking = async {
        holds.notified().await;
        let place = NodeId::from_suffix("two");
        let take = two.take(&place, Term { now: at(1), expires_at }, Company::Others);
        let waits =
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let seen = async {
            while !one.read(move |sql| sql.exists(waits, &[])).await.unwrap() {
                pause().await;
            }
            drop(go);
        };
        tokio::join!(take, seen).0.unwrap()
    };
    let (connected, _) = tokio::join!(connecting, taking);
    connected.unwrap();
    assert_eq!(
        two.attendance().await.unwrap()[&agent("ana")].lost_at,
        None,
        "she is connected, and counts as lost"
    );
}

/// A node that stands still in the middle of a step holds its rows for a moment, not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_held_by_a_node_that_stands_still_are_free_again_soon() {
    let (_first, database) = a_fresh_postgres();
    // The one that stands still is given up long after the other has been refused, however slow this machine is.
    let waits = |millis| PostgresSettings { timeout: Duration::from_millis(millis), ..database.settings() };
    let connected = |settings| PostgresStore::connect(settings, "x").unwrap();
    let (still, node) = (connected(waits(6_000)), connected(waits(1_000)));
    open(&node, "eve", 0).await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let holds = Arc::new(tokio::sync::Notify::new());
    let held = Arc::clone(&holds);
    let standing = tokio::join!(
        still.write(move |sql| {
            sql.run("update conversations set agent_read = 1", &[])?;
            held.notify_one();
            let _ = wait.recv();
            sql.run("update conversations set agent_read = 1", &[]).map(|_| ())
        }),
        async {
            holds.notified().await;
            // The other node is told that it cannot be done now, and soon that it can.
            let answer = node.receive(receipt("eve", "c1", "Hello?", 1)).await;
            assert_eq!(answer, Err(StoreError::Unavailable));
            while node.receive(receipt("eve", "c1", "Hello?", 1)).await.is_err() {
                pause().await;
            }
            drop(go);
        }
    );
    // The step that stood still is begun again from its beginning on a new connection, or refused; never half done.
    let _ = standing.0;
    assert_eq!(get(&node, "eve").await.last_position, 2);
}

/// Asks until it is heard, as clients do: every connection comes back by itself, one may be later than the first.
async fn until_back<T, F>(mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    let asked = async {
        loop {
            match ask().await {
                Err(StoreError::Unavailable) => pause().await,
                answer => return answer.unwrap(),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.expect("a connection did not come back")
}

/// As somebody who was told that it cannot be done now.
async fn pause() {
    let never = std::future::pending::<()>();
    let _ = tokio::time::timeout(Duration::from_millis(20), never).await;
}

/// Waits until a store takes writes again.
async fn heals(store: &PostgresStore) {
    let healed = async {
        while store.check().await.is_err() {
            pause().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), healed).await.expect("it does not heal");
}

/// The server ends in the middle of many writes, as after a crash, and comes back. Everything acknowledged is there,
/// once; what was not acknowledged and is sent again gets its answer; nobody restarts anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_crashes_loses_nothing_acknowledged_and_the_store_heals_by_itself() {
    const WRITERS: usize = 8;
    const MESSAGES: usize = 60;
    let server = Server::own();
    let database = server.database();
    let store = database.open("first");
    for writer in 0..WRITERS {
        open(&store, &format!("w{writer}"), 0).await;
    }
    let (n_acknowledged, n_refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let writing = (0..WRITERS).map(|writer| {
        let (store, name) = (&store, format!("w{writer}"));
        let (n_acknowledged, n_refused) = (&n_acknowledged, &n_refused);
        async move {
            let mut acknowledged = Vec::new();
            for n in 0..MESSAGES {
                let ack = loop {
                    match store.receive(receipt(&name, &format!("c{n}"), "Hello?", 1)).await {
                        Ok(ack) => break ack,
                        Err(error) => assert_eq!(error, StoreError::Unavailable),
                    }
                    n_refused.fetch_add(1, Ordering::Relaxed);
                    pause().await;
                };
                acknowledged.push((format!("c{n}"), ack.position.unwrap()));
                n_acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            acknowledged
        }
    });
    let crashing = async {
        for round in 1..=3 {
            while n_acknowledged.load(Ordering::Relaxed) < round * WRITERS * MESSAGES / 4 {
                pause().await;
            }
            let server = server.clone();
            tokio::task::spawn_blocking(move || {
                server.crash();
                server.start_again();
            })
            .await
            .unwrap();
        }
    };
    let (acknowledged, ()) = tokio::join!(futures_util::future::join_all(writing), crashing);
    heals(&store).await;
    assert!(n_refused.load(Ordering::Relaxed) > 0, "nobody noticed the crashes");
    for (writer, acknowledged) in acknowledged.into_iter().enumerate() {
        let conversation = cnv(&format!("w{writer}"));
        // Who reads has connections of their own, which come back by themselves too.
        let entries = until_back(|| store.entries(&conversation, 1, 10_000)).await;
        let stored: Vec<_> = entries.into_iter().map(|e| (e.client_id.unwrap(), e.position)).collect();
        assert_eq!(stored, acknowledged, "acknowledged is stored, in order, once");
    }
}

/// A server that stands still does not hold up the service: it says so within its time-out, and goes on afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_given_up_and_taken_up_again() {
    let server = Server::own();
    let database = server.database();
    let settings = PostgresSettings { timeout: Duration::from_millis(1_000), ..database.settings() };
    let store = PostgresStore::connect(settings, "first").unwrap();
    open(&store, "eve", 0).await;
    server.freeze(true);
    let asked = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::join!(store.receive(receipt("eve", "c1", "Hello?", 1)), store.attendance())
    });
    let (written, read) = asked.await.expect("a hung server holds the service up");
    assert_eq!(written, Err(StoreError::Unavailable));
    assert_eq!(read.map(drop), Err(StoreError::Unavailable));
    server.freeze(false);
    heals(&store).await;
    let ack = until_back(|| store.receive(receipt("eve", "c1", "Hello?", 1))).await;
    let command = key("eve", "c1", 6);
    assert_eq!(until_back(|| store.answered(&command)).await, Some(ack));
    let eve = cnv("eve");
    let conversation = until_back(|| store.conversation(&eve)).await.unwrap();
    assert_eq!(conversation.last_position, 2, "written once");
}

/// A full queue is an answer, not a wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_may_wait_is_refused_by_name() {
    let (_first, database) = a_fresh_postgres();
    let settings = PostgresSettings { writers: 1, waiting: 2, ..database.settings() };
    let store = PostgresStore::connect(settings, "x").unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let begun = Arc::new(tokio::sync::Notify::new());
    let has_begun = Arc::clone(&begun);
    let busy = store.write(move |_| {
        has_begun.notify_one();
        let _ = wait.recv();
        Ok::<_, StoreError>(())
    });
    let others = async {
        begun.notified().await;
        let answers = tokio::join!(store.check(), store.check(), store.check(), async { drop(go) });
        [answers.0, answers.1, answers.2]
    };
    let (busy, others) = tokio::join!(busy, others);
    busy.unwrap();
    assert_eq!(others, [Ok(()), Ok(()), Err(StoreError::Unavailable)]);
}

/// A backup put in the database's place tells another history than the one that visitors were told of.
#[tokio::test]
async fn a_database_that_was_replaced_is_not_taken_up_again() {
    let (store, database) = a_fresh_postgres();
    store.check().await.unwrap();
    database.run("update meta set value = 'another' where key = 'history_id'");
    let others = "select pg_terminate_backend(pid) from pg_stat_activity \
                  where datname = current_database() and pid <> pg_backend_pid()";
    database.run(others);
    assert_eq!(store.check().await, Err(StoreError::Unavailable));
    database.run("update meta set value = 'first' where key = 'history_id'");
    heals(&store).await;
}
