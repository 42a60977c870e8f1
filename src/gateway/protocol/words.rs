//! Sentences for what the domain says in codes, for people who read the packet.
//!
//! Every number in them was computed; the sentence only carries it.

use crate::domain::escalation::{Counterfactual, Reason, ReasonCode};

/// Most characters of a message that is quoted in a sentence.
const QUOTED_CHARS: usize = 80;

/// Why a human is here, in a sentence.
#[must_use]
pub fn reason_text(reason: &Reason, score: f64, line: f64) -> String {
    let text = match reason.code {
        ReasonCode::Safety => "Somebody may come to harm",
        ReasonCode::LegalThreat => "Speaks of lawyers, courts or the press",
        ReasonCode::AskedForHuman => "Asked for a person",
        ReasonCode::Keyword => "Used a word that always goes to a person",
        ReasonCode::OwnIntent => {
            return match &reason.name {
                Some(name) => format!("Is about “{}”", spoken(name)),
                None => "Is about something of your own list".to_owned(),
            };
        }
        ReasonCode::BotHandedOver => "The bot asked for a person",
        ReasonCode::BotSilent => "The bot did not answer in time",
        ReasonCode::AgentLost => "Lost the connection to their agent",
        ReasonCode::Transfer => "Passed on by a colleague",
        ReasonCode::Reopened => "Wrote again after the conversation had ended",
        ReasonCode::BotFailed => "The bot could not answer",
        ReasonCode::RepeatedQuestion => "Asked the same thing again",
        ReasonCode::Frustration => {
            return format!("Losing patience: score {score:.2}, the line is {line:.2}");
        }
        ReasonCode::Abuse => "Insults or threatens",
        ReasonCode::NegativeSentiment => "Unhappy with the service",
        ReasonCode::Streak => "Several frustrated messages in a row",
        ReasonCode::Slope => "Getting angrier from message to message",
        ReasonCode::BotFailures => "The bot failed before",
        ReasonCode::NoProgress => "Many messages and nothing gained",
        ReasonCode::Shouting => "Writes in capitals",
    };
    text.to_owned()
}

/// What would have had to be different, in a sentence.
#[must_use]
pub fn counterfactual_text(other: &Counterfactual, left_out: Option<&str>) -> String {
    match other {
        Counterfactual::WithoutReason { code, name, score, would_stay } => {
            let without = match (code, name) {
                (ReasonCode::AskedForHuman, _) => "the request for a person".to_owned(),
                (ReasonCode::LegalThreat, _) => "the mention of legal steps".to_owned(),
                (ReasonCode::Safety, _) => "the danger it speaks of".to_owned(),
                (ReasonCode::OwnIntent, Some(name)) => format!("“{}” in it", spoken(name)),
                _ => "that word".to_owned(),
            };
            let end = if *would_stay {
                "and the bot would have kept the conversation"
            } else {
                "and it would have come to a person all the same"
            };
            format!("Without {without} the score would be {score:.2} {end}.")
        }
        Counterfactual::WithoutMessage { score, .. } => {
            let message = match left_out {
                Some(text) => format!("“{}”", quoted(text)),
                None => "one of the earlier messages".to_owned(),
            };
            format!(
                "Without {message} the score would be {score:.2} and the bot would have kept the conversation."
            )
        }
        Counterfactual::WithLine { line, score } => {
            format!(
                "The score is {score:.2}. With the line at {line:.2} the bot would have kept the conversation."
            )
        }
    }
}

/// The name of an intent as words: `prescription_renewal` is said `prescription renewal`.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

fn quoted(text: &str) -> String {
    let mut short: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if short.chars().count() > QUOTED_CHARS {
        short = short.chars().take(QUOTED_CHARS).collect();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_carries_what_was_computed() {
        let without = Counterfactual::WithoutMessage { event: 3, score: 0.4901 };
        assert_eq!(
            counterfactual_text(&without, Some("Useless.\nGet me a person.")),
            "Without “Useless. Get me a person.” the score would be 0.49 and the bot would have kept the conversation."
        );
        let asked = Counterfactual::WithoutReason {
            code: ReasonCode::AskedForHuman,
            name: None,
            score: 0.7,
            would_stay: false,
        };
        assert!(counterfactual_text(&asked, None).ends_with("to a person all the same."));
        let own = Counterfactual::WithoutReason {
            code: ReasonCode::OwnIntent,
            name: Some("repeat_order".to_owned()),
            score: 0.1,
            would_stay: true,
        };
        assert!(counterfactual_text(&own, None).starts_with("Without “repeat order” in it the score"));
        assert_eq!(reason_text(&Reason::own_intent("repeat_order"), 0.1, 0.62), "Is about “repeat order”");
        assert_eq!(
            reason_text(&Reason::alone(ReasonCode::Frustration), 0.81, 0.62),
            "Losing patience: score 0.81, the line is 0.62"
        );
    }
}
