//! How fast the model analyzes, alone and in batches, and what it takes of memory: on one
//! thread and one core, with the memory of exact repeats off. Beside peers, and the word
//! model that is always there.

use crate::cores;
use crate::peers::{self, Kind, Peer};
use crate::report::{Baseline, Figure, Report, quantile_ms};
use baton::domain::analysis::{Analysis, By};
use baton::flow::ports::{Analyzer, AnalyzerStatus};
use baton::nlp::{Builder, LexiconAnalyzer, RustBertAnalyzer, worker};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::oneshot::Receiver;

/// Messages measured one by one, and in batches.
const ALONE: usize = 1_000;
const BATCHED: usize = 6_000;
const BATCH: usize = 16;

pub fn run(report: &Report) {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores::move_to(cores::MEASURED);
    figures(report);
    cores::move_to_all(n_cores);
}

fn figures(report: &Report) {
    let Ok(analyzer) = Builder::default().threads(1).batch(BATCH).queue(4 * BATCH).repeats(0).start() else {
        eprintln!("bench: no model, so the group `analyze` has no figures");
        return;
    };
    let AnalyzerStatus::Ready { name, version } = analyzer.wait_until_loaded() else {
        eprintln!("bench: the model did not load, so the group `analyze` has no figures");
        return;
    };
    let texts: Vec<&str> = crate::CHAT_MIX.lines().collect();
    let (spans, alone_share) = alone(&analyzer, &texts);
    // Before the peer that it is held against and after it: the clock of a processor moves with what its neighbors do.
    let before = batched(&analyzer, &texts);
    let onnxruntime = peers::onnxruntime(&texts);
    let after = batched(&analyzer, &texts);
    let rate = 2.0 * BATCHED as f64 / (before.0 + after.0).as_secs_f64();
    let batch_share = (before.1 + after.1) / 2.0;
    let precision = analyzer.precision().map(|precision| format!("{precision:?}").to_lowercase());
    drop(analyzer);
    let memory = memory(&texts);
    let by_words = words(&texts);
    let mut peers: Vec<Peer> = vec![onnxruntime];
    peers.extend(worker::find(None).map(|folder| peers::distilbert(&folder, &texts)));
    peers.push(peers::vader(&texts));

    let beside = |kind: Kind, words: Option<f64>| -> Vec<Baseline<'static>> {
        let words = words.map(|value| Baseline::new("word_model", value));
        peers.iter().filter_map(|peer| peer.baseline(kind)).chain(words).collect()
    };
    let conditions = |batch: usize, share: f64| {
        json!({ "threads": 1, "cores": 1, "batch": batch, "lengths": "chat_mix", "analyzed_share": share,
                "model": format!("{name} {version}"), "isa": isa(), "precision": precision, "repeats": "off" })
    };
    for (figure, quantile, kind) in
        [("analyze_single_p50_ms", 0.50, Kind::SingleP50), ("analyze_single_p99_ms", 0.99, Kind::SingleP99)]
    {
        report.tell(&Figure {
            name: figure,
            value: quantile_ms(&spans, quantile),
            unit: "ms",
            is_less_better: true,
            baselines: beside(kind, Some(quantile_ms(&by_words, quantile))),
            conditions: conditions(1, alone_share),
        });
    }
    let words_rate = by_words.len() as f64 / by_words.iter().sum::<Duration>().as_secs_f64();
    report.tell(&Figure {
        name: "analyze_batch_per_s",
        value: rate,
        unit: "msg/s",
        is_less_better: false,
        baselines: beside(Kind::Batch, Some(words_rate)),
        conditions: conditions(BATCH, batch_share),
    });
    if let Some(value) = memory {
        report.tell(&Figure {
            name: "rss_mb",
            value,
            unit: "MB",
            is_less_better: true,
            baselines: beside(Kind::Memory, None),
            conditions: json!({ "of": "baton analyze, at its highest", "lengths": "chat_mix" }),
        });
    }
}

fn is_by_model(found: Option<Analysis>) -> usize {
    usize::from(found.is_some_and(|found| found.analyzer.by == By::Model))
}

/// One message after the other: sorted spans, and the share that the model analyzed.
fn alone(analyzer: &RustBertAnalyzer, texts: &[&str]) -> (Vec<Duration>, f64) {
    let mut spans = Vec::with_capacity(ALONE);
    let mut n_by_model = 0;
    for text in texts.iter().cycle().take(ALONE) {
        let started = Instant::now();
        let found = analyzer.start(text).and_then(|rx| rx.blocking_recv().ok());
        spans.push(started.elapsed());
        n_by_model += is_by_model(found);
    }
    spans.sort_unstable();
    (spans, n_by_model as f64 / ALONE as f64)
}

/// As many messages at once as may wait: how long they took, and the share of the model.
fn batched(analyzer: &RustBertAnalyzer, texts: &[&str]) -> (Duration, f64) {
    let started = Instant::now();
    let (mut pending, mut n_by_model): (VecDeque<Receiver<Analysis>>, usize) = (VecDeque::new(), 0);
    for text in texts.iter().cycle().take(BATCHED) {
        loop {
            if let Some(rx) = analyzer.start(text) {
                break pending.push_back(rx);
            }
            let Some(rx) = pending.pop_front() else { break };
            n_by_model += is_by_model(rx.blocking_recv().ok());
        }
    }
    for rx in pending {
        n_by_model += is_by_model(rx.blocking_recv().ok());
    }
    (started.elapsed(), n_by_model as f64 / BATCHED as f64)
}

/// The word model, one message after the other: sorted spans.
fn words(texts: &[&str]) -> Vec<Duration> {
    let words = LexiconAnalyzer::default();
    let mut spans: Vec<Duration> = texts
        .iter()
        .cycle()
        .take(ALONE)
        .map(|text| {
            let started = Instant::now();
            std::hint::black_box(words.words(text));
            started.elapsed()
        })
        .collect();
    spans.sort_unstable();
    spans
}

/// The most memory that `baton analyze` was resident in, in megabytes.
fn memory(texts: &[&str]) -> Option<f64> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
        .arg("analyze")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let lines: String = texts.iter().map(|text| format!("{}\n", json!({ "text": text }))).collect();
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).map(|()| stdin));
    let mut stdout = BufReader::new(child.stdout.take()?);
    let mut answer = String::new();
    for _ in texts {
        answer.clear();
        stdout.read_line(&mut answer).ok()?;
        serde_json::from_str::<Value>(&answer).ok()?;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    // Its input ends only now, so that it was still there to be looked at.
    drop(writer.join());
    let _ = child.wait();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// What of the processor a matrix product can use, as the kernel names it.
fn isa() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has = |flag: &&str| info.split_whitespace().any(|word| word == *flag);
    ["amx_bf16", "avx512_vnni", "avx512_bf16", "avx512f", "avx2"]
        .into_iter()
        .filter(has)
        .collect::<Vec<_>>()
        .join(" ")
}
