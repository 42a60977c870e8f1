//! The proof of the log: the server is killed again and again, at random moments and at every
//! named failpoint, while visitors write and ask for people and agents take, answer, pass on
//! and finish. What was acknowledged is what is stored is what everybody saw, every
//! conversation had one owner at a time, and whoever was promised a human got one.
//!
//! Real process, real sockets, SIGKILL. `BATON_KILLS` and `BATON_KILL_MESSAGES` ask for other
//! numbers, `BATON_KILL_SEED` for another course, `BATON_DIALOGUES` for other words,
//! `BATON_KILL_PROGRAM` for another build (one without failpoints is killed at random only).

pub mod agents;
pub mod oracle;
pub mod visitors;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baton::store::SqliteStore;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::support::app::PASSWORD;
use crate::support::process::{Process, Site, is_aborted, rest};
use agents::Agent;
use oracle::{Stored, unfinished};
use visitors::{Life, Shared, seat};

/// Visitors at the same time.
const SEATS: usize = 40;
const AGENTS: usize = 6;
/// How long a failpoint may take to be passed.
const POINT_PATIENCE: Duration = Duration::from_secs(180);
/// Within which everything that waits is offered, answered and done after the last kill, on a machine that does much
/// else.
const QUIET_WITHIN: Duration = Duration::from_secs(180);

/// How one life of the server ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// SIGKILL after so many more acknowledgements.
    Kill { after: usize },
    /// At a failpoint, the `nth` time it is passed.
    Point { name: &'static str, nth: usize },
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// The visitor's turns of each conversation in a file of dialogues.
pub fn scripts(path: &Path) -> Vec<Vec<String>> {
    let file = std::fs::read_to_string(path).unwrap();
    let turns = |line: &str| -> Vec<String> {
        let dialogue: Value = serde_json::from_str(line).unwrap();
        let turns = dialogue["turns"].as_array().unwrap().iter();
        turns
            .filter(|turn| turn["speaker"] == "visitor")
            .filter_map(|turn| turn["text"].as_str().filter(|text| !text.trim().is_empty()))
            .map(str::to_owned)
            .collect()
    };
    file.split('\n').filter(|line| !line.is_empty()).map(turns).filter(|script| !script.is_empty()).collect()
}

/// Random moments and every failpoint that passes while people are busy, in a random order.
fn plan(kills: usize, messages: usize, random: &mut StdRng) -> Vec<End> {
    let pause = messages / (kills + 1);
    let mut plan: Vec<End> =
        (0..kills).map(|_| End::Kill { after: random.random_range(pause / 3..=pause.max(3)) }).collect();
    if std::env::var_os("BATON_KILL_PROGRAM").is_none() {
        // A database migrates once, before anybody is there: a test of its own.
        let names = baton::fault::POINTS.iter().filter(|name| **name != "store.migrating");
        plan.extend(names.map(|name| {
            let is_rare =
                ["start.", "app.", "watch.before_release"].iter().any(|rare| name.starts_with(rare));
            let nth = if is_rare { 1 } else { random.random_range(1..30) };
            End::Point { name, nth }
        }));
    }
    plan.shuffle(random);
    plan
}

/// Runs one life of the server to its end; the next one runs when this returns.
async fn live_and_die(site: &Site, end: End, shared: &Shared) {
    // Only what an agent who is gone holds is released.
    let needs_absence = matches!(end, End::Point { name: "watch.before_release", .. });
    shared.is_called_away.store(needs_absence, Ordering::Relaxed);
    match end {
        End::Kill { after } => {
            let server = site.start().await;
            let mut acknowledged = shared.acknowledged.subscribe();
            let wanted = *acknowledged.borrow() + after;
            acknowledged.wait_for(|count| *count >= wanted).await.unwrap();
            rest(rand::random::<u64>() % 30).await;
            server.kill().await;
        }
        End::Point { name, nth } => {
            let failpoint = format!("{name}:{nth}:abort");
            match site.start_with(Some(&failpoint)).await {
                Err(status) => assert!(is_aborted(status), "{failpoint}: {status}\n{}", site.log()),
                Ok(mut server) => {
                    if name.starts_with("app.") {
                        rest(500).await;
                        server.tell_to_stop().await;
                    }
                    let status = server.ended(POINT_PATIENCE).await;
                    let status = status.unwrap_or_else(|| panic!("{failpoint} was not passed"));
                    assert!(is_aborted(status), "{failpoint}: {status}\n{}", site.log());
                }
            }
        }
    }
}

/// Waits until nobody waits for a human, has one, or is not decided about.
async fn until_quiet(database: &Path) {
    let began = Instant::now();
    loop {
        let unfinished = unfinished(&SqliteStore::open_to_read(database).unwrap()).await;
        if unfinished.is_empty() {
            return;
        }
        assert!(began.elapsed() < QUIET_WITHIN, "stranded:\n{}", unfinished.join("\n"));
        rest(500).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn what_was_acknowledged_is_stored_and_seen_by_everybody_however_often_the_server_is_killed() {
    let began = Instant::now();
    let (kills, wanted) = (number("BATON_KILLS", 20), number("BATON_KILL_MESSAGES", 20_000));
    let seed = number("BATON_KILL_SEED", 1) as u64;
    let mut random = StdRng::seed_from_u64(seed);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dialogues.jsonl");
    let dialogues = std::env::var_os("BATON_DIALOGUES").map_or(own, PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("baton.db");
    // Visitors here write faster than people.
    let site =
        Site::new(folder.path()).set("gateway.rate_messages", "5000").set("gateway.rate_burst", "5000");
    let shared = Arc::new(Shared::new(&site, scripts(&dialogues)));

    let mut agents = tokio::task::JoinSet::new();
    for n in 0..AGENTS {
        let name = format!("Agent{n}");
        let email = site.account(&name, "agent", PASSWORD).await;
        agents.spawn(Agent::new(&name, email, PASSWORD, n, seed).work(Arc::clone(&shared)));
    }
    let mut seats = tokio::task::JoinSet::new();
    (0..SEATS).for_each(|n| drop(seats.spawn(seat(Arc::clone(&shared), n, seed))));

    let plan = plan(kills, wanted, &mut random);
    for end in &plan {
        let before = *shared.acknowledged.borrow();
        let lived = Instant::now();
        tokio::select! {
            () = live_and_die(&site, *end, &shared) => {}
            Some(found) = seats.join_next() => { found.unwrap(); panic!("a visitor went home early") }
            Some(found) = agents.join_next() => { found.unwrap(); panic!("an agent went home early") }
        }
        println!(
            "{end:?}: {} acknowledged in {:.1?}",
            *shared.acknowledged.borrow() - before,
            lived.elapsed()
        );
    }
    let server = site.start().await;
    let mut acknowledged = shared.acknowledged.subscribe();
    acknowledged.wait_for(|count| *count >= wanted).await.unwrap();
    shared.is_closing.send_replace(true);
    let mut seats: Vec<Vec<Life>> = seats.join_all().await;
    until_quiet(&database).await;
    shared.is_over.send_replace(true);
    let agents = agents.join_all().await;
    server.stop().await;

    // Everything under way has ended; then the last of each seat come back and read what they missed, until nothing is
    // left that the bot had still to say.
    let mut last: Vec<&mut Life> = seats.iter_mut().filter_map(|lives| lives.last_mut()).collect();
    let mut n_rounds = 0;
    let stored = loop {
        let server: Process = site.start().await;
        futures_util::future::join_all(last.iter_mut().map(|life| life.catch_up())).await;
        server.stop().await;
        let stored = Stored::read(&SqliteStore::open_to_read(&database).unwrap()).await;
        n_rounds += 1;
        if last.iter().all(|life| stored.is_seen_by(life)) {
            break stored;
        }
        assert!(n_rounds < 10, "there is always something that a visitor has not seen");
    };
    let lives: Vec<Life> = seats.into_iter().flatten().collect();
    let counts = stored.check(&lives, &agents);
    stored.check_client_ids();

    let load = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    let figures = json!({
        "part": "kill", "seed": seed, "kills": kills, "failpoints": plan.len() - kills,
        "acknowledged": *shared.acknowledged.borrow(), "messages_of_visitors": counts.said,
        "commands_of_agents": counts.done, "refused": counts.refused, "visitors": counts.visitors,
        "conversations": counts.conversations, "taken_by_humans": counts.joined, "entries_stored": counts.entries,
        "entries_seen_and_compared": counts.seen, "sent_again": load(&shared.resent),
        "acks_compared_with_the_first": load(&shared.compared), "reconnects": load(&shared.reconnects),
        "lost": 0, "twice": 0, "stranded": 0, "seconds": began.elapsed().as_secs(),
    });
    println!("{figures}");
}
