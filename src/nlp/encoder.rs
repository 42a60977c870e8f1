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

use super::{
    NlpError,
    batch::{self, Packing},
    labels::N_OUTPUTS,
};

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

/// Texts of one batch. Several may share a row; none sees another.
pub struct Batch {
    /// Row, piece.
    ids: Tensor,
    /// The place of each piece in its own text.
    positions: Tensor,
    /// Row, piece, piece: 1 where both are of one text.
    mask: Tensor,
    /// Text, piece of any row: what each piece weighs in the mean of its text.
    shares: Tensor,
}

/// What the transformer makes of a batch.
pub struct Encoding {
    /// A vector a piece: row, piece, width. A text alone begins its row.
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
    /// Lays the ids of several texts into rows.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a [i64]>) -> Self {
        let texts: Vec<&[i64]> = texts.into_iter().collect();
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let Packing { row, n_rows, starts } = batch::pack(&lengths);
        let n_places = n_rows * row;
        let mut ids = vec![0i64; n_places];
        let mut positions = vec![0i64; n_places];
        let mut mask = vec![0i64; n_places * row];
        let mut shares = vec![0f32; texts.len() * n_places];
        for (at, (text, start)) in texts.iter().zip(starts).enumerate() {
            let places = start..start + text.len();
            ids[places.clone()].copy_from_slice(text);
            for (position, place) in places.clone().enumerate() {
                positions[place] = position as i64;
                let seen = place * row + start % row;
                mask[seen..seen + text.len()].fill(1);
            }
            let share = 1.0 / text.len() as f32;
            shares[at * n_places..][places].fill(share);
        }
        let shape = [n_rows as i64, row as i64];
        Self {
            ids: Tensor::from_slice(&ids).view(shape),
            positions: Tensor::from_slice(&positions).view(shape),
            mask: Tensor::from_slice(&mask).view([shape[0], shape[1], shape[1]]),
            shares: Tensor::from_slice(&shares).view([texts.len() as i64, n_places as i64]),
        }
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
        let (ids, mask, positions) = (Some(&batch.ids), Some(&batch.mask), Some(&batch.positions));
        let output = self
            .model
            .forward_t(ids, mask, None, positions, None, None, None, is_training)
            .map_err(|error| NlpError::Engine(error.to_string()))?;
        let tokens = output.hidden_state.to_kind(Kind::Float);
        let mean = batch.shares.matmul(&tokens.flatten(0, 1));
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
