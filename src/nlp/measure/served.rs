//! The analyses that are measured: those that would be served, of any number of texts.

use crate::{
    domain::analysis::Analysis,
    nlp::{NlpError, batch::MOST_TEXTS, model::Model, reading},
};

/// The analyses of texts as they are served: in batches, those of a length together,
/// and back in their order.
///
/// # Errors
///
/// The engine fails.
pub fn analyze(model: &Model, texts: &[&str]) -> Result<Vec<Analysis>, NlpError> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|at| texts[*at].len());
    let mut found: Vec<(usize, Analysis)> = Vec::with_capacity(texts.len());
    for chunk in order.chunks(MOST_TEXTS) {
        let analyses = reading::analyze(model, chunk.iter().map(|at| texts[*at]))?;
        found.extend(chunk.iter().copied().zip(analyses));
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, analysis)| analysis).collect())
}
