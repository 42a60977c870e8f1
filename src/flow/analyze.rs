//! Step 2: what is in a message.
//!
//! The phrase check for an explicit request runs first: who asks for a person in so many words waits for no model.
//! Everybody else's message waits for the model at most as long as its budget; then words answer, and say so
//! (invariant 3). What the model finds later is not lost: the receiver comes back with the answer.

use super::Flow;
use crate::domain::analysis::{Analysis, By, asks_for_human};
use crate::domain::event::Event;
use crate::domain::time::Timestamp;
use tokio::sync::oneshot;

/// An analysis to decide on now, and the model's when it comes later.
pub(super) struct Analyzed {
    pub(super) analysis: Analysis,
    pub(super) late: Option<Late>,
}

/// What the model is still to say.
pub(super) struct Late {
    pub(super) asked_at: Timestamp,
    pub(super) found: oneshot::Receiver<Analysis>,
}

impl Flow {
    pub(super) async fn analyze(&self, text: &str) -> Analyzed {
        let asked_at = self.0.ports.clock.now();
        let (by, analyzed) = self.analyze_in_time(text, asked_at).await;
        self.observe(Event::MessageAnalyzed { by, took: self.0.ports.clock.now().since(asked_at) });
        analyzed
    }

    async fn analyze_in_time(&self, text: &str, asked_at: Timestamp) -> (&'static str, Analyzed) {
        let ports = &self.0.ports;
        let words = |late| Analyzed { analysis: ports.analyzer.words(text), late };
        let Some(mut model) = ports.analyzer.start(text) else {
            return ("words", words(None));
        };
        if asks_for_human(text).is_some() {
            return ("phrase", words(Some(Late { asked_at, found: model })));
        }
        tokio::select! {
            biased;
            found = &mut model => match found {
                Ok(analysis) if analysis.analyzer.by == By::Words => ("words", Analyzed { analysis, late: None }),
                Ok(analysis) => ("model", Analyzed { analysis, late: None }),
                Err(_) => ("words", words(None)),
            },
            () = ports.clock.sleep(self.0.settings.analysis_budget) => {
                tracing::warn!("The model took longer than its budget; words answered");
                ("words", words(Some(Late { asked_at, found: model })))
            }
        }
    }
}
