//! What SQLite promises beyond the contract of all stores: about its file, its one
//! writer, and a disk that refuses.

use crate::support::scripted::angry;
use crate::support::stored::{at, cnv, escalate, get, offer, open, receipt, says};
use crate::support::world::body;
use baton::domain::conversation::{Change, Conversation, ConversationState};
use baton::flow::ports::{Receipt, Store, StoreError};
use baton::store::sqlite::{OpenError, SqliteStore};
use futures_util::future::join_all;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// A store in a folder of its own.
struct Place {
    folder: TempDir,
    store: SqliteStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("baton.db"), "first").unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("baton.db")
    }
}

#[tokio::test]
async fn the_history_id_stays_with_the_file() {
    let place = Place::new();
    assert_eq!(place.store.history_id(), "first");
    let again = SqliteStore::open(&place.path(), "second").unwrap();
    assert_eq!(again.history_id(), "first");
}

#[tokio::test]
async fn what_is_acknowledged_is_on_the_disk() {
    let place = Place::new();
    let synchronous: i64 = place
        .store
        .read(|c| c.one("select synchronous from pragma_synchronous", &[], |row| row.get(0)))
        .await
        .unwrap();
    assert_eq!(synchronous, 2, "synchronous is FULL for readers");
    let (synchronous, mode) = place
        .store
        .write(|c| {
            let synchronous: i64 =
                c.one("select synchronous from pragma_synchronous", &[], |row| row.get(0))?;
            let mode: String =
                c.one("select journal_mode from pragma_journal_mode", &[], |row| row.get(0))?;
            Ok::<_, StoreError>((synchronous, mode))
        })
        .await
        .unwrap();
    assert_eq!((synchronous, mode.as_str()), (2, "wal"), "synchronous is FULL for the writer");
}

#[tokio::test]
async fn a_file_that_a_newer_baton_wrote_is_not_opened() {
    let place = Place::new();
    let path = place.path();
    drop(place.store);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let refused = SqliteStore::open(&path, "x").map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::TooNew { found: 999, .. }), "{refused}");
}

/// The migrations before 0009, in order: entries, analyses and commands stand in the order of their keys.
fn before_0009() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/migrations");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let mut older: Vec<_> = files.filter(|file| file.file_name() < *"0009").map(|file| file.path()).collect();
    older.sort();
    older.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Tables are written anew in another order: nothing of them is lost, and what keeps them right is there again.
#[tokio::test]
async fn what_an_older_baton_wrote_is_all_there_in_the_order_of_time() {
    let place = Place::new();
    let store = &place.store;
    let found: Vec<_> = (2..20_u32).map(|n| (n.into(), angry(f64::from(n) / 100.0))).collect();
    for name in ["eve", "mara"] {
        open(store, name, 0).await;
        for n in 1..40 {
            store.receive(receipt(name, &format!("c{n}"), &format!("message {n}"), n)).await.unwrap();
        }
        let mut analyzed = Change::of(get(store, name).await);
        analyzed.analyses.clone_from(&found);
        store.commit(analyzed, None, at(50)).await.unwrap();
    }
    let path = place.folder.path().join("older.db");
    let older = Connection::open(&path).unwrap();
    let migrations = before_0009();
    migrations.iter().for_each(|migration| older.execute_batch(migration).unwrap());
    older.execute("attach ?1 as present", [place.path().to_str().unwrap()]).unwrap();
    for table in ["meta", "conversations", "entries", "analyses", "commands"] {
        let copy = format!("insert or replace into {table} select * from present.{table}");
        older.execute(&copy, []).unwrap();
    }
    older.pragma_update(None, "user_version", migrations.len()).unwrap();
    drop(older);

    let anew = SqliteStore::open(&path, "second").unwrap();
    assert_eq!(anew.history_id(), "first");
    for name in ["eve", "mara"] {
        assert_eq!(get(&anew, name).await, get(store, name).await);
        let entries = anew.entries(&cnv(name), 0, 100).await.unwrap();
        assert_eq!((entries.len(), &entries), (40, &store.entries(&cnv(name), 0, 100).await.unwrap()));
        let analyses = anew.analyses(&cnv(name)).await.unwrap();
        assert_eq!(analyses.into_iter().collect::<Vec<_>>(), found);
        let retried = anew.receive(receipt(name, "c7", "message 7", 90)).await.unwrap();
        assert_eq!((retried.position, retried.at), (Some(8), at(7)), "a retry has its answer of then");
        let next = anew.receive(receipt(name, "c40", "and now", 91)).await.unwrap();
        assert_eq!(next.position, Some(41));
    }
    for table in ["entries", "analyses", "commands"] {
        let again = format!("insert into {table} select * from {table} limit 1");
        let refused = anew.write(move |c| c.run(&again, &[])).await;
        assert!(refused.is_err(), "a row of {table} stands there twice");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("baton.db");
    std::fs::write(
        &path,
        "this is a shopping list, not a database, and long enough to be looked at".repeat(20),
    )
    .unwrap();
    assert!(SqliteStore::open(&path, "x").is_err());
    assert!(SqliteStore::open(&folder.path().join("no/such/folder/baton.db"), "x").is_err());
}

/// Jobs that share a commit do not share their mistakes.
#[tokio::test]
async fn a_job_that_fails_takes_nothing_with_it() {
    let place = Place::new();
    let store = &place.store;
    let opened = open(store, "eve", 0).await;
    // The writer is held up, so that all of these land in one group. A group is run again where a job fails late: what
    // holds it up must not do so for ever.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let held_up = store.write(move |_| {
        let _ = wait.recv();
        Ok::<_, StoreError>(())
    });
    let stale = Change::of(Conversation { version: 99, ..opened }).with(says("lost", 2));
    let broken = store.write(|c| {
        c.run("update conversations set version = 77", &[]).unwrap();
        Err::<(), _>(StoreError::NoRoom)
    });
    let jobs = async {
        let answers = tokio::join!(
            held_up,
            store.receive(receipt("eve", "c1", "first", 1)),
            store.commit(stale, None, at(2)),
            broken,
            store.receive(receipt("eve", "c2", "second", 3)),
            async move { drop(go) },
        );
        answers
    };
    let (_, first, stale, broken, second, ()) = jobs.await;
    assert_eq!(first.unwrap().position, Some(2));
    assert_eq!(stale, Err(StoreError::Conflict));
    assert_eq!(broken, Err(StoreError::NoRoom));
    assert_eq!(second.unwrap().position, Some(3));
    assert_eq!(get(store, "eve").await.version, 1, "what the broken job had written is undone");
}

#[tokio::test]
async fn a_store_that_cannot_write_says_so_and_goes_on_reading() {
    let place = Place::new();
    let store = &place.store;
    open(store, "eve", 0).await;
    store.check().await.unwrap();
    // The disk refuses: SQLite itself is told to.
    store
        .write(|c| {
            c.run("pragma query_only = on", &[])?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    assert_eq!(store.check().await, Err(StoreError::Unavailable));
    let refused = store.receive(receipt("eve", "c1", "Hello?", 1)).await;
    assert_eq!(refused, Err(StoreError::Unavailable));
    assert_eq!(get(store, "eve").await.last_position, 1, "reading goes on");
    let again = SqliteStore::open(&place.path(), "second").unwrap();
    again.check().await.unwrap();
    again.receive(receipt("eve", "c1", "Hello?", 1)).await.unwrap();
}

/// A full disk: the write is refused by name, nothing is half written, and it goes on when there is room again.
#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let place = Place::new();
    let store = &place.store;
    open(store, "eve", 0).await;
    let limit = |pages: i64| {
        store.write(move |c| {
            let pages: i64 = match pages {
                0 => c.one("select page_count from pragma_page_count", &[], |row| row.get(0))?,
                pages => pages,
            };
            c.exists(&format!("pragma max_page_count = {pages}"), &[])
        })
    };
    limit(0).await.unwrap();
    let mut n_written = 0;
    let refused = loop {
        let text = "x".repeat(4_000);
        let mut receipt = receipt("eve", &format!("c{n_written}"), "x", 1);
        receipt.body = body(&text);
        match store.receive(receipt).await {
            Ok(_) => n_written += 1,
            Err(error) => break error,
        }
        assert!(n_written < 1_000, "the disk is never full");
    };
    assert_eq!(refused, StoreError::Unavailable);
    let entries = store.entries(&cnv("eve"), 0, 5_000).await.unwrap();
    assert_eq!(entries.len(), 1 + n_written);
    assert_eq!(get(store, "eve").await.last_position, 1 + n_written as u64);
    limit(1_000_000).await.unwrap();
    store.receive(receipt("eve", "again", "Hello?", 2)).await.unwrap();
}

/// What cannot be read is an error with a name, not a panic, and names no content.
#[tokio::test]
async fn what_cannot_be_read_is_named_without_its_content() {
    let place = Place::new();
    let store = &place.store;
    open(store, "eve", 0).await;
    store
        .write(|c| c.run("update conversations set state_data = '{\"state\":\"secret\"}'", &[]))
        .await
        .unwrap();
    let error = store.conversation(&cnv("eve")).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert_eq!(error.code(), "store_unavailable");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn states_are_written_once_more_where_indexes_see_them() {
    let place = Place::new();
    let store = &place.store;
    open(store, "eve", 0).await;
    escalate(store, "eve", 1).await;
    offer(store, "eve", "ana", 1, 2).await.unwrap();
    let offered = get(store, "eve").await;
    assert!(matches!(offered.state, ConversationState::Offered { .. }));
    let row: (String, String, i64) = store
        .read(|c| {
            let sql = "select state, agent, due_at from conversations";
            c.one(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        })
        .await
        .unwrap();
    assert_eq!(row, ("offered".into(), "agt_ana".into(), at(32).as_millis()));
}

/// The log beside the database: carried over and begun anew while somebody always reads and somebody always writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_begun_anew_under_readers_and_writers() {
    const MESSAGES: usize = 12_000;
    const AT_ONCE: usize = 50;
    let place = Place::new();
    open(&place.store, "mara", 0).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..6 {
        let (store, is_over) = (place.store.clone(), Arc::clone(&is_over));
        readers.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                store.entries(&cnv("mara"), 0, 100).await.unwrap();
            }
        });
    }
    let log = place.folder.path().join("baton.db-wal");
    let (mut longest, mut written) = (0, 0);
    let text = "so much was said ".repeat(230);
    for group in 0..MESSAGES / AT_ONCE {
        let said = (0..AT_ONCE).map(|n| {
            let id = format!("c{}", group * AT_ONCE + n);
            place.store.receive(Receipt { body: body(&text), ..receipt("mara", &id, "much", 1) })
        });
        written += join_all(said).await.into_iter().map(Result::unwrap).count() * text.len();
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
    }
    is_over.store(true, Ordering::Relaxed);
    readers.join_all().await;
    // Each page of a message stands in the log with its rows, indexes and counters.
    assert!(written > 40_000_000 && longest < 48_000_000, "{longest} bytes of log for {written} of messages");
}
