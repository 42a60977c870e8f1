//! The disk refuses: full, read-only, broken, at the n-th call of a workload of 500. Nothing
//! is falsely acknowledged, who writes hears so, reading goes on, and it heals by itself.
//!
//! Every 10th call fails; `BATON_IO_ERRORS=all` lets every call fail in turn.

use super::oracle::{kept, whole};
use super::workload::{Ledger, burst, call, retry};
use baton::flow::ports::{Store as _, StoreError};
use baton::store::{Limits, SqliteStore};
use crash_vfs::{Call, Dice, Disk, Failure, Fault, Sync, Tearing};
use rusqlite::Connection;

const NAME: &str = "baton.db";
const CALLS: u64 = 500;
const EVERY: u64 = 10;

/// What fails, and the word for it where it is certain to be met by whoever writes.
const FAULTS: &[(Call, Failure, Option<&str>)] = &[
    (Call::Write, Failure::Full, Some("disk_full")),
    (Call::Write, Failure::Io, Some("io_error")),
    (Call::Write, Failure::ReadOnly, Some("read_only")),
    (Call::Sync, Failure::Full, Some("io_error")),
    (Call::Sync, Failure::Io, Some("io_error")),
    (Call::Lock, Failure::Io, None),
    (Call::Read, Failure::Io, None),
    (Call::Map, Failure::Full, None),
    (Call::Truncate, Failure::Io, None),
];

fn open(disk: &Disk) -> SqliteStore {
    // Carries the log over at nearly every commit, so that this is met by the faults too.
    let limits = Limits { readers: 1, log_pages: 16, ..Limits::default() };
    SqliteStore::open_with(&disk.uri(NAME), "first", limits).unwrap()
}

/// How a workload fared.
#[derive(Default, Debug)]
struct Tally {
    n_faults: u64,
    n_struck: u64,
    n_refused: usize,
    n_acknowledged: usize,
}

/// A workload in which the calls of these numbers fail: once, or until it is healed.
async fn suffer(
    call_of: Call,
    failure: Failure,
    word: Option<&'static str>,
    is_lasting: bool,
    at: u64,
) -> Tally {
    let story = format!("{call_of:?} {failure:?}, lasting: {is_lasting}, from call {at}");
    let disk = Disk::new();
    let store = open(&disk);
    let mut dice = Dice::new(at + 1);
    let mut ledger = Ledger::new("f");
    let mut tally = Tally::default();
    for n in 0..CALLS {
        if n % EVERY != at {
            call(&store, &mut dice, &mut ledger)
                .await
                .unwrap_or_else(|error| panic!("{story}, call {n}: {error}"));
            continue;
        }
        // Within a burst there are more writes than syncs.
        let most = match call_of {
            Call::Write => 40,
            Call::Lock | Call::Read => 20,
            _ => 3,
        };
        let nth = if is_lasting { 1 } else { 1 + dice.below(most) };
        disk.fail(Fault { call: call_of, nth, failure, is_lasting });
        tally.n_faults += 1;
        for answer in burst(&store, 8, &mut dice, &mut ledger).await {
            match answer {
                Ok(()) => tally.n_acknowledged += 1,
                Err(StoreError::Unavailable) => tally.n_refused += 1,
                Err(other) => panic!("{story}, call {n}: {other}"),
            }
        }
        if let Some(word) = word.filter(|_| is_lasting) {
            assert_eq!(store.check().await, Err(StoreError::Unavailable), "{story}, call {n}");
            let health = store.health();
            assert_eq!(health.trouble, Some(word), "{story}, call {n}");
            assert!(health.refused[word] > 0);
            if n % 50 == at {
                kept(&store, &ledger).await.unwrap_or_else(|why| panic!("{story}, call {n}, reading: {why}"));
            }
        }
        tally.n_struck += disk.heal();
        // No restart, no second try: the next write goes through.
        store.check().await.unwrap_or_else(|error| panic!("{story}, call {n}, healed: {error}"));
        assert_eq!(store.health().trouble, None, "{story}, call {n}");
        retry(&store, &mut ledger).await.unwrap_or_else(|error| panic!("{story}, call {n}, again: {error}"));
        if n % 50 == at {
            kept(&store, &ledger).await.unwrap_or_else(|why| panic!("{story}, call {n}, healed: {why}"));
        }
    }
    kept(&store, &ledger).await.unwrap_or_else(|why| panic!("{story}: {why}"));
    whole(&disk.uri(NAME)).unwrap_or_else(|why| panic!("{story}: {why}"));
    // And nothing of it stood only in memory.
    disk.cut();
    drop(store);
    let disk = Disk::with_files(disk.files_after_cut(Tearing::Dropped, 0));
    let store = open(&disk);
    kept(&store, &ledger).await.unwrap_or_else(|why| panic!("{story}, after a power cut: {why}"));
    whole(&disk.uri(NAME)).unwrap_or_else(|why| panic!("{story}, after a power cut: {why}"));
    tally
}

async fn suffer_all(is_lasting: bool) {
    let offsets =
        if std::env::var("BATON_IO_ERRORS").is_ok_and(|which| which == "all") { 0..EVERY } else { 3..4 };
    for (call_of, failure, word) in FAULTS {
        let mut sum = Tally::default();
        for at in offsets.clone() {
            let tally = suffer(*call_of, *failure, *word, is_lasting, at).await;
            sum.n_faults += tally.n_faults;
            sum.n_struck += tally.n_struck;
            sum.n_refused += tally.n_refused;
            sum.n_acknowledged += tally.n_acknowledged;
        }
        eprintln!("{call_of:?} {failure:?}, lasting: {is_lasting}: {sum:?}");
        let must_strike = word.is_some();
        assert!(!must_strike || sum.n_refused > 0 && sum.n_struck > 0, "{call_of:?} {failure:?}: {sum:?}");
    }
}

/// One call of the disk fails, somewhere in a commit or in carrying over the log.
#[tokio::test]
async fn a_failing_call_acknowledges_nothing_falsely_and_heals() {
    suffer_all(false).await;
}

/// The disk refuses until it is mended.
#[tokio::test]
async fn a_failing_disk_acknowledges_nothing_falsely_and_heals() {
    suffer_all(true).await;
}

/// After a failed sync of the log's carrying over nobody else may have the file open: writes are refused until then, and
/// reading goes on.
#[tokio::test]
async fn after_a_failed_sync_writing_waits_until_nobody_else_has_the_file_open() {
    let mut n_held_up = 0;
    for nth in 1..=12 {
        let disk = Disk::new();
        disk.set_sync(Sync::ForgetsOnFailure);
        let store = open(&disk);
        let (mut dice, mut ledger) = (Dice::new(nth), Ledger::new("o"));
        let other = Connection::open(disk.uri(NAME)).unwrap();
        other.query_row("select count(*) from meta", [], |_| Ok(())).unwrap();
        disk.fail(Fault { call: Call::Sync, nth, failure: Failure::Io, is_lasting: false });
        for _ in 0..20 {
            drop(call(&store, &mut dice, &mut ledger).await);
        }
        let is_held_up = store.check().await.is_err();
        kept(&store, &ledger).await.unwrap_or_else(|why| panic!("sync {nth}, reading: {why}"));
        if is_held_up {
            assert_eq!(store.health().trouble, Some("busy"), "sync {nth}");
            n_held_up += 1;
        }
        drop(other);
        store.check().await.unwrap_or_else(|error| panic!("sync {nth}, alone: {error}"));
        assert_eq!(store.health().trouble, None, "sync {nth}");
        retry(&store, &mut ledger).await.unwrap_or_else(|error| panic!("sync {nth}, again: {error}"));
        kept(&store, &ledger).await.unwrap_or_else(|why| panic!("sync {nth}, again: {why}"));
    }
    assert!(n_held_up > 0, "no carrying over met its fault");
}

/// A mistake in one step: it is refused and undone, and the thread that everybody waits for lives.
#[tokio::test]
async fn a_step_that_panics_takes_nothing_with_it() {
    let disk = Disk::new();
    let store = open(&disk);
    let broken = store.write(|sql| -> Result<(), StoreError> {
        sql.run("insert into meta (key, value) values ('half', '1')", &[])?;
        panic!("a mistake");
    });
    let (broken, beside) = tokio::join!(broken, store.check());
    assert_eq!(broken, Err(StoreError::Unavailable));
    assert_eq!(beside, Ok(()));
    let unread = store.read(|_| -> Result<(), StoreError> { panic!("a mistake") }).await;
    assert_eq!(unread, Err(StoreError::Unavailable));
    let half = store.read(|sql| sql.exists("select 1 from meta where key = 'half'", &[])).await;
    assert_eq!(half, Ok(false));
    store.check().await.unwrap();
}

/// A step that goes on after the disk has failed under it writes nothing of its rest: SQLite has rolled back by then,
/// and each later statement would be a transaction of its own.
#[tokio::test]
async fn a_step_that_goes_on_after_its_transaction_was_lost_writes_nothing() {
    let disk = Disk::new();
    let store = open(&disk);
    let lost = store
        .write(|sql| {
            let _ = sql.run("insert into meta (key, value) values ('before', '1')", &[]);
            let _ = sql.run("rollback", &[]);
            let _ = sql.run("insert into meta (key, value) values ('after', '1')", &[]);
            Ok::<_, StoreError>(())
        })
        .await;
    assert_eq!(lost, Err(StoreError::Unavailable));
    let there =
        store.read(|sql| sql.exists("select 1 from meta where key in ('before', 'after')", &[])).await;
    assert_eq!(there, Ok(false));
    store.check().await.unwrap();
    assert_eq!(store.health().trouble, None);
}

/// Somebody keeps reading an old state: the log cannot be carried over and grows, and that is seen.
#[tokio::test]
async fn a_log_that_cannot_be_carried_over_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let store = SqliteStore::open(&path, "first").unwrap();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("begin; select count(*) from meta").unwrap();
    let large = "x".repeat(1_000_000);
    for n in 0..8 {
        let (key, large) = (format!("large{n}"), large.clone());
        store
            .write(move |sql| {
                sql.run(
                    "insert into meta (key, value) values (?1, ?2)",
                    &[key.as_str().into(), large.as_str().into()],
                )
            })
            .await
            .unwrap();
    }
    // It is looked at once a second.
    while store.health().log_bytes < 6_000_000 {
        store.check().await.unwrap();
    }
}
