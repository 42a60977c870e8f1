//! Step 2: what is in a message.
//!
//! The phrase check for an explicit request runs first: who asks for a person in so many words waits for no model.
//! Everybody else's message waits for the model at most as long as its budget; then words answer, and say so
//! (invariant 3). What the model finds later is not lost: the receiver comes back with the answer.

use super::Flow;
use crate::domain::analysis::{Analysis, By, asks_for_human};
use crate::domain::event::Event;
use tokio::sync::oneshot;

/// An analysis to decide on now, and the model's when it comes later.
pub(super) struct Analyzed {
    pub(super) analysis: Analysis,
    pub(super) late: Option<oneshot::Receiver<Analysis>>,
}

impl Flow {
    pub(super) async fn analyze(&self, text: &str) -> Analyzed {
        let begun = self.0.ports.clock.now();
        let analyzed = self.analyze_in_time(text).await;
        let by = match analyzed.analysis.analyzer.by {
            By::Model => "model",
            By::Words => "words",
        };
        self.observe(Event::MessageAnalyzed { by, took: self.0.ports.clock.now().since(begun) });
        analyzed
    }

    async fn analyze_in_time(&self, text: &str) -> Analyzed {
        let ports = &self.0.ports;
        let words = || ports.analyzer.words(text);
        let Some(mut model) = ports.analyzer.start(text) else {
            return Analyzed { analysis: words(), late: None };
        };
        if asks_for_human(text).is_some() {
            return Analyzed { analysis: words(), late: Some(model) };
        }
        tokio::select! {
            biased;
            found = &mut model => match found {
                Ok(analysis) => Analyzed { analysis, late: None },
                Err(_) => Analyzed { analysis: words(), late: None },
            },
            () = ports.clock.sleep(self.0.settings.analysis_budget) => {
                tracing::warn!("The model took longer than its budget; words answered");
                Analyzed { analysis: words(), late: Some(model) }
            }
        }
    }
}
