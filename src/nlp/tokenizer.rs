//! From a text to the ids of its word pieces, and where each piece stands.

use std::{collections::HashMap, ops::Range, path::Path};

use tokenizers::{
    Tokenizer as Pieces, models::wordpiece::WordPiece, normalizers::BertNormalizer,
    pre_tokenizers::bert::BertPreTokenizer,
};

use super::{
    NlpError,
    normalize::{Normalized, Words},
    spelling::Spelling,
};

/// The most pieces of a text that the model reads, borders included.
pub const MAX_PIECES: usize = 128;

/// WordPiece with the vocabulary of a model.
pub struct Tokenizer {
    pieces: Pieces,
    vocabulary: HashMap<String, u32>,
    spelling: Spelling,
    start: u32,
    end: u32,
}

/// A text as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Ids of the pieces, between the two borders.
    pub ids: Vec<i64>,
    /// For every id: its bytes in the original text; `None` for a border.
    pub places: Vec<Option<Range<usize>>>,
    /// The original was longer than what is read.
    pub is_truncated: bool,
}

impl Tokenizer {
    /// Reads a vocabulary: one piece a line.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is no vocabulary of this kind.
    pub fn open(path: &Path) -> Result<Self, NlpError> {
        let unreadable = |why: String| NlpError::Unreadable { what: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let vocabulary: HashMap<String, u32> =
            text.lines().zip(0..).map(|(piece, id)| (piece.to_owned(), id)).collect();
        let id = |piece: &str| {
            vocabulary.get(piece).copied().ok_or_else(|| unreadable(format!("no piece {piece}")))
        };
        let (start, end) = (id("[CLS]")?, id("[SEP]")?);
        let model = WordPiece::builder()
            .vocab(vocabulary.clone())
            .unk_token("[UNK]".to_owned())
            .max_input_chars_per_word(100)
            .build()
            .map_err(|error| unreadable(error.to_string()))?;
        let mut pieces = Pieces::new(model);
        pieces.with_normalizer(Some(BertNormalizer::new(true, true, Some(true), true)));
        pieces.with_pre_tokenizer(Some(BertPreTokenizer));
        Ok(Self { pieces, vocabulary, spelling: Spelling::default(), start, end })
    }

    /// Undoes slips of the keyboard in what it reads from now on.
    #[must_use]
    pub fn with_spelling(self, spelling: Spelling) -> Self {
        Self { spelling, ..self }
    }

    /// Ids and places of a text, the middle left out of what is too long.
    pub fn encode(&self, text: &str) -> Encoded {
        let normalized = Normalized::new(text, self);
        let mut ids = vec![i64::from(self.start)];
        let mut places = vec![None];
        if let Ok(encoding) = self.pieces.encode(normalized.text.as_str(), false) {
            let n_pieces = encoding.get_ids().len();
            let half = (MAX_PIECES - 2) / 2;
            let is_kept = |at: usize| n_pieces <= MAX_PIECES - 2 || at < half || at >= n_pieces - half;
            let found = encoding.get_ids().iter().zip(encoding.get_offsets()).enumerate();
            for (_, (id, (start, end))) in found.filter(|(at, _)| is_kept(*at)) {
                ids.push(i64::from(*id));
                places.push(Some(normalized.original(*start..*end)));
            }
        }
        ids.push(i64::from(self.end));
        places.push(None);
        Encoded { ids, places, is_truncated: normalized.is_truncated }
    }
}

impl Words for Tokenizer {
    fn rank(&self, word: &str) -> Option<usize> {
        self.vocabulary.get(word).map(|id| *id as usize)
    }

    fn meant(&self, word: &str) -> Option<String> {
        self.spelling.meant(word, |word| self.vocabulary.contains_key(word))
    }
}
