//! rust-bert's BertModel with the two projections on top: ids in, token
//! vectors, heads and sentence vectors out. Knows nothing of texts or labels.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rust_bert::{
    Config,
    bert::{BertConfig, BertEmbeddings, BertModel},
};
use tch::{Device, Kind, Tensor, nn};

use super::{NlpError, labels::N_OUTPUTS};

/// The encoder and its projections.
pub struct Encoder {
    /// Variables of the transformer; bf16 where that is quicker.
    pub body: nn::VarStore,
    /// Variables of the projections; always f32.
    pub top: nn::VarStore,
    model: BertModel<BertEmbeddings>,
    heads: nn::Linear,
    sentence: nn::Linear,
}

/// Texts of one batch, padded to the longest.
pub struct Batch {
    ids: Tensor,
    /// 1 where there is a piece, 0 where there is padding.
    mask: Tensor,
}

/// What the transformer makes of a batch.
pub struct Encoding {
    /// A vector a piece: text, piece, width.
    pub tokens: Tensor,
    /// Their mean over the pieces of each text: text, width.
    pub mean: Tensor,
}

/// Whether dropout is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// While learning.
    On,
    /// While serving and measuring.
    Off,
}

impl Batch {
    /// Pads the ids of several texts to the same length.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a [i64]>) -> Self {
        let texts: Vec<&[i64]> = texts.into_iter().collect();
        let longest = texts.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(texts.len() * longest);
        let mut mask = Vec::with_capacity(texts.len() * longest);
        for text in &texts {
            ids.extend_from_slice(text);
            mask.extend(std::iter::repeat_n(1i64, text.len()));
            ids.resize(ids.len() + longest - text.len(), 0);
            mask.resize(ids.len(), 0);
        }
        let shape = [texts.len() as i64, longest as i64];
        Self { ids: Tensor::from_slice(&ids).view(shape), mask: Tensor::from_slice(&mask).view(shape) }
    }
}

impl Encoder {
    /// An encoder of the shape in a `config.json`, with random weights.
    ///
    /// # Errors
    ///
    /// There is no such file.
    pub fn of_shape(config: &Path, layers: Option<i64>) -> Result<Self, NlpError> {
        if !config.is_file() {
            return Err(NlpError::Missing { what: config.display().to_string() });
        }
        let mut config = BertConfig::from_file(config);
        config.num_hidden_layers = layers.unwrap_or(config.num_hidden_layers);
        let body = nn::VarStore::new(Device::Cpu);
        let top = nn::VarStore::new(Device::Cpu);
        let model = BertModel::new_with_optional_pooler(body.root(), &config, false);
        let (root, width) = (top.root(), config.hidden_size);
        let heads = nn::linear(&root / "heads", width, N_OUTPUTS as i64, nn::LinearConfig::default());
        let sentence = nn::linear(&root / "sentence", width, width, nn::LinearConfig::default());
        Ok(Self { body, top, model, heads, sentence })
    }

    /// Fills the transformer from files that together hold all its weights.
    ///
    /// # Errors
    ///
    /// A file cannot be read, a weight is missing or has another shape.
    pub fn load_body(&mut self, files: &[PathBuf]) -> Result<(), NlpError> {
        let mut weights = HashMap::new();
        for file in files {
            weights.extend(Tensor::read_safetensors(file)?);
        }
        tch::no_grad(|| {
            for (name, mut variable) in self.body.variables() {
                let weight =
                    weights.get(&name).ok_or_else(|| NlpError::Engine(format!("the weights lack {name}")))?;
                variable.f_copy_(weight)?;
            }
            Ok(())
        })
    }

    /// Runs the transformer.
    ///
    /// # Errors
    ///
    /// The engine refuses the batch.
    pub fn encode(&self, batch: &Batch, training: Training) -> Result<Encoding, NlpError> {
        let is_training = training == Training::On;
        let output = self
            .model
            .forward_t(Some(&batch.ids), Some(&batch.mask), None, None, None, None, None, is_training)
            .map_err(|error| NlpError::Engine(error.to_string()))?;
        let tokens = output.hidden_state.to_kind(Kind::Float);
        let mask = batch.mask.to_kind(Kind::Float).unsqueeze(-1);
        let over_pieces = [1i64].as_slice();
        let count = mask.sum_dim_intlist(over_pieces, false, Kind::Float);
        let mean = (&tokens * &mask).sum_dim_intlist(over_pieces, false, Kind::Float) / count;
        Ok(Encoding { tokens, mean })
    }

    /// How long a vector is.
    pub fn width(&self) -> usize {
        self.sentence.ws.size()[0] as usize
    }

    /// The heads of each text, before their squashing.
    pub fn heads(&self, mean: &Tensor) -> Tensor {
        mean.apply(&self.heads)
    }

    /// The sentence vector of each text, of length one.
    pub fn sentences(&self, mean: &Tensor) -> Tensor {
        unit(&mean.apply(&self.sentence))
    }

    /// What each piece adds to the heads of its text of `n` pieces, and the bias.
    ///
    /// The heads are linear on a mean, so these terms add up to them exactly.
    pub fn contributions(&self, tokens: &Tensor, n: usize) -> (Tensor, Tensor) {
        let each = tokens.matmul(&self.heads.ws.transpose(0, 1)) / n as f64;
        let bias = match &self.heads.bs {
            Some(bias) => bias.shallow_clone(),
            None => Tensor::zeros([N_OUTPUTS as i64], (Kind::Float, Device::Cpu)),
        };
        (each, bias)
    }

    /// Scales and shifts every head: calibration becomes part of the weights, and
    /// contributions stay a true sum.
    pub fn calibrate(&mut self, scale: &[f32], shift: &[f32]) {
        let (scale, shift) = (Tensor::from_slice(scale), Tensor::from_slice(shift));
        tch::no_grad(|| {
            let weights = &self.heads.ws * scale.unsqueeze(1);
            self.heads.ws.copy_(&weights);
            if let Some(bias) = self.heads.bs.as_mut() {
                let moved = &*bias * &scale + &shift;
                bias.copy_(&moved);
            }
        });
    }

    /// Starts the sentence projection as the identity.
    pub fn start_sentences_as_they_are(&mut self) {
        tch::no_grad(|| {
            let width = self.sentence.ws.size()[0];
            self.sentence.ws.copy_(&Tensor::eye(width, (Kind::Float, Device::Cpu)));
            if let Some(bias) = self.sentence.bs.as_mut() {
                let _ = bias.zero_();
            }
        });
    }
}

/// Vectors scaled to length one.
pub fn unit(vectors: &Tensor) -> Tensor {
    let length = vectors.norm_scalaropt_dim(2.0, [-1i64].as_slice(), true).clamp_min(1e-9);
    vectors / length
}
