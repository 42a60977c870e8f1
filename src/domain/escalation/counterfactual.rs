//! What would have had to be different for the bot to keep the conversation:
//! recomputed from the conversation with that one thing taken out, never guessed.

use super::{EscalationPolicy, ReasonCode};
use crate::domain::tuning::{Event, Verdict, replay};
use serde::{Deserialize, Serialize};

/// One thing that, changed, would have kept the conversation with the bot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Counterfactual {
    /// Without the request for a person, or the immediate intent, in the message.
    WithoutReason {
        /// Which reason was taken out.
        code: ReasonCode,
        /// Which intent of the site's own, where it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The score that remained.
        score: f64,
        /// Whether the bot would have kept it.
        would_stay: bool,
    },
    /// Without one of the visitor's messages.
    WithoutMessage {
        /// Index of the message's event in the conversation.
        event: usize,
        /// The score that remained.
        score: f64,
    },
    /// With a higher line.
    WithLine {
        /// The least line, to four decimals, at which the bot would have kept it.
        line: f64,
        /// The score it was measured by.
        score: f64,
    },
}

/// How many of the latest messages are tried.
const TRIED: usize = 8;

/// Recomputes the verdict at `at` with one thing changed. The first of these that answers the question: the named
/// reason taken out; one message left out, the least surprising (latest) first; the line raised.
pub fn counterfactual(policy: &EscalationPolicy, events: &[Event], at: usize) -> Option<Counterfactual> {
    let verdict_at = |policy: &EscalationPolicy, events: &[Event]| -> Option<Verdict> {
        let last = events.len().checked_sub(1)?;
        replay(policy, events).into_iter().find(|verdict| verdict.event == last)
    };
    let events = events.get(..=at)?;
    let actual = verdict_at(policy, events).filter(|verdict| verdict.decision.is_escalation())?;
    let first = actual.decision.reasons.first()?;
    let named = first.code;
    if matches!(
        named,
        ReasonCode::AskedForHuman
            | ReasonCode::LegalThreat
            | ReasonCode::Safety
            | ReasonCode::Keyword
            | ReasonCode::OwnIntent
    ) {
        let mut milder = policy.clone();
        match named {
            ReasonCode::AskedForHuman => milder.rules.human_request_at = f64::INFINITY,
            ReasonCode::LegalThreat | ReasonCode::Safety => milder.rules.immediate.at = f64::INFINITY,
            ReasonCode::OwnIntent => {
                milder.intents.retain(|intent| Some(&intent.name) != first.name.as_ref())
            }
            _ => milder.rules.keywords.clear(),
        }
        let other = verdict_at(&milder, events)?;
        return Some(Counterfactual::WithoutReason {
            code: named,
            name: first.name.clone(),
            score: other.decision.score.value,
            would_stay: !other.decision.is_escalation(),
        });
    }
    // Leaving out a message of the visitor that is not the one decided on.
    let earlier = events.iter().enumerate().take(at).rev();
    for (index, _) in earlier.filter(|(_, event)| event.is_message()).take(TRIED) {
        let mut without = events.to_vec();
        without.remove(index);
        // Held back by the count of messages alone is no answer: the score must be what changed.
        let is_answer =
            |other: &Verdict| !other.decision.is_escalation() && other.decision.score.value < policy.enter;
        if let Some(other) = verdict_at(policy, &without).filter(is_answer) {
            return Some(Counterfactual::WithoutMessage { event: index, score: other.decision.score.value });
        }
    }
    let score = actual.decision.score.value;
    let line = super::decide::round4(score + 1e-4);
    let milder = EscalationPolicy { enter: line, ..policy.clone() };
    let other = verdict_at(&milder, events)?;
    (!other.decision.is_escalation()).then_some(Counterfactual::WithLine { line, score })
}
