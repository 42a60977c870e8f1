//! A BERT encoder whose products run in 8 bits.
//!
//! Ids in, a vector for each out. The weights are rounded once, to 8 bits with a factor for each output; what they
//! are multiplied with is rounded anew for each piece of text, to 8 bits between its smallest and its largest number.
//! Everything between the products (attention, norms, GELU) stays in 32 bits. Texts stand one behind the other and no
//! piece is computed that is not there.
//!
//! What the rounding costs in accuracy is measured where the model is; here it is held against the exact numbers.

mod attention;
#[cfg(target_arch = "x86_64")]
mod kernel;
mod linear;
mod rows;

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use half::f16;

use linear::{Linear, Rounded};
use rows::Norm;

/// Elsewhere there is no encoder of this kind, and nothing to multiply.
#[cfg(not(target_arch = "x86_64"))]
mod kernel {
    use half::f16;

    use crate::linear::{Linear, Rounded};

    pub const LANES: usize = 16;

    pub fn is_here() -> bool {
        false
    }

    pub fn multiply<const ADD: bool>(_: &Rounded, _: &Linear, _: &mut [f32]) {}

    pub fn add_halves(_: &[f16], _: &[f32], _: &mut [f32]) {}

    pub fn turn<'a>(_: impl Iterator<Item = &'a [f32]>, _: &mut [f32]) {}
}

/// The numbers that a BERT is described by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Length of the vector of a piece.
    pub width: usize,
    /// How many layers there are.
    pub layers: usize,
    /// Heads of the attention; `width` is a multiple.
    pub heads: usize,
    /// Length of the vector between the two products behind the attention.
    pub inner: usize,
    /// What a norm adds to the variance.
    pub epsilon: f32,
}

/// Why weights make no encoder of this kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// This processor lacks the instructions.
    Processor,
    /// The shape does not fill vectors and panels.
    Shape,
    /// A weight is missing, has another size or holds what is no number.
    Weight(String),
}

/// The encoder.
pub struct Int8Bert {
    shape: Shape,
    words: Vec<f16>,
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    scratch: Mutex<Scratch>,
}

struct Layer {
    /// Queries, keys and values in one product.
    see: Linear,
    attended: Linear,
    attended_norm: Norm,
    widen: Linear,
    narrow: Linear,
    norm: Norm,
}

/// The vectors of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// A vector a piece, in the order of the texts.
    pub tokens: Vec<f32>,
    /// Where in `tokens` the pieces of each text stand, counted in pieces.
    pub texts: Vec<Range<usize>>,
    width: usize,
}

impl Int8Bert {
    /// Rounds the weights of a BERT, which are asked for by their usual names.
    ///
    /// # Errors
    ///
    /// They do not fit the shape, or the processor does not fit.
    pub fn new(shape: Shape, weight: impl Fn(&str) -> Option<Vec<f32>>) -> Result<Self, Unfit> {
        if !kernel::is_here() || !attention::is_here() {
            return Err(Unfit::Processor);
        }
        let Shape { width, layers, heads, inner, .. } = shape;
        if heads == 0 || !width.is_multiple_of(heads) || !(width / heads).is_multiple_of(kernel::LANES) {
            return Err(Unfit::Shape);
        }
        let get = |name: &str, len: Option<usize>| {
            let found = weight(name).filter(|found| len.is_none_or(|len| found.len() == len));
            // Rounding would make zeros of what is no number, and nobody would notice.
            let found = found.filter(|found| found.iter().all(|number| number.is_finite()));
            found.filter(|found| !found.is_empty()).ok_or_else(|| Unfit::Weight(name.to_owned()))
        };
        let norm = |name: &str| {
            let (scale, shift) = (format!("{name}.weight"), format!("{name}.bias"));
            Ok(Norm {
                scale: get(&scale, Some(width))?,
                shift: get(&shift, Some(width))?,
                epsilon: shape.epsilon,
            })
        };
        let part = |name: &str, inputs: usize, outputs: usize| {
            let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
            Ok((get(&weight, Some(inputs * outputs))?, get(&bias, Some(outputs))?))
        };
        let layer = |at: usize| {
            let name = |rest: &str| format!("encoder.layer.{at}.{rest}");
            let (mut see, mut see_bias) = part(&name("attention.self.query"), width, width)?;
            // Once and for all: the root by which products of queries and keys are divided, and that shares are powers
            // of two, not of e.
            let factor = std::f32::consts::LOG2_E / ((width / heads) as f32).sqrt();
            see.iter_mut().chain(&mut see_bias).for_each(|weight| *weight *= factor);
            for other in ["attention.self.key", "attention.self.value"] {
                let (weights, bias) = part(&name(other), width, width)?;
                see.extend(weights);
                see_bias.extend(bias);
            }
            let linear = |rest: &str, inputs: usize, outputs: usize| {
                let (weights, bias) = part(&name(rest), inputs, outputs)?;
                Linear::new(&weights, bias, inputs).ok_or(Unfit::Shape)
            };
            Ok(Layer {
                see: Linear::new(&see, see_bias, width).ok_or(Unfit::Shape)?,
                attended: linear("attention.output.dense", width, width)?,
                attended_norm: norm(&name("attention.output.LayerNorm"))?,
                widen: linear("intermediate.dense", width, inner)?,
                narrow: linear("output.dense", inner, width)?,
                norm: norm(&name("output.LayerNorm"))?,
            })
        };
        let words = get("embeddings.word_embeddings.weight", None)?;
        let mut positions = get("embeddings.position_embeddings.weight", None)?;
        let kind = get("embeddings.token_type_embeddings.weight", None)?;
        if kind.len() < width {
            return Err(Unfit::Weight("embeddings.token_type_embeddings.weight".to_owned()));
        }
        // All pieces are of the first kind.
        positions.chunks_exact_mut(width).for_each(|row| rows::add(row, &kind[..width]));
        Ok(Self {
            shape,
            words: words.into_iter().map(f16::from_f32).collect(),
            positions,
            norm: norm("embeddings.LayerNorm")?,
            layers: (0..layers).map(layer).collect::<Result<_, Unfit>>()?,
            scratch: Mutex::default(),
        })
    }

    /// How long a vector is.
    pub fn width(&self) -> usize {
        self.shape.width
    }

    /// The vectors of texts, given by the ids of their pieces. An id that is not in the vocabulary counts as the
    /// first one, a piece behind the last position as standing there.
    pub fn encode(&self, texts: &[&[i64]]) -> Encoding {
        let width = self.shape.width;
        let mut begins = 0;
        let places: Vec<Range<usize>> = texts
            .iter()
            .map(|ids| {
                let place = begins..begins + ids.len();
                begins = place.end;
                place
            })
            .collect();
        let mut tokens = vec![0.0; begins * width];
        // What it holds is written before it is read, also after a panic.
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = tokens.as_mut_slice();
        for group in together(texts) {
            let n_pieces: usize = group.iter().map(|ids| ids.len()).sum();
            let (rows, others) = rest.split_at_mut(n_pieces * width);
            rest = others;
            self.embed(group, rows);
            for layer in &self.layers {
                layer.apply(self.shape, rows, group, &mut scratch);
            }
        }
        Encoding { tokens, texts: places, width }
    }

    /// What the layers begin with: a row a piece.
    fn embed(&self, texts: &[&[i64]], rows: &mut [f32]) {
        let width = self.shape.width;
        let (last_word, last_position) = (self.words.len() / width - 1, self.positions.len() / width - 1);
        let pieces = texts.iter().flat_map(|ids| ids.iter().enumerate());
        for ((position, id), row) in pieces.zip(rows.chunks_exact_mut(width)) {
            let word = usize::try_from(*id).ok().filter(|id| *id <= last_word).unwrap_or(0);
            let position = position.min(last_position);
            let (word, position) = (&self.words[word * width..], &self.positions[position * width..]);
            kernel::add_halves(&word[..width], &position[..width], row);
        }
        self.norm.apply(rows);
    }
}

/// Rows that go through the layers together, so that all that is computed of them stays in the second cache: 0.8 MB
/// of its 1 to 2. All texts of a call at once took 5 % longer; 48 to 96 rows are alike.
const TOGETHER: usize = 72;

/// As many texts, one after the other, as these rows hold; at least one.
fn together<'a>(mut texts: &'a [&'a [i64]]) -> impl Iterator<Item = &'a [&'a [i64]]> {
    std::iter::from_fn(move || {
        let mut n_rows = 0;
        let fit = texts.iter().take_while(|ids| {
            n_rows += ids.len();
            n_rows <= TOGETHER
        });
        let (group, rest) = texts.split_at(fit.count().max(1).min(texts.len()));
        texts = rest;
        (!group.is_empty()).then_some(group)
    })
}

/// Room for what is computed on the way, kept from one call to the next.
#[derive(Default)]
struct Scratch {
    rounded: Rounded,
    wide: Vec<f32>,
    seen: Vec<f32>,
    attention: attention::Scratch,
}

impl Encoding {
    /// The mean of the vectors of a text. Zeros for one without pieces.
    pub fn mean(&self, text: usize) -> Vec<f32> {
        let pieces = self.texts[text].clone();
        let mut mean = vec![0.0; self.width];
        for piece in self.tokens.chunks_exact(self.width).skip(pieces.start).take(pieces.len()) {
            rows::add(&mut mean, piece);
        }
        let share = 1.0 / pieces.len().max(1) as f32;
        mean.iter_mut().for_each(|number| *number *= share);
        mean
    }
}

impl Layer {
    fn apply(&self, shape: Shape, tokens: &mut [f32], texts: &[&[i64]], scratch: &mut Scratch) {
        let Scratch { rounded, wide, seen, attention } = scratch;
        let width = shape.width;
        rounded.take(tokens, width);
        self.see.apply(rounded, wide);
        seen.resize(tokens.len(), 0.0);
        let (mut mixed, mut out) = (wide.as_slice(), seen.as_mut_slice());
        for ids in texts {
            let (of_text, others) = mixed.split_at(ids.len() * 3 * width);
            let (out_of_text, others_out) = out.split_at_mut(ids.len() * width);
            attention::attend(of_text, out_of_text, width, shape.heads, attention);
            (mixed, out) = (others, others_out);
        }
        rounded.take(seen, width);
        self.attended.add(rounded, tokens);
        self.attended_norm.apply(tokens);
        // A long text alone has more rows than go together.
        for rows in tokens.chunks_mut(TOGETHER * width) {
            rounded.take(rows, width);
            self.widen.apply(rounded, wide);
            rounded.take_gelu(wide, shape.inner);
            self.narrow.add(rounded, rows);
            self.norm.apply(rows);
        }
    }
}
