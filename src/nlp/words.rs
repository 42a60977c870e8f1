//! Which words moved an output: the terms of the sum, gathered from pieces into
//! words. Nothing is rescaled; what is no word is a term of its own.

use std::ops::Range;

use crate::domain::analysis::WordWeight;

/// The name of the term that no word is behind.
pub const BIAS: &str = "(bias)";
/// The name of the term of the signs at both ends of every text.
pub const BORDERS: &str = "(borders)";

/// Gathers what each piece adds into what each word adds. Pieces that stand
/// together without a space are one word, as they were written.
pub fn gather(text: &str, places: &[Option<Range<usize>>], each: &[f64], bias: f64) -> Vec<WordWeight> {
    let mut words: Vec<WordWeight> = Vec::new();
    let mut borders = 0.0;
    for (place, weight) in places.iter().zip(each) {
        let Some(place) = place.as_ref().filter(|place| text.get((*place).clone()).is_some()) else {
            borders += weight;
            continue;
        };
        let word = word_around(text, place);
        match words.last_mut() {
            Some(last) if last.span.is_some_and(|(start, end)| start <= place.start && place.end <= end) => {
                last.weight += weight;
            }
            _ => words.push(WordWeight {
                word: text[word.clone()].to_owned(),
                span: Some((word.start, word.end)),
                weight: *weight,
            }),
        }
    }
    words.push(WordWeight { word: BORDERS.to_owned(), span: None, weight: borders });
    words.push(WordWeight { word: BIAS.to_owned(), span: None, weight: bias });
    words
}

/// The written word that a piece is part of; punctuation is a word of its own.
fn word_around(text: &str, piece: &Range<usize>) -> Range<usize> {
    let belongs = |symbol: &char| {
        symbol.is_alphanumeric()
            || matches!(symbol, '\'' | '’')
            || !symbol.is_ascii() && !symbol.is_whitespace()
    };
    let is_word = text[piece.clone()].chars().any(char::is_alphanumeric);
    if !is_word {
        return piece.clone();
    }
    let before: usize = text[..piece.start].chars().rev().take_while(belongs).map(char::len_utf8).sum();
    let after: usize = text[piece.end..].chars().take_while(belongs).map(char::len_utf8).sum();
    piece.start - before..piece.end + after
}

#[cfg(test)]
mod tests {
    use super::gather;

    #[test]
    fn terms_are_gathered_by_word_and_nothing_is_lost() {
        let text = "don't wait!";
        let places = [None, Some(0..3), Some(3..4), Some(4..5), Some(6..10), Some(10..11), None];
        let each = [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 0.25];
        let words = gather(text, &places, &each, 7.0);
        let named: Vec<(&str, f64)> = words.iter().map(|word| (word.word.as_str(), word.weight)).collect();
        assert_eq!(named, [("don't", 6.0), ("wait", 4.0), ("!", 5.0), ("(borders)", 0.75), ("(bias)", 7.0)]);
        assert_eq!(words.iter().map(|word| word.weight).sum::<f64>(), each.iter().sum::<f64>() + 7.0);
    }
}
