//! Whether two messages ask the same thing in other words: shared content words,
//! or nearly the same letters. Deliberately not the model's sentence vector:
//! a stored conversation must replay to the same decision without the model.

use std::collections::BTreeSet;

/// What of a message is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    stems: BTreeSet<String>,
    trigrams: BTreeSet<[char; 3]>,
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
        let mut stems = BTreeSet::new();
        for word in lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()) {
            if !EMPTY_WORDS.contains(&word) {
                stems.insert(stem(word));
            }
        }
        let letters: Vec<char> = lower.chars().filter(|c| c.is_alphanumeric()).collect();
        let trigrams = letters.windows(3).map(|w| [w[0], w[1], w[2]]).collect();
        Self { stems, trigrams }
    }

    /// Whether there is enough in it to be a question.
    pub fn is_substantial(&self) -> bool {
        self.stems.len() >= 2
    }
}

/// Cuts common English endings; enough to see "refunded" and "refund" as one.
fn stem(word: &str) -> String {
    let word = word.trim_matches('\'');
    let cut = ["ing", "ied", "ies", "ed", "es", "s", "'s"]
        .into_iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3));
    cut.unwrap_or(word).to_owned()
}

fn dice<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    2.0 * a.intersection(b).count() as f64 / (a.len() + b.len()) as f64
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
