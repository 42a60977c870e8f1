//! The power goes at any moment: what was acknowledged is there, nothing is half there.
//!
//! `BATON_POWER_CUTS` names how many cuts, `BATON_POWER_EXHAUSTIVE=1` cuts a short workload
//! at every operation in every way, `BATON_POWER_SEED` begins with another seed.

use super::oracle::{Wrong, kept, whole};
use super::workload::{Ledger, burst, call, retry};
use baton::flow::ports::Store as _;
use baton::store::{Limits, SqliteStore};
use crash_vfs::{Call, Dice, Disk, Failure, Fault, Files, Sync, Tearing};
use rusqlite::Connection;
use std::sync::Arc;

const NAME: &str = "baton.db";

/// One cut: the same values, the same story, but for which jobs share a commit.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Of the workload.
    seed: u64,
    /// How much of it.
    n_calls: usize,
    /// At which operation; none: when all is said, with the store still open.
    at: Option<u64>,
    tearing: Tearing,
    /// Of the tearing.
    tears: u64,
    sync: Sync,
    is_normal: bool,
    /// A sync that fails before that, once; counted from the start.
    failing_sync: Option<u64>,
    /// The recovery is cut too, at this operation.
    again_at: Option<u64>,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

fn open(disk: &Disk, history: &str) -> Option<SqliteStore> {
    // The store carries its log over all the time, so that it is cut in that too.
    let limits = Limits { readers: 1, log_pages: 16, ..Limits::default() };
    SqliteStore::open_with(&disk.uri(NAME), history, limits).ok()
}

/// Carries the log over into the file, as the store itself does from time to time; and more thoroughly.
fn checkpoint(disk: &Disk, dice: &mut Dice) {
    let how = ["passive", "full", "restart", "truncate"][dice.below(4) as usize];
    if let Ok(connection) = Connection::open(disk.uri(NAME)) {
        let _ = connection.query_row(&format!("pragma wal_checkpoint({how})"), [], |_| Ok(()));
    }
}

/// The workload, until it is over or the power goes. False where the store could not even be opened.
async fn live(disk: &Disk, cut: &Cut, ledger: &mut Ledger) -> bool {
    let Some(mut store) = open(disk, "first") else { return false };
    let mut dice = Dice::new(cut.seed);
    for _ in 0..cut.n_calls {
        match dice.below(24) {
            // A sync that fails for somebody else is not told to the store, which cannot make up for it.
            0 if cut.failing_sync.is_none() => checkpoint(disk, &mut dice),
            1 => {
                drop(store);
                match open(disk, "first") {
                    Some(again) => store = again,
                    None => return true,
                }
            }
            2 => drop(burst(&store, 6, &mut dice, ledger).await),
            _ => drop(call(&store, &mut dice, ledger).await),
        }
        if disk.is_cut() {
            break;
        }
    }
    disk.cut();
    true
}

/// What one cut came to.
struct Story {
    n_operations: u64,
    n_acknowledged: usize,
}

/// Lives through one cut and looks at what is left.
async fn endure(cut: &Cut, start: &Files) -> Result<Story, Wrong> {
    let disk = Disk::with_files(start.clone());
    disk.set_sync(cut.sync);
    if cut.is_normal {
        disk.set_normal();
    }
    if let Some(at) = cut.at {
        disk.cut_at(at);
    }
    if let Some(nth) = cut.failing_sync {
        disk.fail(Fault { call: Call::Sync, nth, failure: Failure::Io, is_lasting: false });
    }
    let mut ledger = Ledger::new("b");
    let was_open = live(&disk, cut, &mut ledger).await;
    let story = Story { n_operations: disk.n_operations(), n_acknowledged: ledger.n_acknowledged() };
    let mut files = disk.files_after_cut(cut.tearing, cut.tears);
    if let Some(at) = cut.again_at {
        let disk = Disk::with_files(files);
        disk.cut_at(at);
        drop(open(&disk, "second"));
        files = disk.files_after_cut(cut.tearing, cut.tears);
    }
    if cut.tears.is_multiple_of(25) {
        on_a_real_disk(&files)?;
    }
    let disk = Disk::with_files(files);
    let store = open(&disk, "second").ok_or("the database cannot be opened any more")?;
    if was_open && store.history_id() != "first" {
        return Err("lost: the history has another name".to_owned());
    }
    judge(&disk, &store, &mut ledger).await?;
    Ok(story)
}

async fn judge(disk: &Arc<Disk>, store: &SqliteStore, ledger: &mut Ledger) -> Result<(), Wrong> {
    kept(store, ledger).await?;
    whole(&disk.uri(NAME))?;
    // It goes on: what has no answer is sent again, and other things are said.
    retry(store, ledger).await.map_err(|error| format!("a retry: {error}"))?;
    let mut dice = Dice::new(ledger.asked.len() as u64);
    for _ in 0..3 {
        call(store, &mut dice, ledger).await.map_err(|error| format!("a call afterwards: {error}"))?;
    }
    kept(store, ledger).await?;
    whole(&disk.uri(NAME))
}

/// The same files under SQLite's own file system, beside shared memory that holds nonsense.
fn on_a_real_disk(files: &Files) -> Result<(), Wrong> {
    let folder = tempfile::tempdir().unwrap();
    Disk::lay_out(files, folder.path()).unwrap();
    let path = folder.path().join(NAME);
    std::fs::write(folder.path().join("baton.db-shm"), [0x5a; 32_768]).unwrap();
    drop(SqliteStore::open(&path, "second").map_err(|error| format!("on a real disk: {error}"))?);
    whole(&path)
}

/// A database in use: closed by a cut that loses nothing, so that its log is still there.
async fn in_use() -> Files {
    let disk = Disk::new();
    let cut = Cut { seed: 1, n_calls: 40, ..LAST };
    assert!(live(&disk, &cut, &mut Ledger::new("a")).await);
    disk.files_after_cut(Tearing::Kept, 0)
}

/// After the last word.
const LAST: Cut = Cut {
    seed: 0,
    n_calls: 30,
    at: None,
    tearing: Tearing::Dropped,
    tears: 1,
    sync: Sync::Honest,
    is_normal: false,
    failing_sync: None,
    again_at: None,
};

/// So many cuts, chosen by a seed; how many of them were wrong, and the first.
async fn cuts(n_cuts: u64, like: Cut) -> (Vec<(Cut, Wrong)>, usize) {
    let first = number("BATON_POWER_SEED", 1);
    let in_use = in_use().await;
    let mut lengths: Vec<[Option<u64>; 2]> = vec![[None; 2]; 40];
    let mut wrong = Vec::new();
    let mut n_acknowledged = 0;
    for n in 0..n_cuts {
        let mut dice = Dice::new(first.wrapping_mul(1_000_003).wrapping_add(n));
        let workload = dice.below(lengths.len() as u64);
        let is_new = dice.one_in(4);
        let start = if is_new { &Files::new() } else { &in_use };
        let mut cut = Cut { seed: first * 1_000 + workload, n_calls: 20 + workload as usize, ..like };
        let length = &mut lengths[workload as usize][usize::from(is_new)];
        if length.is_none() {
            *length = endure(&Cut { sync: Sync::Honest, is_normal: false, ..cut }, start)
                .await
                .ok()
                .map(|story| story.n_operations);
        }
        cut.at = Some(1 + dice.below(length.unwrap_or(500)));
        cut.tearing = Tearing::ALL[dice.below(Tearing::ALL.len() as u64) as usize];
        if like.sync == Sync::ForgetsOnFailure {
            cut.failing_sync = Some(1 + dice.below(30));
            // Whole pages are on their way here, with what was synced before in them. That such a sector may become
            // nonsense is more than SQLite promises to live through, and more than disks do.
            if let Tearing::Garbled { sector } = cut.tearing {
                cut.tearing = Tearing::Scattered { sector };
            }
        }
        cut.tears = dice.roll();
        cut.again_at = dice.one_in(4).then(|| 1 + dice.below(12));
        match endure(&cut, start).await {
            Ok(story) => n_acknowledged += story.n_acknowledged,
            Err(why) => wrong.push((cut, why)),
        }
    }
    (wrong, n_acknowledged)
}

/// The proof: the power goes at hundreds of points, and nothing acknowledged is lost.
#[tokio::test]
async fn what_is_acknowledged_survives_a_power_cut() {
    let n_cuts = number("BATON_POWER_CUTS", 500);
    let (wrong, n_acknowledged) = cuts(n_cuts, LAST).await;
    eprintln!(
        "{n_cuts} power cuts, {n_acknowledged} commands acknowledged before them, {} wrong",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} of {n_cuts}: {:#?}", wrong.len(), &wrong[..wrong.len().min(3)]);
    assert!(n_acknowledged as u64 > n_cuts, "there was something to lose");
}

/// A failed sync after which the system forgets what it had to write, as Linux does, and then the power goes.
#[tokio::test]
async fn what_is_acknowledged_survives_where_a_failed_sync_forgets() {
    let n_cuts = number("BATON_POWER_CUTS", 500) / 5;
    let (wrong, _) = cuts(n_cuts, Cut { sync: Sync::ForgetsOnFailure, ..LAST }).await;
    assert!(wrong.is_empty(), "{} of {n_cuts}: {:#?}", wrong.len(), &wrong[..wrong.len().min(3)]);
}

/// A part of the log is carried over, without a sync, while somebody reads an older state; the sync that comes with the
/// next part fails, and the system forgets both. All of it is carried over once more before the log is begun anew.
#[tokio::test]
async fn what_was_carried_over_before_a_failed_sync_is_carried_over_again() {
    for nth in 1..=12 {
        let disk = Disk::new();
        disk.set_sync(Sync::ForgetsOnFailure);
        let store = open(&disk, "first").unwrap();
        let (mut dice, mut ledger) = (Dice::new(nth), Ledger::new("p"));
        let reading = || {
            let reader = Connection::open(disk.uri(NAME)).unwrap();
            reader.execute_batch("begin; select count(*) from meta").unwrap();
            reader
        };
        // Pages that nothing writes again. They stay in the log as long as the first one reads, and go over with what was
        // there when the second one began.
        let said_once = "once ".repeat(20_000);
        let written = said_once.clone();
        let insert = "insert into meta (key, value) values ('said_once', ?1)";
        let first = reading();
        store.write(move |sql| sql.run(insert, &[written.as_str().into()])).await.unwrap();
        let second = reading();
        for reader in [first, second] {
            for _ in 0..4 {
                call(&store, &mut dice, &mut ledger).await.unwrap();
            }
            drop(reader);
        }
        disk.fail(Fault { call: Call::Sync, nth, failure: Failure::Io, is_lasting: false });
        for _ in 0..20 {
            drop(call(&store, &mut dice, &mut ledger).await);
        }
        assert_eq!(disk.heal(), 1, "sync {nth}");
        disk.cut();
        drop(store);
        let disk = Disk::with_files(disk.files_after_cut(Tearing::Dropped, 0));
        let store = open(&disk, "second").unwrap_or_else(|| panic!("sync {nth}: not opened any more"));
        kept(&store, &ledger).await.unwrap_or_else(|why| panic!("sync {nth}: {why}"));
        whole(&disk.uri(NAME)).unwrap_or_else(|why| panic!("sync {nth}: {why}"));
        let select = "select value from meta where key = 'said_once'";
        let found: String = store.read(|sql| sql.one(select, &[], |row| row.get(0))).await.unwrap();
        assert!(found == said_once, "sync {nth}: pages are not as they were written");
    }
}

/// The same test finds what it is there to find: without a sync at each commit, acknowledged messages are lost.
#[tokio::test]
async fn a_power_cut_loses_messages_without_a_sync_at_each_commit() {
    let (wrong, _) = cuts(100, Cut { is_normal: true, ..LAST }).await;
    let lost = wrong.iter().filter(|(_, why)| why.starts_with("lost")).count();
    eprintln!("100 power cuts with synchronous=NORMAL: {lost} lost what was acknowledged");
    assert!(lost >= 20, "{lost} of 100: {wrong:#?}");
    // NORMAL gives up the last commits, not the file.
    assert_eq!(lost, wrong.len(), "{wrong:#?}");
}

/// And a disk that says it has written what it has not is found out too.
#[tokio::test]
async fn a_power_cut_loses_messages_where_syncs_lie() {
    let (wrong, _) = cuts(100, Cut { sync: Sync::Lies, ..LAST }).await;
    eprintln!("100 power cuts with syncs that lie: {} lost or broken", wrong.len());
    assert!(wrong.len() >= 40, "{} of 100", wrong.len());
}

/// A short life from the first file on, cut at every operation, torn in every way.
#[tokio::test]
async fn a_short_workload_survives_a_cut_at_every_operation() {
    let is_exhaustive = std::env::var("BATON_POWER_EXHAUSTIVE").is_ok();
    let (stride, n_tears) = if is_exhaustive { (1, 4) } else { (29, 1) };
    let whole = Cut { seed: 7, n_calls: 24, ..LAST };
    let length = endure(&whole, &Files::new()).await.unwrap().n_operations;
    let mut n_cuts = 0;
    for at in (1..=length + 1).step_by(stride) {
        for tearing in Tearing::ALL {
            for tears in 1..=n_tears {
                let cut = Cut { at: Some(at), tearing, tears: tears * 7, ..whole };
                endure(&cut, &Files::new()).await.unwrap_or_else(|why| panic!("{cut:?}: {why}"));
                n_cuts += 1;
            }
        }
    }
    eprintln!("{n_cuts} cuts at {length} operations");
}

/// A database is made while a write fails, once: it is not opened half, with a log that is not there. It was: the
/// answer to `journal_mode = wal` comes before the file is changed, and nobody read on to hear that this had failed.
#[tokio::test]
async fn a_file_that_could_not_be_made_whole_is_not_opened() {
    for call in [Call::Open, Call::Write, Call::Sync, Call::Truncate, Call::Delete] {
        for nth in 1..=40 {
            let disk = Disk::new();
            disk.fail(Fault { call, nth, failure: Failure::Io, is_lasting: false });
            let store = open(&disk, "first");
            let n_failed = disk.heal();
            let mode: String = Connection::open(disk.uri(NAME))
                .and_then(|file| file.query_row("pragma journal_mode", [], |row| row.get(0)))
                .unwrap();
            assert!(store.is_none() || mode == "wal", "{call:?} {nth}: opened with journal_mode {mode}");
            drop(store);
            assert!(
                open(&disk, "second").is_some(),
                "{call:?} {nth}: not opened afterwards, {n_failed} failed"
            );
        }
    }
}
