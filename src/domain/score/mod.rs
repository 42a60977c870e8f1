//! The running state of a conversation, folded from its messages. A number between
//! 0 and 1 that says how angry the visitor is at the *service*, as a sum of named
//! contributions, so that it can be explained.

mod fold;
mod shouting;
mod similarity;

pub use fold::{Fold, Heard};
pub use shouting::is_shouting;
pub use similarity::{Words, are_alike, similarity};

use serde::{Deserialize, Serialize};

/// One term of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// Recency-weighted frustration.
    Frustration,
    /// Recency-weighted negative sentiment, as far as the service is its object.
    NegativeSentiment,
    /// Frustrated messages in a row.
    Streak,
    /// Frustration rising over the last messages.
    Slope,
    /// The same question again.
    RepeatedQuestion,
    /// The bot could not answer.
    BotFailures,
    /// Many messages and nothing gained.
    NoProgress,
    /// Capitals, in anger.
    Shouting,
    /// Insults and threats.
    Abuse,
    /// Taken off because the visitor is satisfied again.
    Recovery,
    /// What was cut to keep the sum between 0 and 1.
    Cap,
}

impl Term {
    /// The word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Frustration => "frustration",
            Self::NegativeSentiment => "negative_sentiment",
            Self::Streak => "streak",
            Self::Slope => "slope",
            Self::RepeatedQuestion => "repeated_question",
            Self::BotFailures => "bot_failures",
            Self::NoProgress => "no_progress",
            Self::Shouting => "shouting",
            Self::Abuse => "abuse",
            Self::Recovery => "recovery",
            Self::Cap => "cap",
        }
    }
}

/// A term and its value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Which.
    pub code: Term,
    /// How much; negative ones take off.
    pub value: f64,
}

/// A score and the contributions that add up to it (invariant 15).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Between 0 and 1.
    pub value: f64,
    /// The terms that are not zero, in the order of [`Term`].
    pub contributions: Vec<Contribution>,
}

impl Score {
    /// Adds up terms; what leaves 0 to 1 becomes a term of its own. Values are kept to four decimals, so that what is
    /// stored, shown and added up is the same number everywhere.
    pub fn of(terms: impl IntoIterator<Item = (Term, f64)>) -> Self {
        let mut units: Vec<(Term, i64)> = terms
            .into_iter()
            .map(|(code, value)| (code, (value * 1e4).round() as i64))
            .filter(|(_, u)| *u != 0)
            .collect();
        let sum: i64 = units.iter().map(|(_, unit)| unit).sum();
        let value = sum.clamp(0, 10_000);
        if value != sum {
            units.push((Term::Cap, value - sum));
        }
        Self {
            value: value as f64 / 1e4,
            contributions: units
                .into_iter()
                .map(|(code, unit)| Contribution { code, value: unit as f64 / 1e4 })
                .collect(),
        }
    }

    /// The value of one term; zero when it is not there.
    pub fn term(&self, code: Term) -> f64 {
        self.contributions.iter().find(|c| c.code == code).map_or(0.0, |c| c.value)
    }
}

/// How much each term counts. Part of the policy; meanings in `policy/default.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Weights {
    pub frustration: f64,
    pub negative_sentiment: f64,
    pub streak: f64,
    pub slope: f64,
    pub repeated_question: f64,
    pub bot_failures: f64,
    pub no_progress: f64,
    pub shouting: f64,
    pub abuse: f64,
    pub recovery: f64,
    /// How much of the past a message keeps: 0 forgets at once, towards 1 remembers long.
    pub memory: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            frustration: 0.62,
            negative_sentiment: 0.10,
            streak: 0.06,
            slope: 0.12,
            repeated_question: 0.14,
            bot_failures: 0.10,
            no_progress: 0.02,
            shouting: 0.06,
            abuse: 0.12,
            recovery: 0.25,
            memory: 0.5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_15_contributions_add_up_to_the_score_with_the_cap_as_a_term() {
        let score = Score::of([(Term::Frustration, 0.9), (Term::Streak, 0.31), (Term::Recovery, -0.05)]);
        assert_eq!(score.value, 1.0);
        let sum: f64 = score.contributions.iter().map(|c| c.value).sum();
        assert!((sum - score.value).abs() < 1e-9, "{score:?}");
        assert_eq!(score.term(Term::Cap), -0.16);
    }
}
