//! What the model makes of texts: analyses, and the words behind one. Not when, nor for
//! whom: that is the worker's.

use super::{
    NlpError,
    labels::{self, Outputs},
    lexicon,
    model::Model,
    normalize,
    own_intents::Index,
    tokenizer::Encoded,
    words,
};
use crate::domain::analysis::{Analysis, AnalyzedBy, By, Head, WordWeight, asks_for_human};

/// Analyses by the model, phrase check included. Texts it does not speak are not
/// given to it.
pub fn analyze<'a>(model: &Model, texts: impl Iterator<Item = &'a str>) -> Result<Vec<Analysis>, NlpError> {
    let found = analyze_with(model, &Index::default(), false, texts)?;
    Ok(found.into_iter().map(|(analysis, _)| analysis).collect())
}

/// An analysis, and the sentence vector where it was made too.
pub(super) type Found = (Analysis, Option<Vec<f32>>);

/// Like [`analyze`], and looks for a site's own intents, in the same pass where their examples are read. Gives the
/// sentence vector too, where it is wanted.
pub(super) fn analyze_with<'a>(
    model: &Model,
    own: &Index,
    are_vectors_wanted: bool,
    texts: impl Iterator<Item = &'a str>,
) -> Result<Vec<Found>, NlpError> {
    let by = || AnalyzedBy {
        by: By::Model,
        name: model.manifest.name.clone(),
        version: model.manifest.version.clone(),
    };
    let by_vector = own.has_vectors();
    let mut analyses: Vec<Analysis> = Vec::new();
    let mut encoded: Vec<Encoded> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    let mut vectors: Vec<Option<Vec<f32>>> = Vec::new();
    for (at, text) in texts.enumerate() {
        let phrase = asks_for_human(text);
        match lexicon::abstains(text) {
            Some(why) => analyses.push(labels::priors(why, by()).with_phrase(phrase.as_ref())),
            None => {
                // The outputs come later; the phrase is kept until then.
                analyses.push(Analysis::nothing_found(by()).with_phrase(phrase.as_ref()));
                encoded.push(model.tokenizer.encode(text));
                places.push(at);
            }
        }
        vectors.push(None);
        if let Some(analysis) = analyses.last_mut() {
            // What the model is not given, or has not read examples for, is compared by its words.
            if !by_vector || analysis.abstained.is_some() {
                analysis.own_intents = own.find(text, None);
            }
            analysis.truncated = text.len() > normalize::READ_BYTES;
        }
    }
    if !encoded.is_empty() {
        // Sentence vectors cost a little: only for who has a use for them.
        let found: Vec<(Outputs, Option<Vec<f32>>)> = if by_vector || are_vectors_wanted {
            let both = model.outputs_and_sentences(&encoded)?.into_iter();
            both.map(|(outputs, vector)| (outputs, Some(vector))).collect()
        } else {
            model.outputs(&encoded)?.into_iter().map(|outputs| (outputs, None)).collect()
        };
        for (at, (outputs, vector)) in places.into_iter().zip(found) {
            let mut analysis = labels::read(&outputs, by());
            analysis.own_intents = match &vector {
                Some(vector) if by_vector => own.find("", Some(vector)),
                _ => std::mem::take(&mut analyses[at].own_intents),
            };
            analysis.human_request = analysis.human_request.max(analyses[at].human_request);
            analysis.truncated = analyses[at].truncated;
            analyses[at] = analysis;
            vectors[at] = vector;
        }
    }
    Ok(analyses.into_iter().zip(vectors).collect())
}

pub(super) fn explain(model: &Model, text: &str, head: Head) -> Result<Vec<WordWeight>, NlpError> {
    let Some(output) = labels::place(head) else { return Ok(Vec::new()) };
    let encoded = model.tokenizer.encode(text);
    let (each, bias) = model.contributions(&encoded, output)?;
    Ok(words::gather(text, &encoded.places, &each, bias))
}
