//! The whole flow in a world where nothing is left to chance but a seed: order of
//! execution, time, hints, analyses, bots, refusals of the store, crashes.
//!
//! A run that fails prints its seed and what led to it. To see it again:
//! `BATON_SIMULATION_SEEDS=1 BATON_SIMULATION_FROM=<seed> cargo test --test it simulation::<test>`.
//! With `BATON_SIMULATION_SEEDS=100000` many are tried.

use crate::support::simulated::dice::Trace;
use crate::support::simulated::run::Run;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Seeds in a usual test run.
const SEEDS: u64 = 2_000;
/// Seeds in which a planted mistake must show.
const SEEDS_FOR_A_MISTAKE: u64 = 400;
/// Things that happen in one run.
const STEPS: usize = 60;
/// Lines of the trace that are shown of a run that failed.
const SHOWN: usize = 120;
/// Runs beside each other; each is on one thread.
const THREADS: usize = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Plays a seed, and says what was wrong.
fn play(seed: u64, n_nodes: usize, trace: Trace) -> (Trace, Result<(), String>) {
    let mut run = Run::new(seed, n_nodes, trace);
    let played = catch_unwind(AssertUnwindSafe(|| run.play(STEPS * n_nodes)));
    let wrong = played.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    });
    (run.trace, wrong)
}

#[test]
fn invariants_hold_in_every_order_of_events() {
    play_all(1);
}

/// Two nodes over one store: each crashes, stands still and loses its store alone, and who comes back comes to either.
#[test]
fn invariants_hold_on_two_nodes_in_every_order_of_events() {
    play_all(2);
}

fn play_all(n_nodes: usize) {
    let (from, seeds) =
        (number("BATON_SIMULATION_FROM").unwrap_or(1), number("BATON_SIMULATION_SEEDS").unwrap_or(SEEDS));
    let (next, n_lines, failed) = (AtomicU64::new(from), AtomicU64::new(0), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= from + seeds || failed.lock().unwrap().is_some() {
                        return;
                    }
                    let (trace, played) = play(seed, n_nodes, Trace::default());
                    n_lines.fetch_add(trace.sum().0, Relaxed);
                    if played.is_err() {
                        failed.lock().unwrap().get_or_insert(seed);
                    }
                }
            });
        }
    });
    if let Some(seed) = failed.into_inner().unwrap() {
        let (trace, played) = play(seed, n_nodes, Trace::kept());
        let wrong = played.err().unwrap_or_else(|| "nothing the second time: a run is not repeatable".into());
        panic!(
            "seed {seed}:\n{}\n{wrong}",
            trace.last(number("BATON_SIMULATION_LINES").map_or(SHOWN, |n| n as usize))
        );
    }
    eprintln!("{n_nodes} nodes, {seeds} seeds from {from}: {} steps", n_lines.into_inner());
}

/// The same seed, the same order of everything.
#[test]
fn a_run_can_be_repeated() {
    let mut sums = Vec::new();
    for seed in 1..=20 {
        let n_nodes = if seed > 10 { 2 } else { 1 };
        let (first, _) = play(seed, n_nodes, Trace::default());
        let (second, _) = play(seed, n_nodes, Trace::kept());
        assert_eq!(first.sum(), second.sum(), "seed {seed}: the second run differs from the first");
        sums.push(first.sum());
    }
    sums.dedup();
    assert_eq!(sums.len(), 20, "other seeds, other runs");
}

/// A simulation that was never seen to fail proves little. Each mistake is planted in a process of its own, which must
/// end with the words that name it.
#[test]
fn a_planted_mistake_is_found() {
    let mistakes = [
        ("expiry_not_watched", "invariant 7"),
        ("undecided_not_taken_up", "invariant 7"),
        ("stranded_after_agent_lost", "invariant 7"),
        ("restart_forgets_lost_agents", "invariant 7"),
        ("contributions_do_not_add_up", "invariant 15"),
        ("decision_not_stored", "nothing decided at"),
    ];
    for (mistake, words) in mistakes {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["simulation::invariants_hold_in_every_order_of_events", "--exact", "--nocapture"])
            .env("BATON_PLANTED", mistake)
            .env("BATON_SIMULATION_SEEDS", SEEDS_FOR_A_MISTAKE.to_string())
            .env("BATON_SIMULATION_FROM", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "`{mistake}` is not found");
        assert!(said.contains(words), "`{mistake}` is not found by its name:\n{said}");
    }
}
