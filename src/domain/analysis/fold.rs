//! Folding: the same words written differently become the same letters.
//!
//! Upper and lower case, accents, full width, zero-width characters, look-alike
//! letters of another script, words spelled with spaces between the letters.
//! It does not correct spelling.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Lower case without accents, hidden characters or look-alikes.
///
/// Punctuation stays, since clauses end at it.
pub fn fold(text: &str) -> String {
    // What most people type has none of all that.
    if text.is_ascii() {
        return join_spelled(text.to_ascii_lowercase());
    }
    let mut folded = String::with_capacity(text.len());
    let mut word = String::new();
    for symbol in text.nfkd().filter(|symbol| !is_hidden(*symbol) && !is_dropped_mark(*symbol)) {
        if symbol.is_alphabetic() || is_combining_mark(symbol) {
            word.extend(symbol.to_lowercase().filter(|low| !is_dropped_mark(*low)).map(plain));
        } else {
            flush(&mut word, &mut folded);
            folded.push(symbol);
        }
    }
    flush(&mut word, &mut folded);
    join_spelled(folded.nfc().collect()).replace('ß', "ss")
}

fn flush(word: &mut String, folded: &mut String) {
    let has_latin = word.chars().any(|letter| letter.is_ascii_alphabetic());
    if has_latin && !word.is_ascii() {
        folded.extend(word.chars().map(look_alike));
    } else {
        folded.push_str(word);
    }
    word.clear();
}

/// Characters that cannot be seen: joiners, direction marks, soft hyphens, tags.
pub fn is_hidden(symbol: char) -> bool {
    matches!(symbol,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Accents of Latin, Greek and Cyrillic letters and vowel signs of Arabic ones.
/// Marks that make another letter, as in Japanese, stay.
fn is_dropped_mark(symbol: char) -> bool {
    matches!(symbol, '\u{0300}'..='\u{036F}' | '\u{0610}'..='\u{061A}' | '\u{0640}' | '\u{064B}'..='\u{065F}' | '\u{0670}')
}

/// Letters with more than one code for the same use.
fn plain(letter: char) -> char {
    match letter {
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        'ي' | 'ى' => 'ی',
        'ك' => 'ک',
        'ة' => 'ه',
        'ё' => 'е',
        other => other,
    }
}

/// The Latin letter a Cyrillic or Greek one looks like. Only for words that
/// also have Latin letters: "аgеnt" is English, "а" alone is not.
pub fn look_alike(letter: char) -> char {
    match letter {
        'а' | 'α' | 'ɑ' => 'a',
        'в' | 'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'ɡ' => 'g',
        'н' | 'һ' => 'h',
        'і' | 'ι' | 'ɩ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ⅼ' | 'ӏ' => 'l',
        'м' => 'm',
        'п' | 'η' => 'n',
        'о' | 'ο' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ц' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    }
}

/// Joins words spelled letter by letter: "a g e n t", "a.g.e.n.t", "a-g-e-n-t".
///
/// Four letters are needed, so that initials and "a b c" stay apart. A longer
/// gap than one sign ends a word.
fn join_spelled(text: String) -> String {
    if !has_letters_apart(&text) {
        return text;
    }
    let symbols: Vec<char> = text.chars().collect();
    let letter_at = |place: usize| symbols.get(place).is_some_and(|symbol| symbol.is_alphabetic());
    let gap_at = |place: usize| {
        symbols.get(place).is_some_and(|symbol| matches!(symbol, ' ' | '.' | '-' | '_' | '*' | '·' | '/'))
    };
    let mut joined = String::with_capacity(text.len());
    let mut place = 0;
    while place < symbols.len() {
        let mut end = place;
        if letter_at(place) && (place == 0 || !letter_at(place - 1)) && !letter_at(place + 1) {
            while gap_at(end + 1)
                && letter_at(end + 2)
                && !letter_at(end + 3)
                && symbols[end + 1] == symbols[place + 1]
            {
                end += 2;
            }
        }
        if end >= place + 6 {
            joined.extend(symbols[place..=end].iter().step_by(2));
            place = end + 1;
        } else {
            joined.push(symbols[place]);
            place += 1;
        }
    }
    joined
}

/// Whether four letters stand alone: without them nothing is spelled.
fn has_letters_apart(text: &str) -> bool {
    let (mut n_apart, mut run) = (0, 0);
    for symbol in text.chars() {
        if symbol.is_alphabetic() {
            run += 1;
        } else {
            n_apart += usize::from(run == 1);
            run = 0;
        }
    }
    n_apart + usize::from(run == 1) >= 4
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn the_same_words_written_differently_become_the_same_letters() {
        for (written, folded) in [
            ("AGENT", "agent"),
            ("Ａｇｅｎｔ", "agent"),
            ("a\u{200b}g\u{200d}ent", "agent"),
            ("аgеnt", "agent"),
            ("a g e n t please", "agent please"),
            ("a-g-e-n-t", "agent"),
            ("r e p  n o w", "r e p  n o w"),
            ("Señor Müller straße", "senor muller strasse"),
            ("ОПЕРАТОР", "оператор"),
            ("İnsan", "insan"),
            ("がんばる", "がんばる"),
            ("I am a b c", "i am a b c"),
            ("plan b", "plan b"),
        ] {
            assert_eq!(fold(written), folded, "{written}");
        }
    }
}
