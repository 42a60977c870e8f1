//! The group `gateway`: what visitors and agents wait for, what a waiting socket costs,
//! and what a start costs.
//!
//! The server is a process of its own on a core of its own with its limits on; the load
//! comes from the other core and from many addresses of 127.0.0.0/8.

mod agents;
mod client;
mod echo;
mod full;
mod growth;
mod idle;
mod server;
mod socketio;
mod storm;
mod turn;

use crate::cores;
use crate::report::Report;

/// The parts in the order in which they are measured; `BENCH_GATEWAY` chooses some of them.
const PARTS: [&str; 7] = ["turn", "model", "full", "agents", "idle", "storm", "growth"];

pub fn run(report: &Report) {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let chosen = std::env::var("BENCH_GATEWAY").unwrap_or_default();
    let wanted = |part: &str| chosen.is_empty() || chosen.split(',').any(|name| name == part);
    for unknown in chosen.split(',').filter(|name| !name.is_empty() && !PARTS.contains(name)) {
        eprintln!("bench: there is no part `{unknown}`; there are {}", PARTS.join(", "));
    }
    // The echo begins on the core of the server, everything else on the other.
    if cores::are_two() {
        cores::move_to(cores::MEASURED);
    }
    let echo = echo::start();
    if cores::are_two() {
        cores::move_to(cores::LOAD);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for part in PARTS.into_iter().filter(|part| wanted(part)) {
        eprintln!("bench: gateway, {part}");
        runtime.block_on(async {
            match part {
                "turn" => turn::run(report, echo, 1_000, "lexicon").await,
                "model" => turn::run(report, echo, 300, "rust-bert").await,
                "full" => full::run(report, echo).await,
                "agents" => agents::run(report).await,
                "idle" => idle::run(report).await,
                "storm" => storm::run(report).await,
                _ => growth::run(report).await,
            }
        });
    }
    drop(runtime);
    cores::move_to_all(n_cores);
}

/// Where each runs.
fn cores_text() -> &'static str {
    if cores::are_two() { "server and baseline on one, load on the other" } else { "one for all" }
}

/// What is written before a message is acknowledged.
const ROWS: &str = "1 entry, 1 command, 1 counter update, in one commit that is synced";

/// How much slower every sync was made, for the server and the pair alike (`benches/peers/slow_sync.c`).
fn slower_by_us() -> u64 {
    std::env::var("BENCH_SYNC_US").ok().and_then(|us| us.parse().ok()).unwrap_or(0)
}
