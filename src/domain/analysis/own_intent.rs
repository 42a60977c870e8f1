//! Intents of a site's own: a name, some messages that have it, and how probable each is in a message.
//!
//! What they are and what is wrong with one. How a message is compared with the examples is the business of `nlp`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Intent, check_probability, round4};
use crate::domain::queue::Priority;

/// How many intents of their own a site may have.
pub const MOST_OWN_INTENTS: usize = 20;
/// How many examples an intent has.
pub const N_EXAMPLES: RangeInclusive<usize> = 5..=20;
/// How many characters an example has.
const EXAMPLE_CHARS: RangeInclusive<usize> = 2..=300;
/// The longest name, in characters.
const NAME_CHARS: usize = 40;

/// An intent that a site adds by examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnIntent {
    /// Its name in analyses, decisions and queues: lower case words with underscores.
    pub name: String,
    /// Messages that have it.
    pub examples: Vec<String>,
    /// From which probability it calls a human at once; never, without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_at: Option<f64>,
    /// To which priority it raises a conversation for which it calls a human.
    #[serde(default)]
    pub priority: Priority,
}

impl OwnIntent {
    /// What is wrong with it alone: the key within it, and the problem.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let is_plain = self.name.starts_with(|c: char| c.is_ascii_lowercase())
            && self.name.chars().count() <= NAME_CHARS
            && self.name.split('_').all(is_word);
        if !is_plain {
            let what = "must be lower case words with underscores between them, as `prescription_renewal`, \
                of at most 40 characters";
            problems.push(("name", format!("`{}` {what}", self.name)));
        } else if self.name.parse::<Intent>().is_ok() || self.name == "human_request" {
            problems.push(("name", format!("`{}` is one of Baton's own; choose another", self.name)));
        }
        let n = self.examples.len();
        if !N_EXAMPLES.contains(&n) {
            problems.push(("examples", format!("must be 5 to 20 messages, and there are {n}")));
        }
        for (place, example) in self.examples.iter().enumerate() {
            let (shown, length) = (shortened(example), example.trim().chars().count());
            if !EXAMPLE_CHARS.contains(&length) {
                problems.push(("examples", format!("`{shown}` must have 2 to 300 characters, not {length}")));
            }
            if self.examples[..place].iter().any(|earlier| is_same(earlier, example)) {
                problems.push(("examples", format!("`{shown}` is there twice")));
            }
        }
        if self.escalate_at.is_some_and(|at| !(at > 0.0 && at <= 1.0)) {
            problems
                .push(("escalate_at", "must be above 0 and at most 1; leave it out for never".to_owned()));
        }
        problems
    }

    /// Everything that is wrong with these together: the place of the intent, the key within it, and the problem.
    pub fn problems_of(intents: &[Self]) -> Vec<(usize, &'static str, String)> {
        let mut problems = Vec::new();
        for (place, intent) in intents.iter().enumerate() {
            problems.extend(intent.problems().into_iter().map(|(key, problem)| (place, key, problem)));
            let earlier = &intents[..place];
            if earlier.iter().any(|one| one.name == intent.name) {
                problems.push((place, "name", format!("`{}` is there twice", intent.name)));
            }
            for example in &intent.examples {
                let twin = earlier.iter().find(|one| one.examples.iter().any(|e| is_same(e, example)));
                if let Some(twin) = twin.filter(|twin| twin.name != intent.name) {
                    let shown = shortened(example);
                    problems.push((
                        place,
                        "examples",
                        format!("`{shown}` is an example of `{}` too", twin.name),
                    ));
                }
            }
        }
        problems
    }
}

/// Whether two examples are the same but for case and spaces.
fn is_same(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    plain(a) == plain(b)
}

fn shortened(text: &str) -> String {
    let mut short: String = text.trim().chars().take(40).collect();
    if short.chars().count() < text.trim().chars().count() {
        short.push('…');
    }
    short
}

/// An independent probability for each intent of a site's own, by name.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct OwnIntents(BTreeMap<String, f64>);

impl OwnIntents {
    /// Probabilities by name, rounded and kept in 0..=1.
    pub fn new(probabilities: impl IntoIterator<Item = (String, f64)>) -> Self {
        Self(probabilities.into_iter().map(|(name, probability)| (name, round4(probability))).collect())
    }

    /// Whether the site had none when the message was analyzed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How probable this one is; 0 for one that was not known then.
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    /// The most probable one with its probability.
    pub fn top(&self) -> Option<(&str, f64)> {
        self.iter().max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Each with its probability, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> + '_ {
        self.0.iter().map(|(name, probability)| (name.as_str(), *probability))
    }
}

impl<'de> Deserialize<'de> for OwnIntents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = BTreeMap::<String, f64>::deserialize(deserializer)?;
        for (name, probability) in &stored {
            check_probability(name, *probability).map_err(serde::de::Error::custom)?;
        }
        Ok(Self::new(stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(name: &str, examples: &[&str]) -> OwnIntent {
        let examples = examples.iter().map(|&example| example.to_owned()).collect();
        OwnIntent { name: name.to_owned(), examples, escalate_at: None, priority: Priority::default() }
    }

    const FIVE: [&str; 5] = ["renew it", "my pills ran out", "another pack", "refill please", "repeat order"];

    #[test]
    fn a_plain_one_is_right() {
        assert!(intent("prescription_2", &FIVE).problems().is_empty());
    }

    #[test]
    fn each_mistake_is_said() {
        for (name, examples, at, key) in [
            ("Prescription", FIVE.to_vec(), None, "name"),
            ("", FIVE.to_vec(), None, "name"),
            ("two__lines", FIVE.to_vec(), None, "name"),
            ("2nd", FIVE.to_vec(), None, "name"),
            ("refund", FIVE.to_vec(), None, "name"),
            ("human_request", FIVE.to_vec(), None, "name"),
            ("pills", FIVE[..4].to_vec(), None, "examples"),
            ("pills", [&FIVE[..], &["Renew  IT"]].concat(), None, "examples"),
            ("pills", [&FIVE[..], &[" x "]].concat(), None, "examples"),
            ("pills", FIVE.to_vec(), Some(0.0), "escalate_at"),
            ("pills", FIVE.to_vec(), Some(1.2), "escalate_at"),
        ] {
            let wrong = OwnIntent { escalate_at: at, ..intent(name, &examples) };
            let found = wrong.problems();
            assert_eq!(found.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [key], "{wrong:?}: {found:?}");
        }
    }

    #[test]
    fn two_of_them_share_no_name_and_no_example() {
        let [a, b] = [intent("pills", &FIVE), intent("pills", &FIVE)];
        assert_eq!(OwnIntent::problems_of(&[a.clone(), b]).len(), 1);
        let other = intent("packs", &["renew it", "b b", "c c", "d d", "e e"]);
        let found = OwnIntent::problems_of(&[a, other]);
        assert_eq!(found, [(1, "examples", "`renew it` is an example of `pills` too".to_owned())]);
    }

    #[test]
    fn probabilities_are_rounded_once() {
        let found = OwnIntents::new([("pills".to_owned(), 0.123_456), ("late".to_owned(), 2.0)]);
        assert_eq!((found.get("pills"), found.get("none"), found.top()), (0.1235, 0.0, Some(("late", 1.0))));
    }
}
