//! A loaded model: texts in, outputs, word weights and sentence vectors out.
//! It does not know what asked for them, nor on which thread it runs.

use std::{path::Path, time::Instant};

use crate::fault::planted;

use super::{
    NlpError, batch,
    bundle::{self, Bundle, Manifest},
    engine::Engine,
    labels::Outputs,
    projections::Projections,
    spelling::Spelling,
    tokenizer::{Encoded, Tokenizer},
};

pub use super::engine::Precision;

/// An encoder with its projections, vocabulary and manifest.
pub struct Model {
    /// What its folder says.
    pub manifest: Manifest,
    /// Turns texts into ids.
    pub tokenizer: Tokenizer,
    engine: Engine,
    projections: Projections,
}

impl Model {
    /// Loads a model folder whose files are whole, in 32 bits.
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
        let engine = Engine::load(&bundle)?;
        let projections = Projections::load(&bundle, engine.width())?;
        Ok(Self { manifest: bundle.manifest, tokenizer, engine, projections })
    }

    /// Sets the number format, or times on this machine whether one that rounds is quicker than
    /// the exact one. Either way the first, slow batches are behind it then.
    ///
    /// # Errors
    ///
    /// The wanted format cannot be had here, or the engine fails on the very first texts.
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
        let precision = match wanted {
            Some(precision) => self.engine.change(precision).map(|()| precision)?,
            None => self.quickest(&texts)?,
        };
        // A model whose outputs are no numbers is refused here, before anybody waits for it.
        self.outputs(&texts)?;
        Ok(precision)
    }

    fn quickest(&mut self, texts: &[Encoded]) -> Result<Precision, NlpError> {
        let time = |engine: &Engine| -> Result<f64, NlpError> {
            engine.means(texts)?;
            let mut best = f64::INFINITY;
            for _ in 0..4 {
                let begun = Instant::now();
                engine.means(&texts[..1])?;
                engine.means(texts)?;
                best = best.min(begun.elapsed().as_secs_f64());
            }
            Ok(best)
        };
        let exact = time(&self.engine)?;
        // Where products of 8 bits are to be had they are twice as quick as those of 16. A tie goes to the exact
        // format.
        for precision in [Precision::Int8, Precision::Half] {
            if self.engine.change(precision).is_ok() && time(&self.engine)? < exact * 0.9 {
                return Ok(precision);
            }
        }
        self.engine.change(Precision::Full)?;
        Ok(Precision::Full)
    }

    /// The outputs of each text, in order.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn outputs(&self, texts: &[Encoded]) -> Result<Vec<Outputs>, NlpError> {
        self.engine.means(texts)?.iter().map(|mean| self.checked(mean)).collect()
    }

    /// The outputs of each text and its sentence vector, in one pass.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn outputs_and_sentences(&self, texts: &[Encoded]) -> Result<Vec<(Outputs, Vec<f32>)>, NlpError> {
        let means = self.engine.means(texts)?;
        means.iter().map(|mean| Ok((self.checked(mean)?, self.projections.sentence(mean)))).collect()
    }

    /// The mean vector of each text, on which the heads work.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn means(&self, texts: &[Encoded]) -> Result<Vec<Vec<f32>>, NlpError> {
        self.engine.means(texts)
    }

    /// What each piece of a text adds to one output, and the bias.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn contributions(&self, text: &Encoded, output: usize) -> Result<(Vec<f64>, f64), NlpError> {
        Ok(self.projections.contributions(&self.engine.tokens(text)?, output))
    }

    /// The sentence vector of each text, of length one.
    ///
    /// # Errors
    ///
    /// The engine fails.
    pub fn sentences(&self, texts: &[Encoded]) -> Result<Vec<Vec<f32>>, NlpError> {
        Ok(self.engine.means(texts)?.iter().map(|mean| self.projections.sentence(mean)).collect())
    }

    fn checked(&self, mean: &[f32]) -> Result<Outputs, NlpError> {
        let outputs = self.projections.outputs(mean);
        // Weights that give no numbers are no model: words go on, and say why.
        if outputs.iter().any(|output| !output.is_finite()) && !planted("not_a_number_accepted") {
            return Err(NlpError::Engine("an output is not a number".to_owned()));
        }
        Ok(outputs)
    }
}
