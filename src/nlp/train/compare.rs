//! The live model beside a new one: on the site's held-back messages and on the dev
//! sets, and what got worse. Learns nothing.

use std::path::PathBuf;

use super::{
    data::{self, Example, Examples, Part},
    heads::Fitted,
};
use crate::{
    domain::analysis::{Analysis, OPERATING_POINT},
    nlp::{
        NlpError,
        labels::{FRUSTRATION, HUMAN_REQUEST, N_OUTPUTS, N_SENTIMENTS, OFFENSIVE, probability},
        measure::{Figures, measure, served},
        model::Model,
    },
};

/// What a figure on the dev sets may lose.
const MAY_LOSE: f64 = 0.01;

/// A figure of the live model and of the new one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Of the live one.
    pub old: f64,
    /// Of the new one.
    pub new: f64,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// `site` or `dev`.
    pub on: &'static str,
    /// The head, or `all`.
    pub head: &'static str,
    /// Which figure.
    pub figure: &'static str,
    /// Messages behind it.
    pub n: usize,
    /// Both models.
    pub change: Change,
}

/// How analyses of the site's messages agree with what was said of them.
pub struct Judged {
    /// Labels behind it.
    pub n: usize,
    /// Share of the labels on whose side the analyses are.
    pub right: f64,
    /// Cross entropy a label.
    pub loss: f64,
}

/// Compares the heads that are named with what was said.
pub fn judge(examples: &[Example], analyses: &[Analysis], heads: &Fitted) -> Judged {
    let (mut n, mut n_right, mut loss) = (0, 0, 0.0);
    let mut count = |probability: f64, is_right: bool| {
        n += 1;
        n_right += usize::from(is_right);
        loss -= probability.clamp(0.001, 0.999).ln();
    };
    for (example, analysis) in examples.iter().zip(analyses) {
        if let Some(mood) = example.sentiment.filter(|_| heads[0]) {
            let sentiment = &analysis.sentiment;
            let each = [sentiment.negative, sentiment.neutral, sentiment.positive];
            count(each[mood], each.iter().all(|other| *other <= each[mood]));
        }
        for output in (N_SENTIMENTS..N_OUTPUTS).filter(|output| heads[*output]) {
            let Some(meant) = example.head(output).map(|meant| meant >= 0.5) else { continue };
            let found = probability(analysis, output);
            count(if meant { found } else { 1.0 - found }, (found >= OPERATING_POINT) == meant);
        }
    }
    let whole = f64::from(u32::try_from(n).unwrap_or(u32::MAX).max(1));
    Judged { n, right: n_right as f64 / whole, loss: loss / whole }
}

/// The analyses of the examples' texts, as they are served.
fn analyses(model: &Model, examples: &[Example]) -> Result<Vec<Analysis>, NlpError> {
    let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
    served::analyze(model, &texts)
}

/// Both models on the held-back messages, and on the dev sets where there are any.
///
/// # Errors
///
/// A text cannot be analyzed, or the sets not be read.
pub fn compare(
    old: &Model,
    new: &Model,
    held_back: &[Example],
    data: Option<&PathBuf>,
) -> Result<Vec<Compared>, NlpError> {
    let mut table = Vec::new();
    let mut row =
        |on: &'static str, head: &'static str, figure: &'static str, n: usize, old: f64, new: f64| {
            let change = Change { old, new };
            table.push(Compared { on, head, figure, n, change });
        };
    let (by_old, by_new) = (analyses(old, held_back)?, analyses(new, held_back)?);
    let mut heads: Vec<(&'static str, Fitted)> = vec![("all", [true; N_OUTPUTS])];
    for (name, output) in [
        ("human_request", HUMAN_REQUEST),
        ("frustration", FRUSTRATION),
        ("offensive", OFFENSIVE),
        ("sentiment", 0),
    ] {
        heads.push((name, std::array::from_fn(|at| at == output)));
    }
    for (name, heads) in heads {
        let (old, new) = (judge(held_back, &by_old, &heads), judge(held_back, &by_new, &heads));
        if old.n > 0 {
            row("site", name, "right", old.n, old.right, new.right);
            row("site", name, "loss", old.n, old.loss, new.loss);
        }
    }
    let Some(folder) = data else { return Ok(table) };
    let sets = data::read(std::slice::from_ref(folder), Part::Dev)?;
    let dev = Examples {
        name: "dev".to_owned(),
        license: String::new(),
        share: 1.0,
        is_own: false,
        examples: sets.into_iter().flat_map(|set| set.examples).collect(),
    };
    let of = |model: &Model| Ok::<_, NlpError>(measure(&dev, &analyses(model, &dev.examples)?));
    let (by_old, by_new) = (of(old)?, of(new)?);
    for head in ["human_request", "frustration", "offensive", "sentiment"] {
        let named = |figures: &[Figures]| figures.iter().find(|one| one.head == head).cloned();
        let (Some(old), Some(new)) = (named(&by_old), named(&by_new)) else { continue };
        // Of three moods the mean of their recalls stands in the place of F1.
        let f1 = |one: &Figures| if head == "sentiment" { one.recall } else { one.f1 };
        let word = if head == "sentiment" { "recall" } else { "F1" };
        if let (Some(before), Some(after)) = (f1(&old), f1(&new)) {
            row("dev", head, word, old.n, before, after);
        }
        if let (Some(before), Some(after)) = (old.auc, new.auc) {
            row("dev", head, "AUC", old.n, before, after);
        }
    }
    Ok(table)
}

/// What may not have become worse: on the held-back messages the share that is right, and where that is the same what
/// they cost; on the dev sets every figure by more than `MAY_LOSE`.
pub fn worse(table: &[Compared]) -> Vec<String> {
    let said = |one: &Compared| {
        let Compared { on, head, figure, n, change: Change { old, new } } = one;
        format!(
            "{figure} of {head} on {on} ({n} messages) went from {old:.3} to {new:.3}, by {:.3}",
            (new - old).abs()
        )
    };
    let is_same = table
        .iter()
        .find(|one| one.on == "site" && one.head == "all" && one.figure == "right")
        .is_some_and(|one| one.change.old == one.change.new);
    let is_worse = |one: &&Compared| {
        let gain = one.change.new - one.change.old;
        match (one.on, one.head, one.figure) {
            ("site", "all", "right") => gain < 0.0,
            ("site", "all", "loss") => is_same && gain > 0.0,
            ("dev", ..) => gain < -MAY_LOSE,
            _ => false,
        }
    };
    table.iter().filter(is_worse).map(said).collect()
}
