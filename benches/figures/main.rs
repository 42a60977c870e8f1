//! `make bench`: figures beside their baselines, measured in the same run.
//!
//! JSON lines alone on stdout with `BENCH_JSON=1`, a table without; everything else on
//! stderr. `BENCH_ONLY` chooses groups. A peer that is not installed is said to be so.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a measurement may stop"
)]

#[cfg(feature = "rust-bert")]
mod analyze;
mod cores;
mod gateway;
#[cfg(feature = "rust-bert")]
mod peers;
mod replay;
mod report;

use report::Report;

/// Messages as people write them: median 12 words, tail to 120, written for this.
pub const CHAT_MIX: &str = include_str!("../chat_mix.txt");

fn main() {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let wanted = |group: &str| only.is_empty() || only.split(',').any(|name| name == group);
    let report = Report::new();
    if wanted("replay") {
        replay::run(&report);
    }
    if wanted("analyze") {
        #[cfg(feature = "rust-bert")]
        analyze::run(&report);
        #[cfg(not(feature = "rust-bert"))]
        eprintln!("bench: this build has no model; the group `analyze` is left out");
    }
    if wanted("gateway") {
        gateway::run(&report);
    }
    if wanted("claims") && only == "claims" {
        eprintln!("bench: no figures in the group `claims` yet");
    }
}
