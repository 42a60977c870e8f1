//! Whether two messages ask the same thing in other words: shared content words,
//! or nearly the same letters. Deliberately not the model's sentence vector:
//! a stored conversation must replay to the same decision without the model.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

/// What of a message is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// In order, each once.
    stems: Box<[Box<str>]>,
    /// Three letters each in one number, in order, each once.
    trigrams: Box<[u64]>,
}

/// Words that say nothing about the subject. Our own list, from reading the training dialogues.
const EMPTY: &[&str] = &[
    "the", "and", "you", "your", "yours", "are", "was", "were", "for", "that", "this", "with", "have", "has",
    "had", "but", "not", "what", "when", "how", "why", "who", "can", "could", "would", "will", "does", "did",
    "its", "it", "is", "am", "be", "been", "to", "of", "in", "on", "at", "my", "me", "i", "im", "a", "an",
    "do", "or", "so", "if", "we", "us", "our", "they", "them", "there", "here", "please", "pls", "plz",
    "just", "still", "already", "again", "yes", "no", "ok", "okay", "hi", "hello", "hey", "thanks", "thank",
    "want", "need", "know", "tell", "get", "got", "said", "say", "asked", "ask", "asking", "from", "about",
    "it's", "i'm", "now", "time", "times", "help",
];

static EMPTY_WORDS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| EMPTY.iter().copied().collect());

impl Words {
    /// Takes a message apart. Only the first 1,000 characters count.
    pub fn of(text: &str) -> Self {
        let lower = if text.is_ascii() {
            text.get(..1_000).unwrap_or(text).to_ascii_lowercase()
        } else {
            text.chars().take(1_000).flat_map(char::to_lowercase).collect()
        };
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

/// How many of `a` are in `b`, as far as it matters: fewer than `least` may be counted as any number below it, because
/// two that differ are told apart long before their ends.
fn shared<T: Ord>(a: &[T], b: &[T], least: usize) -> usize {
    let (mut left, mut right, mut shared) = (0, 0, 0);
    while let (Some(one), Some(other)) = (a.get(left), b.get(right)) {
        if shared + (a.len() - left).min(b.len() - right) < least {
            break;
        }
        shared += usize::from(one == other);
        let (is_behind, is_ahead) = (one <= other, one >= other);
        left += usize::from(is_behind);
        right += usize::from(is_ahead);
    }
    shared
}

fn dice_of(shared: usize, a: usize, b: usize) -> f64 {
    if a == 0 || b == 0 { 0.0 } else { 2.0 * shared as f64 / (a + b) as f64 }
}

fn dice<T: Ord>(a: &[T], b: &[T]) -> f64 {
    dice_of(shared(a, b, 0), a.len(), b.len())
}

fn dice_reaches<T: Ord>(a: &[T], b: &[T], share: f64) -> bool {
    // Rounded down: the comparison itself is exact.
    let least = (share * (a.len() + b.len()) as f64 / 2.0).floor() as usize;
    dice_of(shared(a, b, least), a.len(), b.len()) >= share
}

/// How alike two messages are, from 0 to 1: the Dice coefficient (L. R. Dice, 1945) of their content words or of
/// their letter triples, whichever is larger.
pub fn similarity(a: &Words, b: &Words) -> f64 {
    dice(&a.stems, &b.stems).max(dice(&a.trigrams, &b.trigrams))
}

/// Whether [`similarity`] is at least `share`, above 0; several times quicker than asking how much it is.
pub fn are_alike(a: &Words, b: &Words, share: f64) -> bool {
    dice_reaches(&a.stems, &b.stems, share) || dice_reaches(&a.trigrams, &b.trigrams, share)
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

    #[test]
    fn being_alike_is_having_that_similarity() {
        let texts = [
            "Where is my parcel?",
            "I asked where my parcel is",
            "order 4471",
            "order 9982 please",
            "",
            "yes",
            "cancel my subscription",
            "i want to cancel the subscription please",
            "Do you sell gift cards?",
        ];
        for (a, b) in texts.iter().flat_map(|a| texts.iter().map(move |b| (Words::of(a), Words::of(b)))) {
            let exactly = similarity(&a, &b);
            for share in [0.01, 0.2, 1.0 / 3.0, 0.4, 0.5, 0.6, 2.0 / 3.0, 0.8, 1.0, exactly.max(0.01)] {
                assert_eq!(are_alike(&a, &b, share), exactly >= share, "{a:?} {b:?} {exactly} {share}");
            }
        }
    }
}
