//! Fits the word model: logistic regressions on hashed words and pairs of words.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    augment, calibrate,
    data::{Example, Examples},
};
use crate::nlp::{
    labels::{N_OUTPUTS, N_SENTIMENTS, Outputs, sigmoid},
    lexicon::{Features, Lexicon, bucket},
};

/// Buckets of the word model; with one byte a weight this is 740 kB.
const N_BUCKETS: usize = 32_768;
const RATE: f64 = 0.25;
/// Keeps rare words near zero.
const DECAY: f64 = 1.5e-5;

/// Fits a word model. `kept` is what it is calibrated on.
pub fn fit(sets: &[Examples], kept: &[Example], draws: usize, seed: u64, version: &str) -> Lexicon {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut weights = vec![0.0f64; N_BUCKETS * N_OUTPUTS];
    let mut squares = vec![1e-2f64; N_BUCKETS * N_OUTPUTS];
    let mut bias = [0.0; N_OUTPUTS];
    let whole: f64 = sets.iter().map(|set| set.share).sum();
    for draw in 0..draws {
        let mut point = chance.random_range(0.0..whole);
        let set = sets
            .iter()
            .find(|set| {
                point -= set.share;
                point <= 0.0
            })
            .or(sets.first());
        let Some(set) = set else { break };
        let example = &set.examples[chance.random_range(0..set.examples.len())];
        let text = augment::vary(&example.text, &mut chance);
        let (buckets, scale) = hashed(&text);
        let outputs = sum(&weights, &bias, &buckets, scale);
        let errors = errors(&outputs, example);
        let progress = 1.0 - draw as f64 / draws as f64;
        for (at, error) in errors.iter().enumerate().filter(|(_, error)| **error != 0.0) {
            bias[at] -= 0.02 * progress * error;
            for bucket in &buckets {
                let place = bucket * N_OUTPUTS + at;
                let slope = error * scale + DECAY * weights[place];
                squares[place] += slope * slope;
                weights[place] -= RATE * progress.sqrt() * slope / squares[place].sqrt();
            }
        }
    }
    let outputs: Vec<Outputs> = kept
        .iter()
        .map(|example| {
            let (buckets, scale) = hashed(&example.text);
            sum(&weights, &bias, &buckets, scale)
        })
        .collect();
    let (factors, summands) = calibrate::fit(&outputs, kept);
    for at in 0..N_OUTPUTS {
        bias[at] = bias[at] * factors[at] + summands[at];
        weights.iter_mut().skip(at).step_by(N_OUTPUTS).for_each(|weight| *weight *= factors[at]);
    }
    rounded(&weights, bias, version)
}

fn hashed(text: &str) -> (Vec<usize>, f64) {
    let features = Features::of(text);
    let scale = features.scale();
    (features.found.iter().map(|feature| bucket(feature.hash, N_BUCKETS)).collect(), scale)
}

fn sum(weights: &[f64], bias: &Outputs, buckets: &[usize], scale: f64) -> Outputs {
    let mut outputs = *bias;
    for bucket in buckets {
        let row = &weights[bucket * N_OUTPUTS..(bucket + 1) * N_OUTPUTS];
        outputs.iter_mut().zip(row).for_each(|(output, weight)| *output += weight * scale);
    }
    outputs
}

/// How far each output is off; zero where nothing is known.
fn errors(outputs: &Outputs, example: &Example) -> Outputs {
    let mut errors = [0.0; N_OUTPUTS];
    let trust = f64::from(example.trust);
    if let Some(meant) = example.sentiment {
        let highest = outputs[..N_SENTIMENTS].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> =
            outputs[..N_SENTIMENTS].iter().map(|output| (output - highest).exp()).collect();
        let whole: f64 = weights.iter().sum();
        for at in 0..N_SENTIMENTS {
            errors[at] = trust * (weights[at] / whole - f64::from(u8::from(at == meant)));
        }
    }
    for at in N_SENTIMENTS..N_OUTPUTS {
        if let Some(meant) = example.head(at) {
            errors[at] = trust * (sigmoid(outputs[at]) - f64::from(meant));
        }
    }
    errors
}

/// One byte a weight: each output has a step of its own.
fn rounded(weights: &[f64], bias: Outputs, version: &str) -> Lexicon {
    let step: Outputs = std::array::from_fn(|at| {
        let largest = weights
            .iter()
            .skip(at)
            .step_by(N_OUTPUTS)
            .fold(0.0f64, |largest, weight| largest.max(weight.abs()));
        (largest / 127.0).max(1e-9)
    });
    let bytes =
        weights.iter().enumerate().map(|(place, weight)| (weight / step[place % N_OUTPUTS]).round() as i8);
    Lexicon { version: version.to_owned(), bias, step, weights: bytes.collect() }
}
