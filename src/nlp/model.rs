//! A loaded model: texts in, outputs, word weights and sentence vectors out.
//! It does not know what asked for them, nor on which thread it runs.

use std::{path::Path, time::Instant};

use tch::Tensor;

use crate::fault::planted;

use super::{
    NlpError, batch,
    bundle::{self, Bundle, Manifest},
    encoder::{Batch, Encoder, Training},
    labels::{N_OUTPUTS, Outputs},
    spelling::Spelling,
    tokenizer::{Encoded, Tokenizer},
};

/// An encoder with its vocabulary and manifest.
pub struct Model {
    /// What its folder says.
    pub manifest: Manifest,
    /// Turns texts into ids.
    pub tokenizer: Tokenizer,
    encoder: Encoder,
}

/// The number format of the transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    Full,
    /// bfloat16.
    Half,
}

impl Model {
    /// Loads a model folder whose files are whole.
    ///
    /// # Errors
    ///
    /// The folder is not whole, or its weights do not fit its shape.
    pub fn load(folder: &Path) -> Result<Self, NlpError> {
        // One thread a model: more of them wait for each other on short texts.
        tch::set_num_threads(1);
        let bundle = Bundle::open(folder)?;
        let mut tokenizer = Tokenizer::open(&bundle.path(bundle::VOCABULARY))?;
        if bundle.manifest.files.contains_key(bundle::WORDS) {
            tokenizer = tokenizer.with_spelling(Spelling::open(&bundle.path(bundle::WORDS))?);
        }
        let mut encoder = Encoder::of_shape(&bundle.path(bundle::CONFIG), None)?;
        encoder.load_body(&[bundle.path(bundle::EMBEDDINGS), bundle.path(bundle::BODY)])?;
        encoder.top.load(bundle.path(bundle::TOP))?;
        encoder.calibrate(&bundle.manifest.calibration.scale, &bundle.manifest.calibration.shift);
        encoder.body.freeze();
        encoder.top.freeze();
        Ok(Self { manifest: bundle.manifest, tokenizer, encoder })
    }

    /// Sets the number format, or times both on this machine and keeps the
    /// quicker one. Either way the first, slow batches are behind it then.
    ///
    /// # Errors
    ///
    /// The engine fails on the very first texts.
    pub fn choose_precision(&mut self, wanted: Option<Precision>) -> Result<Precision, NlpError> {
        // As long as people's messages are: half have fewer than 17 pieces, one in ten over 40.
        let texts: Vec<Encoded> = [
            "where is my order",
            "I have been waiting for two weeks and nobody answers my mails",
            "can I change the address, it still says processing on your page",
            "I bought the blue one in May, it broke in June, you sent another one and now that one has the \
             same fault, so what I want is my money back and not a third lamp",
        ]
        .into_iter()
        .cycle()
        .take(batch::MOST_TEXTS)
        .map(|text| self.tokenizer.encode(text))
        .collect();
        let time = |model: &Self| -> Result<f64, NlpError> {
            model.outputs(&texts)?;
            let mut best = f64::INFINITY;
            for _ in 0..4 {
                let begun = Instant::now();
                model.outputs(&texts[..1])?;
                model.outputs(&texts)?;
                best = best.min(begun.elapsed().as_secs_f64());
            }
            Ok(best)
        };
        if let Some(precision) = wanted {
            if precision == Precision::Half {
                self.encoder.body.bfloat16();
            }
            self.outputs(&texts)?;
            return Ok(precision);
        }
        let full = time(self)?;
        self.encoder.body.bfloat16();
        let half = time(self)?;
        // A tie goes to the exact format.
        if half < full * 0.9 {
            return Ok(Precision::Half);
        }
        self.encoder.body.float();
        Ok(Precision::Full)
    }

    /// The outputs of each text, in order.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn outputs(&self, texts: &[Encoded]) -> Result<Vec<Outputs>, NlpError> {
        tch::no_grad(|| {
            let batch = Batch::new(texts.iter().map(|text| text.ids.as_slice()));
            let encoding = self.encoder.encode(&batch, Training::Off)?;
            rows_of_outputs(&self.encoder.heads(&encoding.mean))
        })
    }

    /// The outputs of each text and its sentence vector, in one pass.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn outputs_and_sentences(&self, texts: &[Encoded]) -> Result<Vec<(Outputs, Vec<f32>)>, NlpError> {
        tch::no_grad(|| {
            let batch = Batch::new(texts.iter().map(|text| text.ids.as_slice()));
            let encoding = self.encoder.encode(&batch, Training::Off)?;
            let outputs = rows_of_outputs(&self.encoder.heads(&encoding.mean))?;
            let sentences = rows(&self.encoder.sentences(&encoding.mean))?;
            Ok(outputs.into_iter().zip(sentences).collect())
        })
    }

    /// The mean vector of each text, on which the heads work, one row a text.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn means(&self, texts: &[Encoded]) -> Result<Vec<Vec<f32>>, NlpError> {
        tch::no_grad(|| {
            let batch = Batch::new(texts.iter().map(|text| text.ids.as_slice()));
            let mean = self.encoder.encode(&batch, Training::Off)?.mean;
            Ok(flat(&mean)?.chunks_exact(self.encoder.width()).map(<[f32]>::to_vec).collect())
        })
    }

    /// What each piece of a text adds to one output, and the bias.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn contributions(&self, text: &Encoded, output: usize) -> Result<(Vec<f64>, f64), NlpError> {
        tch::no_grad(|| {
            let batch = Batch::new([text.ids.as_slice()]);
            let encoding = self.encoder.encode(&batch, Training::Off)?;
            let tokens = encoding.tokens.narrow(1, 0, text.ids.len() as i64);
            let (each, bias) = self.encoder.contributions(&tokens, text.ids.len());
            let each = flat(&each.select(-1, output as i64))?.into_iter().map(f64::from).collect();
            Ok((each, bias.double_value(&[output as i64])))
        })
    }

    /// The sentence vector of each text, of length one.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn sentences(&self, texts: &[Encoded]) -> Result<Vec<Vec<f32>>, NlpError> {
        tch::no_grad(|| {
            let batch = Batch::new(texts.iter().map(|text| text.ids.as_slice()));
            let encoding = self.encoder.encode(&batch, Training::Off)?;
            rows(&self.encoder.sentences(&encoding.mean))
        })
    }
}

fn rows_of_outputs(heads: &Tensor) -> Result<Vec<Outputs>, NlpError> {
    let outputs = flat(heads)?;
    // Weights that give no numbers are no model: words go on, and say why.
    if outputs.iter().any(|output| !output.is_finite()) && !planted("not_a_number_accepted") {
        return Err(NlpError::Engine("an output is not a number".to_owned()));
    }
    let row = |chunk: &[f32]| std::array::from_fn(|at| f64::from(chunk[at]));
    Ok(outputs.chunks_exact(N_OUTPUTS).map(row).collect())
}

fn rows(vectors: &Tensor) -> Result<Vec<Vec<f32>>, NlpError> {
    let width = vectors.size().last().map_or(1, |width| *width as usize);
    Ok(flat(vectors)?.chunks_exact(width.max(1)).map(<[f32]>::to_vec).collect())
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>, NlpError> {
    Ok(Vec::<f32>::try_from(tensor.contiguous().view(-1))?)
}
