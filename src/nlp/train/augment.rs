//! The same message as somebody else would have typed it.
//!
//! Typing mistakes, dropped punctuation, short forms, stretched letters. Upper
//! and lower case are the same to the encoder and need no practice.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::nlp::spelling::KEYBOARD;

const SHORT_FORMS: &[(&str, &str)] = &[
    ("you", "u"),
    ("your", "ur"),
    ("are", "r"),
    ("please", "pls"),
    ("please", "plz"),
    ("thanks", "thx"),
    ("to", "2"),
    ("for", "4"),
    ("people", "ppl"),
    ("someone", "some1"),
    ("representative", "rep"),
    ("because", "cuz"),
    ("going to", "gonna"),
    ("want to", "wanna"),
    ("do not", "dont"),
    ("don't", "dont"),
    ("can't", "cant"),
    ("i'm", "im"),
    ("what", "wat"),
    ("the", "teh"),
    ("with", "w"),
    ("about", "abt"),
    ("really", "rly"),
    ("message", "msg"),
    ("and", "n"),
];

/// Signs without a meaning that the encoder knows; what they are used for is too varied to say.
const SIGNS: &[&str] = &["😊", "🙄", "😤", "😅", "🤷", "👌", "💔", "✨", "📱", "😢", "🎉", "😬"];

/// How people begin before they say what they want.
const GREETINGS: &[&str] = &[
    "hello",
    "hi,",
    "hey there.",
    "dear sir or madam,",
    "good evening",
    "good afternoon,",
    "hello team,",
    "hello again",
    "hi, i hope this finds you well.",
    "right so",
    "hey",
    "to whom it may concern,",
    "greetings",
];

/// How they end.
const ENDINGS: &[&str] = &[
    "regards",
    "yours sincerely",
    "many thanks",
    "cheers",
    "best",
    "best wishes,",
    "thank you for your time",
    "with warm greetings",
    "sent from a tablet",
    "sorry for my long message",
    "all the best",
    "thx",
    "--",
];

/// Beginnings, middles and ends of names that nobody has to bear.
const SYLLABLES: [&[&str]; 3] = [
    &[
        "Ba", "Cor", "Dal", "El", "Fen", "Gri", "Ha", "Jo", "Kal", "Lo", "Mar", "Ni", "Or", "Pe", "Ro", "Sa",
        "Tem", "Vi", "Wil", "Za",
    ],
    &["", "", "be", "da", "li", "mo", "na", "ri", "so", "ta", "ve"],
    &[
        "ck", "dor", "ez", "ford", "go", "ino", "kar", "ley", "man", "na", "o", "ra", "son", "ska", "ti",
        "u", "wa", "y",
    ],
];

/// Where what has a number comes from.
const REFERENCES: &[&str] =
    &["case", "order", "invoice", "ref", "account", "booking", "customer no", "parcel", "policy"];

/// Streets and the like.
const STREETS: &[&str] = &["street", "road", "lane", "court", "avenue", "house", "flats"];

/// A variant of the text, or the text itself.
pub fn vary(text: &str, chance: &mut StdRng) -> String {
    let mut varied = text.to_owned();
    if chance.random_bool(0.15) {
        varied = varied.chars().filter(|symbol| !symbol.is_ascii_punctuation() || *symbol == '@').collect();
    } else if chance.random_bool(0.15) {
        varied = varied.trim_end_matches(['.', '!', '?']).to_owned();
    }
    if chance.random_bool(0.12) {
        varied = shorten(&varied, chance);
    }
    if chance.random_bool(0.45) {
        // From a slip in the whole message to one in ten letters.
        let n_most = 1 + varied.len() / 10;
        for _ in 0..chance.random_range(1..=n_most) {
            varied = mistype(&varied, chance);
        }
    }
    if chance.random_bool(0.08) {
        varied = decorate(&varied, chance);
    }
    if chance.random_bool(0.3) {
        varied = pad(&varied, chance);
    }
    if chance.random_bool(0.04) {
        varied = format!(
            "{varied}{}",
            ["!!!", "??", "...", "!", " ?!", " :("].choose(chance).copied().unwrap_or_default()
        );
    }
    if varied.trim().is_empty() { text.to_owned() } else { varied }
}

fn shorten(text: &str, chance: &mut StdRng) -> String {
    let Some((long, short)) = SHORT_FORMS.choose(chance) else { return text.to_owned() };
    let padded = format!(" {} ", text.to_lowercase());
    padded.replace(&format!(" {long} "), &format!(" {short} ")).trim().to_owned()
}

fn decorate(text: &str, chance: &mut StdRng) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    for _ in 0..chance.random_range(1..=3) {
        let place = chance.random_range(0..=words.len());
        words.insert(place, SIGNS.choose(chance).copied().unwrap_or_default());
    }
    words.join(" ")
}

/// A greeting, a reference, a signature: what stands around says nothing about what is wanted.
fn pad(text: &str, chance: &mut StdRng) -> String {
    let between = *["\n", "\n\n", " ", " "].choose(chance).unwrap_or(&" ");
    let mut parts = Vec::new();
    if chance.random_bool(0.6) {
        parts.push(GREETINGS.choose(chance).copied().unwrap_or_default().to_owned());
    }
    if chance.random_bool(0.25) {
        parts.push(reference(chance));
    }
    parts.push(text.to_owned());
    if chance.random_bool(0.5) {
        parts.push(ENDINGS.choose(chance).copied().unwrap_or_default().to_owned());
    }
    if chance.random_bool(0.4) {
        parts.push(signature(chance));
    }
    parts.join(between)
}

/// "(order 4471, of 3 june)" and its like.
fn reference(chance: &mut StdRng) -> String {
    let what = REFERENCES.choose(chance).copied().unwrap_or_default();
    let number = chance.random_range(100..1_000_000);
    match chance.random_range(0..4) {
        0 => format!("({what} {number})"),
        1 => format!(
            "({what} {}-{number}, {} days ago)",
            chance.random_range(10..99),
            chance.random_range(2..30)
        ),
        2 => format!("re: {what} {number}."),
        _ => format!("{what} {number}:"),
    }
}

/// A name, with or without a place.
fn signature(chance: &mut StdRng) -> String {
    let mut name =
        || -> String { SYLLABLES.iter().filter_map(|part| part.choose(chance)).copied().collect() };
    let (first, last) = (name(), name());
    let initial = &first[..1];
    let signed = match chance.random_range(0..5) {
        0 => first.to_lowercase(),
        1 => format!("{initial}. {last}"),
        2 => format!("{first} {last}"),
        3 => format!("{initial}{}", &last[..1]),
        _ => last,
    };
    let street = STREETS.choose(chance).copied().unwrap_or_default();
    match chance.random_range(0..4) {
        0 => format!("{signed}, {} {} {street}", chance.random_range(1..200), first.to_lowercase()),
        1 => format!("{signed}\n0{}", chance.random_range(100_000_000..999_999_999)),
        _ => signed,
    }
}

fn mistype(text: &str, chance: &mut StdRng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (1..letters.len().saturating_sub(1))
        .filter(|at| letters[*at].is_ascii_alphabetic() && letters[at - 1].is_ascii_alphabetic())
        .collect();
    let Some(&at) = places.choose(chance) else { return text.to_owned() };
    match chance.random_range(0..5) {
        0 => letters.swap(at - 1, at),
        1 => {
            letters.remove(at);
        }
        2 => letters.insert(at, letters[at]),
        3 => letters[at] = neighbor(letters[at], chance),
        _ if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => {}
    }
    letters.into_iter().collect()
}

/// A key beside the one that was meant.
fn neighbor(letter: char, chance: &mut StdRng) -> char {
    let low = letter.to_ascii_lowercase();
    let row = KEYBOARD.iter().find(|row| row.contains(low)).copied().unwrap_or_default();
    let keys: Vec<char> = row.chars().collect();
    let Some(at) = keys.iter().position(|key| *key == low) else { return letter };
    let beside = if chance.random_bool(0.5) { at.checked_sub(1) } else { Some(at + 1) };
    beside.and_then(|at| keys.get(at).copied()).unwrap_or(letter)
}
