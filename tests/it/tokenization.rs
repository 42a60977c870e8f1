//! The ids of a text are those of the reference tokenizer: after our own normalization,
//! BERT's cleaning and WordPiece with the model's vocabulary, nothing else.
//!
//! The program takes the ids from the `tokenizers` crate. What it is held against is the
//! published algorithm written out here, step by step, on a plain vector of characters; the
//! two share the Unicode category tables and nothing more. `BATON_TOKENIZED=1000000` reads
//! as many texts instead of twenty thousand.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use baton::nlp::{
    bundle::{VOCABULARY, WORDS},
    normalize::{Normalized, Words},
    spelling::Spelling,
    tokenizer::{MAX_PIECES, Tokenizer},
};
use serde_json::Value;
use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// BERT's tokenizer for uncased vocabularies, as its authors describe it.
struct Reference {
    ids: HashMap<String, i64>,
}

impl Reference {
    fn piece(&self, piece: &str) -> i64 {
        self.ids[piece]
    }

    fn ids(&self, text: &str) -> Vec<i64> {
        let mut letters: Vec<char> = Vec::new();
        for letter in text.chars() {
            match letter {
                '\t' | '\n' | '\r' => letters.push(' '),
                '\0' | '\u{fffd}' => {}
                _ if letter.is_other() => {}
                _ if letter.is_whitespace() => letters.push(' '),
                _ if is_ideograph(letter) => letters.extend([' ', letter, ' ']),
                _ => letters.push(letter),
            }
        }
        let plain = letters.into_iter().nfd().filter(|letter| !letter.is_mark_nonspacing());
        let mut words: Vec<Vec<char>> = vec![Vec::new()];
        for letter in plain.flat_map(char::to_lowercase) {
            if letter.is_whitespace() {
                words.push(Vec::new());
            } else if letter.is_ascii_punctuation() || letter.is_punctuation() {
                words.extend([vec![letter], Vec::new()]);
            } else if let Some(word) = words.last_mut() {
                word.push(letter);
            }
        }
        words.iter().filter(|word| !word.is_empty()).flat_map(|word| self.pieces(word)).collect()
    }

    /// The longest piece that fits, again and again; a word that does not work out is unknown.
    fn pieces(&self, word: &[char]) -> Vec<i64> {
        let unknown = vec![self.piece("[UNK]")];
        if word.len() > 100 {
            return unknown;
        }
        let (mut found, mut at) = (Vec::new(), 0);
        while at < word.len() {
            let longest = (at + 1..=word.len()).rev().find_map(|end| {
                let mut piece: String = if at == 0 { "" } else { "##" }.to_owned();
                piece.extend(&word[at..end]);
                self.ids.get(&piece).map(|id| (end, *id))
            });
            let Some((end, id)) = longest else { return unknown };
            found.push(id);
            at = end;
        }
        found
    }
}

/// What normalization knows of words, as the service tells it.
struct Known<'a> {
    reference: &'a Reference,
    spelling: &'a Spelling,
}

impl Words for Known<'_> {
    fn rank(&self, word: &str) -> Option<usize> {
        self.reference.ids.get(word).map(|id| *id as usize)
    }

    fn meant(&self, word: &str) -> Option<String> {
        self.spelling.meant(word, |word| self.reference.ids.contains_key(word))
    }
}

fn is_ideograph(letter: char) -> bool {
    matches!(u32::from(letter),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F
        | 0x2B740..=0x2B81F | 0x2B920..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

/// The same row of numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    /// Letters of every kind: frequent scripts, marks, signs, emoji, what is hidden, private, unassigned.
    fn letter(&mut self) -> char {
        const KINDS: [(u32, u32); 18] = [
            (0x20, 0x5f),
            (0x61, 0x1a),
            (0x61, 0x1a),
            (0x00, 0x20),
            (0x80, 0x180),
            (0x250, 0x120),
            (0x300, 0x70),
            (0x370, 0x200),
            (0x590, 0x300),
            (0x900, 0x400),
            (0x1e00, 0x200),
            (0x2000, 0x100),
            (0x20a0, 0x600),
            (0x3040, 0x200),
            (0x4e00, 0x5200),
            (0xac00, 0x2ba4),
            (0xf900, 0x6ff),
            (0x1f300, 0x700),
        ];
        let (from, n) = if self.roll(40) == 0 { (0, 0x10ffff) } else { KINDS[self.roll(KINDS.len())] };
        char::from_u32(from + self.roll(n as usize) as u32).unwrap_or('\u{fffd}')
    }

    /// A text with what people and machines do to texts.
    fn disturbed(&mut self, text: &str) -> String {
        let mut disturbed = String::new();
        for letter in text.chars() {
            match self.roll(25) {
                0 => disturbed.extend(letter.to_uppercase()),
                1 => disturbed.extend([letter; 4]),
                2 => disturbed.extend([letter, self.letter()]),
                3 => disturbed.extend(['\u{200b}', letter, '\u{301}']),
                4 => {}
                _ => disturbed.push(letter),
            }
        }
        disturbed
    }

    fn noise(&mut self) -> String {
        (0..self.roll(60)).map(|_| if self.roll(6) == 0 { ' ' } else { self.letter() }).collect()
    }
}

/// What was written for the model and the bench, in one order.
fn written() -> Vec<String> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![root().join("models/data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut texts: Vec<String> =
        fs::read_to_string(root().join("benches/chat_mix.txt")).unwrap().lines().map(str::to_owned).collect();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            gather(&serde_json::from_str(line).unwrap(), &mut texts);
        }
    }
    texts
}

/// Every `text` of a line, however deep.
fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "text" => texts.push(text.clone()),
                    _ => gather(value, texts),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        _ => {}
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
fn ids_are_those_of_the_reference_tokenizer() {
    let vocabulary = root().join("models/baton-en").join(VOCABULARY);
    let spelling = Spelling::open(&vocabulary.with_file_name(WORDS)).unwrap();
    let tokenizer = Tokenizer::open(&vocabulary).unwrap().with_spelling(spelling.clone());
    let ids: HashMap<String, i64> =
        fs::read_to_string(&vocabulary).unwrap().lines().map(str::to_owned).zip(0..).collect();
    let reference = Reference { ids };
    let borders = (reference.piece("[CLS]"), reference.piece("[SEP]"));
    let n_texts: usize = std::env::var("BATON_TOKENIZED").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let written = written();
    assert!(written.len() > 5_000, "only {} texts were found", written.len());
    let mut dice = Dice(7);
    let (mut n_pieces, mut n_unknown) = (0, 0);
    for n in 0..n_texts {
        let text = match n % 4 {
            0 => written[n / 4 * 7 % written.len()].clone(),
            1 | 2 => {
                let text = &written[dice.roll(written.len())];
                dice.disturbed(text)
            }
            _ => dice.noise(),
        };
        let known = Known { reference: &reference, spelling: &spelling };
        let mut expected = reference.ids(&Normalized::new(&text, &known).text);
        n_pieces += expected.len();
        n_unknown += expected.iter().filter(|id| **id == reference.piece("[UNK]")).count();
        if expected.len() > MAX_PIECES - 2 {
            let half = (MAX_PIECES - 2) / 2;
            expected.drain(half..expected.len() - half);
        }
        let found = tokenizer.encode(&text);
        assert_eq!(found.ids.first(), Some(&borders.0));
        assert_eq!(found.ids.last(), Some(&borders.1));
        assert_eq!(found.ids[1..found.ids.len() - 1], expected, "{text:?}");
        assert_eq!(found.places.len(), found.ids.len());
    }
    println!("{n_texts} texts, {n_pieces} pieces, {n_unknown} of them unknown: the same ids");
    assert!(n_unknown * 2 < n_pieces, "most of it must be words");
}
