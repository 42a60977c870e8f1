//! What turns the ids of texts into vectors, in one of three number formats: libtorch in 32 bits or in bfloat16, or
//! products of 8 bits.

use std::collections::HashMap;

use int8_bert::{Int8Bert, Shape, Unfit};
use rust_bert::{Activation, Config, bert::BertConfig};
use tch::Tensor;

use super::{
    NlpError,
    bundle::{self, Bundle},
    encoder::{Batch, Encoder, Training},
    tokenizer::Encoded,
};

/// The number format of the transformer, the most exact one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    Full,
    /// bfloat16.
    Half,
    /// 8 bits in the products, 32 between them.
    Int8,
}

/// The transformer of a model folder.
pub struct Engine {
    bundle: Bundle,
    transformer: Transformer,
}

enum Transformer {
    Libtorch(Box<Encoder>, Precision),
    Int8(Box<Int8Bert>),
}

impl Engine {
    /// The transformer of a folder, in 32 bits.
    ///
    /// # Errors
    ///
    /// Its weights do not fit its shape.
    pub fn load(bundle: &Bundle) -> Result<Self, NlpError> {
        let encoder = Box::new(exact(bundle)?);
        Ok(Self { bundle: bundle.clone(), transformer: Transformer::Libtorch(encoder, Precision::Full) })
    }

    /// Changes the number format. Rounding cannot be undone: the weights are read again where they are not exact.
    ///
    /// # Errors
    ///
    /// This format cannot be had on this processor or with this shape; it is in 32 bits then.
    pub fn change(&mut self, wanted: Precision) -> Result<(), NlpError> {
        if self.precision() == wanted {
            return Ok(());
        }
        if self.precision() != Precision::Full {
            self.transformer = Transformer::Libtorch(Box::new(exact(&self.bundle)?), Precision::Full);
        }
        if let Transformer::Libtorch(encoder, precision) = &mut self.transformer {
            match wanted {
                Precision::Full => {}
                Precision::Half => {
                    encoder.body.bfloat16();
                    *precision = wanted;
                }
                Precision::Int8 => {
                    self.transformer = Transformer::Int8(Box::new(rounded(&self.bundle, encoder)?))
                }
            }
        }
        Ok(())
    }

    /// How long a vector is.
    pub fn width(&self) -> usize {
        match &self.transformer {
            Transformer::Libtorch(encoder, _) => encoder.width(),
            Transformer::Int8(encoder) => encoder.width(),
        }
    }

    fn precision(&self) -> Precision {
        match &self.transformer {
            Transformer::Libtorch(_, precision) => *precision,
            Transformer::Int8(_) => Precision::Int8,
        }
    }

    /// The mean of the vectors of each text.
    ///
    /// # Errors
    ///
    /// The engine refuses the batch.
    pub fn means(&self, texts: &[Encoded]) -> Result<Vec<Vec<f32>>, NlpError> {
        let ids: Vec<&[i64]> = texts.iter().map(|text| text.ids.as_slice()).collect();
        match &self.transformer {
            Transformer::Libtorch(encoder, _) => tch::no_grad(|| {
                let mean = encoder.encode(&Batch::new(ids), Training::Off)?.mean;
                Ok(flat(&mean)?.chunks_exact(encoder.width()).map(<[f32]>::to_vec).collect())
            }),
            Transformer::Int8(encoder) => {
                let encoding = encoder.encode(&ids);
                Ok((0..texts.len()).map(|text| encoding.mean(text)).collect())
            }
        }
    }

    /// The vector of each piece of a text, one after the other.
    ///
    /// # Errors
    ///
    /// The engine refuses the text.
    pub fn tokens(&self, text: &Encoded) -> Result<Vec<f32>, NlpError> {
        match &self.transformer {
            Transformer::Libtorch(encoder, _) => tch::no_grad(|| {
                let tokens = encoder.encode(&Batch::new([text.ids.as_slice()]), Training::Off)?.tokens;
                flat(&tokens.narrow(1, 0, text.ids.len() as i64))
            }),
            Transformer::Int8(encoder) => Ok(encoder.encode(&[&text.ids]).tokens),
        }
    }
}

fn exact(bundle: &Bundle) -> Result<Encoder, NlpError> {
    let mut encoder = Encoder::of_shape(&bundle.path(bundle::CONFIG), None)?;
    encoder.load_body(&[bundle.path(bundle::EMBEDDINGS), bundle.path(bundle::BODY)])?;
    encoder.body.freeze();
    Ok(encoder)
}

fn rounded(bundle: &Bundle, exact: &Encoder) -> Result<Int8Bert, NlpError> {
    let config = BertConfig::from_file(bundle.path(bundle::CONFIG));
    if !matches!(config.hidden_act, Activation::gelu) {
        return Err(NlpError::Engine("8 bits are for GELU".to_owned()));
    }
    let shape = Shape {
        width: config.hidden_size as usize,
        layers: config.num_hidden_layers as usize,
        heads: config.num_attention_heads as usize,
        inner: config.intermediate_size as usize,
        // What rust-bert computes with, whatever the file says.
        epsilon: 1e-12,
    };
    let weights: HashMap<String, Tensor> = exact.body.variables();
    Int8Bert::new(shape, |name| flat(weights.get(name)?).ok()).map_err(|unfit| {
        NlpError::Engine(match unfit {
            Unfit::Processor => "this processor has no products of 8 bits".to_owned(),
            Unfit::Shape => "8 bits are not for a model of this shape".to_owned(),
            Unfit::Weight(name) => format!("the weights lack {name}"),
        })
    })
}

/// The numbers of a tensor, row after row.
pub(super) fn flat(tensor: &Tensor) -> Result<Vec<f32>, NlpError> {
    Ok(Vec::<f32>::try_from(tensor.contiguous().view(-1))?)
}
