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
    /// Measured in this run, the most telling one first.
    pub baselines: Vec<Baseline<'a>>,
    pub conditions: Value,
}

/// What a figure stands beside.
pub struct Baseline<'a> {
    pub name: &'a str,
    /// `None` when it is not installed.
    pub value: Option<f64>,
    /// How it was measured, where that is not as the figure was.
    pub conditions: Value,
}

impl<'a> Baseline<'a> {
    /// A baseline under the conditions of the figure.
    pub fn new(name: &'a str, value: f64) -> Self {
        Self { name, value: Some(value), conditions: Value::Null }
    }
}

impl Report {
    pub fn new() -> Self {
        let git = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
        let commit =
            git.ok().map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
        Self { is_json: std::env::var("BENCH_JSON").is_ok_and(|value| value == "1"), commit }
    }

    /// Tells a figure: one line for each baseline, or one without. The ratio is always
    /// times better than the baseline.
    pub fn tell(&self, figure: &Figure<'_>) {
        if figure.baselines.is_empty() {
            eprintln!("bench: {} has no baseline here", figure.name);
            self.line(figure, None);
        }
        for baseline in &figure.baselines {
            self.line(figure, Some(baseline));
        }
    }

    fn line(&self, figure: &Figure<'_>, baseline: Option<&Baseline<'_>>) {
        let value = baseline.and_then(|baseline| baseline.value);
        let ratio = value
            .map(|value| if figure.is_less_better { value / figure.value } else { figure.value / value });
        let name = baseline.filter(|_| value.is_some()).map(|baseline| baseline.name);
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        let mut conditions = figure.conditions.clone();
        conditions["commit"] = json!(self.commit);
        if let Some(baseline) = baseline {
            if value.is_none() {
                conditions["not_installed"] = json!(baseline.name);
            } else if !baseline.conditions.is_null() {
                conditions["baseline"] = baseline.conditions.clone();
            }
        }
        if self.is_json {
            let line = json!({
                "name": figure.name, "value": round(figure.value), "unit": figure.unit,
                "better": if figure.is_less_better { "lower" } else { "higher" },
                "baseline": name, "baseline_value": value.map(round), "ratio": ratio.map(round),
                "conditions": conditions,
            });
            println!("{line}");
        } else {
            let beside = match (name, value, ratio) {
                (Some(name), Some(value), Some(ratio)) => format!("{ratio:>8.2}x  {name} {value:.3}"),
                _ => format!("       -   {}", baseline.map_or("no baseline", |baseline| baseline.name)),
            };
            println!("{:<34} {:>12.3} {:<8} {beside}", figure.name, figure.value, figure.unit);
        }
    }
}

/// The value below which a share of the sorted spans lies, in milliseconds; no number where there are none.
pub fn quantile_ms(sorted: &[Duration], share: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index].as_secs_f64() * 1000.0
}
