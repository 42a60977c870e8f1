//! What is lost when the same messages are typed badly, decorated or disguised.
//!
//! Every disturbance is drawn from a seed of its own, so that a figure can be
//! repeated. None of them is the one that training varies texts with.

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde::Serialize;

use crate::nlp::spelling::KEYBOARD;

/// One way of spoiling a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disturbance {
    /// One slip in 25 letters, as of somebody in a hurry: swapped, dropped, doubled or a neighbor's key.
    Typos,
    /// One slip in twelve letters: every second or third word is wrong.
    ManyTypos,
    /// All capitals.
    Capitals,
    /// No capitals and no punctuation.
    Bare,
    /// Emoji behind words and at the end.
    Emoji,
    /// Letters replaced by others that look the same.
    LookAlikes,
    /// Characters that nobody sees, inside words.
    ZeroWidth,
    /// One word spelled with blanks between its letters.
    Spaced,
    /// A letter repeated many times.
    Stretched,
    /// A greeting and a signature around it, and blank lines.
    Padding,
}

impl Disturbance {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Typos,
        Self::ManyTypos,
        Self::Capitals,
        Self::Bare,
        Self::Emoji,
        Self::LookAlikes,
        Self::ZeroWidth,
        Self::Spaced,
        Self::Stretched,
        Self::Padding,
    ];

    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Typos => "typos",
            Self::ManyTypos => "many_typos",
            Self::Capitals => "capitals",
            Self::Bare => "bare",
            Self::Emoji => "emoji",
            Self::LookAlikes => "look_alikes",
            Self::ZeroWidth => "zero_width",
            Self::Spaced => "spaced",
            Self::Stretched => "stretched",
            Self::Padding => "padding",
        }
    }

    /// The text, spoiled. `nth` is its place in its set.
    pub fn of(self, text: &str, nth: usize) -> String {
        let mut chance = StdRng::seed_from_u64((nth as u64) << 8 | self as u64);
        match self {
            Self::Typos => typos(text, 25, &mut chance),
            Self::ManyTypos => typos(text, 12, &mut chance),
            Self::Capitals => text.to_uppercase(),
            Self::Bare => {
                let kept = text.chars().filter(|letter| !letter.is_ascii_punctuation());
                kept.collect::<String>().to_lowercase()
            }
            Self::Emoji => emoji(text, &mut chance),
            Self::LookAlikes => replace_some(text, 3, &mut chance, |letter| {
                LOOK_ALIKES.iter().find(|(plain, _)| *plain == letter).map(|(_, other)| other.to_string())
            }),
            Self::ZeroWidth => replace_some(text, 3, &mut chance, |letter| {
                letter.is_alphabetic().then(|| format!("{letter}\u{200b}"))
            }),
            Self::Spaced => longest_word(text, |word| {
                let letters: Vec<String> = word.chars().map(String::from).collect();
                letters.join(" ")
            }),
            Self::Stretched => longest_word(text, |word| {
                let middle = word.chars().count() / 2;
                let stretch = |(at, letter): (usize, char)| {
                    std::iter::repeat_n(letter, if at == middle { 6 } else { 1 })
                };
                word.chars().enumerate().flat_map(stretch).collect()
            }),
            Self::Padding => {
                let (before, after) = PADDING.choose(&mut chance).copied().unwrap_or_default();
                format!("{before}\n\n\n{text}\n\n{after}")
            }
        }
    }
}

/// What a disturbance does to a head on a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    /// The set.
    pub set: String,
    /// The head.
    pub head: String,
    /// How the texts were spoiled.
    pub disturbance: Disturbance,
    /// F1 at the operating point on the texts as written, from 0 to 1.
    pub f1: f64,
    /// F1 on the spoiled ones.
    pub disturbed_f1: f64,
    /// How many points of a hundred were lost.
    pub points_lost: f64,
}

const LOOK_ALIKES: &[(char, char)] = &[
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('i', 'і'),
    ('o', 'о'),
    ('p', 'р'),
    ('s', 'ѕ'),
    ('x', 'х'),
    ('y', 'у'),
];

const SIGNS: &[&str] = &["😀", "🙏", "😡", "👍", "🤔", "❤️", "😭", "🔥", "📦", "💯", "🙂", "👀"];

const PADDING: &[(&str, &str)] = &[
    ("Hello,", "Kind regards,\nM. Okafor"),
    ("hi there hope you are well", "sent from my phone"),
    ("Good morning", "Thank you in advance"),
    ("(order 4471-902, placed on the 3rd of May)", "--\nJ. Lindqvist, 14 Mill Lane"),
    ("ok so", "that is all"),
];

fn typos(text: &str, every: usize, chance: &mut StdRng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let n_letters = letters.iter().filter(|letter| letter.is_ascii_alphabetic()).count();
    for _ in 0..n_letters.div_ceil(every) {
        let places: Vec<usize> = (1..letters.len())
            .filter(|at| letters[*at].is_ascii_alphabetic() && letters[at - 1].is_ascii_alphabetic())
            .collect();
        let Some(&at) = places.choose(chance) else { break };
        match chance.random_range(0..4) {
            0 => letters.swap(at - 1, at),
            1 => drop(letters.remove(at)),
            2 => letters.insert(at, letters[at]),
            _ => letters[at] = beside(letters[at], chance),
        }
    }
    letters.into_iter().collect()
}

/// A key beside the one that was meant.
fn beside(letter: char, chance: &mut StdRng) -> char {
    let low = letter.to_ascii_lowercase();
    let row = KEYBOARD.into_iter().find(|row| row.contains(low));
    let Some((row, at)) = row.and_then(|row| Some((row, row.find(low)?))) else { return letter };
    let at = if chance.random_bool(0.5) { at.saturating_sub(1) } else { at + 1 };
    row[at.min(row.len() - 1)..].chars().next().unwrap_or(letter)
}

fn emoji(text: &str, chance: &mut StdRng) -> String {
    let mut decorated = String::new();
    for word in text.split_inclusive(' ') {
        decorated.push_str(word);
        if chance.random_bool(0.15) {
            decorated.push_str(SIGNS.choose(chance).copied().unwrap_or_default());
            decorated.push(' ');
        }
    }
    decorated.push(' ');
    decorated.push_str(SIGNS.choose(chance).copied().unwrap_or_default());
    decorated
}

/// Replaces about one in `every` of the letters that have a replacement.
fn replace_some(
    text: &str,
    every: u32,
    chance: &mut StdRng,
    replacement: impl Fn(char) -> Option<String>,
) -> String {
    let mut replaced = String::with_capacity(text.len());
    for letter in text.chars() {
        match replacement(letter) {
            Some(other) if chance.random_ratio(1, every) => replaced.push_str(&other),
            _ => replaced.push(letter),
        }
    }
    replaced
}

/// Changes the longest word of plain letters.
fn longest_word(text: &str, change: impl Fn(&str) -> String) -> String {
    let words = text.split(' ').filter(|word| word.chars().all(|letter| letter.is_ascii_alphabetic()));
    let Some(longest) = words.max_by_key(|word| word.len()).filter(|word| word.len() >= 4) else {
        return text.to_owned();
    };
    text.replacen(longest, &change(longest), 1)
}

#[cfg(test)]
mod tests {
    use super::Disturbance;

    #[test]
    fn every_disturbance_changes_a_text_and_always_in_the_same_way() {
        let text = "Could I please speak to a person about this?";
        for one in Disturbance::ALL {
            assert_ne!(one.of(text, 3), text, "{one:?}");
            assert_eq!(one.of(text, 3), one.of(text, 3), "{one:?}");
        }
        assert_eq!(Disturbance::Spaced.of("human now", 0), "h u m a n now");
        assert_eq!(Disturbance::Stretched.of("human", 0), "hummmmmman");
    }
}
