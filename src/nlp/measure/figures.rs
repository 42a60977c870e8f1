//! How each head does, on a set and on its slices.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::analysis::{Analysis, Intent, Mood, OPERATING_POINT};
use crate::nlp::{
    labels::{FRUSTRATION, HUMAN_REQUEST, INTENTS, OFFENSIVE, probability},
    train::data::{Example, Examples},
};

/// How one head did on one set, or on one slice of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// The set.
    pub set: String,
    /// The slice; empty for the whole set.
    pub slice: String,
    /// The head.
    pub head: String,
    /// Lines that know the head.
    pub n: usize,
    /// Lines where it is present.
    pub n_present: usize,
    /// Share of the found that is right.
    pub precision: Option<f64>,
    /// Share of the present that is found. For sentiment the mean over the three.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// How probable it is that a present line ranks above an absent one.
    pub auc: Option<f64>,
    /// How far probabilities are from shares, on average.
    pub calibration_error: Option<f64>,
    /// Share of lines on the right side of the operating point.
    pub accuracy: f64,
}

/// Every head on a set, then its slices.
pub fn measure(set: &Examples, analyses: &[Analysis]) -> Vec<Figures> {
    let all: Vec<(&Example, &Analysis)> = set.examples.iter().zip(analyses).collect();
    let mut figures: Vec<Figures> = heads(&set.name, "", &all);
    let mut slices: BTreeMap<&str, Vec<(&Example, &Analysis)>> = BTreeMap::new();
    for (example, analysis) in all {
        if !example.slice.is_empty() && !example.slice.contains('|') {
            slices.entry(&example.slice).or_default().push((example, analysis));
        }
    }
    if set.is_own || set.share == 0.0 {
        for (slice, lines) in slices {
            figures.extend(
                heads(&set.name, slice, &lines).into_iter().filter(|one| !one.head.starts_with("intent ")),
            );
        }
    }
    figures
}

/// Every head on these lines.
pub fn heads(set: &str, slice: &str, lines: &[(&Example, &Analysis)]) -> Vec<Figures> {
    let mut figures = Vec::new();
    let sigmoid_heads = [
        ("human_request".to_owned(), HUMAN_REQUEST),
        ("frustration".to_owned(), FRUSTRATION),
        ("offensive".to_owned(), OFFENSIVE),
    ];
    let intents = Intent::ALL
        .into_iter()
        .take(Intent::SCORED)
        .map(|intent| (format!("intent {intent}"), INTENTS + intent.index()));
    for (name, output) in sigmoid_heads.into_iter().chain(intents) {
        let known: Vec<(f64, bool)> = lines
            .iter()
            .filter_map(|(example, analysis)| {
                Some((probability(analysis, output), example.head(output)? >= 0.5))
            })
            .collect();
        let n_present = known.iter().filter(|(_, is_present)| *is_present).count();
        // An intent that a set never has says nothing about it.
        if !known.is_empty() && (n_present > 0 || !name.starts_with("intent ")) {
            figures.push(binary(set, slice, &name, &known));
        }
    }
    figures.extend(sentiment(set, slice, lines));
    let polar = polar(lines);
    if !polar.is_empty() {
        figures.push(binary(set, slice, POLARITY, &polar));
    }
    figures
}

/// The figures of telling positive from negative, on lines that are one of the two: neutral is no answer.
const POLARITY: &str = "positive or negative";

/// How positive such a line is found, from 0 to 1, and whether it is.
fn polar(lines: &[(&Example, &Analysis)]) -> Vec<(f64, bool)> {
    let known = lines.iter().filter_map(|(example, analysis)| Some((example.sentiment?, *analysis)));
    let polar = known.filter(|(meant, _)| *meant != 1);
    polar.map(|(meant, analysis)| (f64::midpoint(1.0, analysis.sentiment.balance()), meant == 2)).collect()
}

/// A head's figures from its values and whether it was present.
pub fn binary(set: &str, slice: &str, head: &str, known: &[(f64, bool)]) -> Figures {
    let count = |is_found: bool, is_present: bool| {
        known
            .iter()
            .filter(|(value, present)| (*value >= OPERATING_POINT) == is_found && *present == is_present)
            .count() as f64
    };
    let (hits, false_alarms, misses) = (count(true, true), count(true, false), count(false, true));
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
    let (precision, recall) = (share(hits, hits + false_alarms), share(hits, hits + misses));
    Figures {
        set: set.to_owned(),
        slice: slice.to_owned(),
        head: head.to_owned(),
        n: known.len(),
        n_present: known.iter().filter(|(_, present)| *present).count(),
        precision,
        recall,
        f1: share(2.0 * hits, 2.0 * hits + false_alarms + misses),
        auc: auc(known),
        calibration_error: calibration_error(known),
        accuracy: (hits + count(false, false)) / known.len() as f64,
    }
}

/// Area under the curve, by ranks; ties count half.
pub(super) fn auc(known: &[(f64, bool)]) -> Option<f64> {
    let n_present = known.iter().filter(|(_, present)| *present).count();
    let n_absent = known.len() - n_present;
    if n_present == 0 || n_absent == 0 {
        return None;
    }
    let mut sorted: Vec<&(f64, bool)> = known.iter().collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks_of_present = 0.0;
    let mut at = 0;
    while at < sorted.len() {
        let end = at + sorted[at..].iter().take_while(|one| one.0 == sorted[at].0).count();
        let rank = (at + end + 1) as f64 / 2.0;
        ranks_of_present += rank * sorted[at..end].iter().filter(|one| one.1).count() as f64;
        at = end;
    }
    let n_present = n_present as f64;
    Some((ranks_of_present - n_present * (n_present + 1.0) / 2.0) / (n_present * n_absent as f64))
}

/// Ten bins of equal width, weighed by their lines.
fn calibration_error(known: &[(f64, bool)]) -> Option<f64> {
    if known.len() < 50 {
        return None;
    }
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for (value, present) in known {
        let bin = &mut bins[((value * 10.0) as usize).min(9)];
        bin.0 += 1.0;
        bin.1 += value;
        bin.2 += f64::from(u8::from(*present));
    }
    Some(bins.iter().map(|(_, values, present)| (values - present).abs()).sum::<f64>() / known.len() as f64)
}

fn sentiment(set: &str, slice: &str, lines: &[(&Example, &Analysis)]) -> Option<Figures> {
    let known: Vec<(usize, &Analysis)> =
        lines.iter().filter_map(|(example, analysis)| Some((example.sentiment?, *analysis))).collect();
    let is_right = |meant: usize, analysis: &Analysis| {
        let mood = match analysis.sentiment.mood() {
            Mood::Negative => 0,
            Mood::Neutral => 1,
            Mood::Positive => 2,
        };
        mood == meant
    };
    let recalls: Vec<f64> = (0..3)
        .filter_map(|mood| {
            let of_mood: Vec<_> = known.iter().filter(|(meant, _)| *meant == mood).collect();
            let right = of_mood.iter().filter(|(meant, analysis)| is_right(*meant, analysis)).count();
            (!of_mood.is_empty()).then(|| right as f64 / of_mood.len() as f64)
        })
        .collect();
    if known.is_empty() {
        return None;
    }
    let right = known.iter().filter(|(meant, analysis)| is_right(*meant, analysis)).count();
    Some(Figures {
        set: set.to_owned(),
        slice: slice.to_owned(),
        head: "sentiment".to_owned(),
        n: known.len(),
        n_present: known.iter().filter(|(meant, _)| *meant == 0).count(),
        precision: None,
        recall: Some(recalls.iter().sum::<f64>() / recalls.len() as f64),
        f1: None,
        auc: auc(&polar(lines)),
        calibration_error: None,
        accuracy: right as f64 / known.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::{auc, binary};

    #[test]
    fn a_perfect_ranking_has_an_area_of_one() {
        assert_eq!(auc(&[(0.1, false), (0.2, false), (0.8, true)]), Some(1.0));
        assert_eq!(auc(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(auc(&[(0.5, true)]), None);
    }

    #[test]
    fn figures_count_at_the_operating_point() {
        let figures = binary("", "", "", &[(0.9, true), (0.4, true), (0.6, false), (0.1, false)]);
        assert_eq!((figures.precision, figures.recall, figures.f1), (Some(0.5), Some(0.5), Some(0.5)));
    }
}
