//! What a student learns from other than labels: the whole base model, whose
//! sentence vectors it keeps, and a deeper trained model, whose opinion of every
//! line it hears (distillation: Hinton, Vinyals and Dean 2015, arXiv:1503.02531).

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use tch::Tensor;

use super::data::Example;
use crate::nlp::{
    NlpError, bundle,
    encoder::{Batch, Encoder, Training, unit},
    labels::{N_OUTPUTS, N_SENTIMENTS},
};

/// A text as written, in pieces.
pub struct Written<'a> {
    /// Which text it is.
    pub key: u64,
    /// Its pieces.
    pub ids: &'a [i64],
}

/// What a text is remembered by.
pub fn key(text: &str) -> u64 {
    let mut sum = DefaultHasher::new();
    text.hash(&mut sum);
    sum.finish()
}

/// Numbers of each text that are computed once.
struct Remembered {
    rows: HashMap<u64, Vec<f32>>,
    width: usize,
}

impl Remembered {
    fn new(width: usize) -> Self {
        Self { rows: HashMap::new(), width }
    }

    /// A row for each text; those not seen before come from `compute`.
    fn rows(
        &mut self,
        texts: &[Written<'_>],
        compute: impl Fn(&Batch) -> Result<Tensor, NlpError>,
    ) -> Result<Vec<f32>, NlpError> {
        let new: Vec<&Written<'_>> = texts.iter().filter(|text| !self.rows.contains_key(&text.key)).collect();
        if !new.is_empty() {
            let batch = Batch::new(new.iter().map(|text| text.ids));
            let found = tch::no_grad(|| compute(&batch))?;
            let found = Vec::<f32>::try_from(found.contiguous().view(-1))?;
            for (text, row) in new.iter().zip(found.chunks_exact(self.width)) {
                self.rows.insert(text.key, row.to_vec());
            }
        }
        Ok(texts.iter().flat_map(|text| self.rows[&text.key].iter().copied()).collect())
    }
}

/// The whole base model, whose sentence vectors the student keeps.
pub struct Base {
    encoder: Encoder,
    vectors: Remembered,
}

impl Base {
    /// Loads the base's folder.
    ///
    /// # Errors
    ///
    /// A file is missing or cannot be read.
    pub fn load(base: &Path) -> Result<Self, NlpError> {
        let mut encoder = Encoder::of_shape(&base.join(bundle::CONFIG), None)?;
        tch::no_grad(|| encoder.body.read_safetensors(base.join("model.safetensors")))?;
        // Nothing is learned through it: the quick format is exact enough.
        encoder.body.bfloat16();
        let vectors = Remembered::new(encoder.width());
        Ok(Self { encoder, vectors })
    }

    /// The vector of each text, of length one.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn vectors(&mut self, texts: &[Written<'_>]) -> Result<Vec<Vec<f32>>, NlpError> {
        let encoder = &self.encoder;
        let rows = self.vectors.rows(texts, |batch| Ok(unit(&encoder.encode(batch, Training::Off)?.mean)))?;
        Ok(rows.chunks_exact(self.vectors.width).map(<[f32]>::to_vec).collect())
    }
}

/// A trained model with more layers than the student.
pub struct Teacher {
    encoder: Encoder,
    opinions: Remembered,
}

/// Where a teacher's opinions are kept between two runs.
const OPINIONS: &str = "teacher.safetensors";

impl Teacher {
    /// Loads a model folder, and the opinions kept in `checkpoint`.
    ///
    /// # Errors
    ///
    /// A file is missing or cannot be read.
    pub fn load(folder: &Path, checkpoint: &Path) -> Result<Self, NlpError> {
        let bundle = bundle::Bundle::open(folder)?;
        let mut encoder = Encoder::of_shape(&bundle.path(bundle::CONFIG), None)?;
        encoder.load_body(&[bundle.path(bundle::EMBEDDINGS), bundle.path(bundle::BODY)])?;
        encoder.top.load(bundle.path(bundle::TOP))?;
        encoder.body.bfloat16();
        let mut opinions = Remembered::new(N_OUTPUTS);
        let kept = checkpoint.join(OPINIONS);
        if kept.is_file() {
            let kept: HashMap<String, Tensor> = Tensor::read_safetensors(kept)?.into_iter().collect();
            if let (Some(keys), Some(rows)) = (kept.get("keys"), kept.get("rows")) {
                let keys = Vec::<i64>::try_from(keys)?;
                let rows = Vec::<f32>::try_from(rows.view(-1))?;
                let rows = rows.chunks_exact(N_OUTPUTS).map(<[f32]>::to_vec);
                opinions.rows = keys.into_iter().map(i64::cast_unsigned).zip(rows).collect();
            }
        }
        Ok(Self { encoder, opinions })
    }

    /// Keeps what was computed for the next run.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, checkpoint: &Path) -> Result<(), NlpError> {
        let keys: Vec<i64> = self.opinions.rows.keys().map(|key| key.cast_signed()).collect();
        let rows: Vec<f32> = self.opinions.rows.values().flatten().copied().collect();
        let n = keys.len() as i64;
        let named = [
            ("keys", Tensor::from_slice(&keys)),
            ("rows", Tensor::from_slice(&rows).view([n, N_OUTPUTS as i64])),
        ];
        Ok(Tensor::write_safetensors(&named, checkpoint.join(OPINIONS))?)
    }

    /// What it makes of each text, before the squashing.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn opinions(&mut self, texts: &[Written<'_>]) -> Result<Vec<Opinion>, NlpError> {
        let encoder = &self.encoder;
        let rows = self
            .opinions
            .rows(texts, |batch| Ok(encoder.heads(&encoder.encode(batch, Training::Off)?.mean)))?;
        Ok(rows.chunks_exact(N_OUTPUTS).map(Opinion::of).collect())
    }
}

/// What a teacher makes of a text, as probabilities.
#[derive(Debug, Clone, Copy)]
pub struct Opinion {
    /// Negative, neutral, positive; they sum to 1.
    pub sentiment: [f32; N_SENTIMENTS],
    /// Every output behind them.
    pub heads: [f32; N_OUTPUTS - N_SENTIMENTS],
}

impl Opinion {
    fn of(outputs: &[f32]) -> Self {
        let (moods, heads) = outputs.split_at(N_SENTIMENTS);
        let highest = moods.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = moods.iter().map(|one| (one - highest).exp()).sum();
        Self {
            sentiment: std::array::from_fn(|at| (moods[at] - highest).exp() / sum),
            heads: std::array::from_fn(|at| 1.0 / (1.0 + (-heads[at]).exp())),
        }
    }
}

/// How much a teacher's opinion weighs beside a label that is trusted fully.
const WEIGHT_BESIDE_LABEL: f32 = 0.7;
/// How much it weighs where there is no label.
const WEIGHT_ALONE: f32 = 0.5;

/// What a student should say of a text, and how much each word of it weighs.
pub struct Aim {
    /// Negative, neutral, positive, each times its weight.
    pub sentiment: [f32; N_SENTIMENTS],
    /// Target and weight of every other output.
    pub heads: [(f32, f32); N_OUTPUTS - N_SENTIMENTS],
}

impl Aim {
    /// The labels of a line, mixed with a teacher's opinion if there is one.
    pub fn of(example: &Example, opinion: Option<&Opinion>) -> Self {
        let label_weight = example.trust;
        let heads = std::array::from_fn(|at| match (example.heads[at], opinion) {
            (Some(label), None) => (label, label_weight),
            (Some(label), Some(opinion)) => {
                let whole = label_weight + WEIGHT_BESIDE_LABEL;
                let mean = (label * label_weight + opinion.heads[at] * WEIGHT_BESIDE_LABEL) / whole;
                (mean, whole)
            }
            (None, Some(opinion)) => (opinion.heads[at], WEIGHT_ALONE),
            (None, None) => (0.0, 0.0),
        });
        let mut sentiment = [0.0; N_SENTIMENTS];
        if let Some(label) = example.sentiment {
            sentiment[label] = label_weight;
        }
        if let Some(opinion) = opinion {
            let weight = if example.sentiment.is_some() { WEIGHT_BESIDE_LABEL } else { WEIGHT_ALONE };
            for (sum, probability) in sentiment.iter_mut().zip(opinion.sentiment) {
                *sum += probability * weight;
            }
        }
        Self { sentiment, heads }
    }
}

#[cfg(test)]
mod tests {
    use super::{Aim, Opinion};
    use crate::nlp::{
        labels::{FRUSTRATION, HUMAN_REQUEST, N_OUTPUTS, N_SENTIMENTS},
        train::data::Example,
    };

    #[test]
    fn a_label_and_an_opinion_share_the_aim() {
        let mut example = Example::new("get me a person");
        example.heads[HUMAN_REQUEST - N_SENTIMENTS] = Some(1.0);
        let opinion = Opinion::of(&[0.0; N_OUTPUTS]);
        let alone = Aim::of(&example, None);
        let taught = Aim::of(&example, Some(&opinion));
        assert_eq!(alone.heads[HUMAN_REQUEST - N_SENTIMENTS], (1.0, 1.0));
        assert_eq!(alone.heads[FRUSTRATION - N_SENTIMENTS].1, 0.0, "nothing is known of it");
        let (mean, weight) = taught.heads[HUMAN_REQUEST - N_SENTIMENTS];
        assert!(mean > 0.7 && mean < 1.0 && weight > 1.0, "{mean} {weight}");
        assert_eq!(taught.heads[FRUSTRATION - N_SENTIMENTS].0, 0.5, "the teacher alone speaks of it");
        assert!((taught.sentiment.iter().sum::<f32>() - 0.5).abs() < 1e-6);
    }
}
