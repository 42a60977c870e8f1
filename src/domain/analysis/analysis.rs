//! What was found in one message: by the model, or by words, or nothing and why.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use super::{
    Intent, Intents, OPERATING_POINT, OwnIntents, PhraseMatch, Sentiment, check_probability, round4,
};

/// The least `human_request` of a message that the phrase check recognizes.
pub const PHRASE_FLOOR: f64 = 0.95;

/// What was found in one message. Every probability is rounded to four decimals,
/// so that it comes back from JSON bit for bit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Analysis {
    /// How the message sounds as a whole.
    pub sentiment: Sentiment,
    /// Annoyance or anger at how the writer is being served.
    pub frustration: f64,
    /// Insult, threat or profanity aimed at somebody.
    pub offensive: f64,
    /// The writer wants a person now.
    pub human_request: f64,
    /// What the message is about.
    pub intents: Intents,
    /// Which intents of the site's own it has; none where there were none when it was analyzed.
    pub own_intents: OwnIntents,
    /// Why the heads hold their priors, if they do.
    pub abstained: Option<Abstained>,
    /// The text was longer than what is read; its beginning and end were.
    pub truncated: bool,
    /// Who says so.
    pub analyzer: AnalyzedBy,
}

/// Why nothing is said about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abstained {
    /// A script or language that the model does not speak.
    Language,
    /// No text.
    Empty,
}

/// What kind of analyzer answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The encoder with its heads.
    Model,
    /// The small word model that is always there.
    Words,
}

/// The analyzer that answered, with its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AnalyzedBy {
    /// Model or words.
    pub by: By,
    /// Its name, as in its manifest.
    pub name: String,
    /// Its version, as in its manifest.
    pub version: String,
}

/// A number that is no probability.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{head}` is {value}, which is not between 0 and 1")]
pub struct InvalidAnalysis {
    /// The head it was given for.
    pub head: String,
    /// The number.
    pub value: f64,
}

impl Analysis {
    /// An analysis in which nothing was found; the start for building others.
    pub fn nothing_found(analyzer: AnalyzedBy) -> Self {
        Self {
            sentiment: Sentiment::NEUTRAL,
            frustration: 0.0,
            offensive: 0.0,
            human_request: 0.0,
            intents: Intents::default(),
            own_intents: OwnIntents::default(),
            abstained: None,
            truncated: false,
            analyzer,
        }
    }

    /// Rounds every head to four decimals and keeps it in 0..=1.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        self.sentiment =
            Sentiment::new(self.sentiment.negative, self.sentiment.neutral, self.sentiment.positive);
        self.frustration = round4(self.frustration);
        self.offensive = round4(self.offensive);
        self.human_request = round4(self.human_request);
        self
    }

    /// Merges the phrase check: an explicit request is one, whatever else was found.
    #[must_use]
    pub fn with_phrase(mut self, found: Option<&PhraseMatch>) -> Self {
        if found.is_some() {
            self.human_request = self.human_request.max(PHRASE_FLOOR);
        }
        self
    }

    /// The most probable intent, or [`Intent::Other`].
    pub fn intent(&self) -> Intent {
        self.intents.top()
    }

    /// What the message is about in one word: the most probable intent of the site's own from the operating point on,
    /// because those are the more particular ones; else [`Analysis::intent`].
    pub fn subject(&self) -> &str {
        match self.own_intents.top() {
            Some((name, probability)) if probability >= OPERATING_POINT => name,
            _ => self.intent().as_str(),
        }
    }

    /// How probable one intent is.
    pub fn probability(&self, intent: Intent) -> f64 {
        self.intents.get(intent)
    }

    /// The writer wants a person, at the operating point of the contract.
    pub fn asks_for_human(&self) -> bool {
        self.human_request >= OPERATING_POINT
    }

    /// The message is abuse, at the operating point of the contract.
    pub fn is_offensive(&self) -> bool {
        self.offensive >= OPERATING_POINT
    }
}

impl Serialize for Analysis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let n_fields = if self.own_intents.is_empty() { 9 } else { 10 };
        let mut fields = serializer.serialize_struct("Analysis", n_fields)?;
        fields.serialize_field("sentiment", &self.sentiment)?;
        fields.serialize_field("frustration", &self.frustration)?;
        fields.serialize_field("offensive", &self.offensive)?;
        fields.serialize_field("human_request", &self.human_request)?;
        fields.serialize_field("intent", &self.intent())?;
        fields.serialize_field("intents", &self.intents)?;
        if !self.own_intents.is_empty() {
            fields.serialize_field("own_intents", &self.own_intents)?;
        }
        fields.serialize_field("abstained", &self.abstained)?;
        fields.serialize_field("truncated", &self.truncated)?;
        fields.serialize_field("analyzer", &self.analyzer)?;
        fields.end()
    }
}

/// An analysis as it stands in a file, which may be by another hand.
#[derive(Deserialize)]
struct Stored {
    sentiment: Sentiment,
    frustration: f64,
    #[serde(default)]
    offensive: f64,
    human_request: f64,
    #[serde(default)]
    intents: Intents,
    #[serde(default)]
    own_intents: OwnIntents,
    #[serde(default)]
    abstained: Option<Abstained>,
    #[serde(default)]
    truncated: bool,
    #[serde(default = "unnamed")]
    analyzer: AnalyzedBy,
}

/// Who a stored analysis is by when it does not say so.
fn unnamed() -> AnalyzedBy {
    AnalyzedBy { by: By::Words, name: "unnamed".to_owned(), version: String::new() }
}

impl TryFrom<Stored> for Analysis {
    type Error = InvalidAnalysis;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        check_probability("frustration", stored.frustration)?;
        check_probability("offensive", stored.offensive)?;
        check_probability("human_request", stored.human_request)?;
        Ok(Self {
            sentiment: stored.sentiment,
            frustration: round4(stored.frustration),
            offensive: round4(stored.offensive),
            human_request: round4(stored.human_request),
            intents: stored.intents,
            own_intents: stored.own_intents,
            abstained: stored.abstained,
            truncated: stored.truncated,
            analyzer: stored.analyzer,
        })
    }
}
