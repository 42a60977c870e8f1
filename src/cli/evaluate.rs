//! `baton evaluate`: how good the analyses are, by set, head and slice.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, analyze::Choice};
use crate::{
    domain::analysis::Analysis,
    nlp::{
        batch::MOST_TEXTS,
        lexicon::Lexicon,
        measure::{Figures, measure},
        model::{Model, Precision},
        train::data::{self, Examples, Part},
        worker,
    },
};

/// Measure analyses against labelled text that nobody trained on (`dev.jsonl`, `*.dev.jsonl`).
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  baton evaluate --data models/data --gate")]
pub struct Arguments {
    /// The model folder; without one, the one that would be served.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// A folder or file with labelled text; may be given more than once.
    #[arg(long, value_name = "DIR", default_value = "models/data")]
    data: Vec<PathBuf>,
    /// What is measured.
    #[arg(long, value_enum, default_value_t = Choice::Model)]
    analyzer: Choice,
    /// Fail when a figure is below its floor.
    #[arg(long)]
    gate: bool,
    /// Print JSON Lines instead of a table.
    #[arg(long)]
    json: bool,
    /// Print the lines on the wrong side of the operating point for this head, on stderr.
    #[arg(long, value_name = "HEAD")]
    wrong: Option<String>,
}

/// Set, head, figure, and what it may not fall below.
const FLOORS: &[(&str, &str, &str, f64)] = &[
    ("own/human_request", "human_request", "f1", 0.80),
    ("own/mood", "frustration", "auc", 0.85),
    ("own/mood", "sentiment", "recall", 0.65),
    ("own/conversations", "frustration", "auc", 0.75),
];

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let sets = data::read(&arguments.data, Part::Dev)?;
    let model = match arguments.analyzer {
        Choice::Words => None,
        Choice::Model => {
            let folder = worker::find(arguments.model.as_deref())
                .ok_or_else(|| anyhow::anyhow!("no model: no model folder was found"))?;
            let mut model = Model::load(&folder)?;
            model.choose_precision(Some(Precision::Full))?;
            Some(model)
        }
    };
    let mut figures = Vec::new();
    for set in &sets {
        let analyses = analyze(model.as_ref(), set)?;
        if let Some(head) = &arguments.wrong {
            show_wrong(set, &analyses, head);
        }
        figures.extend(measure(set, &analyses));
    }
    if arguments.json {
        let lines: Result<Vec<String>, _> = figures.iter().map(serde_json::to_string).collect();
        super::print(&lines?.join("\n"))?;
    } else {
        super::print(&table(&figures))?;
    }
    let fallen = below_floors(&figures);
    if arguments.gate && !fallen.is_empty() {
        return Err(Failure::Failed(anyhow::anyhow!("below the floor: {}", fallen.join("; "))));
    }
    Ok(())
}

fn analyze(model: Option<&Model>, set: &Examples) -> Result<Vec<Analysis>, Failure> {
    let Some(model) = model else {
        return Ok(set
            .examples
            .iter()
            .map(|example| Lexicon::compiled_in().analyze(&example.text))
            .collect());
    };
    // Sorted by length, so that little is padded; then back into their order.
    let mut order: Vec<usize> = (0..set.examples.len()).collect();
    order.sort_by_key(|at| set.examples[*at].text.len());
    let mut found: Vec<(usize, Analysis)> = Vec::with_capacity(order.len());
    for chunk in order.chunks(MOST_TEXTS) {
        let analyses = worker::analyze(model, chunk.iter().map(|at| set.examples[*at].text.as_str()))?;
        found.extend(chunk.iter().copied().zip(analyses));
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, analysis)| analysis).collect())
}

fn show_wrong(set: &Examples, analyses: &[Analysis], head: &str) {
    use crate::nlp::labels::{FRUSTRATION, HUMAN_REQUEST, OFFENSIVE};
    for (example, analysis) in set.examples.iter().zip(analyses) {
        let (meant, found) = match head {
            "human_request" => (example.head(HUMAN_REQUEST), analysis.human_request),
            "frustration" => (example.head(FRUSTRATION), analysis.frustration),
            "offensive" => (example.head(OFFENSIVE), analysis.offensive),
            _ => return,
        };
        if let Some(meant) = meant.filter(|meant| (*meant >= 0.5) != (found >= 0.5)) {
            eprintln!("{}  {meant} {found:.2}  [{}] {}", set.name, example.slice, example.text);
        }
    }
}

fn table(figures: &[Figures]) -> String {
    let show =
        |figure: Option<f64>| figure.map_or_else(|| "    -".to_owned(), |figure| format!("{figure:.3}"));
    let mut lines = vec![format!(
        "{:<34} {:<18} {:<24} {:>6} {:>6}  {:>5}  {:>5}  {:>5}  {:>5}  {:>5}  {:>5}",
        "set", "slice", "head", "lines", "there", "prec", "rec", "F1", "AUC", "ECE", "acc"
    )];
    for one in figures {
        let set: String = one.set.chars().take(34).collect();
        let slice: String = one.slice.chars().take(18).collect();
        lines.push(format!(
            "{set:<34} {slice:<18} {:<24} {:>6} {:>6}  {}  {}  {}  {}  {}  {:.3}",
            one.head,
            one.n,
            one.n_present,
            show(one.precision),
            show(one.recall),
            show(one.f1),
            show(one.auc),
            show(one.calibration_error),
            one.accuracy
        ));
    }
    lines.join("\n")
}

fn below_floors(figures: &[Figures]) -> Vec<String> {
    FLOORS
        .iter()
        .filter_map(|(set, head, figure, floor)| {
            let one =
                figures.iter().find(|one| one.set == *set && one.slice.is_empty() && one.head == *head)?;
            let value = match *figure {
                "f1" => one.f1,
                "auc" => one.auc,
                _ => one.recall,
            };
            let value = value.unwrap_or_default();
            (value < *floor).then(|| format!("{set} {head} {figure} is {value:.3}, the floor is {floor}"))
        })
        .collect()
}
