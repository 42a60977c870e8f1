//! How fast stored conversations are replayed under a policy, with their analyses.
//! Baseline: reading the same lines as JSON and nothing else.

use crate::report::{Baseline, Figure, Report};
use baton::domain::escalation::EscalationPolicy;
use baton::domain::tuning::{Report as Replayed, Turn, TurnSpeaker, decisions_of_turns};
use baton::flow::ports::Analyzer;
use baton::nlp::LexiconAnalyzer;
use serde_json::json;
use std::time::Instant;

/// Conversations replayed.
const CONVERSATIONS: usize = 2_000;

pub fn run(report: &Report) {
    let words = LexiconAnalyzer::default();
    let texts: Vec<&str> = crate::CHAT_MIX.lines().collect();
    let lines: Vec<String> = (0..CONVERSATIONS)
        .map(|n| {
            let turns: Vec<Turn> = (0..8)
                .map(|k| {
                    let text = texts[(n * 7 + k * 13) % texts.len()];
                    let is_visitor = k % 2 == 0;
                    Turn {
                        speaker: if is_visitor { TurnSpeaker::Visitor } else { TurnSpeaker::Bot },
                        text: text.to_owned(),
                        at: None,
                        analysis: is_visitor.then(|| words.words(text)),
                        no_answer: k == 3,
                    }
                })
                .collect();
            serde_json::to_string(&turns).unwrap()
        })
        .collect();
    let started = Instant::now();
    let mut n_bytes = 0;
    for line in &lines {
        n_bytes += serde_json::from_str::<serde_json::Value>(line).unwrap().as_array().map_or(0, Vec::len);
    }
    let parsed = CONVERSATIONS as f64 / started.elapsed().as_secs_f64();
    let policy = EscalationPolicy::default();
    let started = Instant::now();
    let mut n_escalated = 0;
    for line in &lines {
        let turns: Vec<Turn> = serde_json::from_str(line).unwrap();
        let decisions = decisions_of_turns(&policy, &turns);
        n_escalated += usize::from(Replayed::of(&policy, &turns, &decisions).escalated);
    }
    let replayed = CONVERSATIONS as f64 / started.elapsed().as_secs_f64();
    eprintln!("bench: replayed {CONVERSATIONS} conversations, {n_escalated} escalated, {n_bytes} turns read");
    report.tell(&Figure {
        name: "replay_per_s",
        value: replayed,
        unit: "conv/s",
        is_less_better: false,
        baselines: vec![Baseline::new("serde_json_parse_only", parsed)],
        conditions: json!({ "threads": 1, "turns": 8, "analyses": "stored", "texts": "chat_mix" }),
    });
}
