//! Whether sentence vectors still tell what a question is about: the nearest other
//! question of a labelled set should have the same label.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::nlp::{
    NlpError,
    train::data::{self, Examples},
};

/// Questions with what they are about.
#[derive(Debug, Clone)]
pub struct Questions {
    /// The set.
    pub set: String,
    /// What was asked.
    pub texts: Vec<String>,
    /// What it is about; equal for the same thing.
    pub about: Vec<String>,
}

/// How well vectors tell them apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Similarity {
    /// The set.
    pub set: String,
    /// Its questions.
    pub n: usize,
    /// What they are about.
    pub n_subjects: usize,
    /// Share of questions whose nearest other is about the same.
    pub right: f64,
    /// The same by the base model's vectors, where it is at hand.
    pub base_right: Option<f64>,
    /// Mean cosine between the model's and the base's vector of a question.
    pub to_base: Option<f64>,
}

#[derive(Deserialize)]
struct Entry {
    title: String,
    questions: Vec<String>,
}

/// The knowledge of the demonstration, and the public sets that are about one thing a line.
///
/// # Errors
///
/// A file cannot be read, or a line is not one of knowledge.
pub fn read(folders: &[PathBuf], sets: &[Examples]) -> Result<Vec<Questions>, NlpError> {
    let mut found = Vec::new();
    for path in folders.iter().map(|folder| folder.join("conversations/knowledge.jsonl")) {
        if path.is_file() {
            found.push(knowledge(&path)?);
        }
    }
    for set in sets.iter().filter(|set| set.name == "CLINC150") {
        let about = set.examples.iter().filter(|example| example.slice != "oos");
        found.push(Questions {
            set: set.name.clone(),
            texts: about.clone().map(|example| example.text.clone()).collect(),
            about: about.map(|example| example.slice.clone()).collect(),
        });
    }
    Ok(found)
}

fn knowledge(path: &Path) -> Result<Questions, NlpError> {
    let mut questions = Questions { set: "own/knowledge".to_owned(), texts: Vec::new(), about: Vec::new() };
    for row in data::rows(path)? {
        let entry: Entry = serde_json::from_value(row)
            .map_err(|error| NlpError::Data(format!("{}: {error}", path.display())))?;
        questions.about.extend(entry.questions.iter().map(|_| entry.title.clone()));
        questions.texts.extend(entry.questions);
    }
    Ok(questions)
}

/// Share of questions whose nearest other is about the same.
pub fn nearest_is_right(questions: &Questions, vectors: &[Vec<f32>]) -> f64 {
    let likeness = |a: usize, b: usize| -> f32 {
        vectors[a].iter().zip(&vectors[b]).map(|(left, right)| left * right).sum()
    };
    let is_right = |at: usize| {
        let others = (0..vectors.len()).filter(|other| *other != at);
        let nearest = others.max_by(|a, b| likeness(at, *a).total_cmp(&likeness(at, *b)));
        nearest.is_some_and(|nearest| questions.about[nearest] == questions.about[at])
    };
    (0..vectors.len()).filter(|at| is_right(*at)).count() as f64 / vectors.len().max(1) as f64
}

/// Mean cosine of vectors of length one, pair by pair.
pub fn mean_cosine(left: &[Vec<f32>], right: &[Vec<f32>]) -> f64 {
    let cosine = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    left.iter().zip(right).map(cosine).sum::<f64>() / left.len().max(1) as f64
}
