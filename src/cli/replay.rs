//! `baton replay`: what a policy would have done with recorded conversations.
//!
//! One conversation a line in, one answer a line out, in order. Stored analyses are
//! used as they are; what has none is analyzed.

use super::analyze::{Analyst, Choice};
use super::lines::{Lines, invalid_line};
use super::policy::read_policy;
use super::{Failure, print};
use crate::domain::analysis::Analysis;
use crate::domain::escalation::EscalationPolicy;
use crate::domain::tuning::{Report, ReportedDecision, Turn, TurnSpeaker, decisions_of_turns};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// The longest conversation that is read, in bytes.
const LONGEST_LINE: usize = 16 * 1024 * 1024;
/// Texts given to the model at once.
const AT_ONCE: usize = 64;

/// Replay recorded conversations under a policy: where it would have called a human, and why.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  baton export --since 2026-11-01 | baton replay --transcripts - --policy new.toml"
)]
pub struct Arguments {
    /// Conversations, one JSON object a line; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    transcripts: PathBuf,
    /// The policy, in TOML; the default one without.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Analyze again what has an analysis.
    #[arg(long)]
    reanalyze: bool,
    /// Tell every decision and not only the escalations.
    #[arg(long)]
    decisions: bool,
    /// The model folder.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// What analyzes.
    #[arg(long, value_enum, default_value_t = Choice::Model)]
    analyzer: Choice,
}

#[derive(Deserialize)]
struct Recorded {
    #[serde(default)]
    conversation_id: Value,
    turns: Vec<Turn>,
}

#[derive(Serialize)]
struct Answer<'a> {
    conversation_id: &'a Value,
    #[serde(flatten)]
    report: Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    decisions: Option<Vec<ReportedDecision>>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let policy = read_policy(arguments.policy.as_ref())?;
    let mut analysts = Analysts { arguments, policy: &policy, loaded: None };
    let input: Box<dyn std::io::BufRead> = if arguments.transcripts.as_os_str() == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file = File::open(&arguments.transcripts)
            .map_err(|error| Failure::Usage(format!("{}: {error}", arguments.transcripts.display())))?;
        Box::new(BufReader::new(file))
    };
    for (number, line) in (1..).zip(Lines::new(input, LONGEST_LINE)) {
        let text = line?.and_then(|line| String::from_utf8(line).ok());
        let recorded = text.ok_or("the line is too long, or not UTF-8".to_owned()).and_then(|text| {
            serde_json::from_str::<Recorded>(&text).map_err(|error| format!("not a conversation: {error}"))
        });
        match recorded {
            Err(why) => print(&invalid_line(number, &why))?,
            Ok(recorded) => print(&answer(&policy, recorded, &mut analysts)?)?,
        }
    }
    Ok(())
}

fn answer(
    policy: &EscalationPolicy,
    mut recorded: Recorded,
    analysts: &mut Analysts<'_>,
) -> Result<String, Failure> {
    let is_open = |turn: &Turn| {
        turn.speaker == TurnSpeaker::Visitor && (turn.analysis.is_none() || analysts.arguments.reanalyze)
    };
    let open: Vec<usize> =
        (0..recorded.turns.len()).filter(|index| is_open(&recorded.turns[*index])).collect();
    for portion in open.chunks(AT_ONCE) {
        let texts: Vec<&str> = portion.iter().map(|index| recorded.turns[*index].text.as_str()).collect();
        let found = analysts.analyze(&texts)?;
        for (index, analysis) in portion.iter().zip(found) {
            recorded.turns[*index].analysis = Some(analysis);
        }
    }
    let decisions = decisions_of_turns(policy, &recorded.turns);
    let report = Report::of(policy, &recorded.turns, &decisions);
    let decisions = analysts.arguments.decisions.then_some(decisions);
    Ok(serde_json::to_string(&Answer { conversation_id: &recorded.conversation_id, report, decisions })?)
}

/// The analyzer, loaded when the first text needs it: an export with all its analyses needs none.
struct Analysts<'a> {
    arguments: &'a Arguments,
    policy: &'a EscalationPolicy,
    loaded: Option<Analyst>,
}

impl Analysts<'_> {
    fn analyze(&mut self, texts: &[&str]) -> Result<Vec<Analysis>, Failure> {
        let Analyst { analyzer, choice } = match &mut self.loaded {
            Some(loaded) => loaded,
            empty => {
                let Arguments { analyzer, model, .. } = self.arguments;
                empty.insert(Analyst::load(*analyzer, model.clone(), (16, 1), &self.policy.intents)?)
            }
        };
        if *choice == Choice::Words {
            return Ok(texts.iter().map(|text| analyzer.words(text)).collect());
        }
        let started: Vec<_> = texts.iter().map(|text| analyzer.start(text)).collect();
        let failed = || Failure::Failed(anyhow::anyhow!("the model stopped answering"));
        started.into_iter().map(|rx| rx.ok_or_else(failed)?.blocking_recv().map_err(|_| failed())).collect()
    }
}
