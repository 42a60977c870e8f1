//! What a visitor costs who has the widget open and says nothing, and what the process
//! takes by itself, with the model and in a build without it.

use super::client::silent_visitors;
use super::cores_text;
use super::server::{Options, Server};
use crate::report::{Figure, Report};
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const VISITORS: usize = 10_000;

/// The program built without libtorch, which `scripts/bench.sh` makes.
pub fn lean() -> Option<PathBuf> {
    let path = std::env::var_os("BENCH_LEAN").map(PathBuf::from).filter(|path| path.is_file());
    if path.is_none() {
        eprintln!("bench: BENCH_LEAN names no program built without libtorch; its figures are left out");
    }
    path
}

pub async fn run(report: &Report) {
    for (binary, backend, build) in [
        (Some(super::server::baton()), "rust-bert", "with the model"),
        (lean(), "lexicon", "without libtorch"),
    ] {
        let Some(binary) = binary else { continue };
        let Some(server) = Server::start(&Options { binary, ..Options::new(backend) }).await else {
            eprintln!("bench: `baton serve`, {build}, did not become ready");
            continue;
        };
        tokio::time::sleep(Duration::from_secs(3)).await;
        report.tell(&Figure {
            name: "rss_idle_mb",
            value: server.rss_kb() / 1024.0,
            unit: "MB",
            is_less_better: true,
            baselines: Vec::new(),
            conditions: json!({ "build": build, "backend": backend, "visitors": 0 }),
        });
    }
    let Some(server) = Server::start(&Options::new("lexicon")).await else { return };
    // Once through everything, so that what is made on first use is not counted as a visitor's.
    silent_visitors(&server, VISITORS, 50).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = server.rss_kb();
    silent_visitors(&server, 0, VISITORS).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let (began, cpu) = (Instant::now(), server.cpu());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let busy = (server.cpu() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let n_open = server.metric("baton_sockets{", "visitor").await - 50.0;
    report.tell(&Figure {
        name: "idle_visitor_kb",
        value: (server.rss_kb() - before) / VISITORS as f64,
        unit: "kB",
        is_less_better: true,
        baselines: Vec::new(),
        conditions: json!({
            "visitors": VISITORS, "open": n_open, "addresses": "127.0.0.0/8", "limits": "on",
            "before_kb": before, "server_core_busy": busy, "cores": cores_text(),
        }),
    });
}
