//! Why a conversation was escalated, in words that never change.

use crate::domain::handoff::EscalationType;
use crate::domain::queue::Priority;
use crate::domain::score::Term;
use serde::{Deserialize, Serialize};

/// A reason. The order is that of strength: the first that holds names the escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ReasonCode {
    Safety,
    LegalThreat,
    AskedForHuman,
    Keyword,
    OwnIntent,
    BotHandedOver,
    BotSilent,
    AgentLost,
    Transfer,
    Reopened,
    BotFailed,
    RepeatedQuestion,
    Frustration,
    Abuse,
    NegativeSentiment,
    Streak,
    Slope,
    BotFailures,
    NoProgress,
    Shouting,
}

impl ReasonCode {
    /// The word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::LegalThreat => "legal_threat",
            Self::AskedForHuman => "asked_for_human",
            Self::Keyword => "keyword",
            Self::OwnIntent => "own_intent",
            Self::BotHandedOver => "bot_handed_over",
            Self::BotSilent => "bot_silent",
            Self::AgentLost => "agent_lost",
            Self::Transfer => "transfer",
            Self::Reopened => "reopened",
            Self::BotFailed => "bot_failed",
            Self::RepeatedQuestion => "repeated_question",
            Self::Frustration => "frustration",
            Self::Abuse => "abuse",
            Self::NegativeSentiment => "negative_sentiment",
            Self::Streak => "streak",
            Self::Slope => "slope",
            Self::BotFailures => "bot_failures",
            Self::NoProgress => "no_progress",
            Self::Shouting => "shouting",
        }
    }

    /// The kind of escalation this reason makes.
    pub fn kind(self) -> EscalationType {
        match self {
            Self::Safety | Self::LegalThreat => EscalationType::Priority,
            Self::AskedForHuman => EscalationType::CustomerInitiated,
            Self::Transfer => EscalationType::Functional,
            _ => EscalationType::Automatic,
        }
    }

    /// How urgent this reason alone makes it.
    pub fn priority(self) -> Priority {
        match self {
            Self::Safety => Priority::Urgent,
            Self::LegalThreat | Self::AgentLost => Priority::High,
            _ => Priority::Normal,
        }
    }

    /// The reason that a term of the score is, where it is one.
    pub fn of_term(term: Term) -> Option<Self> {
        Some(match term {
            Term::Frustration => Self::Frustration,
            Term::NegativeSentiment => Self::NegativeSentiment,
            Term::Streak => Self::Streak,
            Term::Slope => Self::Slope,
            Term::RepeatedQuestion => Self::RepeatedQuestion,
            Term::BotFailures => Self::BotFailures,
            Term::NoProgress => Self::NoProgress,
            Term::Shouting => Self::Shouting,
            Term::Abuse => Self::Abuse,
            Term::Recovery | Term::Cap => return None,
        })
    }
}

/// A reason that held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Which.
    pub code: ReasonCode,
    /// Its share of the score; none for a reason that stands for itself.
    pub contribution: Option<f64>,
    /// Which intent of the site's own, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Reason {
    /// A reason that stands for itself.
    pub fn alone(code: ReasonCode) -> Self {
        Self { code, contribution: None, name: None }
    }

    /// A reason that is a share of the score.
    pub fn share(code: ReasonCode, contribution: f64) -> Self {
        Self { code, contribution: Some(contribution), name: None }
    }

    /// An intent of the site's own.
    pub fn own_intent(name: &str) -> Self {
        Self { code: ReasonCode::OwnIntent, contribution: None, name: Some(name.to_owned()) }
    }
}
