//! Labelled text as examples for our heads. Reads, maps, masks; does not learn.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::maps::{OWN_SHARES, SETS, Set, frustration_of};
use crate::{
    domain::analysis::Intent,
    nlp::{
        NlpError,
        labels::{FRUSTRATION, HUMAN_REQUEST, INTENTS, N_OUTPUTS, N_SENTIMENTS, OFFENSIVE},
    },
};

/// One text in so many is kept from training to calibrate with.
const KEPT_FROM_TRAINING: u64 = 12;

/// From this share of its lines on, a head belongs to a set.
const AT_HOME_FROM: f64 = 0.08;

/// A text with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What was written.
    pub text: String,
    /// Negative, neutral or positive as 0, 1, 2, if known.
    pub sentiment: Option<usize>,
    /// Every output behind the sentiments, from 0 to 1, if known.
    pub heads: [Option<f32>; N_OUTPUTS - N_SENTIMENTS],
    /// How much this example's labels weigh.
    pub trust: f32,
    /// The kind of line it is, for tables.
    pub slice: String,
}

/// The examples of one set.
#[derive(Debug, Clone)]
pub struct Examples {
    /// The set's name.
    pub name: String,
    /// Its licence.
    pub license: String,
    /// Its share of a step.
    pub share: f64,
    /// Written for this project.
    pub is_own: bool,
    /// The lines.
    pub examples: Vec<Example>,
}

/// Which files of a folder are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// To learn from.
    Train,
    /// To measure with; never learned from.
    Dev,
}

impl Example {
    /// A text of which nothing is known.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            sentiment: None,
            heads: [None; N_OUTPUTS - N_SENTIMENTS],
            trust: 1.0,
            slice: String::new(),
        }
    }

    /// What is known of an output behind the sentiments.
    pub fn head(&self, output: usize) -> Option<f32> {
        self.heads[output - N_SENTIMENTS]
    }

    fn set(&mut self, output: usize, value: Option<f32>) {
        self.heads[output - N_SENTIMENTS] = value;
    }

    fn set_intents(&mut self, present: Option<&Value>) {
        let Some(present) = present.and_then(Value::as_array) else { return };
        for intent in Intent::ALL.into_iter().take(Intent::SCORED) {
            let is_present = present.iter().any(|name| name.as_str() == Some(intent.as_str()));
            self.set(INTENTS + intent.index(), Some(f32::from(u8::from(is_present))));
        }
    }

    /// Both texts in one message.
    pub fn joined(&self, other: &Self) -> Self {
        let mut both = Self::new(format!("{} {}", self.text.trim_end(), other.text.trim_start()));
        both.trust = self.trust.min(other.trust);
        both.sentiment = (self.sentiment == other.sentiment).then_some(self.sentiment).flatten();
        for (head, (a, b)) in both.heads.iter_mut().zip(self.heads.iter().zip(&other.heads)) {
            *head = match (a, b) {
                (Some(a), Some(b)) => Some(a.max(*b)),
                (Some(a), None) | (None, Some(a)) if *a >= 1.0 => Some(*a),
                _ => None,
            };
        }
        both
    }
}

/// A line is kept from training by its text alone, so that it stays so when
/// sets grow, and so that equal lines are on the same side.
fn is_kept(text: &str) -> bool {
    let mut sum = DefaultHasher::new();
    text.to_lowercase().hash(&mut sum);
    sum.finish().is_multiple_of(KEPT_FROM_TRAINING)
}

/// What is learned from, and the lines of our own that are kept to calibrate with.
pub fn split(sets: Vec<Examples>) -> (Vec<Examples>, Vec<Example>) {
    let mut kept = Vec::new();
    let learned = sets
        .into_iter()
        .map(|mut set| {
            let (held, rest): (Vec<_>, Vec<_>) =
                set.examples.into_iter().partition(|example| is_kept(&example.text));
            if set.is_own {
                kept.extend(only_at_home(held));
            }
            set.examples = rest;
            set
        })
        .collect();
    (learned, kept)
}

/// A head is calibrated on the sets that were written for it. Where hardly a line has
/// it, the rest would only teach how rare it is there.
fn only_at_home(mut held: Vec<Example>) -> Vec<Example> {
    for output in [FRUSTRATION, OFFENSIVE, HUMAN_REQUEST] {
        let known: Vec<f32> = held.iter().filter_map(|example| example.head(output)).collect();
        let n_present = known.iter().filter(|value| **value >= 0.5).count();
        if (n_present as f64) < known.len() as f64 * AT_HOME_FROM {
            held.iter_mut().for_each(|example| example.set(output, None));
        }
    }
    held
}

/// Every set found below the folders.
///
/// # Errors
///
/// A folder or file cannot be read, or a line is not JSON.
pub fn read(folders: &[PathBuf], part: Part) -> Result<Vec<Examples>, NlpError> {
    let mut files = Vec::new();
    for folder in folders {
        walk(folder, &mut files)?;
    }
    files.sort();
    let mut found: Vec<Examples> = Vec::new();
    for file in files.iter().filter(|file| is_of(file, part)) {
        let Some((name, license, share, is_own, examples)) = read_file(file, part)? else { continue };
        match found.iter_mut().find(|set| set.name == name) {
            Some(set) => set.examples.extend(examples),
            None => found.push(Examples { name, license, share, is_own, examples }),
        }
    }
    found.retain(|set| !set.examples.is_empty());
    if found.is_empty() {
        return Err(NlpError::Data("no labelled file found in the given folders".to_owned()));
    }
    Ok(found)
}

/// The lines of the files written for this project that hold whole conversations,
/// each with the name of its set.
///
/// # Errors
///
/// A folder or file cannot be read, or a line is not JSON.
pub fn conversations(folders: &[PathBuf], part: Part) -> Result<Vec<(String, Value)>, NlpError> {
    let mut files = Vec::new();
    for folder in folders {
        walk(folder, &mut files)?;
    }
    files.sort();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| is_of(file, part) && public_set(file).is_none()) {
        let set = format!("own/{}", folder_name(file));
        let rows = rows(file)?.into_iter().filter(|row| row.get("escalate_at").is_some());
        found.extend(rows.map(|row| (set.clone(), row)));
    }
    Ok(found)
}

/// The public set that a file is of.
fn public_set(file: &Path) -> Option<&'static Set> {
    let stem = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    SETS.iter().find(|set| stem.starts_with(set.stem))
}

fn folder_name(file: &Path) -> &str {
    file.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), NlpError> {
    if folder.is_file() {
        files.push(folder.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    Ok(())
}

fn is_of(file: &Path, part: Part) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_dev = name == "dev.jsonl" || name.ends_with(".dev.jsonl") || name.ends_with("_dev.jsonl");
    match part {
        Part::Train => !is_dev,
        Part::Dev => is_dev,
    }
}

type Read = (String, String, f64, bool, Vec<Example>);

fn read_file(path: &Path, part: Part) -> Result<Option<Read>, NlpError> {
    let stem = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = folder_name(path);
    if matches!(folder, "dialogues" | "lexicon" | "sameness") {
        return Ok(None);
    }
    let rows = rows(path)?;
    if folder == "dev_real" {
        let name = format!("dev_real/{}", stem.split('.').next().unwrap_or_default());
        return Ok(Some((name, "ODbL 1.0".to_owned(), 0.0, false, rows.iter().filter_map(real).collect())));
    }
    if let Some(set) = public_set(path) {
        let examples = rows.iter().filter_map(|row| public(set, row)).collect();
        return Ok(Some((set.name.to_owned(), set.license.to_owned(), set.share, false, examples)));
    }
    let examples: Vec<Example> = rows.iter().flat_map(|row| own(row, part)).collect();
    let share = OWN_SHARES.iter().find(|(name, _)| *name == folder).map_or(0.05, |(_, share)| *share);
    Ok(Some((format!("own/{folder}"), "Apache-2.0".to_owned(), share, true, examples)))
}

/// The lines of a file.
///
/// # Errors
///
/// It cannot be read, or a line is not JSON.
pub fn rows(path: &Path) -> Result<Vec<Value>, NlpError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut rows = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| unreadable(path, &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let row = serde_json::from_str(&line)
            .map_err(|error| NlpError::Data(format!("{} line {}: {error}", path.display(), number + 1)))?;
        rows.push(row);
    }
    Ok(rows)
}

fn unreadable(path: &Path, error: &std::io::Error) -> NlpError {
    NlpError::Data(format!("{}: {error}", path.display()))
}

fn number(row: &Value, key: &str) -> Option<f32> {
    row.get(key).and_then(Value::as_f64).map(|value| value as f32)
}

fn sentiment_of(name: &str) -> Option<usize> {
    ["negative", "neutral", "positive"].iter().position(|known| *known == name)
}

fn output_of(name: &str) -> Option<usize> {
    match name {
        "frustration" => Some(FRUSTRATION),
        "offensive" => Some(OFFENSIVE),
        "human_request" => Some(HUMAN_REQUEST),
        _ => name
            .parse::<Intent>()
            .ok()
            .filter(|intent| *intent != Intent::Other)
            .map(|intent| INTENTS + intent.index()),
    }
}

/// A line of a public set.
fn public(set: &Set, row: &Value) -> Option<Example> {
    if row.get("lang").and_then(Value::as_str).is_some_and(|language| language != "en") {
        return None;
    }
    let mut example = Example::new(clean(row.get("text")?.as_str()?));
    example.trust = set.trust;
    for name in set.known.split_whitespace() {
        if name == "intents" {
            (INTENTS..N_OUTPUTS).for_each(|output| example.set(output, Some(0.0)));
        } else if let Some(output) = output_of(name) {
            example.set(output, Some(0.0));
        }
    }
    example.sentiment = set.sentiment.and_then(sentiment_of);
    let labels: Vec<&str> = match row.get("label") {
        Some(Value::String(label)) => label.split('|').collect(),
        Some(Value::Array(labels)) => labels.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    example.slice = labels.join("|");
    for (_, meaning) in set.labels.iter().filter(|(label, _)| labels.contains(label)) {
        for word in meaning.split_whitespace() {
            match word.strip_prefix('?') {
                Some("sentiment") => example.sentiment = None,
                Some(open) => output_of(open).into_iter().for_each(|output| example.set(output, None)),
                None => match output_of(word) {
                    Some(output) => example.set(output, Some(1.0)),
                    None => example.sentiment = sentiment_of(word),
                },
            }
        }
    }
    // Columns say it better than labels.
    if let Some(sentiment) = row.get("sentiment").and_then(Value::as_str) {
        example.sentiment = sentiment_of(sentiment);
    }
    for (key, output) in
        [("human_request", HUMAN_REQUEST), ("offensive", OFFENSIVE), ("frustration", FRUSTRATION)]
    {
        if row.get(key).is_some() {
            example.set(output, number(row, key));
        }
    }
    if let (Some(strict), Some(broad)) = (number(row, "frustration_strict"), number(row, "frustration_broad"))
    {
        example.set(FRUSTRATION, (strict == broad).then_some(strict));
    }
    if row.get("profane").and_then(Value::as_bool) == Some(true) {
        example.set(OFFENSIVE, None);
        example.set(FRUSTRATION, None);
        example.sentiment = None;
    }
    Some(example)
}

/// Real messages to live bots; only ever measured with.
fn real(row: &Value) -> Option<Example> {
    let mut example = Example::new(row.get("text")?.as_str()?);
    match row.get("label") {
        Some(Value::Number(label)) => example.set(HUMAN_REQUEST, label.as_f64().map(|label| label as f32)),
        _ => {
            let intent = row.get("product_intent").and_then(Value::as_str)?;
            let intent = intent.strip_suffix("_info").unwrap_or(intent);
            for name in ["cancel", "refund", "thanks", "greeting"] {
                let output = output_of(name)?;
                example.set(output, Some(f32::from(u8::from(name == intent))));
            }
        }
    }
    let slice = row.get("subtype").or_else(|| row.get("product_intent")).and_then(Value::as_str);
    example.slice = slice.unwrap_or_default().to_owned();
    Some(example)
}

/// A line written for this project: a message, or the visitor's turns of a conversation.
fn own(row: &Value, part: Part) -> Vec<Example> {
    let Some(turns) = row.get("turns").and_then(Value::as_array) else {
        return own_message(row).into_iter().collect();
    };
    let visitors = turns.iter().filter(|turn| turn.get("speaker").and_then(Value::as_str) == Some("visitor"));
    let mut examples: Vec<Example> = visitors.filter_map(own_message).collect();
    if part == Part::Train {
        examples.iter_mut().for_each(forget_unsaid_mood);
    }
    examples
}

/// The mood of a few words ("the blue one", "again no") was labelled with the whole
/// conversation in view. The words alone do not say it, and must not learn to.
fn forget_unsaid_mood(example: &mut Example) {
    let is_annoyed = example.head(FRUSTRATION).is_some_and(|frustration| frustration > 0.0);
    if is_annoyed && example.text.split_whitespace().count() <= 3 {
        example.set(FRUSTRATION, None);
    }
}

fn own_message(row: &Value) -> Option<Example> {
    let mut example = Example::new(row.get("text")?.as_str()?);
    // Lines without labels (a knowledge base, say) teach nothing.
    row.get("human_request").or_else(|| row.get("frustration")).or_else(|| row.get("mood"))?;
    example.set(HUMAN_REQUEST, number(row, "human_request"));
    example.set(OFFENSIVE, number(row, "offensive"));
    let mood = row.get("mood").and_then(Value::as_str);
    example.set(FRUSTRATION, number(row, "frustration").or_else(|| mood.and_then(frustration_of)));
    example.sentiment = row.get("sentiment").and_then(Value::as_str).and_then(sentiment_of);
    example.set_intents(row.get("intents"));
    example.slice = row.get("slice").and_then(Value::as_str).or(mood).unwrap_or_default().to_owned();
    Some(example)
}

/// Text as somebody would type it: without the marks of where it was collected.
fn clean(text: &str) -> String {
    let text = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&#8220;", "\"");
    let text = text.replace("&#8221;", "\"").replace("&#8217;", "'");
    let words = text
        .split_whitespace()
        .filter(|word| !word.starts_with('@') && !word.starts_with("http") && *word != "RT");
    words.collect::<Vec<_>>().join(" ")
}
