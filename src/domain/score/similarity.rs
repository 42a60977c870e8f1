//! Whether two messages ask the same thing in other words: shared content words,
//! or nearly the same letters. Deliberately not the model's sentence vector:
//! a stored conversation must replay to the same decision without the model.

use std::cmp::Ordering;

/// What of a message is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// In order, each once.
    stems: Box<[Box<str>]>,
    /// Three letters each in one number, in order, each once.
    trigrams: Box<[u64]>,
}

/// Words that say nothing about the subject. Our own list, from reading the training dialogues.
const EMPTY_WORDS: &[&str] = &[
    "the", "and", "you", "your", "yours", "are", "was", "were", "for", "that", "this", "with", "have", "has",
    "had", "but", "not", "what", "when", "how", "why", "who", "can", "could", "would", "will", "does", "did",
    "its", "it", "is", "am", "be", "been", "to", "of", "in", "on", "at", "my", "me", "i", "im", "a", "an",
    "do", "or", "so", "if", "we", "us", "our", "they", "them", "there", "here", "please", "pls", "plz",
    "just", "still", "already", "again", "yes", "no", "ok", "okay", "hi", "hello", "hey", "thanks", "thank",
    "want", "need", "know", "tell", "get", "got", "said", "say", "asked", "ask", "asking", "from", "about",
    "it's", "i'm", "now", "time", "times", "help",
];

impl Words {
    /// Takes a message apart. Only the first 1,000 characters count.
    pub fn of(text: &str) -> Self {
        let lower: String = text.chars().take(1_000).flat_map(char::to_lowercase).collect();
        let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'');
        let words = words.filter(|word| !word.is_empty() && !EMPTY_WORDS.contains(word));
        let letters: Vec<char> = lower.chars().filter(|c| c.is_alphanumeric()).collect();
        // A character has 21 bits.
        let triple = |w: &[char]| w.iter().fold(0, |all, letter| all << 21 | u64::from(*letter));
        Self {
            stems: each_once(words.map(|word| stem(word).into()).collect()),
            trigrams: each_once(letters.windows(3).map(triple).collect()),
        }
    }

    /// Whether there is enough in it to be a question.
    pub fn is_substantial(&self) -> bool {
        self.stems.len() >= 2
    }
}

/// Cuts common English endings; enough to see "refunded" and "refund" as one.
fn stem(word: &str) -> &str {
    let word = word.trim_matches('\'');
    let cut = ["ing", "ied", "ies", "ed", "es", "s", "'s"]
        .into_iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3));
    cut.unwrap_or(word)
}

fn each_once<T: Ord>(mut all: Vec<T>) -> Box<[T]> {
    all.sort_unstable();
    all.dedup();
    all.into()
}

fn dice<T: Ord>(a: &[T], b: &[T]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let (mut left, mut right, mut shared) = (a.iter().peekable(), b.iter().peekable(), 0);
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        match one.cmp(other) {
            Ordering::Less => _ = left.next(),
            Ordering::Greater => _ = right.next(),
            Ordering::Equal => {
                shared += 1;
                left.next();
                right.next();
            }
        }
    }
    2.0 * f64::from(shared) / (a.len() + b.len()) as f64
}

/// How alike two messages are, from 0 to 1: the Dice coefficient (L. R. Dice, 1945) of their content words or of
/// their letter triples, whichever is larger.
pub fn similarity(a: &Words, b: &Words) -> f64 {
    dice(&a.stems, &b.stems).max(dice(&a.trigrams, &b.trigrams))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> f64 {
        similarity(&Words::of(a), &Words::of(b))
    }

    #[test]
    fn the_same_question_in_other_words_is_alike() {
        assert!(alike("Where is my parcel?", "I asked where my parcel is") >= 0.6);
        assert!(alike("when will the refund arrive", "WHEN WILL MY REFUND ARRIVE???") >= 0.6);
        assert!(alike("cancel my subscription", "i want to cancel the subscription please") >= 0.6);
    }

    #[test]
    fn another_question_is_not() {
        assert!(alike("Where is my parcel?", "Do you sell gift cards?") < 0.4);
        assert!(alike("order 4471", "order 9982 please") < 0.6);
        assert!(alike("yes", "yes") < 1.1 && !Words::of("yes").is_substantial());
    }
}
