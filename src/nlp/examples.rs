//! Reads examples of a site's own intents with the model, and looks for intents that are not live. On the model's
//! thread; what likeness means is the business of `own_intents`.

use super::{
    NlpError, batch, lexicon,
    model::Model,
    own_intents::{Index, Vectors},
    tokenizer::Encoded,
};
use crate::domain::analysis::OwnIntents;

/// The sentence vectors of texts, a batch at a time.
pub fn vectors(model: &Model, texts: &[&str], still_working: &dyn Fn()) -> Result<Vec<Vec<f32>>, NlpError> {
    let mut vectors = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(batch::MOST_TEXTS) {
        let encoded: Vec<Encoded> = chunk.iter().map(|text| model.tokenizer.encode(text)).collect();
        vectors.extend(model.sentences(&encoded)?);
        still_working();
    }
    Ok(vectors)
}

/// Reads the next examples, as many as fill a batch: messages that come meanwhile wait for no more than that.
pub fn read(model: &Model, index: &Index, examples: &Vectors) -> Result<(), NlpError> {
    let mut missing = examples.missing(index.texts());
    missing.truncate(batch::MOST_TEXTS);
    let read = vectors(model, &missing, &|| {})?;
    examples.keep(missing.into_iter().map(str::to_owned).zip(read));
    index.take_vectors(|text| examples.of(text));
    Ok(())
}

/// How probable intents are in texts, all examples read for it.
pub fn look_for(
    model: &Model,
    index: &Index,
    texts: &[String],
    examples: &Vectors,
    still_working: &dyn Fn(),
) -> Result<Vec<OwnIntents>, NlpError> {
    let missing = examples.missing(index.texts());
    let new = vectors(model, &missing, still_working)?;
    examples.keep(missing.into_iter().map(str::to_owned).zip(new));
    index.take_vectors(|text| examples.of(text));
    let spoken: Vec<&str> =
        texts.iter().map(String::as_str).filter(|text| lexicon::abstains(text).is_none()).collect();
    let mut of_spoken = vectors(model, &spoken, still_working)?.into_iter();
    let mut find = |text: &String| {
        let vector = lexicon::abstains(text).is_none().then(|| of_spoken.next()).flatten();
        index.find(text, vector.as_deref())
    };
    Ok(texts.iter().map(&mut find).collect())
}
