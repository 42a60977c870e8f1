//! How the conversation score does: whether it ranks frustrated conversations above
//! calm ones, and how late its alarms are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::figures::auc;
use crate::{
    domain::{
        escalation::{EscalationPolicy, ReasonCode},
        tuning::{Report, Turn, TurnSpeaker, decisions_of_turns},
    },
    nlp::{
        NlpError,
        train::{
            data::{self, Part},
            maps::frustration_of,
        },
    },
};

/// A labelled conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The set it is of.
    pub set: String,
    /// What was said; the visitor's turns have an analysis when it is measured.
    pub turns: Vec<Turn>,
    /// How frustrated each turn is, from 0 to 1; 0 for those not the visitor's.
    pub frustration: Vec<f32>,
    /// The turn at which a supervisor would have stepped in.
    pub escalate_at: Option<usize>,
}

#[derive(Deserialize)]
struct Written {
    turns: Vec<LabelledTurn>,
    escalate_at: Option<usize>,
}

#[derive(Deserialize)]
struct LabelledTurn {
    #[serde(flatten)]
    turn: Turn,
    #[serde(default)]
    mood: Option<String>,
}

/// The labelled conversations of a part of the data.
///
/// # Errors
///
/// A file cannot be read, or a conversation is not one.
pub fn read(folders: &[PathBuf], part: Part) -> Result<Vec<Conversation>, NlpError> {
    let rows = data::conversations(folders, part)?;
    rows.into_iter()
        .map(|(set, row)| {
            let written: Written = serde_json::from_value(row)
                .map_err(|error| NlpError::Data(format!("a conversation of {set}: {error}")))?;
            let frustration = written
                .turns
                .iter()
                .map(|turn| turn.mood.as_deref().and_then(frustration_of).unwrap_or_default());
            Ok(Conversation {
                set,
                frustration: frustration.collect(),
                turns: written.turns.into_iter().map(|labelled| labelled.turn).collect(),
                escalate_at: written.escalate_at,
            })
        })
        .collect()
}

/// How the score and the policy did on the conversations of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConversationFigures {
    /// The set.
    pub set: String,
    /// Its conversations.
    pub n: usize,
    /// Those with a turn of clear frustration.
    pub n_frustrated: usize,
    /// Those without any frustration.
    pub n_calm: usize,
    /// How probable it is that the highest score of a frustrated one is above that of a calm one.
    pub auc: Option<f64>,
    /// Those that should have been handed over.
    pub n_due: usize,
    /// Those of them that were.
    pub n_caught: usize,
    /// The median of visitor's messages between the right moment and the alarm; before it is below 0.
    pub median_late: Option<f64>,
    /// Those handed over that should not have been.
    pub n_needless: usize,
    /// Those of them that asked for a person or were in danger, in so many words.
    pub n_needless_by_word: usize,
}

/// From this on a turn is clearly frustrated.
const CLEAR: f32 = 0.9;

/// Runs a policy over analyzed conversations of one set.
pub fn measure(
    set: &str,
    policy: &EscalationPolicy,
    conversations: &[&Conversation],
) -> Option<ConversationFigures> {
    let mut ranked = Vec::new();
    let mut late = Vec::new();
    let mut figures = ConversationFigures {
        set: set.to_owned(),
        n: conversations.len(),
        n_frustrated: 0,
        n_calm: 0,
        auc: None,
        n_due: 0,
        n_caught: 0,
        median_late: None,
        n_needless: 0,
        n_needless_by_word: 0,
    };
    for conversation in conversations {
        let decisions = decisions_of_turns(policy, &conversation.turns);
        let report = Report::of(policy, &conversation.turns, &decisions);
        let worst = conversation.frustration.iter().copied().fold(0.0, f32::max);
        if worst >= CLEAR {
            figures.n_frustrated += 1;
            ranked.push((report.peak_score, true));
        } else if worst == 0.0 {
            figures.n_calm += 1;
            ranked.push((report.peak_score, false));
        }
        match (conversation.escalate_at, report.escalations.first()) {
            (Some(due), Some(alarm)) => {
                figures.n_due += 1;
                figures.n_caught += 1;
                late.push(messages_between(&conversation.turns, due, alarm.turn));
            }
            (Some(_), None) => figures.n_due += 1,
            (None, Some(alarm)) => {
                figures.n_needless += 1;
                let is_by_word = alarm.reasons.iter().any(|reason| {
                    matches!(
                        reason.code,
                        ReasonCode::AskedForHuman | ReasonCode::Safety | ReasonCode::LegalThreat
                    )
                });
                figures.n_needless_by_word += usize::from(is_by_word);
            }
            (None, None) => {}
        }
    }
    figures.auc = auc(&ranked);
    late.sort_unstable();
    figures.median_late = late.get(late.len() / 2).map(|upper| {
        let lower = late[(late.len() - 1) / 2];
        (f64::from(lower) + f64::from(*upper)) / 2.0
    });
    (figures.n > 0).then_some(figures)
}

/// How many of the visitor's messages lie between two turns.
fn messages_between(turns: &[Turn], due: usize, alarm: usize) -> i32 {
    let count = |from: usize, to: usize| {
        let between = turns.iter().take(to + 1).skip(from + 1);
        between.filter(|turn| turn.speaker == TurnSpeaker::Visitor).count() as i32
    };
    if alarm >= due { count(due, alarm) } else { -count(alarm, due) }
}
