//! Fitting the linear heads alone, on mean vectors that are computed once. The
//! encoder stays as it is. Knows nothing of texts, sites or files.

use tch::{Device, Kind, Reduction, Tensor, nn, nn::OptimizerConfig};

use super::data::Example;
use crate::nlp::{
    NlpError,
    labels::{N_OUTPUTS, N_SENTIMENTS, Outputs, sigmoid},
};

const RATE: f64 = 0.01;

/// A matrix and a bias: output, width.
pub struct Heads {
    /// Rows of weights.
    pub weights: Tensor,
    /// One number an output.
    pub bias: Tensor,
}

/// What the heads should say of each text, and how much each word of it weighs.
#[derive(Debug, Clone, Default)]
pub struct Aims {
    heads: Vec<f32>,
    weights: Vec<f32>,
    moods: Vec<f32>,
    n: usize,
}

/// Which outputs are fitted. The others keep their weights to the bit.
pub type Fitted = [bool; N_OUTPUTS];

impl Heads {
    /// The outputs of each row of vectors.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn outputs(&self, vectors: &Tensor) -> Result<Vec<Outputs>, NlpError> {
        let flat: Vec<f32> = tch::no_grad(|| {
            let outputs = vectors.f_matmul(&self.weights.transpose(0, 1))? + &self.bias;
            Ok::<_, NlpError>(Vec::try_from(outputs.contiguous().view(-1))?)
        })?;
        Ok(flat.chunks_exact(N_OUTPUTS).map(|row| std::array::from_fn(|at| f64::from(row[at]))).collect())
    }
}

impl Aims {
    /// Adds a text: what is known of it, times `weight`. Where `opinion` is given, the heads should stay near it: it
    /// counts three times as much as a label, so that old texts do not teach anew what they taught already.
    pub fn add(&mut self, example: &Example, fitted: &Fitted, weight: f32, opinion: Option<&Outputs>) {
        self.n += 1;
        for (at, label) in example.heads.iter().enumerate() {
            let output = N_SENTIMENTS + at;
            let found = opinion.map(|opinion| sigmoid(opinion[output]) as f32);
            let (target, trust) = match (label, found) {
                (Some(label), Some(found)) => ((label + 3.0 * found) / 4.0, example.trust),
                (Some(label), None) => (*label, example.trust),
                (None, Some(found)) => (found, 0.5),
                (None, None) => (0.0, 0.0),
            };
            self.heads.push(target);
            self.weights.push(if fitted[output] { trust * weight } else { 0.0 });
        }
        let mut moods = [0.0; N_SENTIMENTS];
        if fitted[0] {
            let trust = example.trust * weight;
            let of_label = if opinion.is_some() { trust / 4.0 } else { trust };
            if let Some(mood) = example.sentiment {
                moods[mood] += of_label;
            }
            if let Some(opinion) = opinion {
                for (mood, share) in moods.iter_mut().zip(softmax(opinion)) {
                    *mood += share * (trust - of_label);
                }
            }
        }
        self.moods.extend(moods);
    }

    fn tensors(&self) -> (Tensor, Tensor, Tensor) {
        let shape = [self.n as i64, (N_OUTPUTS - N_SENTIMENTS) as i64];
        (
            Tensor::from_slice(&self.heads).view(shape),
            Tensor::from_slice(&self.weights).view(shape),
            Tensor::from_slice(&self.moods).view([self.n as i64, N_SENTIMENTS as i64]),
        )
    }
}

fn softmax(outputs: &Outputs) -> [f32; N_SENTIMENTS] {
    let highest = outputs[..N_SENTIMENTS].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let each: [f64; N_SENTIMENTS] = std::array::from_fn(|at| (outputs[at] - highest).exp());
    let sum: f64 = each.iter().sum();
    each.map(|one| (one / sum) as f32)
}

/// Heads that say what is aimed at, and stay near `start`: the further the less `hold` is.
///
/// # Errors
///
/// The engine fails.
pub fn fit(vectors: &Tensor, aims: &Aims, start: &Heads, hold: f64, steps: usize) -> Result<Heads, NlpError> {
    let store = nn::VarStore::new(Device::Cpu);
    let weights = store.root().var_copy("weights", &start.weights);
    let bias = store.root().var_copy("bias", &start.bias);
    let mut adam = nn::Adam::default().build(&store, RATE)?;
    let (meant, trust, moods) = aims.tensors();
    let whole = aims.weights.iter().sum::<f32>() + aims.moods.iter().sum::<f32>();
    let whole = f64::from(whole.max(1.0)) / N_OUTPUTS as f64;
    for step in 0..steps {
        adam.set_lr(RATE * (1.0 - step as f64 / steps as f64).max(0.02));
        let outputs = vectors.f_matmul(&weights.transpose(0, 1))? + &bias;
        let heads = outputs.narrow(1, N_SENTIMENTS as i64, (N_OUTPUTS - N_SENTIMENTS) as i64);
        let entropy =
            heads.binary_cross_entropy_with_logits::<Tensor>(&meant, None, None, Reduction::None) * &trust;
        let mood_entropy = -(outputs.narrow(1, 0, N_SENTIMENTS as i64).log_softmax(-1, Kind::Float) * &moods);
        let moved = (&weights - &start.weights).square().sum(Kind::Float)
            + (&bias - &start.bias).square().sum(Kind::Float) * 0.1;
        let loss = (entropy.sum(Kind::Float) + mood_entropy.sum(Kind::Float)) / whole + moved * hold;
        adam.backward_step(&loss);
    }
    Ok(Heads { weights: weights.detach().copy(), bias: bias.detach().copy() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nlp::labels::{FRUSTRATION, HUMAN_REQUEST};

    /// Texts of which half have a large first number, and are frustrated.
    #[test]
    fn what_nobody_labelled_stays_as_it_was_to_the_bit() {
        let width = 4_i64;
        let start = Heads {
            weights: Tensor::rand([N_OUTPUTS as i64, width], (Kind::Float, Device::Cpu)),
            bias: Tensor::rand([N_OUTPUTS as i64], (Kind::Float, Device::Cpu)),
        };
        let rows: Vec<f32> = (0..40).flat_map(|n| [f32::from(n % 2 == 0), 0.1, -0.2, 0.3]).collect();
        let vectors = Tensor::from_slice(&rows).view([40, width]);
        let mut fitted = [false; N_OUTPUTS];
        fitted[FRUSTRATION] = true;
        let mut aims = Aims::default();
        for n in 0..40 {
            let mut example = Example::new("x");
            example.heads[FRUSTRATION - N_SENTIMENTS] = Some(f32::from(n % 2 == 0));
            example.heads[HUMAN_REQUEST - N_SENTIMENTS] = Some(1.0);
            aims.add(&example, &fitted, 1.0, None);
        }
        let found = fit(&vectors, &aims, &start, 1e-4, 400).unwrap();
        let outputs = found.outputs(&vectors).unwrap();
        assert!(outputs[0][FRUSTRATION] > outputs[1][FRUSTRATION] + 1.0);
        let changed: Vec<i64> = (0..N_OUTPUTS as i64)
            .filter(|output| found.weights.get(*output) != start.weights.get(*output))
            .collect();
        assert_eq!(changed, [FRUSTRATION as i64]);
    }
}
