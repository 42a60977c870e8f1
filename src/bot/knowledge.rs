//! The built-in bot: answers from knowledge that an admin wrote, by similarity.
//! Unsure is a failure and never a guess; small talk is answered as small talk.

use crate::domain::analysis::{Analysis, Intent};
use crate::domain::id::KnowledgeId;
use crate::domain::knowledge::KnowledgeEntry;
use crate::domain::score::{Words, similarity};
use crate::flow::ports::{Analyzer, AnalyzerStatus, Bot, Directory, Probe, Question, Reply, Speaker};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// With sentence vectors: from this cosine on an entry answers the question.
/// Chosen on the questions of the demo's knowledge asked in other words; see `docs/decisions/0004-knowledge-bot.md`.
const SURE_BY_VECTOR: f64 = 0.60;
/// With words alone: from this Dice coefficient on.
const SURE_BY_WORDS: f64 = 0.55;
/// The best entry must be ahead of the next by this much, or be beyond doubt.
const AHEAD: f64 = 0.03;
/// Beyond doubt.
const CERTAIN: f64 = 0.80;
/// Within so many messages back the same answer is not given twice.
const LATELY: usize = 8;
/// Said instead of the same answer again.
const TOLD_ALL: &str = "I have told you all I know about that. A person can look into it: just ask for one.";
/// Ways of asking that the model reads at once.
const PORTION: usize = 8;
/// How long the model is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers from the directory's knowledge.
pub struct KnowledgeBot {
    directory: Arc<dyn Directory>,
    analyzer: Arc<dyn Analyzer>,
    index: Mutex<Option<Arc<Index>>>,
}

/// The knowledge as it is compared with questions.
struct Index {
    revision: i64,
    /// Who made the vectors: those of another model are not comparable.
    made_by: AnalyzerStatus,
    entries: Vec<KnowledgeEntry>,
    ways: Vec<Way>,
}

/// A way of asking for an entry.
struct Way {
    /// The entry's place.
    place: usize,
    text: String,
    words: Words,
    /// While the model gives any.
    vector: Option<Vec<f32>>,
}

struct Found {
    entry: KnowledgeEntry,
    similarity: f64,
    is_sure: bool,
}

impl KnowledgeBot {
    /// A bot over this knowledge.
    pub fn new(directory: Arc<dyn Directory>, analyzer: Arc<dyn Analyzer>) -> Self {
        Self { directory, analyzer, index: Mutex::default() }
    }

    async fn embed(&self, texts: Vec<String>) -> Option<Vec<Vec<f32>>> {
        let vectors = self.analyzer.embed(texts)?;
        tokio::time::timeout(PATIENCE, vectors).await.ok()?.ok()
    }

    async fn index(&self) -> Option<Arc<Index>> {
        let revision = self.directory.knowledge_revision().await.ok()?;
        let mut index = self.index.lock().await;
        let status = self.analyzer.status();
        if let Some(index) = &*index
            && index.revision == revision
            && (index.made_by == status || !status.is_ready())
            && (index.ways.iter().all(|way| way.vector.is_some()) || !status.is_ready())
        {
            return Some(index.clone());
        }
        let entries = self.directory.knowledge().await.ok()?;
        // What this model has read before is not read again.
        let known: HashMap<&str, &Vec<f32>> = match &*index {
            Some(index) if index.made_by == status => {
                index.ways.iter().filter_map(|way| Some((way.text.as_str(), way.vector.as_ref()?))).collect()
            }
            _ => HashMap::new(),
        };
        let mut ways = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            for text in std::iter::once(&entry.title).chain(&entry.questions) {
                let vector = known.get(text.as_str()).map(|vector| (*vector).clone());
                ways.push(Way { place, words: Words::of(text), text: text.clone(), vector });
            }
        }
        // In portions, so that messages that come meanwhile wait for one of them at most.
        let mut unread: Vec<&mut Way> = ways.iter_mut().filter(|way| way.vector.is_none()).collect();
        for portion in unread.chunks_mut(PORTION) {
            let texts = portion.iter().map(|way| way.text.clone()).collect();
            let Some(vectors) = self.embed(texts).await else { break };
            for (way, vector) in portion.iter_mut().zip(vectors) {
                way.vector = Some(vector);
            }
        }
        let made = Arc::new(Index { revision, made_by: status, ways, entries });
        *index = Some(made.clone());
        Some(made)
    }

    async fn find(&self, text: &str) -> Option<Found> {
        let index = self.index().await?;
        let words = Words::of(text);
        let vector = self.embed(vec![text.to_owned()]).await.and_then(|mut vectors| vectors.pop());
        let mut best: Vec<(f64, bool)> = vec![(0.0, false); index.entries.len()];
        for way in &index.ways {
            let (alike, is_vector) = match (&vector, &way.vector) {
                (Some(a), Some(b)) => (cosine(a, b).max(similarity(&words, &way.words) * 0.9), true),
                _ => (similarity(&words, &way.words), false),
            };
            if alike > best[way.place].0 {
                best[way.place] = (alike, is_vector);
            }
        }
        let (place, (similarity, is_vector)) =
            best.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0))?;
        let next = best.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, found)| found.0);
        let next = next.fold(0.0, f64::max);
        let sure_from = if is_vector { SURE_BY_VECTOR } else { SURE_BY_WORDS };
        let is_ahead = similarity >= CERTAIN || similarity - next >= AHEAD;
        let entry = index.entries[place].clone();
        Some(Found { entry, similarity, is_sure: similarity >= sure_from && is_ahead })
    }
}

/// The cosine of two vectors of length one.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

/// An answer to what asks nothing. Only short messages are taken for small talk.
fn small_talk(analysis: &Analysis, text: &str) -> Option<&'static str> {
    if text.split_whitespace().count() > 8 {
        return None;
    }
    let (intent, says) = [
        (
            Intent::BotChallenge,
            "I am a bot. I answer what I know, and a person can take over whenever you ask.",
        ),
        (Intent::Thanks, "You're welcome."),
        (Intent::Goodbye, "Goodbye. You can come back to this conversation any time."),
        (
            Intent::Greeting,
            "Hello. I am a bot: ask me anything, and I will get you a person whenever you want one.",
        ),
    ]
    .into_iter()
    .max_by(|(a, _), (b, _)| analysis.probability(*a).total_cmp(&analysis.probability(*b)))?;
    (analysis.probability(intent) >= 0.6 && analysis.frustration < 0.5).then_some(says)
}

#[async_trait]
impl Bot for KnowledgeBot {
    async fn reply(&self, question: Question) -> Reply {
        let found = self.find(&question.text).await;
        if let Some(found) = found.filter(|found| found.is_sure) {
            // Who asks again was not helped by the answer: saying it once more is no answer.
            let has_said_it = question
                .transcript
                .iter()
                .rev()
                .take(LATELY)
                .any(|(speaker, text)| *speaker == Speaker::Bot && *text == found.entry.answer);
            return if has_said_it {
                Reply::NoAnswer(Some(TOLD_ALL.to_owned()))
            } else {
                Reply::Answer(found.entry.answer)
            };
        }
        let analysis = question.analysis.unwrap_or_else(|| self.analyzer.words(&question.text));
        match small_talk(&analysis, &question.text) {
            Some(says) => Reply::Answer(says.to_owned()),
            None => Reply::NoAnswer(Some(
                "I don't know that, and I would rather not guess. Put it another way, or ask for a person."
                    .to_owned(),
            )),
        }
    }

    fn deadline(&self) -> Duration {
        PATIENCE * 4
    }

    async fn probe(&self, text: &str) -> Option<Probe> {
        let found = self.find(text).await?;
        Some(Probe { entry: found.entry.id, similarity: found.similarity, is_sure: found.is_sure })
    }
}

/// Names the entry, for logs that must not carry text.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id: &KnowledgeId = &self.entry.id;
        write!(f, "{id} at {}", self.similarity)
    }
}
