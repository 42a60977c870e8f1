//! The phrase check: explicit requests for a person, recognized by their words.
//!
//! It runs on every message before anything else (invariant 3), so it is quick
//! and would rather miss a request than invent one: the model sees the rest.
//! The words of each language are in `phrase/`; here is only how they are matched.
//!
//! Languages: the ten most used for the content of web sites as W3Techs ranks
//! them (English, Spanish, German, Japanese, French, Portuguese, Russian,
//! Italian, Dutch, Polish) and those that are only among the ten with most
//! readers in the ranking of Internet World Stats (Chinese, Arabic,
//! Indonesian/Malay), with Turkish and Persian, which follow closely in both.

mod english;
mod matcher;

use super::fold::fold;
use matcher::{Clause, Language};

/// An explicit request for a person, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhraseMatch {
    /// The language of the phrase, as in "en".
    pub language: &'static str,
    /// The words that say it, folded to lower case without accents.
    pub words: String,
}

/// Whether the text asks for a person in so many words.
pub fn asks_for_human(text: &str) -> Option<PhraseMatch> {
    let folded = fold(text);
    let clauses = Clause::split(&folded);
    languages().iter().find_map(|language| {
        language.find(&clauses).map(|words| PhraseMatch { language: language.code, words })
    })
}

fn languages() -> &'static [&'static Language] {
    use std::sync::LazyLock;
    static COMPILED: LazyLock<Vec<&'static Language>> = LazyLock::new(|| vec![&*english::LANGUAGE]);
    &COMPILED
}

#[cfg(test)]
mod tests;
