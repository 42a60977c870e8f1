//! Evidence: what people on site say of messages, directly or through the label of
//! an escalation. What is learned from it is not decided here.

use crate::domain::conversation::Body;
use crate::domain::escalation::{Decision, ReasonCode};
use crate::domain::id::ConversationId;
use crate::domain::outcome::{MessageLabel, Verdict};

/// A visitor's message and what people on site say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Where in it.
    pub position: u64,
    /// What was written.
    pub text: Body,
    /// What it is said to be.
    pub label: MessageLabel,
    /// How it was said.
    pub source: Source,
}

/// How something was said of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Of the message itself.
    Said,
    /// Of the escalation that it led to, or should have led to: a hint.
    Hinted,
}

/// What the label of an escalation says of the message that led to it.
///
/// A request for a person that was needlessly followed was none; one that was rightly followed was one. Where the
/// score led to it, too early means that the visitor was still patient, and too late that they were not any more.
/// Other reasons, as a rule about a word, say nothing of the message.
pub fn hint_of_escalation(decision: &Decision, verdict: Verdict) -> Option<MessageLabel> {
    let first = decision.reasons.first()?;
    let (human_request, frustration) = match (first.code, verdict) {
        (ReasonCode::AskedForHuman, Verdict::Right) => (Some(true), None),
        (ReasonCode::AskedForHuman, Verdict::Needless) => (Some(false), None),
        _ if first.contribution.is_none() => return None,
        (_, Verdict::Right | Verdict::Late) => (None, Some(true)),
        (_, Verdict::Needless | Verdict::Early) => (None, Some(false)),
        (_, Verdict::Missed) => return None,
    };
    (human_request.is_some() || frustration.is_some()).then(|| MessageLabel {
        human_request,
        frustration,
        ..MessageLabel::default()
    })
}

/// What a supervisor's label says of the message at which a human should have come.
pub fn hint_of_place(verdict: Verdict) -> Option<MessageLabel> {
    matches!(verdict, Verdict::Late | Verdict::Missed)
        .then(|| MessageLabel { frustration: Some(true), ..MessageLabel::default() })
}

impl MessageLabel {
    /// What this label says beyond another one; none when it says nothing more.
    pub fn beyond(self, said: &Self) -> Option<Self> {
        let rest = Self {
            frustration: self.frustration.filter(|_| said.frustration.is_none()),
            human_request: self.human_request.filter(|_| said.human_request.is_none()),
            offensive: self.offensive.filter(|_| said.offensive.is_none()),
            sentiment: self.sentiment.filter(|_| said.sentiment.is_none()),
            intents: self.intents.filter(|_| said.intents.is_none()),
        };
        (rest != Self::default()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::escalation::{EscalationPolicy, Reason, decide_trigger};
    use crate::domain::score::Fold;

    fn because(code: ReasonCode, contribution: Option<f64>) -> Decision {
        let mut decision =
            decide_trigger(&EscalationPolicy::default(), &Fold::default(), ReasonCode::BotFailed);
        decision.reasons = vec![Reason { contribution, ..Reason::alone(code) }];
        decision
    }

    #[test]
    fn a_label_of_an_escalation_hints_at_its_message() {
        let asked = because(ReasonCode::AskedForHuman, None);
        let angry = because(ReasonCode::Frustration, Some(0.4));
        let failed = because(ReasonCode::BotFailed, None);
        let hint = |decision: &Decision, verdict| {
            hint_of_escalation(decision, verdict).map(|label| (label.human_request, label.frustration))
        };
        assert_eq!(hint(&asked, Verdict::Right), Some((Some(true), None)));
        assert_eq!(hint(&asked, Verdict::Needless), Some((Some(false), None)));
        assert_eq!(hint(&asked, Verdict::Late), None);
        assert_eq!(hint(&angry, Verdict::Right), Some((None, Some(true))));
        assert_eq!(hint(&angry, Verdict::Late), Some((None, Some(true))));
        assert_eq!(hint(&angry, Verdict::Early), Some((None, Some(false))));
        assert_eq!(hint(&angry, Verdict::Needless), Some((None, Some(false))));
        assert_eq!(hint(&failed, Verdict::Needless), None);
        assert_eq!(hint_of_place(Verdict::Right), None);
    }

    #[test]
    fn what_was_said_of_the_message_itself_stands() {
        let hint =
            MessageLabel { frustration: Some(true), human_request: Some(true), ..MessageLabel::default() };
        let said = MessageLabel { frustration: Some(false), ..MessageLabel::default() };
        let rest = MessageLabel { human_request: Some(true), ..MessageLabel::default() };
        assert_eq!(hint.clone().beyond(&said), Some(rest.clone()));
        assert_eq!(rest.clone().beyond(&rest), None);
    }
}
