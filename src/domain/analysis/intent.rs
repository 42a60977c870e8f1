//! The closed list of intents. Asking for a person is not among them: it is a head of its own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};

use super::{OPERATING_POINT, round4};

/// What a message is about. A message can be several of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Says that something is bad: the product, the service, the company.
    Complaint,
    /// Wants to end an order, a subscription, a contract.
    Cancel,
    /// Wants money back, or a return that leads to it.
    Refund,
    /// Invoices, charges, payments, prices.
    Billing,
    /// Where something ordered is.
    OrderStatus,
    /// Something does not work.
    TechnicalProblem,
    /// Cannot log in, is locked out, lost a password.
    AccountAccess,
    /// Lawyer, court, regulator, press.
    LegalThreat,
    /// Danger to life or health.
    Safety,
    /// Announces to leave for somebody else.
    ChurnThreat,
    /// Cannot wait.
    Urgent,
    /// Praise or advice without a request.
    Feedback,
    /// Hello.
    Greeting,
    /// Thank you.
    Thanks,
    /// Good-bye.
    Goodbye,
    /// Asks whether it is talking to a machine.
    BotChallenge,
    /// Talk about nothing the service does.
    Chitchat,
    /// None of the above reaches the operating point.
    Other,
}

impl Intent {
    /// How many intents have a probability of their own: all but [`Intent::Other`].
    pub const SCORED: usize = 17;

    /// Every intent, in the order of the contract; [`Intent::Other`] last.
    pub const ALL: [Intent; Self::SCORED + 1] = [
        Self::Complaint,
        Self::Cancel,
        Self::Refund,
        Self::Billing,
        Self::OrderStatus,
        Self::TechnicalProblem,
        Self::AccountAccess,
        Self::LegalThreat,
        Self::Safety,
        Self::ChurnThreat,
        Self::Urgent,
        Self::Feedback,
        Self::Greeting,
        Self::Thanks,
        Self::Goodbye,
        Self::BotChallenge,
        Self::Chitchat,
        Self::Other,
    ];

    /// The word for this intent in files, answers and policies. Never changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Billing => "billing",
            Self::OrderStatus => "order_status",
            Self::TechnicalProblem => "technical_problem",
            Self::AccountAccess => "account_access",
            Self::LegalThreat => "legal_threat",
            Self::Safety => "safety",
            Self::ChurnThreat => "churn_threat",
            Self::Urgent => "urgent",
            Self::Feedback => "feedback",
            Self::Greeting => "greeting",
            Self::Thanks => "thanks",
            Self::Goodbye => "goodbye",
            Self::BotChallenge => "bot_challenge",
            Self::Chitchat => "chitchat",
            Self::Other => "other",
        }
    }

    /// Its place in [`Intent::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no intent of the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an intent")]
pub struct UnknownIntent(pub String);

impl FromStr for Intent {
    type Err = UnknownIntent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|intent| intent.as_str() == text)
            .ok_or_else(|| UnknownIntent(text.to_owned()))
    }
}

/// An independent probability for each intent.
///
/// `other` is not stored: it is what remains of the most probable one, so that
/// the largest number in the printed list is always the message's intent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Intents([f64; Intent::SCORED]);

impl Intents {
    /// Probabilities in the order of [`Intent::ALL`], rounded and kept in 0..=1.
    pub fn new(probabilities: [f64; Intent::SCORED]) -> Self {
        Self(probabilities.map(round4))
    }

    /// The same list with one probability replaced; `other` cannot be set.
    #[must_use]
    pub fn with(mut self, intent: Intent, probability: f64) -> Self {
        if let Some(place) = self.0.get_mut(intent.index()) {
            *place = round4(probability);
        }
        self
    }

    /// How probable this intent is.
    pub fn get(&self, intent: Intent) -> f64 {
        self.0.get(intent.index()).copied().unwrap_or_else(|| round4(1.0 - self.peak().1))
    }

    /// The most probable intent, or [`Intent::Other`] below the operating point.
    pub fn top(&self) -> Intent {
        let (intent, probability) = self.peak();
        if probability >= OPERATING_POINT { intent } else { Intent::Other }
    }

    /// Every intent with its probability, in the order of the contract, without `other`.
    pub fn iter(&self) -> impl Iterator<Item = (Intent, f64)> + '_ {
        Intent::ALL.into_iter().zip(self.0)
    }

    fn peak(&self) -> (Intent, f64) {
        self.iter().fold((Intent::Other, 0.0), |best, next| if next.1 > best.1 { next } else { best })
    }
}

impl Serialize for Intents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Intent::ALL.len()))?;
        for intent in Intent::ALL {
            map.serialize_entry(intent.as_str(), &self.get(intent))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Intents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = std::collections::BTreeMap::<String, f64>::deserialize(deserializer)?;
        let mut intents = Self::default();
        for (name, probability) in stored {
            super::check_probability(&name, probability).map_err(serde::de::Error::custom)?;
            if let Ok(intent) = name.parse() {
                intents = intents.with(intent, probability);
            }
        }
        Ok(intents)
    }
}
