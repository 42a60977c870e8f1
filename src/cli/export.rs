//! `baton export`: conversations with analyses, decisions and the policy that made
//! them, one a line: exactly what `baton replay` reads.

use super::config::Where;
use super::store::{installation, opened};
use super::{Failure, print};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Author, Conversation, Entry, EntryKind};
use crate::domain::escalation::Decision;
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;
use crate::domain::tuning::{Turn, TurnSpeaker};
use crate::flow::ports::Store;
use crate::store::SqlStore;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

/// Conversations read at once.
const PAGE: usize = 200;

/// Export conversations, oldest first, one JSON object a line.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  baton export --data data --since 2026-11-01T00:00:00Z > november.jsonl")]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    /// Opened at or after this instant; a date is its midnight in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Opened before this instant; a date is its midnight in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .or_else(|_| Timestamp::parse(&format!("{text}T00:00:00Z")))
        .map_err(|_| "expected a time such as 2026-11-21T14:02:00Z or a date such as 2026-11-21".to_owned())
}

#[derive(Serialize)]
struct Exported<'a> {
    conversation_id: &'a ConversationId,
    opened_at: Timestamp,
    state: &'static str,
    turns: Vec<Turn>,
    decisions: Vec<ExportedDecision<'a>>,
    handoffs: Vec<ExportedHandoff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disposition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    csat: Option<u8>,
}

/// The last decision about a turn; without a turn, one that a button, the bot or time made.
#[derive(Serialize)]
struct ExportedDecision<'a> {
    turn: Option<usize>,
    at: Timestamp,
    #[serde(flatten)]
    decision: &'a Decision,
}

#[derive(Serialize)]
struct ExportedHandoff {
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    queue: String,
    at: Timestamp,
    accepted_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = installation(arguments.place.config.as_deref(), arguments.place.data.as_deref())?;
    let store = opened(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut after = None;
        loop {
            let page = store.opened_between(arguments.since, arguments.until, after.clone(), PAGE).await?;
            for conversation in &page {
                print(&line(&store, conversation).await?)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id.clone()),
                _ => return Ok(()),
            }
        }
    })
}

async fn line(store: &SqlStore, conversation: &Conversation) -> Result<String, Failure> {
    let id = &conversation.id;
    let entries = store.log(id).await?;
    let (turns, turn_at) = turns(&entries, &store.analyses(id).await?);
    let mut decisions: Vec<ExportedDecision<'_>> = Vec::new();
    for entry in &entries {
        let EntryKind::Decision(decision) = &entry.kind else { continue };
        let turn = decision.about.and_then(|about| turn_at.get(&about).copied());
        // A later decision about the same turn replaces the earlier one, as a late analysis does.
        if turn.is_some() {
            decisions.retain(|earlier| earlier.turn != turn);
        }
        decisions.push(ExportedDecision { turn, at: entry.at, decision });
    }
    decisions.sort_by_key(|decision| decision.turn);
    let handoffs = store.handoffs(id).await?.into_iter().map(|handoff| ExportedHandoff {
        kind: handoff.kind.as_str(),
        status: handoff.status.as_str(),
        queue: handoff.queue_name,
        at: handoff.at,
        accepted_at: handoff.accepted_at,
        ended_at: handoff.ended_at,
    });
    let judgement = store.judgement(id).await?;
    let exported = Exported {
        conversation_id: id,
        opened_at: conversation.opened_at,
        state: conversation.state.name().as_str(),
        turns,
        decisions,
        handoffs: handoffs.collect(),
        disposition: judgement.wrap_up.as_ref().map(|wrap_up| wrap_up.disposition.as_str()),
        label: judgement.wrap_up.as_ref().and_then(|wrap_up| wrap_up.label).map(|label| label.as_str()),
        csat: judgement.csat.map(|(score, _)| score),
    };
    Ok(serde_json::to_string(&exported)?)
}

/// The messages as turns, and the turn of each position.
fn turns(entries: &[Entry], analyses: &BTreeMap<u64, Analysis>) -> (Vec<Turn>, BTreeMap<u64, usize>) {
    let (mut turns, mut turn_at) = (Vec::new(), BTreeMap::new());
    for entry in entries {
        let EntryKind::Message { body, is_no_answer } = &entry.kind else { continue };
        let speaker = match entry.author {
            Author::Visitor => TurnSpeaker::Visitor,
            Author::Bot | Author::System => TurnSpeaker::Bot,
            Author::Agent { .. } => TurnSpeaker::Agent,
        };
        turn_at.insert(entry.position, turns.len());
        turns.push(Turn {
            speaker,
            text: body.as_str().to_owned(),
            at: Some(entry.at),
            analysis: analyses.get(&entry.position).cloned(),
            no_answer: *is_no_answer,
        });
    }
    (turns, turn_at)
}
