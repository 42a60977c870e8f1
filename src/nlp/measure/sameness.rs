//! Texts that should get the same scores: the same message under another name, and
//! the same message in another English.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    domain::analysis::Analysis,
    nlp::{NlpError, train::data},
};

/// A message as one group of people would write it, and a plain one that means the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Names of a region, or a variety of English.
    pub group: String,
    /// The plain one.
    pub plain: String,
    /// The group's.
    pub other: String,
}

/// A line of `sameness/names.jsonl`.
#[derive(Deserialize)]
struct Named {
    name: String,
    group: String,
}

/// A line of `sameness/messages.jsonl`, with `{name}` where a name belongs.
#[derive(Deserialize)]
struct Message {
    text: String,
}

/// A line of `sameness/dialect.jsonl`.
#[derive(Deserialize)]
struct Dialect {
    group: String,
    plain: String,
    other: String,
}

/// What stands in the plain message where the other has a name.
const NOBODY: &str = "a visitor";

/// The pairs below these folders: every message under every name, and every message
/// in another English.
///
/// # Errors
///
/// A file cannot be read, or a line is not one of these.
pub fn read(folders: &[PathBuf]) -> Result<Vec<(String, Vec<Pair>)>, NlpError> {
    let mut sets = Vec::new();
    for folder in folders.iter().map(|folder| folder.join("sameness")).filter(|folder| folder.is_dir()) {
        let names: Vec<Named> = lines(&folder.join("names.jsonl"))?;
        let messages: Vec<Message> = lines(&folder.join("messages.jsonl"))?;
        let under = |named: &Named, message: &Message| Pair {
            group: named.group.clone(),
            plain: message.text.replace("{name}", NOBODY),
            other: message.text.replace("{name}", &named.name),
        };
        let by_name =
            messages.iter().flat_map(|message| names.iter().map(move |named| under(named, message)));
        sets.push(("name".to_owned(), by_name.collect()));
        let pairs: Vec<Dialect> = lines(&folder.join("dialect.jsonl"))?;
        let pairs = pairs.into_iter().map(|Dialect { group, plain, other }| Pair { group, plain, other });
        sets.push(("dialect".to_owned(), pairs.collect()));
    }
    Ok(sets)
}

fn lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, NlpError> {
    let read = |row| {
        serde_json::from_value(row).map_err(|error| NlpError::Data(format!("{}: {error}", path.display())))
    };
    data::rows(path)?.into_iter().map(read).collect()
}

/// How far a group's messages are from the plain ones, for one head. Messages that stand
/// in several pairs are compared with their mean over all of them: no name is the plain one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The set of pairs.
    pub set: String,
    /// The group.
    pub group: String,
    /// The head.
    pub head: &'static str,
    /// Pairs.
    pub n: usize,
    /// The mean of the group's value less the plain one: how much the group as a whole is moved.
    pub mean: f64,
    /// The mean size of the difference.
    pub mean_size: f64,
    /// Share of pairs that fall on different sides of the operating point.
    pub flipped: f64,
}

/// A head that is compared, and how it is read.
type Read = (&'static str, fn(&Analysis) -> f64);

const HEADS: [Read; 4] = [
    ("human_request", |analysis| analysis.human_request),
    ("frustration", |analysis| analysis.frustration),
    ("offensive", |analysis| analysis.offensive),
    ("negative", |analysis| analysis.sentiment.negative),
];

/// Compares the analyses of pairs, given as plain and other in turn, by group and over all.
pub fn compare(set: &str, pairs: &[Pair], analyses: &[(Analysis, Analysis)]) -> Vec<Difference> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut messages: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        groups.entry(&pair.group).or_default().push(at);
        groups.entry("all").or_default().push(at);
        messages.entry(&pair.plain).or_default().push(at);
    }
    let mut differences = Vec::new();
    for (head, read) in HEADS {
        let baseline = |at: usize| match messages[pairs[at].plain.as_str()].as_slice() {
            [_] => read(&analyses[at].0),
            all => all.iter().map(|at| read(&analyses[*at].1)).sum::<f64>() / all.len() as f64,
        };
        let baselines: BTreeMap<&str, f64> =
            messages.iter().map(|(message, all)| (*message, baseline(all[0]))).collect();
        for (group, places) in &groups {
            let n = places.len() as f64;
            let values: Vec<(f64, f64)> = places
                .iter()
                .map(|at| (baselines[pairs[*at].plain.as_str()], read(&analyses[*at].1)))
                .collect();
            let sum = |value: &dyn Fn(f64, f64) -> f64| {
                values.iter().map(|(plain, other)| value(*plain, *other)).sum::<f64>() / n
            };
            differences.push(Difference {
                set: set.to_owned(),
                group: (*group).to_owned(),
                head,
                n: places.len(),
                mean: sum(&|plain, other| other - plain),
                mean_size: sum(&|plain, other| (other - plain).abs()),
                flipped: sum(&|plain, other| f64::from(u8::from((plain >= 0.5) != (other >= 0.5)))),
            });
        }
    }
    differences
}
