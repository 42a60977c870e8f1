//! `baton analyze`: JSON Lines in, the same lines with an analysis out.
//!
//! Lines are answered in order. Everything a line says besides its text goes
//! through byte for byte. The whole input is never held.

use std::{
    collections::VecDeque,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::{
    Failure,
    lines::{Lines, invalid_line},
    policy::read_policy,
};
use crate::{
    domain::analysis::{Analysis, OwnIntent},
    flow::ports::Analyzer,
    nlp::LexiconAnalyzer,
};
#[cfg(feature = "rust-bert")]
use crate::{flow::ports::AnalyzerStatus, nlp::Builder};

/// The longest line that is read.
const LONGEST_LINE: usize = 1024 * 1024;
/// When input pauses this long, everything finished has been written.
const PAUSE: Duration = Duration::from_millis(10);
/// Lines read ahead.
const READ_AHEAD: usize = 64;

/// Analyze messages: JSON Lines with a `text` on stdin, the same lines with an `analysis` on stdout.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  echo '{\"text\": \"Get me a human NOW\"}' | baton analyze")]
pub struct Arguments {
    /// The most texts computed together.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    batch: u16,
    /// Threads that compute, each with a model of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// The model folder.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// What analyzes.
    #[arg(long, value_enum, default_value_t = Choice::Model)]
    analyzer: Choice,
    /// Look for the intents of this policy, in TOML, too.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// What analyzes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The model; without one the command fails.
    Model,
    /// The small word model that is compiled in.
    Words,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let intents = read_policy(arguments.policy.as_ref())?.intents;
    let sizes = (arguments.batch, arguments.threads);
    let analyst = Analyst::load(arguments.analyzer, arguments.model.clone(), sizes, &intents)?;
    let (tx, lines) = sync_channel(READ_AHEAD);
    let reader = std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
        for line in Lines::new(io::stdin().lock(), LONGEST_LINE) {
            let is_last = line.is_err();
            if tx.send(line).is_err() || is_last {
                return;
            }
        }
    })?;
    let most_pending = usize::from(arguments.batch) * usize::from(arguments.threads) * 4;
    let mut output = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    match answer(&analyst, &lines, &mut output, most_pending) {
        // Whoever reads our output has enough of it.
        Err(Failure::Failed(error)) if is_closed_pipe(&error) => Ok(()),
        Err(failure) => Err(failure),
        Ok(()) => {
            drop(reader.join());
            Ok(())
        }
    }
}

/// What analyzes, loaded.
pub(super) struct Analyst {
    pub(super) analyzer: Box<dyn Analyzer>,
    pub(super) choice: Choice,
}

impl Analyst {
    /// Loads it, with the intents of a site that it is to look for. The sizes are the most texts computed together,
    /// and threads.
    pub(super) fn load(
        choice: Choice,
        model: Option<PathBuf>,
        (batch, threads): (u16, u16),
        intents: &[OwnIntent],
    ) -> Result<Self, Failure> {
        let analyzer: Box<dyn Analyzer> = match choice {
            Choice::Words => Box::new(LexiconAnalyzer::default()),
            Choice::Model => load_model(model, batch, threads)?,
        };
        let learned = analyzer.learn(intents);
        // Words know them at once; the model has to read the examples first.
        if choice == Choice::Model && learned.blocking_recv().is_err() {
            return Err(stopped());
        }
        Ok(Self { analyzer, choice })
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The model, loaded; without one the command fails. Four times as many texts may
/// wait as are computed at once.
#[cfg(feature = "rust-bert")]
fn load_model(model: Option<PathBuf>, batch: u16, threads: u16) -> Result<Box<dyn Analyzer>, Failure> {
    let (batch, threads) = (usize::from(batch), usize::from(threads));
    let started =
        Builder::default().model(model).threads(threads).batch(batch).queue(batch * threads * 4).start();
    let status = match &started {
        Ok(analyzer) => analyzer.wait_until_loaded(),
        Err(words) => words.status(),
    };
    match (started, status) {
        (Ok(analyzer), AnalyzerStatus::Ready { .. }) => Ok(Box::new(analyzer)),
        (_, AnalyzerStatus::Absent { why } | AnalyzerStatus::Failed { why }) => Err(no_model(&why)),
        (_, AnalyzerStatus::Loading | AnalyzerStatus::Ready { .. }) => Err(no_model("it did not load")),
    }
}

/// Without the model built in there is none to load.
#[cfg(not(feature = "rust-bert"))]
fn load_model(_model: Option<PathBuf>, _batch: u16, _threads: u16) -> Result<Box<dyn Analyzer>, Failure> {
    Err(no_model("this program was built without it"))
}

fn no_model(why: &str) -> Failure {
    Failure::Failed(anyhow::anyhow!("no model: {why} (`--analyzer words` works without one)"))
}

/// A line without its end, or that it is too long; `Err` when reading failed.
type Line = Result<Option<Vec<u8>>, io::Error>;

/// A line on its way out.
enum Pending {
    /// Its answer is known.
    Known(String),
    /// The model has its text.
    Waiting { object: String, answer: oneshot::Receiver<Analysis> },
}

fn answer(
    analyst: &Analyst,
    lines: &Receiver<Line>,
    output: &mut impl Write,
    most_pending: usize,
) -> Result<(), Failure> {
    let mut pending: VecDeque<Pending> = VecDeque::new();
    let mut number: u64 = 0;
    loop {
        let next = match lines.recv_timeout(PAUSE) {
            Err(RecvTimeoutError::Timeout) => {
                while let Some(first) = pending.pop_front() {
                    write(finish(first)?, output)?;
                    drain(&mut pending, output)?;
                }
                output.flush()?;
                lines.recv().map_err(|_| RecvTimeoutError::Disconnected)
            }
            next => next,
        };
        let Ok(line) = next else { break };
        number += 1;
        let begun = begin(analyst, line?, number, &mut pending, output)?;
        pending.push_back(begun);
        drain(&mut pending, output)?;
        while pending.len() >= most_pending {
            let Some(first) = pending.pop_front() else { break };
            write(finish(first)?, output)?;
        }
    }
    for line in pending {
        write(finish(line)?, output)?;
    }
    output.flush()?;
    Ok(())
}

/// Writes what is finished at the front.
fn drain(pending: &mut VecDeque<Pending>, output: &mut impl Write) -> Result<(), Failure> {
    loop {
        let ready = match pending.front_mut() {
            None => return Ok(()),
            Some(Pending::Known(_)) => None,
            Some(Pending::Waiting { answer, .. }) => match answer.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => return Ok(()),
                Err(oneshot::error::TryRecvError::Closed) => return Err(stopped()),
                Ok(analysis) => Some(analysis),
            },
        };
        match (pending.pop_front(), ready) {
            (Some(Pending::Known(line)), _) => write(line, output)?,
            (Some(Pending::Waiting { object, .. }), Some(analysis)) => {
                write(with_analysis(&object, &analysis)?, output)?
            }
            _ => return Ok(()),
        }
    }
}

fn stopped() -> Failure {
    Failure::Failed(anyhow::anyhow!("the model stopped answering"))
}

fn finish(pending: Pending) -> Result<String, Failure> {
    match pending {
        Pending::Known(line) => Ok(line),
        Pending::Waiting { object, answer } => {
            let analysis = answer.blocking_recv().map_err(|_| stopped())?;
            with_analysis(&object, &analysis)
        }
    }
}

fn write(mut line: String, output: &mut impl Write) -> Result<(), Failure> {
    line.push('\n');
    output.write_all(line.as_bytes())?;
    Ok(())
}

/// Hands the text of a line in, and makes room where there is none.
fn begin(
    analyst: &Analyst,
    line: Option<Vec<u8>>,
    number: u64,
    pending: &mut VecDeque<Pending>,
    output: &mut impl Write,
) -> Result<Pending, Failure> {
    let (text, object) = match parse(line, number) {
        Ok(parsed) => parsed,
        Err(message) => return Ok(Pending::Known(invalid_line(number, &message))),
    };
    let analyzer = &analyst.analyzer;
    if analyst.choice == Choice::Words {
        return Ok(Pending::Known(with_analysis(&object, &analyzer.words(&text))?));
    }
    loop {
        if let Some(answer) = analyzer.start(&text) {
            return Ok(Pending::Waiting { object, answer });
        }
        if !analyzer.status().is_ready() {
            return Err(stopped());
        }
        // The queue is full of our own lines: the first of them will be done next.
        match pending.pop_front() {
            Some(first) => write(finish(first)?, output)?,
            None => return Err(stopped()),
        }
    }
}

/// The text of a line, and the line as it stands, without an earlier analysis.
fn parse(line: Option<Vec<u8>>, number: u64) -> Result<(String, String), String> {
    let line = line.ok_or_else(|| format!("longer than {LONGEST_LINE} bytes"))?;
    let line = String::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let object = line
        .strip_prefix('\u{feff}')
        .filter(|_| number == 1)
        .unwrap_or(&line)
        .trim_matches([' ', '\t', '\r']);
    let mut fields: Map<String, Value> = serde_json::from_str(object)
        .map_err(|error| format!("not a JSON object (column {})", error.column()))?;
    let Some(Value::String(text)) = fields.get("text") else {
        return Err("no string `text`".to_owned());
    };
    let text = text.clone();
    if fields.shift_remove("analysis").is_some() {
        let object = serde_json::to_string(&fields).map_err(|error| error.to_string())?;
        return Ok((text, object));
    }
    Ok((text, object.to_owned()))
}

/// The line's object with the analysis as its last key.
fn with_analysis(object: &str, analysis: &Analysis) -> Result<String, Failure> {
    let mut line = object.trim_end().strip_suffix('}').unwrap_or(object).trim_end().to_owned();
    line.push_str(",\"analysis\":");
    line.push_str(&serde_json::to_string(analysis)?);
    line.push('}');
    Ok(line)
}
