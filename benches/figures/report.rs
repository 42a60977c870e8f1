//! One line for each figure, with its baseline and conditions.

use serde_json::{Value, json};
use std::time::Duration;

/// Writes figures as they come.
pub struct Report {
    is_json: bool,
    commit: String,
}

/// A figure to tell.
pub struct Figure<'a> {
    pub name: &'a str,
    pub value: f64,
    pub unit: &'a str,
    pub is_less_better: bool,
    /// Its name and value, measured in this run.
    pub baseline: Option<(&'a str, f64)>,
    pub conditions: Value,
}

impl Report {
    pub fn new() -> Self {
        let git = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
        let commit =
            git.ok().map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
        Self { is_json: std::env::var("BENCH_JSON").is_ok_and(|value| value == "1"), commit }
    }

    /// Tells a figure. The ratio is always times better than the baseline.
    pub fn tell(&self, figure: &Figure<'_>) {
        let ratio = figure.baseline.map(|(_, baseline)| {
            if figure.is_less_better { baseline / figure.value } else { figure.value / baseline }
        });
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        let mut conditions = figure.conditions.clone();
        conditions["commit"] = json!(self.commit);
        if self.is_json {
            let line = json!({
                "name": figure.name, "value": round(figure.value), "unit": figure.unit,
                "better": if figure.is_less_better { "lower" } else { "higher" },
                "baseline": figure.baseline.map(|(name, _)| name),
                "baseline_value": figure.baseline.map(|(_, value)| round(value)),
                "ratio": ratio.map(round), "conditions": conditions,
            });
            println!("{line}");
        } else {
            let beside = match (figure.baseline, ratio) {
                (Some((name, value)), Some(ratio)) => format!("{ratio:>7.2}x  {name} {value:.3}"),
                _ => "      -   no baseline".to_owned(),
            };
            println!("{:<34} {:>12.3} {:<8} {beside}", figure.name, figure.value, figure.unit);
        }
        if figure.baseline.is_none() {
            eprintln!("bench: {} has no baseline here", figure.name);
        }
    }
}

/// The value below which a share of the sorted spans lies, in milliseconds.
pub fn quantile_ms(sorted: &[Duration], share: f64) -> f64 {
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index].as_secs_f64() * 1000.0
}
