//! The two projections on the mean of a text's vectors: its heads and its sentence vector.
//!
//! Linear both, so what each piece adds to a head is its own vector under the same weights: the terms are a true sum.

use std::collections::HashMap;

use tch::Tensor;

use super::{
    NlpError,
    bundle::{self, Bundle, Calibration},
    engine::flat,
    labels::{N_OUTPUTS, Outputs},
};

/// Both projections of a model.
pub struct Projections {
    heads: Linear,
    sentence: Linear,
}

/// Weights, a row for each output, and what is added.
struct Linear {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    fn new(file: &HashMap<String, Tensor>, name: &str, n_outputs: usize) -> Result<Self, NlpError> {
        let get = |part: &str| {
            let tensor = file.get(&format!("{name}.{part}"));
            flat(tensor.ok_or_else(|| NlpError::Engine(format!("the weights lack {name}.{part}")))?)
        };
        let (weights, bias) = (get("weight")?, get("bias")?);
        if bias.len() != n_outputs || weights.is_empty() || !weights.len().is_multiple_of(n_outputs) {
            return Err(NlpError::Engine(format!("the weights of {name} have another shape")));
        }
        Ok(Self { weights, bias })
    }

    fn width(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    fn rows(&self) -> impl Iterator<Item = (&[f32], f32)> {
        self.weights.chunks_exact(self.width()).zip(self.bias.iter().copied())
    }

    fn calibrate(&mut self, by: &Calibration) {
        let width = self.width();
        for (output, (scale, shift)) in by.scale.iter().zip(&by.shift).enumerate() {
            self.weights[output * width..][..width].iter_mut().for_each(|weight| *weight *= scale);
            self.bias[output] = self.bias[output] * scale + shift;
        }
    }
}

impl Projections {
    /// Those of a model folder. Its calibration becomes part of the weights, so that what each piece adds stays a
    /// true sum.
    ///
    /// # Errors
    ///
    /// Weights are missing or have another shape than the encoder's vectors, which are `width` long.
    pub fn load(bundle: &Bundle, width: usize) -> Result<Self, NlpError> {
        let file = Tensor::read_safetensors(bundle.path(bundle::TOP))?.into_iter().collect();
        let mut heads = Linear::new(&file, "heads", N_OUTPUTS)?;
        let sentence = Linear::new(&file, "sentence", width)?;
        if heads.width() != width || sentence.width() != width {
            return Err(NlpError::Engine("the projections are not for vectors of this length".to_owned()));
        }
        heads.calibrate(&bundle.manifest.calibration);
        Ok(Self { heads, sentence })
    }

    /// The outputs of the heads for a text's mean.
    pub fn outputs(&self, mean: &[f32]) -> Outputs {
        let mut outputs = [0.0; N_OUTPUTS];
        for (output, (weights, bias)) in outputs.iter_mut().zip(self.heads.rows()) {
            *output = f64::from(dot(weights, mean) + bias);
        }
        outputs
    }

    /// The sentence vector for a text's mean, of length one.
    pub fn sentence(&self, mean: &[f32]) -> Vec<f32> {
        let mut vector: Vec<f32> =
            self.sentence.rows().map(|(weights, bias)| dot(weights, mean) + bias).collect();
        let length = dot(&vector, &vector).sqrt().max(1e-9);
        vector.iter_mut().for_each(|number| *number /= length);
        vector
    }

    /// What each piece of a text adds to one output, and the bias.
    pub fn contributions(&self, tokens: &[f32], output: usize) -> (Vec<f64>, f64) {
        let Some((weights, bias)) = self.heads.rows().nth(output) else { return (Vec::new(), 0.0) };
        let pieces = tokens.chunks_exact(weights.len());
        let n_pieces = pieces.len() as f64;
        (pieces.map(|piece| f64::from(dot(weights, piece)) / n_pieces).collect(), f64::from(bias))
    }
}

/// Sums that do not wait for each other, so that the processor adds several at once.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    const AT_ONCE: usize = 16;
    let mut sums = [0.0f32; AT_ONCE];
    let (ones, others) = (one.chunks_exact(AT_ONCE), other.chunks_exact(AT_ONCE));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    for (one, other) in ones.zip(others) {
        for at in 0..AT_ONCE {
            sums[at] += one[at] * other[at];
        }
    }
    sums.iter().sum::<f32>() + rest
}
