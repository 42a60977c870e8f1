//! From a text to the ids of its word pieces, and where each piece stands.

use std::{ops::Range, path::Path};

use rustc_hash::FxHashMap;
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
    vocabulary: FxHashMap<String, u32>,
    /// Bytes of the longest piece, its mark included.
    longest: usize,
    spelling: Spelling,
    start: u32,
    end: u32,
    unknown: u32,
}

/// Stands before a piece that goes on a word.
const GOES_ON: &str = "##";

/// Longer words are not cut into pieces.
const MAX_LETTERS: usize = 100;

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
        let vocabulary: FxHashMap<String, u32> =
            text.lines().zip(0..).map(|(piece, id)| (piece.to_owned(), id)).collect();
        let id = |piece: &str| {
            vocabulary.get(piece).copied().ok_or_else(|| unreadable(format!("no piece {piece}")))
        };
        let (start, end, unknown) = (id("[CLS]")?, id("[SEP]")?, id("[UNK]")?);
        let longest = vocabulary.keys().map(String::len).max().unwrap_or(0);
        let model = WordPiece::builder()
            .vocab(vocabulary.clone().into_iter().collect())
            .unk_token("[UNK]".to_owned())
            .max_input_chars_per_word(MAX_LETTERS)
            .build()
            .map_err(|error| unreadable(error.to_string()))?;
        let mut pieces = Pieces::new(model);
        pieces.with_normalizer(Some(BertNormalizer::new(true, true, Some(true), true)));
        pieces.with_pre_tokenizer(Some(BertPreTokenizer));
        Ok(Self { pieces, vocabulary, longest, spelling: Spelling::default(), start, end, unknown })
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
        let pieces = self.pieces_of(&normalized.text);
        let half = (MAX_PIECES - 2) / 2;
        let is_kept = |at: usize| pieces.len() <= MAX_PIECES - 2 || at < half || at >= pieces.len() - half;
        for (at, (id, place)) in pieces.iter().enumerate() {
            if is_kept(at) {
                ids.push(i64::from(*id));
                places.push(Some(normalized.original(place.clone())));
            }
        }
        ids.push(i64::from(self.end));
        places.push(None);
        Encoded { ids, places, is_truncated: normalized.is_truncated }
    }
}

impl Tokenizer {
    fn pieces_of(&self, text: &str) -> Vec<(u32, Range<usize>)> {
        // What most people type needs no tables of Unicode, which are most of the work.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')) {
            return self.pieces_of_ascii(text);
        }
        let Ok(encoding) = self.pieces.encode(text, false) else { return Vec::new() };
        let places = encoding.get_offsets().iter().map(|(start, end)| *start..*end);
        encoding.get_ids().iter().copied().zip(places).collect()
    }

    /// The same, for text of letters, digits, signs and blanks without accents: words and signs by themselves, in small
    /// letters, each cut into the longest pieces from its beginning on.
    fn pieces_of_ascii(&self, text: &str) -> Vec<(u32, Range<usize>)> {
        let mut pieces = Vec::with_capacity(text.len() / 4 + 1);
        let mut rest = String::with_capacity(MAX_LETTERS + GOES_ON.len());
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
            let n_letters = bytes[at..].iter().take_while(|byte| is_word(byte)).count();
            let end = at + n_letters.max(1);
            if !bytes[at].is_ascii_whitespace() {
                self.cut(&text[at..end], at, &mut rest, &mut pieces);
            }
            at = end;
        }
        pieces
    }

    /// The pieces of one word that begins here.
    fn cut(&self, word: &str, begins: usize, rest: &mut String, pieces: &mut Vec<(u32, Range<usize>)>) {
        let n_before = pieces.len();
        let mut start = 0;
        while start < word.len() {
            rest.clear();
            rest.push_str(if start > 0 { GOES_ON } else { "" });
            let n_marks = rest.len();
            rest.push_str(&word[start..]);
            rest.make_ascii_lowercase();
            let lengths = (n_marks + 1..=rest.len().min(self.longest)).rev();
            let found = lengths.filter(|_| word.len() <= MAX_LETTERS);
            let mut found =
                found.filter_map(|len| Some((len - n_marks, *self.vocabulary.get(&rest[..len])?)));
            let Some((len, id)) = found.next() else {
                pieces.truncate(n_before);
                return pieces.push((self.unknown, begins..begins + word.len()));
            };
            pieces.push((id, begins + start..begins + start + len));
            start += len;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_cut_as_the_library_cuts_it() {
        let vocabulary = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en/vocab.txt");
        let tokenizer = Tokenizer::open(&vocabulary).unwrap();
        let long = format!("{} and {}", "a".repeat(MAX_LETTERS), "b".repeat(MAX_LETTERS + 1));
        for text in [
            "",
            " \t\r\n ",
            "Where is my ORDER #4711-b?",
            "it's un-believ_able!!! (really) <b>50%</b> off...",
            "supercalifragilistic antidisestablishmentarianism zzqqxxjjkk qzx9",
            "tabs\tand\nlines\r\nand  blanks ",
            "~`@$^&*+=|\\{}[]:;\"'/,.",
            &long,
        ] {
            let library = tokenizer.pieces.encode(text, false).unwrap();
            let places = library.get_offsets().iter().map(|(start, end)| *start..*end);
            let expected: Vec<_> = library.get_ids().iter().copied().zip(places).collect();
            assert_eq!(tokenizer.pieces_of_ascii(text), expected, "{text:?}");
        }
    }
}
