//! The words of the patterns of all languages in one table: a word of a message is looked up once, and not once for
//! each language.

use super::matcher::{Clause, Word};
use rustc_hash::FxHashMap;

/// What a word of a clause can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Which language, in their order.
    pub language: usize,
    /// Which spelling of its patterns.
    pub number: u32,
    /// Which word of the clause.
    pub place: usize,
}

/// How a word of a pattern is spelled.
#[derive(Clone, PartialEq)]
pub enum Spelling {
    /// So.
    Exact(String),
    /// Any word that begins so.
    Prefix(String),
    /// With up to two wrong letters.
    Fuzzy(String),
}

/// A language and the number of a spelling in it.
type Entry = (usize, u32);

/// Every spelling of every language.
#[derive(Default)]
pub struct Vocabulary {
    exact: FxHashMap<String, Vec<Entry>>,
    squeezed: FxHashMap<String, Vec<Entry>>,
    /// Beginnings and misspellings by their first letter, which are compared letter by letter.
    loose: FxHashMap<char, Vec<(Spelling, Entry)>>,
    /// Beginnings that are written together with a noun and are no part of it, by their first letter.
    prefixes: FxHashMap<char, Vec<(&'static str, usize)>>,
}

impl Vocabulary {
    /// Takes in the spellings of a language, which are numbered in their order.
    pub fn add(&mut self, language: usize, spellings: Vec<Spelling>, prefixes: &[&'static str]) {
        for (spelling, number) in spellings.into_iter().zip(0..) {
            let entry = (language, number);
            match spelling {
                Spelling::Exact(word) => {
                    self.squeezed.entry(squeeze(&word)).or_default().push(entry);
                    self.exact.entry(word).or_default().push(entry);
                }
                Spelling::Prefix(ref text) | Spelling::Fuzzy(ref text) => {
                    let first = text.chars().next().expect("a spelling has a letter");
                    self.loose.entry(first).or_default().push((spelling, entry));
                }
            }
        }
        for prefix in prefixes {
            let first = prefix.chars().next().expect("a prefix has a letter");
            self.prefixes.entry(first).or_default().push((prefix, language));
        }
    }

    /// Everything that the words of a clause can be.
    pub fn read(&self, clause: &Clause) -> Vec<Reading> {
        let mut readings = Vec::with_capacity(2 * clause.words().len());
        for (place, word) in clause.words().iter().enumerate() {
            let mut add = |&(language, number): &Entry| readings.push(Reading { language, number, place });
            self.exact.get(&word.text).into_iter().flatten().for_each(&mut add);
            if let Some(squeezed) = &word.squeezed {
                self.squeezed.get(squeezed).into_iter().flatten().for_each(&mut add);
            }
            let Some(first) = word.text.chars().next() else { continue };
            for (prefix, language) in self.prefixes.get(&first).into_iter().flatten() {
                if let Some(stem) =
                    word.text.strip_prefix(prefix).filter(|stem| stem.chars().nth(2).is_some())
                {
                    let entries = self.exact.get(stem).into_iter().flatten();
                    entries.filter(|(of, _)| of == language).for_each(&mut add);
                }
            }
            let loose = self.loose.get(&first).into_iter().flatten();
            loose.filter(|(spelling, _)| spelling.is(word)).for_each(|(_, entry)| add(entry));
        }
        readings
    }
}

/// Without repeated letters: "agennnt" and "agent" are the same then.
pub fn squeeze(word: &str) -> String {
    let mut last = None;
    word.chars().filter(|letter| last.replace(*letter) != Some(*letter)).collect()
}

impl Spelling {
    fn is(&self, word: &Word) -> bool {
        match self {
            Self::Exact(text) => word.text == *text,
            Self::Prefix(text) => word.text.starts_with(text.as_str()),
            Self::Fuzzy(text) => is_close(&word.text, text),
        }
    }
}

/// Whether at most two letters differ. The first letter must be right, and the
/// length about right, so that few words are compared at all.
fn is_close(word: &str, meant: &str) -> bool {
    let is_same_first = word.chars().next() == meant.chars().next();
    if !is_same_first || word.chars().count().abs_diff(meant.chars().count()) > 2 {
        return false;
    }
    let (word, meant): (Vec<char>, Vec<char>) = (word.chars().collect(), meant.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=meant.len()).collect();
    for (at, letter) in word.iter().enumerate() {
        let mut next = vec![at + 1];
        for (other_at, other) in meant.iter().enumerate() {
            let replaced = row[other_at] + usize::from(letter != other);
            let mut least = replaced.min(row[other_at + 1] + 1).min(next[other_at] + 1);
            let is_swapped =
                at > 0 && other_at > 0 && word[at - 1] == *other && *letter == meant[other_at - 1];
            if is_swapped {
                least = least.min(before[other_at - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().is_some_and(|distance| *distance <= 2)
}
