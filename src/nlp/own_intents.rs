//! Finds a site's own intents: how alike a message is to their examples, as a probability.
//!
//! Pure. A message is compared by its sentence vector, or by its words and letters where there is none. How the
//! numbers below were found, and how good they are: `docs/own-intents.md`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::labels::sigmoid;
use crate::domain::analysis::{OwnIntent, OwnIntents};
use crate::domain::score::{Words, similarity};

/// What makes likeness a probability: a weighted sum, squashed.
struct Line {
    /// For the likeness to the intent's examples.
    likeness: f64,
    /// For as much as another of the site's own intents is nearer.
    nearer: f64,
    /// For how alike the examples are among themselves: the closer they stand, the closer a message must come. It is
    /// what lets one line serve a site about one thing and a site about everything.
    closeness: f64,
    /// The summand.
    start: f64,
    /// Between these closenesses it was measured; beyond them it goes on as at the end.
    measured: (f64, f64),
}

/// By sentence vectors: cosines.
const BY_VECTOR: Line =
    Line { likeness: 17.0, nearer: -15.0, closeness: -10.0, start: -4.0, measured: (0.45, 0.90) };
/// By words: Dice coefficients.
const BY_WORDS: Line =
    Line { likeness: 16.0, nearer: -8.0, closeness: -6.0, start: -3.4, measured: (0.15, 0.80) };
/// So many of the nearest examples count: one alone may be an odd one.
const NEAREST: usize = 2;

impl Line {
    fn probability(&self, likeness: f64, nearest_other: f64, closeness: f64) -> f64 {
        // Nothing in common is no likeness at all, whatever the examples are like.
        if likeness <= 0.0 {
            return 0.0;
        }
        let (least, most) = self.measured;
        sigmoid(
            self.likeness * likeness
                + self.nearer * (nearest_other - likeness).max(0.0)
                + self.closeness * closeness.clamp(least, most)
                + self.start,
        )
    }
}

/// The examples of one intent in one of the two forms, and how alike they are.
#[derive(Debug, Clone)]
struct Examples<T> {
    each: Vec<T>,
    closeness: f64,
}

impl<T> Examples<T> {
    fn of(each: Vec<T>, alike: impl Fn(&T, &T) -> f64) -> Self {
        let to_others = |place: usize| {
            let others = each.iter().enumerate().filter(move |(other, _)| *other != place);
            nearest(others.map(|(_, other)| alike(&each[place], other)))
        };
        let closeness = (0..each.len()).map(to_others).sum::<f64>() / each.len().max(1) as f64;
        Self { each, closeness }
    }
}

/// The mean of the largest.
fn nearest(likenesses: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = likenesses.collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all.truncate(NEAREST);
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

/// The cosine of two vectors of length one.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

/// A site's own intents, ready to be looked for.
#[derive(Debug, Default)]
pub struct Index {
    names: Vec<String>,
    texts: Vec<Vec<String>>,
    words: Vec<Examples<Words>>,
    /// There once every example has its vector.
    vectors: OnceLock<Vec<Examples<Vec<f32>>>>,
}

impl Index {
    /// Ready to be looked for by words.
    pub fn new(intents: &[OwnIntent]) -> Self {
        let words = |intent: &OwnIntent| {
            Examples::of(intent.examples.iter().map(|example| Words::of(example)).collect(), similarity)
        };
        Self {
            names: intents.iter().map(|intent| intent.name.clone()).collect(),
            texts: intents.iter().map(|intent| intent.examples.clone()).collect(),
            words: intents.iter().map(words).collect(),
            vectors: OnceLock::new(),
        }
    }

    /// Whether the site has none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether messages are compared by their vectors.
    pub fn has_vectors(&self) -> bool {
        self.vectors.get().is_some()
    }

    /// Every example.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().flatten().map(String::as_str)
    }

    /// Takes the vectors of the examples, once all are there.
    pub fn take_vectors(&self, vector_of: impl Fn(&str) -> Option<Vec<f32>>) {
        let of_all = |texts: &Vec<String>| -> Option<Examples<Vec<f32>>> {
            let each: Option<Vec<Vec<f32>>> = texts.iter().map(|text| vector_of(text)).collect();
            Some(Examples::of(each?, |a, b| cosine(a, b)))
        };
        if let Some(vectors) = self.texts.iter().map(of_all).collect() {
            // Another thread may have been faster, with the same.
            drop(self.vectors.set(vectors));
        }
    }

    /// How probable each intent is in a text, by the text's vector where the examples have theirs, else by words.
    pub fn find(&self, text: &str, vector: Option<&[f32]>) -> OwnIntents {
        if self.is_empty() {
            return OwnIntents::default();
        }
        match (vector, self.vectors.get()) {
            (Some(vector), Some(examples)) => self.by(&BY_VECTOR, examples, |each| cosine(vector, each)),
            _ => {
                let words = Words::of(text);
                self.by(&BY_WORDS, &self.words, |each| similarity(&words, each))
            }
        }
    }

    fn by<T>(&self, line: &Line, examples: &[Examples<T>], alike: impl Fn(&T) -> f64) -> OwnIntents {
        let likenesses: Vec<f64> =
            examples.iter().map(|examples| nearest(examples.each.iter().map(&alike))).collect();
        let others = |place: usize| {
            let others = likenesses.iter().enumerate().filter(move |(other, _)| *other != place);
            others.map(|(_, likeness)| *likeness).fold(f64::NEG_INFINITY, f64::max)
        };
        OwnIntents::new(self.names.iter().enumerate().map(|(place, name)| {
            let closeness = examples[place].closeness;
            (name.clone(), line.probability(likenesses[place], others(place), closeness))
        }))
    }
}

/// Vectors of examples that were read before: an admin who changes one line of a draft waits for one line.
#[derive(Debug, Default)]
pub struct Vectors(Mutex<HashMap<String, Vec<f32>>>);

impl Vectors {
    /// So many are kept; a policy has 400 at most.
    const MOST: usize = 2_000;

    /// Those of the texts that are not known yet, each once.
    pub fn missing<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let known = self.known();
        let missing: BTreeSet<&str> = texts.filter(|text| !known.contains_key(*text)).collect();
        missing.into_iter().collect()
    }

    /// Keeps vectors. All others are forgotten when there are too many.
    pub fn keep(&self, vectors: impl Iterator<Item = (String, Vec<f32>)>) {
        let mut known = self.known();
        if known.len() > Self::MOST {
            known.clear();
        }
        known.extend(vectors);
    }

    /// The vector of a text that was kept.
    pub fn of(&self, text: &str) -> Option<Vec<f32>> {
        self.known().get(text).cloned()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<f32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::queue::Priority;

    fn intent(name: &str, examples: &[&str]) -> OwnIntent {
        let examples = examples.iter().map(|&example| example.to_owned()).collect();
        OwnIntent { name: name.to_owned(), examples, escalate_at: None, priority: Priority::default() }
    }

    fn two() -> Index {
        Index::new(&[
            intent(
                "prescription",
                &[
                    "I need to renew my prescription",
                    "my repeat prescription has run out",
                    "can you renew my inhaler prescription",
                    "new prescription for my tablets please",
                    "prescription refill for the pharmacy",
                ],
            ),
            intent(
                "allotment",
                &[
                    "is an allotment free near me",
                    "how long is the waiting list for an allotment",
                    "put me on the list for an allotment plot",
                    "who do I ask about renting an allotment",
                    "what does an allotment plot cost a year",
                ],
            ),
        ])
    }

    #[test]
    fn words_find_what_is_alike_and_leave_the_rest() {
        let index = two();
        let found = index.find("please renew my prescription for tablets", None);
        assert!(found.get("prescription") >= 0.7 && found.get("allotment") < 0.1, "{found:?}");
        for text in ["where is my parcel", "hello", "", "   ", "???", "good morning all"] {
            assert!(index.find(text, None).iter().all(|(_, probability)| probability < 0.3), "{text}");
        }
        assert!(Index::new(&[]).find("renew my prescription", None).is_empty());
    }

    #[test]
    fn vectors_are_taken_only_when_all_are_there() {
        let index = two();
        index.take_vectors(|text| (!text.contains("inhaler")).then(|| vec![1.0, 0.0]));
        assert!(!index.has_vectors());
        index.take_vectors(|text| {
            Some(if text.contains("prescription") { vec![1.0, 0.0] } else { vec![0.0, 1.0] })
        });
        assert!(index.has_vectors());
        let found = index.find("nothing in common with words", Some(&[0.96, 0.28]));
        assert!(found.get("prescription") >= 0.9 && found.get("allotment") < 0.01, "{found:?}");
        // No vector, as where the model does not speak the language: words.
        assert!(index.find("renew my prescription please", None).get("prescription") >= 0.5);
    }

    #[test]
    fn the_nearer_one_takes_from_the_other() {
        let line = |other: f64| BY_VECTOR.probability(0.7, other, 0.6);
        assert!(line(0.5) == line(f64::NEG_INFINITY) && line(0.8) < line(0.7));
    }
}
