//! What was found in one message.
//!
//! Only what an analysis *is*. How it is made is the business of `nlp`; what
//! follows from it, of `score` and `escalation`.

#[expect(clippy::module_inception, reason = "the folder is named for its main noun")]
mod analysis;
mod fold;
mod intent;
mod own_intent;
pub mod phrase;
mod probability;
mod sentiment;
mod words;

pub use analysis::{Abstained, Analysis, AnalyzedBy, By, InvalidAnalysis, PHRASE_FLOOR};
pub use fold::{fold, is_hidden, look_alike};
pub use intent::{Intent, Intents, UnknownIntent};
pub use own_intent::{MOST_OWN_INTENTS, OwnIntent, OwnIntents};
pub use phrase::{PhraseMatch, asks_for_human};
pub use probability::{OPERATING_POINT, round4};
pub use sentiment::{Mood, Sentiment};
pub use words::{Head, WordWeight};

use probability::check_probability;
