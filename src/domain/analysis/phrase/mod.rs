//! The phrase check: explicit requests for a person, recognized by their words.
//!
//! It runs on every message before anything else (invariant 3), so it is quick
//! and would rather miss a request than invent one: the model sees the rest.
//! The words of each language are in files of their own; how they are matched is
//! in `matcher`.
//!
//! Languages: the ten most used for the content of web sites as W3Techs ranks
//! them (English, Spanish, German, Japanese, French, Portuguese, Russian,
//! Italian, Dutch, Polish), those that are only among the ten with most readers
//! in the ranking of Internet World Stats (Chinese, Arabic, Indonesian/Malay),
//! and Turkish and Persian, which follow closely in the first.

mod east_asia;
mod english;
mod germanic;
mod matcher;
mod near_east;
mod romance;
mod slavic;
mod vocabulary;

use std::sync::LazyLock;

use super::fold::fold;
use matcher::{Clause, Language};
use vocabulary::Vocabulary;

/// An explicit request for a person, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhraseMatch {
    /// The language of the phrase, as in "en".
    pub language: &'static str,
    /// The words that say it, folded to lower case without accents.
    pub words: String,
}

/// What is read of a long text at each end, in bytes: requests stand there.
const READ_AT_EACH_END: usize = 4 * 1024;

/// Whether the text asks for a person in so many words.
pub fn asks_for_human(text: &str) -> Option<PhraseMatch> {
    if text.len() <= 2 * READ_AT_EACH_END {
        return find(text);
    }
    let end = (0..=READ_AT_EACH_END).rev().find(|at| text.is_char_boundary(*at))?;
    let start = (text.len() - READ_AT_EACH_END..text.len()).find(|at| text.is_char_boundary(*at))?;
    find(&text[..end]).or_else(|| find(&text[start..]))
}

fn find(text: &str) -> Option<PhraseMatch> {
    let (vocabulary, languages) = &*LANGUAGES;
    let clauses = Clause::split(&fold(text)).into_iter().map(|clause| {
        let readings = vocabulary.read(&clause);
        (clause, readings)
    });
    let clauses: Vec<_> = clauses.collect();
    languages.iter().find_map(|language| {
        language.find(&clauses).map(|words| PhraseMatch { language: language.code, words })
    })
}

static LANGUAGES: LazyLock<(Vocabulary, Vec<Language>)> = LazyLock::new(|| {
    let others =
        [romance::SOURCES, germanic::SOURCES, slavic::SOURCES, near_east::SOURCES, east_asia::SOURCES];
    let sources = std::iter::once(&english::SOURCE).chain(others.into_iter().flatten());
    let mut vocabulary = Vocabulary::default();
    let languages = sources.enumerate().map(|(nth, source)| Language::compile(source, nth, &mut vocabulary));
    let languages = languages.collect();
    (vocabulary, languages)
});

#[cfg(test)]
mod tests;
