//! What is done to a text before the tokenizer sees it. Pure, and knows where
//! every letter came from, so that words can be shown as they were written.
//!
//! Cuts what is too long, drops hidden characters, replaces look-alike letters,
//! joins words spelled letter by letter, shortens stretched words, undoes slips of
//! the keyboard. What else is misspelled stays: the model has seen its share of it.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::domain::analysis::{is_hidden, look_alike};

/// What is read of a text, in bytes; of longer ones the beginning and the end.
pub const READ_BYTES: usize = 16 * 1024;

/// Slips undone in one text; what has more is no text.
const MOST_SLIPS: usize = 200;

/// What is known of words.
pub trait Words {
    /// The smaller the more frequent; none for a word that is not known. It decides what a stretched word was before.
    fn rank(&self, word: &str) -> Option<usize>;

    /// The word that was meant, if this one is a slip of the keyboard.
    fn meant(&self, word: &str) -> Option<String>;
}

/// A text made ready, with the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalized {
    /// What the tokenizer reads.
    pub text: String,
    /// For every character of `text`: where it begins there, and its place in the original.
    origin: Vec<(usize, Range<usize>)>,
    /// Slips that were undone.
    n_mended: usize,
    /// The original was longer than what is read.
    pub is_truncated: bool,
}

struct Letter {
    symbol: char,
    place: Range<usize>,
}

impl Normalized {
    /// Makes a text ready.
    pub fn new(text: &str, words: &impl Words) -> Self {
        let (kept, is_truncated) = cut(text);
        let mut letters: Vec<Letter> = Vec::new();
        for range in kept {
            if !letters.is_empty() {
                letters.push(Letter { symbol: ' ', place: range.start..range.start });
            }
            for (at, symbol) in text[range.clone()].char_indices().filter(|(_, symbol)| !is_hidden(*symbol)) {
                let start = range.start + at;
                let place = start..start + symbol.len_utf8();
                let plain = std::iter::once(typed(symbol)).nfkc();
                letters.extend(plain.map(|symbol| Letter { symbol, place: place.clone() }));
            }
        }
        let letters = join_spelled(letters);
        let mut normalized =
            Self { text: String::with_capacity(text.len()), origin: Vec::new(), n_mended: 0, is_truncated };
        let mut rest = letters.as_slice();
        while let Some(first) = rest.first() {
            let is_word = first.symbol.is_alphabetic();
            let length = rest.iter().take_while(|letter| letter.symbol.is_alphabetic() == is_word).count();
            let (run, after) = rest.split_at(length);
            if is_word {
                normalized.push_word(run, words)
            } else {
                normalized.push_all(run)
            }
            rest = after;
        }
        normalized
    }

    /// Where a part of the normalized text stands in the original.
    pub fn original(&self, part: Range<usize>) -> Range<usize> {
        let first = self.origin.partition_point(|(at, _)| *at < part.start);
        let last = self.origin.partition_point(|(at, _)| *at < part.end);
        match self.origin.get(first..last) {
            Some([first, .., last]) => first.1.start..last.1.end,
            Some([only]) => only.1.clone(),
            _ => 0..0,
        }
    }

    fn push(&mut self, symbol: char, place: Range<usize>) {
        self.origin.push((self.text.len(), place));
        self.text.push(symbol);
    }

    /// The word that was meant, while not too many were asked for.
    fn mend(&mut self, word: &str, words: &impl Words) -> Option<String> {
        let meant = (self.n_mended < MOST_SLIPS).then(|| words.meant(word)).flatten();
        self.n_mended += usize::from(meant.is_some());
        meant
    }

    fn push_all(&mut self, letters: &[Letter]) {
        for letter in letters {
            self.push(letter.symbol, letter.place.clone());
        }
    }

    fn push_word(&mut self, word: &[Letter], words: &impl Words) {
        let has_latin = word.iter().any(|letter| letter.symbol.is_ascii_alphabetic());
        let plain = |letter: &Letter| if has_latin { look_alike(letter.symbol) } else { letter.symbol };
        let is_stretched = word
            .windows(3)
            .any(|three| three.iter().all(|letter| letter.symbol.eq_ignore_ascii_case(&three[0].symbol)));
        let spelled = |letters: &[&Letter]| {
            letters.iter().map(|letter| plain(letter).to_ascii_lowercase()).collect::<String>()
        };
        let chosen = if is_stretched {
            let (single, double) = (kept(word, 1), kept(word, 2));
            match (words.rank(&spelled(&single)), words.rank(&spelled(&double))) {
                (Some(single_rank), Some(double_rank)) if double_rank < single_rank => double,
                (None, Some(_)) => double,
                _ => single,
            }
        } else {
            word.iter().collect()
        };
        if let (Some(meant), Some(first), Some(last)) =
            (self.mend(&spelled(&chosen), words), word.first(), word.last())
        {
            // Which letter came from which is not known: each stands for the whole word.
            let place = first.place.start..last.place.end;
            meant.chars().for_each(|symbol| self.push(symbol, place.clone()));
            return;
        }
        let end = word.last().map_or(0, |letter| letter.place.end);
        let n_chosen = chosen.len();
        for (nth, letter) in chosen.into_iter().enumerate() {
            // The last letter stands for the dropped ones behind it, too.
            let place = if nth + 1 == n_chosen { letter.place.start..end } else { letter.place.clone() };
            self.push(plain(letter), place);
        }
    }
}

/// The sign on a keyboard that a typographic one stands for.
fn typed(symbol: char) -> char {
    match symbol {
        '‘' | '’' | '´' | '`' | 'ʼ' | '′' => '\'',
        '“' | '”' | '„' | '«' | '»' | '″' => '"',
        '–' | '—' | '‐' | '‑' => '-',
        other => other,
    }
}

/// The letters of a word with at most so many of the same in a row.
fn kept(word: &[Letter], most: usize) -> Vec<&Letter> {
    let mut run = 0;
    let mut last = None;
    word.iter()
        .filter(|letter| {
            let low = letter.symbol.to_ascii_lowercase();
            run = if last.replace(low) == Some(low) { run + 1 } else { 1 };
            run <= most
        })
        .collect()
}

/// Beginning and end of a text that is too long, at character borders.
fn cut(text: &str) -> (Vec<Range<usize>>, bool) {
    if text.len() <= READ_BYTES {
        return (std::iter::once(0..text.len()).collect(), false);
    }
    let half = READ_BYTES / 2;
    let end_of_first = (0..=half).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start_of_last =
        (text.len() - half..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    (vec![0..end_of_first, start_of_last..text.len()], true)
}

/// Joins "a g e n t" and "a.g.e.n.t"; four letters at least, one sign between them.
fn join_spelled(letters: Vec<Letter>) -> Vec<Letter> {
    let is_letter = |at: usize| letters.get(at).is_some_and(|letter| letter.symbol.is_alphabetic());
    let is_gap = |at: usize| {
        letters.get(at).is_some_and(|letter| matches!(letter.symbol, ' ' | '.' | '-' | '_' | '*' | '·' | '/'))
    };
    let mut is_kept = vec![true; letters.len()];
    let mut at = 0;
    while at < letters.len() {
        let mut end = at;
        if is_letter(at) && (at == 0 || !is_letter(at - 1)) && !is_letter(at + 1) {
            let same_gap = |end: usize| letters[end + 1].symbol == letters[at + 1].symbol;
            while is_gap(end + 1) && is_letter(end + 2) && !is_letter(end + 3) && same_gap(end) {
                end += 2;
            }
        }
        if end >= at + 6 {
            (at + 1..end).step_by(2).for_each(|gap| is_kept[gap] = false);
        }
        at = end + 1;
    }
    let mut keeps = is_kept.into_iter();
    letters.into_iter().filter(|_| keeps.next().unwrap_or(true)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Normalized, READ_BYTES, Words};

    /// A few words and one slip.
    struct Few;

    impl Words for Few {
        fn rank(&self, word: &str) -> Option<usize> {
            ["so", "good", "god", "please", "human", "agent", "hello"].iter().position(|known| *known == word)
        }

        fn meant(&self, word: &str) -> Option<String> {
            (word == "perosn").then(|| "person".to_owned())
        }
    }

    #[test]
    fn tricks_of_writing_are_undone() {
        for (written, normal) in [
            ("pleaaaaase", "please"),
            ("Goooood", "Good"),
            ("sooooo", "so"),
            ("aggggent", "agent"),
            ("h u m a n now", "human now"),
            ("a.g.e.n.t", "agent"),
            ("аgent", "agent"),
            ("ag\u{200b}ent", "agent"),
            ("ＨＩ there", "HI there"),
            ("3.14 and 1000000", "3.14 and 1000000"),
            ("привет", "привет"),
            ("a PEROSN now", "a person now"),
            ("a perrrrosn", "a person"),
        ] {
            assert_eq!(Normalized::new(written, &Few).text, normal, "{written}");
        }
    }

    #[test]
    fn every_part_finds_its_place_in_the_original() {
        let written = "a\u{200b}gennnntt é ok";
        let normalized = Normalized::new(written, &Few);
        assert_eq!(normalized.text, "agent é ok");
        assert_eq!(&written[normalized.original(0..5)], "a\u{200b}gennnntt");
        let e = normalized.text.find('é').unwrap();
        assert_eq!(&written[normalized.original(e..e + 2)], "é");
    }

    #[test]
    fn a_mended_word_is_shown_as_it_was_written() {
        let written = "a pero\u{200b}sn now";
        let normalized = Normalized::new(written, &Few);
        let person = normalized.text.find("person").unwrap();
        assert_eq!(&written[normalized.original(person..person + 6)], "pero\u{200b}sn");
    }

    #[test]
    fn beginning_and_end_of_a_long_text_are_kept() {
        let text = format!("start {} end", "ü".repeat(READ_BYTES));
        let normalized = Normalized::new(&text, &Few);
        assert!(
            normalized.is_truncated
                && normalized.text.starts_with("start")
                && normalized.text.ends_with("end")
        );
        assert!(normalized.text.len() <= READ_BYTES + 1);
    }
}
