//! Calibration: a factor and a summand for each output, so that 0.7 means
//! seven times in ten. Fitted on lines kept from training.

use super::data::Example;
use crate::nlp::labels::{N_OUTPUTS, N_SENTIMENTS, Outputs, sigmoid};

/// Fewer lines of either kind than this say nothing about an output.
const LEAST_LINES: usize = 12;
/// How strongly factors are held near 1 and summands near 0, in lines.
const PRIOR: f64 = 4.0;

/// The factors and summands that fit the lines best.
pub fn fit(outputs: &[Outputs], examples: &[Example]) -> ([f64; N_OUTPUTS], [f64; N_OUTPUTS]) {
    let (mut scale, mut shift) = ([1.0; N_OUTPUTS], [0.0; N_OUTPUTS]);
    for output in N_SENTIMENTS..N_OUTPUTS {
        let known: Vec<(f64, f64)> = outputs
            .iter()
            .zip(examples)
            // A label between the two is an opinion; calibrated is whether it is there at all.
            .filter_map(|(row, example)| {
                Some((row[output], f64::from(u8::from(example.head(output)? >= 0.5))))
            })
            .collect();
        let n_present = known.iter().filter(|(_, meant)| *meant > 0.5).count();
        if n_present >= LEAST_LINES && known.len() - n_present >= LEAST_LINES {
            (scale[output], shift[output]) = fit_sigmoid(&known);
        }
    }
    let moods: Vec<(&Outputs, usize)> =
        outputs.iter().zip(examples).filter_map(|(row, example)| Some((row, example.sentiment?))).collect();
    if moods.len() >= 3 * LEAST_LINES {
        let temperature = fit_softmax(&moods);
        scale[..N_SENTIMENTS].fill(temperature);
    }
    (scale, shift)
}

/// Platt's two numbers, by plain descent: two parameters and a convex loss.
fn fit_sigmoid(known: &[(f64, f64)]) -> (f64, f64) {
    let (mut scale, mut shift) = (1.0_f64, 0.0_f64);
    let n = known.len() as f64;
    for _ in 0..2_000 {
        let (mut by_scale, mut by_shift) = (PRIOR * (scale - 1.0), PRIOR * shift * 0.1);
        for (output, meant) in known {
            let error = sigmoid(output * scale + shift) - meant;
            by_scale += error * output;
            by_shift += error;
        }
        scale = (scale - 0.05 * by_scale / n).clamp(0.2, 3.0);
        shift = (shift - 0.2 * by_shift / n).clamp(-3.0, 3.0);
    }
    (scale, shift)
}

/// One factor for the three sentiments.
fn fit_softmax(moods: &[(&Outputs, usize)]) -> f64 {
    let loss = |scale: f64| -> f64 {
        let each = moods.iter().map(|(row, meant)| {
            let sum: f64 = row[..N_SENTIMENTS].iter().map(|output| (output * scale).exp()).sum();
            sum.ln() - row[*meant] * scale
        });
        each.sum()
    };
    let candidates = (0..=50).map(|nth| 0.3 + 0.04 * f64::from(nth));
    candidates.min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0)
}
