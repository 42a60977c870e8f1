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

/// A replay up to some event: all that what follows can depend on. A pure value, so that a live conversation can go on
/// from where it was without being replayed from its beginning.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    fold: Fold,
    is_raised: bool,
    last_escalation: Option<Timestamp>,
}

impl Course {
    /// Goes on by one event, and decides where there is something to decide on.
    pub fn step(&mut self, policy: &EscalationPolicy, event: &Event) -> Option<Decision> {
        let (message, at) = match event {
            Event::Message { text, analysis, at } => {
                self.fold.hear(Heard { text, analysis }, &policy.weights);
                (Some((text.as_str(), analysis)), *at)
            }
            Event::BotFailed { at } => {
                self.fold.bot_failed();
                (None, *at)
            }
            Event::Answered => {
                self.fold.answered();
                return None;
            }
        };
        let has_cooled_down = self.last_escalation.is_none_or(|last| at.since(last) >= policy.cooldown);
        let signals = Signals { fold: &self.fold, message, is_raised: self.is_raised, has_cooled_down };
        let decision = decide(policy, signals);
        if decision.is_escalation() {
            self.is_raised = true;
            self.last_escalation = Some(at);
            self.fold.handed_over();
        } else if decision.score.value < policy.leave {
            self.is_raised = false;
        }
        Some(decision)
    }

    /// The state of the fold.
    pub fn fold(&self) -> &Fold {
        &self.fold
    }
}

/// Decides at each message and at each failure of the bot, in order. The fold goes on after an escalation.
pub fn replay(policy: &EscalationPolicy, events: &[Event]) -> Vec<Verdict> {
    replay_fold(policy, events).0
}

/// Like [`replay`], and gives the state of the fold at the end.
pub fn replay_fold(policy: &EscalationPolicy, events: &[Event]) -> (Vec<Verdict>, Fold) {
    let mut course = Course::default();
    let mut verdicts = Vec::new();
    for (index, event) in events.iter().enumerate() {
        verdicts.extend(course.step(policy, event).map(|decision| Verdict { event: index, decision }));
    }
    (verdicts, course.fold)
}
