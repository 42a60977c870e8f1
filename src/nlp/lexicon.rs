//! The word model: what one and two words in a row say, added up.
//!
//! It is compiled in, answers at once, and always answers the same. It serves
//! while the model is absent, slow or broken, and says that it is words.

use std::ops::Range;
use std::sync::LazyLock;

use super::{
    NlpError,
    labels::{self, N_OUTPUTS, Outputs},
    language,
    normalize::READ_BYTES,
    words::{BIAS, BORDERS},
};
use crate::domain::analysis::{
    Abstained, Analysis, AnalyzedBy, By, Head, WordWeight, asks_for_human, fold, is_hidden,
};

/// The name of the word model in analyses.
pub const NAME: &str = "words-en";
/// What the file begins with.
const MAGIC: &[u8; 8] = b"BATONW01";

static COMPILED_IN: LazyLock<Lexicon> = LazyLock::new(|| {
    Lexicon::parse(include_bytes!("../../models/words-en/words.bin"))
        .expect("the compiled-in word model is whole")
});

/// Weights of words and pairs of words, found by their hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexicon {
    /// The version in analyses.
    pub version: String,
    /// The summand of each output.
    pub bias: Outputs,
    /// What one step of a weight is worth, an output.
    pub step: Outputs,
    /// The weights: bucket by bucket, output by output.
    pub weights: Vec<i8>,
}

/// One thing that counts, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// What its weights are found by.
    pub hash: u64,
    /// The words it belongs to: places in [`Features::words`].
    pub of: Range<usize>,
}

/// Everything in a text that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// The words, with their bytes in the text.
    pub words: Vec<(usize, usize)>,
    /// What counts.
    pub found: Vec<Feature>,
}

impl Lexicon {
    /// The word model that is always there.
    pub fn compiled_in() -> &'static Self {
        &COMPILED_IN
    }

    /// Reads a word model.
    ///
    /// # Errors
    ///
    /// The bytes are not a word model of this kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, NlpError> {
        let broken =
            |why: &str| NlpError::Unreadable { what: "the word model".to_owned(), why: why.to_owned() };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| broken("it is no word model"))?;
        let (version, rest) = rest.split_at_checked(16).ok_or_else(|| broken("it is too short"))?;
        let version = String::from_utf8_lossy(version).trim_end_matches('\0').to_owned();
        let (numbers, weights) =
            rest.split_at_checked(8 * N_OUTPUTS).ok_or_else(|| broken("it is too short"))?;
        let mut numbers = numbers
            .chunks_exact(4)
            .map(|four| f64::from(f32::from_le_bytes([four[0], four[1], four[2], four[3]])));
        let bias = std::array::from_fn(|_| numbers.next().unwrap_or_default());
        let step = std::array::from_fn(|_| numbers.next().unwrap_or_default());
        if weights.is_empty() || weights.len() % N_OUTPUTS != 0 {
            return Err(broken("its weights do not fit its outputs"));
        }
        Ok(Self { version, bias, step, weights: weights.iter().map(|byte| byte.cast_signed()).collect() })
    }

    /// Writes what [`Lexicon::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let mut version = self.version.clone().into_bytes();
        version.resize(16, 0);
        bytes.extend(version);
        bytes.extend(self.bias.iter().chain(&self.step).flat_map(|number| (*number as f32).to_le_bytes()));
        bytes.extend(self.weights.iter().map(|weight| weight.cast_unsigned()));
        bytes
    }

    /// How many buckets there are.
    pub fn n_buckets(&self) -> usize {
        self.weights.len() / N_OUTPUTS
    }

    /// Who the analyses are by.
    pub fn signature(&self) -> AnalyzedBy {
        AnalyzedBy { by: By::Words, name: NAME.to_owned(), version: self.version.clone() }
    }

    /// What is in a text.
    pub fn analyze(&self, text: &str) -> Analysis {
        let phrase = asks_for_human(text);
        if let Some(why) = abstains(text) {
            return labels::priors(why, self.signature()).with_phrase(phrase.as_ref());
        }
        let mut analysis = labels::read(&self.outputs(text), self.signature());
        analysis.truncated = text.len() > READ_BYTES;
        analysis.with_phrase(phrase.as_ref())
    }

    /// The outputs before their squashing.
    pub fn outputs(&self, text: &str) -> Outputs {
        let features = Features::of(text);
        let scale = features.scale();
        let mut outputs = self.bias;
        for feature in &features.found {
            let weights = self.weights.chunks_exact(N_OUTPUTS).nth(bucket(feature.hash, self.n_buckets()));
            let weights = weights.into_iter().flatten().zip(&self.step);
            for (output, (weight, step)) in outputs.iter_mut().zip(weights) {
                *output += f64::from(*weight) * step * scale;
            }
        }
        outputs
    }

    /// Which words moved a head. The terms add up to it.
    pub fn explain(&self, text: &str, head: Head) -> Vec<WordWeight> {
        let Some(output) = labels::place(head) else { return Vec::new() };
        let features = Features::of(text);
        let scale = features.scale();
        let mut words: Vec<WordWeight> = features
            .words
            .iter()
            .map(|(start, end)| WordWeight {
                word: text.get(*start..*end).unwrap_or_default().to_owned(),
                span: Some((*start, *end)),
                weight: 0.0,
            })
            .collect();
        let mut borders = 0.0;
        for feature in &features.found {
            let weight = self.weight(bucket(feature.hash, self.n_buckets()), output) * scale;
            for place in feature.of.clone() {
                words[place].weight += weight / feature.of.len() as f64;
            }
            if feature.of.is_empty() {
                borders += weight;
            }
        }
        words.push(WordWeight { word: BORDERS.to_owned(), span: None, weight: borders });
        words.push(WordWeight { word: BIAS.to_owned(), span: None, weight: self.bias[output] });
        words
    }

    fn weight(&self, bucket: usize, output: usize) -> f64 {
        self.weights
            .get(bucket * N_OUTPUTS + output)
            .map_or(0.0, |weight| f64::from(*weight) * self.step[output])
    }
}

/// Why nothing can be said of a text, if so.
pub fn abstains(text: &str) -> Option<Abstained> {
    if text.chars().all(|symbol| symbol.is_whitespace() || symbol.is_control() || is_hidden(symbol)) {
        Some(Abstained::Empty)
    } else if language::is_foreign(text) {
        Some(Abstained::Language)
    } else {
        None
    }
}

impl Features {
    /// Everything in a text that counts.
    pub fn of(text: &str) -> Self {
        let read = text.get(..READ_BYTES).unwrap_or_else(|| {
            let end =
                (0..=READ_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            &text[..end]
        });
        let mut words: Vec<(usize, usize)> = Vec::new();
        let mut keys: Vec<String> = Vec::new();
        for (start, piece) in pieces(read) {
            words.push((start, start + piece.len()));
            keys.push(key_of(piece));
        }
        let mut found = Vec::with_capacity(keys.len() * 2 + 4);
        for (at, key) in keys.iter().enumerate() {
            let hash = hash_of(key);
            found.push(Feature { hash, of: at..at + 1 });
            let next = keys.get(at + 1).map_or("$", String::as_str);
            found.push(Feature { hash: hash_on(hash_on(hash, " "), next), of: at..(at + 2).min(keys.len()) });
            if at == 0 {
                found.push(Feature { hash: hash_on(hash_of("^ "), key), of: 0..1 });
            }
        }
        let letters = read.chars().filter(|symbol| symbol.is_alphabetic()).count();
        let capitals = read.chars().filter(|symbol| symbol.is_uppercase()).count();
        if letters >= 8 && capitals * 10 > letters * 7 {
            found.push(Feature { hash: hash_of("(shouting)"), of: 0..0 });
        }
        let length = match keys.len() {
            0..=1 => "(one)",
            2..=4 => "(few)",
            5..=14 => "(some)",
            15..=40 => "(many)",
            _ => "(very many)",
        };
        found.push(Feature { hash: hash_of(length), of: 0..0 });
        Self { words, found }
    }

    /// Long texts repeat themselves: what each word says counts less.
    pub fn scale(&self) -> f64 {
        1.0 / (self.found.len().max(1) as f64).sqrt()
    }
}

/// Words, runs of signs, and single other symbols.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let kind = |symbol: char| {
        if symbol.is_alphanumeric() || matches!(symbol, '\'' | '’') || is_hidden(symbol) {
            0
        } else if symbol.is_whitespace() {
            1
        } else {
            2
        }
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, symbol) in text.char_indices() {
        let now = kind(symbol);
        if last.is_some_and(|last| last != now) {
            pieces.push((start, &text[start..at], last));
            start = at;
        }
        last = Some(now);
    }
    pieces.push((start, &text[start..], last));
    pieces
        .into_iter()
        .filter(|(_, _, kind)| matches!(kind, Some(0 | 2)))
        .map(|(start, piece, _)| (start, piece))
        .collect()
}

/// The form under which a word is counted.
fn key_of(piece: &str) -> String {
    if piece.bytes().any(|byte| byte.is_ascii_digit()) {
        return "0".to_owned();
    }
    let folded = fold(piece);
    let mut key = String::with_capacity(folded.len());
    let (mut last, mut run) = (None, 0);
    for symbol in folded.chars().filter(|symbol| !matches!(symbol, '\'' | '’' | '‘')) {
        run = if last.replace(symbol) == Some(symbol) { run + 1 } else { 1 };
        if run <= 2 {
            key.push(symbol);
        }
    }
    key
}

/// The hash of a key: FNV-1a of 64 bits (Fowler, Noll and Vo), so the same on every machine.
pub fn hash_of(key: &str) -> u64 {
    hash_on(0xcbf2_9ce4_8422_2325, key)
}

/// The hash of a key that goes on.
fn hash_on(hash: u64, key: &str) -> u64 {
    key.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Where the weights of a hash are.
pub fn bucket(hash: u64, n_buckets: usize) -> usize {
    ((hash ^ (hash >> 29)) % n_buckets.max(1) as u64) as usize
}
