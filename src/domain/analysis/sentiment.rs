//! How a message sounds as a whole: three probabilities that sum to 1.

use serde::{Deserialize, Serialize};

use super::{check_probability, round4};

/// Negative, neutral, positive; together 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Sentiment {
    /// Displeased, hurt, angry, sad.
    pub negative: f64,
    /// Without mood: most questions.
    pub neutral: f64,
    /// Pleased, grateful, hopeful.
    pub positive: f64,
}

/// The largest of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Negative is the largest.
    Negative,
    /// Neutral is the largest, or level with another.
    Neutral,
    /// Positive is the largest.
    Positive,
}

impl Sentiment {
    /// Nothing can be said of the mood.
    pub const NEUTRAL: Self = Self { negative: 0.0, neutral: 1.0, positive: 0.0 };

    /// Three weights, scaled to sum to 1 and rounded; without any weight, neutral.
    pub fn new(negative: f64, neutral: f64, positive: f64) -> Self {
        let [negative, neutral, positive] = [negative, neutral, positive]
            .map(|weight| if weight.is_finite() { weight.max(0.0) } else { 0.0 });
        let sum = negative + neutral + positive;
        if sum <= 0.0 {
            return Self::NEUTRAL;
        }
        let negative = round4(negative / sum);
        let positive = round4((positive / sum).min(1.0 - negative));
        Self { negative, neutral: round4(1.0 - negative - positive), positive }
    }

    /// Which of the three is the largest.
    pub fn mood(&self) -> Mood {
        if self.negative > self.neutral && self.negative > self.positive {
            Mood::Negative
        } else if self.positive > self.neutral && self.positive > self.negative {
            Mood::Positive
        } else {
            Mood::Neutral
        }
    }

    /// From -1, all negative, to 1, all positive.
    pub fn balance(&self) -> f64 {
        self.positive - self.negative
    }
}

#[derive(Deserialize)]
struct Stored {
    negative: f64,
    neutral: f64,
    positive: f64,
}

impl TryFrom<Stored> for Sentiment {
    type Error = super::InvalidAnalysis;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        check_probability("negative", stored.negative)?;
        check_probability("neutral", stored.neutral)?;
        check_probability("positive", stored.positive)?;
        let Stored { negative, neutral, positive } = stored;
        let rounded =
            Self { negative: round4(negative), neutral: round4(neutral), positive: round4(positive) };
        // What we wrote ourselves comes back as it is; anything else is scaled.
        let is_ours = (rounded.negative + rounded.neutral + rounded.positive - 1.0).abs() < 1e-9;
        Ok(if is_ours { rounded } else { Self::new(negative, neutral, positive) })
    }
}
