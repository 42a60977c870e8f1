//! Undoes slips of the keyboard in words that nobody uses.
//!
//! A noisy channel of the plainest kind: a word that is neither a piece of the
//! vocabulary nor among the words of the training texts, and is one slip away from
//! some of those, was meant to be the most used of the likeliest kind of slip
//! (after Kernighan, Church and Gale 1990, "A spelling correction program based on
//! a noisy channel model"). Not a spell checker: words that exist, and whatever is
//! further away, stay as they were written.

use std::{cmp::Reverse, path::Path, sync::LazyLock};

use rustc_hash::FxHashMap;

use super::NlpError;

/// Shorter words have too many neighbors.
const LEAST_LETTERS: usize = 4;
/// Longer ones are no words.
const MOST_LETTERS: usize = 18;
/// A word that was seen so often is a word; a slip is rarely made twice in the same way.
const LEAST_SEEN: u32 = 3;
/// Rarer words than this are never put in place of what somebody wrote.
const LEAST_MEANT: u32 = 5;

/// Words of the training texts and how often each was seen.
#[derive(Debug, Clone, Default)]
pub struct Spelling {
    /// Nobody outside chooses what is put in, so a quick hash will do.
    seen: FxHashMap<String, u32>,
}

impl Spelling {
    /// Counts the words of texts.
    pub fn count<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut seen: FxHashMap<String, u32> = FxHashMap::default();
        for text in texts {
            for word in text.split(|symbol: char| !symbol.is_alphabetic()) {
                if word.len() <= MOST_LETTERS && word.len() > 1 && word.is_ascii() {
                    *seen.entry(word.to_ascii_lowercase()).or_default() += 1;
                }
            }
        }
        seen.retain(|_, times| *times >= LEAST_SEEN);
        Self { seen }
    }

    /// Reads a list as [`Spelling::write`] leaves it.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a line is not a word and a number.
    pub fn open(path: &Path) -> Result<Self, NlpError> {
        let unreadable = |why: String| NlpError::Unreadable { what: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let entry = |(nth, line): (usize, &str)| {
            let entry = line.split_once(' ').and_then(|(word, times)| Some((word, times.parse().ok()?)));
            let (word, times) =
                entry.ok_or_else(|| unreadable(format!("line {} is not a word and a number", nth + 1)))?;
            Ok((word.to_owned(), times))
        };
        Ok(Self { seen: text.lines().enumerate().map(entry).collect::<Result<_, NlpError>>()? })
    }

    /// Writes the list, the most used first.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), NlpError> {
        let mut words: Vec<(&String, &u32)> = self.seen.iter().collect();
        words.sort_by_key(|(word, times)| (Reverse(**times), *word));
        let text: String = words.iter().map(|(word, times)| format!("{word} {times}\n")).collect();
        std::fs::write(path, text).map_err(|error| NlpError::Unreadable {
            what: path.display().to_string(),
            why: error.to_string(),
        })
    }

    /// The word that was meant, in small letters, if `word` is a slip of it.
    /// `is_piece` knows the vocabulary of the model.
    pub fn meant(&self, word: &str, is_piece: impl Fn(&str) -> bool) -> Option<String> {
        let is_candidate = (LEAST_LETTERS..=MOST_LETTERS).contains(&word.len())
            && word.bytes().all(|letter| letter.is_ascii_alphabetic())
            && !self.seen.is_empty();
        if !is_candidate {
            return None;
        }
        let word = word.to_ascii_lowercase();
        if self.seen.contains_key(&word) || is_piece(&word) {
            return None;
        }
        let mut best: Option<(Slip, Reverse<u32>, String)> = None;
        slips(word.as_bytes(), |slip, other| {
            let Some(times) = self.seen.get(other).filter(|times| **times >= LEAST_MEANT) else { return };
            let found = (slip, Reverse(*times));
            if best.as_ref().is_none_or(|best| found < (best.0, best.1)) {
                best = Some((slip, Reverse(*times), other.to_owned()));
            }
        });
        best.map(|(.., meant)| meant)
    }
}

/// Kinds of slips, the likeliest to be one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Slip {
    /// Two letters in the wrong order, or one struck twice.
    Surely,
    /// A neighbor's key, a letter left out or one too many, one vowel for another.
    Likely,
}

/// Every spelling that is one slip away.
fn slips(word: &[u8], mut offer: impl FnMut(Slip, &str)) {
    let mut other: Vec<u8> = Vec::with_capacity(word.len() + 1);
    let mut tell = |slip: Slip, letters: &[u8]| {
        if let Ok(text) = std::str::from_utf8(letters) {
            offer(slip, text);
        }
    };
    for at in 0..word.len() {
        if at + 1 < word.len() && word[at] != word[at + 1] {
            other.clear();
            other.extend_from_slice(word);
            other.swap(at, at + 1);
            tell(Slip::Surely, &other);
        }
        other.clear();
        other.extend_from_slice(&word[..at]);
        other.extend_from_slice(&word[at + 1..]);
        let is_double = at > 0 && word[at] == word[at - 1];
        tell(if is_double { Slip::Surely } else { Slip::Likely }, &other);
        let instead = usize::from(word[at].wrapping_sub(b'a'));
        for letter in INSTEAD.get(instead).into_iter().flatten() {
            other.clear();
            other.extend_from_slice(word);
            other[at] = *letter;
            tell(Slip::Likely, &other);
        }
    }
    for at in 0..=word.len() {
        for letter in b'a'..=b'z' {
            other.clear();
            other.extend_from_slice(&word[..at]);
            other.push(letter);
            other.extend_from_slice(&word[at..]);
            tell(Slip::Likely, &other);
        }
    }
}

/// For each letter those that stand in its place by a likely slip.
static INSTEAD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let letters = b'a'..=b'z';
    let instead = |letter: u8| {
        let is_likely =
            move |other: &u8| are_neighbors(letter, *other) || is_vowel(letter) && is_vowel(*other);
        (b'a'..=b'z').filter(move |other| *other != letter).filter(is_likely).collect()
    };
    letters.map(instead).collect()
});

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

/// The letters of a keyboard, from the upper row to the lower.
pub const KEYBOARD: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// Whether two keys touch.
fn are_neighbors(one: u8, other: u8) -> bool {
    // Each row begins a little to the right of the one above; in quarters of a key.
    let place = |letter: u8| {
        KEYBOARD.iter().zip([0_i32, 1, 3]).zip(0_i32..).find_map(|((keys, begins), row)| {
            let at = i32::try_from(keys.bytes().position(|key| key == letter)?).ok()?;
            Some((row, at * 4 + begins))
        })
    };
    match (place(one), place(other)) {
        (Some((row, x)), Some((other_row, other_x))) => {
            (row - other_row).abs() <= 1 && (x - other_x).abs() <= 4
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Spelling;

    fn spelling() -> Spelling {
        let words = "agent human person speak someone please refund dont don shirt shit ".repeat(5);
        Spelling::count([words.as_str()].into_iter())
    }

    #[test]
    fn one_slip_is_undone_and_everything_else_stays() {
        let spelling = spelling();
        for (written, meant) in [
            ("agnet", Some("agent")),
            ("humn", Some("human")),
            ("Perosn", Some("person")),
            ("soemone", Some("someone")),
            ("pleease", Some("please")),
            ("refubd", Some("refund")),
            ("refund", None),
            ("dont", None),
            ("umbrella", None),
            ("zz", None),
            ("shitt", Some("shit")),
            ("hu\u{301}man", None),
        ] {
            let found = spelling.meant(written, |word| word == "umbrella");
            assert_eq!(found.as_deref(), meant, "{written}");
        }
        assert_eq!(Spelling::default().meant("agnet", |_| false), None);
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.txt");
        spelling().write(&path).unwrap();
        assert_eq!(Spelling::open(&path).unwrap().seen, spelling().seen);
        std::fs::write(&path, "agent 3\nhuman\n").unwrap();
        let error = Spelling::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
