//! What a policy would have done with a recorded conversation, as the command line
//! and the test bench tell it.

use super::{Event, Verdict, replay};
use crate::domain::analysis::Analysis;
use crate::domain::escalation::{Decision, EscalationPolicy, Outcome, Reason};
use crate::domain::handoff::EscalationType;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far apart turns without a time are taken to be.
const APART: Duration = Duration::from_secs(30);

/// Who said a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnSpeaker {
    /// The visitor.
    Visitor,
    /// The bot.
    Bot,
    /// A human.
    Agent,
}

/// One message of a recorded conversation. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Who.
    pub speaker: TurnSpeaker,
    /// What. Only the visitor's counts.
    #[serde(default)]
    pub text: String,
    /// When; without, half a minute after the turn before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What was found in it, when that is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// The bot could not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_answer: bool,
}

/// One escalation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportedEscalation {
    /// Index into the turns.
    pub turn: usize,
    /// Of which kind.
    #[serde(rename = "type")]
    pub kind: EscalationType,
    /// The score then.
    pub score: f64,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
}

/// A decision and the turn it was taken at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportedDecision {
    /// Index into the turns.
    pub turn: usize,
    /// What, and why.
    #[serde(flatten)]
    pub decision: Decision,
}

/// What the policy would have done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether a human would have been called.
    pub escalated: bool,
    /// At which turn first.
    pub turn: Option<usize>,
    /// The score after the last message.
    pub score: f64,
    /// The highest score.
    pub peak_score: f64,
    /// The score after each message of the visitor.
    pub scores: Vec<f64>,
    /// Each time a human would have been called; the fold goes on after the first.
    pub escalations: Vec<ReportedEscalation>,
    /// The policy, as `name@version`.
    pub policy: String,
}

/// The events of recorded turns, each with the index of its turn. Visitor's turns without an analysis are left out:
/// the caller has them analyzed first.
pub fn events_of_turns(turns: &[Turn]) -> Vec<(usize, Event)> {
    let mut events = Vec::with_capacity(turns.len());
    let mut last: Option<Timestamp> = None;
    for (index, turn) in turns.iter().enumerate() {
        let at = turn.at.unwrap_or_else(|| last.map_or(Timestamp::default(), |last| last.plus(APART)));
        last = Some(at);
        let event = match (turn.speaker, &turn.analysis) {
            (TurnSpeaker::Visitor, Some(analysis)) => {
                Event::Message { text: turn.text.clone(), analysis: analysis.clone(), at }
            }
            (TurnSpeaker::Visitor, None) => continue,
            (TurnSpeaker::Bot, _) if turn.no_answer => Event::BotFailed { at },
            (TurnSpeaker::Bot | TurnSpeaker::Agent, _) => Event::Answered,
        };
        events.push((index, event));
    }
    events
}

/// Every decision over recorded turns.
pub fn decisions_of_turns(policy: &EscalationPolicy, turns: &[Turn]) -> Vec<ReportedDecision> {
    let events = events_of_turns(turns);
    let bare: Vec<Event> = events.iter().map(|(_, event)| event.clone()).collect();
    let reported =
        |verdict: Verdict| ReportedDecision { turn: events[verdict.event].0, decision: verdict.decision };
    replay(policy, &bare).into_iter().map(reported).collect()
}

impl Report {
    /// Tells decisions over these turns as a report.
    pub fn of(policy: &EscalationPolicy, turns: &[Turn], decisions: &[ReportedDecision]) -> Self {
        let is_message = |decision: &&ReportedDecision| turns[decision.turn].speaker == TurnSpeaker::Visitor;
        let scores: Vec<f64> = decisions.iter().filter(is_message).map(|d| d.decision.score.value).collect();
        let escalations: Vec<ReportedEscalation> = decisions
            .iter()
            .filter_map(|reported| match reported.decision.outcome {
                Outcome::Escalate { kind, .. } => Some(ReportedEscalation {
                    turn: reported.turn,
                    kind,
                    score: reported.decision.score.value,
                    reasons: reported.decision.reasons.clone(),
                }),
                Outcome::Stay { .. } => None,
            })
            .collect();
        Self {
            escalated: !escalations.is_empty(),
            turn: escalations.first().map(|escalation| escalation.turn),
            score: scores.last().copied().unwrap_or(0.0),
            peak_score: scores.iter().copied().fold(0.0, f64::max),
            scores,
            escalations,
            policy: policy.label(),
        }
    }
}
