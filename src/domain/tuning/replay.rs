//! Replay: fold and decide, event by event.

use crate::domain::analysis::Analysis;
use crate::domain::escalation::{Decision, EscalationPolicy, Signals, decide};
use crate::domain::score::{Fold, Heard};
use crate::domain::time::Timestamp;

/// What happened in a conversation, as far as decisions go.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most events are messages")]
pub enum Event {
    /// The visitor wrote.
    Message {
        /// What.
        text: String,
        /// What was found in it.
        analysis: Analysis,
        /// When.
        at: Timestamp,
    },
    /// The bot, or a human, answered.
    Answered,
    /// The bot could not answer.
    BotFailed {
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// Whether the visitor wrote.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Message { .. })
    }
}

/// A decision and the event it was taken at.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Index of the event.
    pub event: usize,
    /// What was decided.
    pub decision: Decision,
}

/// Decides at each message and at each failure of the bot, in order. The fold goes on after an escalation.
pub fn replay(policy: &EscalationPolicy, events: &[Event]) -> Vec<Verdict> {
    replay_fold(policy, events).0
}

/// Like [`replay`], and gives the state of the fold at the end.
pub fn replay_fold(policy: &EscalationPolicy, events: &[Event]) -> (Vec<Verdict>, Fold) {
    let mut fold = Fold::default();
    let mut verdicts = Vec::new();
    let mut is_raised = false;
    let mut last_escalation: Option<Timestamp> = None;
    for (index, event) in events.iter().enumerate() {
        let (message, at) = match event {
            Event::Message { text, analysis, at } => {
                fold.hear(Heard { text, analysis }, &policy.weights);
                (Some((text.as_str(), analysis)), *at)
            }
            Event::BotFailed { at } => {
                fold.bot_failed();
                (None, *at)
            }
            Event::Answered => {
                fold.answered();
                continue;
            }
        };
        let has_cooled_down = last_escalation.is_none_or(|last| at.since(last) >= policy.cooldown);
        let decision = decide(policy, Signals { fold: &fold, message, is_raised, has_cooled_down });
        if decision.is_escalation() {
            is_raised = true;
            last_escalation = Some(at);
            fold.handed_over();
        } else if decision.score.value < policy.leave {
            is_raised = false;
        }
        verdicts.push(Verdict { event: index, decision });
    }
    (verdicts, fold)
}
