//! The same message as somebody else would have typed it.
//!
//! Typing mistakes, dropped punctuation, short forms, stretched letters. Upper
//! and lower case are the same to the encoder and need no practice.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

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

/// What people put around what they want to say.
const AROUND: &[(&str, &str)] = &[
    ("hello", ""),
    ("hi,", ""),
    ("hey there.", ""),
    ("dear sir or madam,", "yours sincerely"),
    ("good evening", "many thanks"),
    ("", "regards"),
    ("", "thanks, dana"),
    ("", "cheers"),
    ("hello team,", "best, p. novak"),
    ("re: my account 80-3321.", ""),
    ("", "(case 118204)"),
    ("hey", "sent from a tablet"),
    ("good afternoon,", "best wishes,\ntomas"),
    ("hello again", "that would be all"),
    ("right so", ""),
    ("(invoice 20931, of the 12th of june)", ""),
    ("", "--\nl. haddad\n7 canal road"),
    ("hi, i hope this finds you well.", "thank you for your time"),
    ("", "sorry for my long message"),
    ("reference: BX-55102", "with kind greetings"),
];

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
    if chance.random_bool(0.35) {
        // From a slip in the whole message to one in ten letters.
        let n_most = 1 + varied.len() / 10;
        for _ in 0..chance.random_range(1..=n_most) {
            varied = mistype(&varied, chance);
        }
    }
    if chance.random_bool(0.08) {
        varied = decorate(&varied, chance);
    }
    if chance.random_bool(0.15) {
        let (before, after) = AROUND.choose(chance).copied().unwrap_or_default();
        varied = format!("{before} {varied} {after}").trim().to_owned();
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
    const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
    let low = letter.to_ascii_lowercase();
    let row = ROWS.iter().find(|row| row.contains(low)).copied().unwrap_or_default();
    let keys: Vec<char> = row.chars().collect();
    let Some(at) = keys.iter().position(|key| *key == low) else { return letter };
    let beside = if chance.random_bool(0.5) { at.checked_sub(1) } else { Some(at + 1) };
    beside.and_then(|at| keys.get(at).copied()).unwrap_or(letter)
}
