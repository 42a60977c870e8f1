//! How fast the model analyzes: alone, and in batches. On one thread, with the cache
//! of exact repeats off. Baseline: the word model that is always there.

use crate::report::{Figure, Report, quantile_ms};
use baton::domain::analysis::By;
use baton::flow::ports::{Analyzer, AnalyzerStatus};
use baton::nlp::{Builder, LexiconAnalyzer};
use serde_json::json;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Messages measured one by one, and in batches.
const ALONE: usize = 1_000;
const BATCHED: usize = 6_000;
const BATCH: usize = 16;

pub fn run(report: &Report) {
    let Ok(analyzer) = Builder::default().threads(1).batch(BATCH).queue(4 * BATCH).start() else {
        eprintln!("bench: no model, so the group `analyze` has no figures");
        return;
    };
    let AnalyzerStatus::Ready { name, version } = analyzer.wait_until_loaded() else {
        eprintln!("bench: the model did not load, so the group `analyze` has no figures");
        return;
    };
    let texts: Vec<&str> = crate::CHAT_MIX.lines().collect();
    let mut spans = Vec::with_capacity(ALONE);
    let mut n_by_model = 0;
    for text in texts.iter().cycle().take(ALONE) {
        let started = Instant::now();
        let found = analyzer.start(text).and_then(|rx| rx.blocking_recv().ok());
        spans.push(started.elapsed());
        n_by_model += usize::from(found.is_some_and(|found| found.analyzer.by == By::Model));
    }
    spans.sort_unstable();
    let words = LexiconAnalyzer::default();
    let mut by_words: Vec<Duration> = texts
        .iter()
        .cycle()
        .take(ALONE)
        .map(|text| {
            let started = Instant::now();
            std::hint::black_box(words.words(text));
            started.elapsed()
        })
        .collect();
    by_words.sort_unstable();
    let share = n_by_model as f64 / ALONE as f64;
    let conditions = |batch: usize, share: f64| {
        json!({ "threads": 1, "batch": batch, "lengths": "chat_mix", "analyzed_share": share,
                "model": format!("{name} {version}"), "isa": isa() })
    };
    for (figure, quantile) in [("analyze_single_p50_ms", 0.50), ("analyze_single_p99_ms", 0.99)] {
        report.tell(&Figure {
            name: figure,
            value: quantile_ms(&spans, quantile),
            unit: "ms",
            is_less_better: true,
            baseline: Some(("word_model", quantile_ms(&by_words, quantile))),
            conditions: conditions(1, share),
        });
    }
    let started = Instant::now();
    let (mut pending, mut n_by_model) = (VecDeque::new(), 0);
    let mut take = |pending: &mut VecDeque<tokio::sync::oneshot::Receiver<_>>| {
        if let Some(rx) = pending.pop_front() {
            let found: Result<baton::domain::analysis::Analysis, _> = rx.blocking_recv();
            n_by_model += usize::from(found.is_ok_and(|found| found.analyzer.by == By::Model));
        }
    };
    for text in texts.iter().cycle().take(BATCHED) {
        loop {
            match analyzer.start(text) {
                Some(rx) => break pending.push_back(rx),
                None if pending.is_empty() => break,
                None => take(&mut pending),
            }
        }
    }
    while !pending.is_empty() {
        take(&mut pending);
    }
    let rate = BATCHED as f64 / started.elapsed().as_secs_f64();
    let share = n_by_model as f64 / BATCHED as f64;
    report.tell(&Figure {
        name: "analyze_batch_per_s",
        value: rate,
        unit: "msg/s",
        is_less_better: false,
        baseline: None,
        conditions: conditions(BATCH, share),
    });
}

/// What of the processor a matrix product can use, as the kernel names it.
fn isa() -> &'static str {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has = |flag: &str| info.split_whitespace().any(|word| word == flag);
    ["amx_bf16", "avx512_bf16", "avx512f", "avx2"].into_iter().find(|flag| has(flag)).unwrap_or("other")
}
