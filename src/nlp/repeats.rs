//! Analyses of texts that come again and again ("hi", "where is my order"). Exact repeats
//! only: an analysis depends on the text, the model and the intents that are looked for. Belongs to one
//! model, so a new model begins with none. Bounded; what was not asked for lately goes first.

use std::collections::HashMap;

use crate::domain::analysis::Analysis;

/// Longer texts do not come again.
const LONGEST: usize = 256;

/// Two generations: what is asked for moves to the young one, and when that is full it
/// becomes the old one, whose rest is forgotten.
#[derive(Debug)]
pub struct Repeats<T = Analysis> {
    most: usize,
    young: HashMap<String, T>,
    old: HashMap<String, T>,
    n_found: u64,
}

impl<T: Clone> Repeats<T> {
    /// Remembers at most so many texts; none at all with zero.
    pub fn new(most: usize) -> Self {
        Self { most, young: HashMap::new(), old: HashMap::new(), n_found: 0 }
    }

    /// What was found in a text that was there before.
    pub fn find(&mut self, text: &str) -> Option<T> {
        let found = match self.young.get(text) {
            Some(found) => found.clone(),
            None => {
                let (text, found) = self.old.remove_entry(text)?;
                self.insert(text, found.clone());
                found
            }
        };
        self.n_found += 1;
        Some(found)
    }

    /// Remembers what was found in a text.
    pub fn keep(&mut self, text: String, found: &T) {
        if self.most > 0 && text.len() <= LONGEST {
            self.insert(text, found.clone());
        }
    }

    /// Forgets all: something that analyses depend on has changed, or a text must not be remembered.
    pub fn forget(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// How many were found so far.
    pub fn n_found(&self) -> u64 {
        self.n_found
    }

    fn insert(&mut self, text: String, found: T) {
        if self.young.len() >= self.most.div_ceil(2) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text, found);
    }
}

/// What a model remembers of texts.
#[derive(Debug)]
pub struct Memory {
    /// What was found in them.
    pub analyses: Repeats,
    /// Sentence vectors of what was analyzed last: whoever answers a message asks for the vector of it next.
    pub vectors: Repeats<Vec<f32>>,
    era: u64,
}

impl Memory {
    /// For so many analyses and vectors.
    pub fn new(n_analyses: usize, n_vectors: usize) -> Self {
        Self { analyses: Repeats::new(n_analyses), vectors: Repeats::new(n_vectors), era: 0 }
    }

    /// Forgets every text. What is at work now is not to be remembered either: it is of an earlier era.
    pub fn forget(&mut self) {
        self.era += 1;
        self.analyses.forget();
        self.vectors.forget();
    }

    /// Grows with every [`Memory::forget`].
    pub fn era(&self) -> u64 {
        self.era
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Repeats};
    use crate::nlp::lexicon::Lexicon;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten() {
        let analysis = Lexicon::compiled_in().analyze("hi");
        let mut repeats = Repeats::new(10);
        repeats.keep("hi".to_owned(), &analysis);
        for n in 0..1_000 {
            repeats.keep(format!("text {n}"), &analysis);
            assert_eq!(repeats.find("hi").as_ref(), Some(&analysis), "after {n}");
            assert!(repeats.young.len() + repeats.old.len() <= 10);
        }
        assert_eq!(repeats.n_found(), 1_000);
        assert_eq!(repeats.find("text 3"), None);
        repeats.keep("x".repeat(LONGEST + 1), &analysis);
        assert_eq!(repeats.find(&"x".repeat(LONGEST + 1)), None);
        let mut none: Repeats = Repeats::new(0);
        none.keep("hi".to_owned(), &analysis);
        assert_eq!(none.find("hi"), None);
    }
}
