//! The test bench: what a policy does with a conversation that somebody types, with
//! the very functions that decide live. Nothing of it is stored.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::policies;
use crate::domain::analysis::{Analysis, Head, OwnIntent, OwnIntents};
use crate::domain::escalation::{Counterfactual, EscalationPolicy, ReasonCode, counterfactual};
use crate::domain::tuning::{
    Report, ReportedDecision, Turn, TurnSpeaker, decisions_of_turns, events_of_turns,
};
use crate::http::error::{ApiError, Problem};
use crate::http::extract::Sent;
use crate::http::state::Http;

/// Longest conversation, in turns.
const MOST_TURNS: usize = 300;
/// Longest turn, in characters.
const MOST_CHARS: usize = 4_000;
/// How long the model is waited for, for all turns together. Past it words answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// Words that are told.
const MOST_WORDS: usize = 40;

#[derive(Deserialize)]
pub(in crate::http) struct Asked {
    turns: Vec<Turn>,
    toml: Option<String>,
}

pub(in crate::http) async fn run(
    State(http): State<Http>,
    Sent(asked): Sent<Asked>,
) -> Result<Json<Value>, ApiError> {
    let mut turns = asked.turns;
    if turns.len() > MOST_TURNS || turns.iter().any(|turn| turn.text.chars().count() > MOST_CHARS) {
        let message = format!("turns: at most {MOST_TURNS}, each of at most {MOST_CHARS} characters");
        return Err(ApiError::invalid(vec![Problem::field("turns", message)]));
    }
    let policy = match &asked.toml {
        Some(toml) => policies::read(toml, http.flow.policy().version)?,
        None => (*http.flow.policy()).clone(),
    };
    analyze(&http, &mut turns).await;
    look_for(&http, &mut turns, &policy.intents).await;
    let decisions = decisions_of_turns(&policy, &turns);
    let report = Report::of(&policy, &turns, &decisions);
    let analyses: Vec<Option<&Analysis>> = turns.iter().map(|turn| turn.analysis.as_ref()).collect();
    let words = words(&http, &turns, &decisions).await;
    let decided: Vec<Value> = decisions.iter().map(|decision| decided(&policy, &turns, decision)).collect();
    let mut body = serde_json::to_value(&report).unwrap_or(Value::Null);
    body["threshold"] = json!(policy.enter);
    body["leave"] = json!(policy.leave);
    body["analyses"] = json!(analyses);
    body["decisions"] = json!(decided);
    body["words"] = words;
    Ok(Json(body))
}

/// Analyzes the visitor's turns that bring no analysis along.
async fn analyze(http: &Http, turns: &mut [Turn]) {
    let analyzer = &http.flow.ports().analyzer;
    let open = |turn: &Turn| turn.speaker == TurnSpeaker::Visitor && turn.analysis.is_none();
    let asked: Vec<_> =
        turns.iter().map(|turn| if open(turn) { analyzer.start(&turn.text) } else { None }).collect();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for (turn, model) in turns.iter_mut().zip(asked) {
        if !open(turn) {
            continue;
        }
        let found = match model {
            Some(model) => tokio::time::timeout_at(deadline, model).await.ok().and_then(Result::ok),
            None => None,
        };
        turn.analysis = Some(found.unwrap_or_else(|| analyzer.words(&turn.text)));
    }
}

/// Looks for the policy's own intents in every visitor's turn, also in those that bring an analysis along: that one may
/// know other intents, or other examples.
async fn look_for(http: &Http, turns: &mut [Turn], intents: &[OwnIntent]) {
    let said: Vec<&mut Turn> = turns.iter_mut().filter(|turn| turn.speaker == TurnSpeaker::Visitor).collect();
    let texts: Vec<String> = said.iter().map(|turn| turn.text.clone()).collect();
    let mut found = vec![OwnIntents::default(); texts.len()];
    if !intents.is_empty() {
        let analyzer = &http.flow.ports().analyzer;
        // Where the model stops answering on the way, words answer the second time.
        for _ in 0..2 {
            let asked = analyzer.own_intents(texts.clone(), intents);
            if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, asked).await {
                found = answer;
                break;
            }
        }
    }
    for (turn, found) in said.into_iter().zip(found) {
        if let Some(analysis) = &mut turn.analysis {
            analysis.own_intents = found;
        }
    }
}

fn decided(policy: &EscalationPolicy, turns: &[Turn], reported: &ReportedDecision) -> Value {
    let decision = &reported.decision;
    let other = decision.is_escalation().then(|| what_else(policy, turns, reported.turn)).flatten();
    json!({
        "turn": reported.turn,
        "outcome": if decision.is_escalation() { "escalate" } else { "stay" },
        "score": decision.score.value,
        "contributions": decision.score.contributions,
        "reasons": decision.reasons,
        "counterfactual": other,
    })
}

/// What would have had to be different at this turn, recomputed, with the turn that a
/// left-out message stands at.
fn what_else(policy: &EscalationPolicy, turns: &[Turn], turn: usize) -> Option<Value> {
    let events = events_of_turns(turns);
    let at = events.iter().position(|(index, _)| *index == turn)?;
    let bare: Vec<_> = events.iter().map(|(_, event)| event.clone()).collect();
    let other = counterfactual(policy, &bare, at)?;
    let mut value = serde_json::to_value(&other).ok()?;
    if let Counterfactual::WithoutMessage { event, .. } = other {
        value["without_turn"] = json!(events.get(event).map(|(index, _)| *index));
    }
    Some(value)
}

/// Which words of the visitor's last turn moved what decided, or their frustration.
async fn words(http: &Http, turns: &[Turn], decisions: &[ReportedDecision]) -> Value {
    let last = turns.iter().enumerate().rev().find(|(_, turn)| turn.speaker == TurnSpeaker::Visitor);
    let Some((index, turn)) = last.filter(|(_, turn)| !turn.text.trim().is_empty()) else {
        return Value::Null;
    };
    let decided = decisions.iter().find(|reported| reported.turn == index);
    let strongest = decided.and_then(|reported| reported.decision.reasons.first()).map(|reason| reason.code);
    let (head, name) = match strongest {
        Some(ReasonCode::AskedForHuman) => (Head::HumanRequest, "human_request"),
        _ => (Head::Frustration, "frustration"),
    };
    let explained = http.flow.ports().analyzer.explain(&turn.text, head);
    let Ok(Ok(mut weights)) = tokio::time::timeout(PATIENCE, explained).await else { return Value::Null };
    weights.retain(|weight| weight.span.is_some());
    weights.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    weights.truncate(MOST_WORDS);
    let words: Vec<Value> = weights
        .iter()
        .map(|weight| {
            json!({ "text": weight.word, "weight": weight.weight, "span": weight.span.map(|(from, to)| [from, to]) })
        })
        .collect();
    json!({ "turn": index, "head": name, "words": words })
}
