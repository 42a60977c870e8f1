//! `baton evaluate`: how good the analyses are, by set, head and slice; over whole
//! conversations; on disturbed texts; and whether names and dialect move them.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::{Failure, analyze::Choice};
use crate::{
    domain::{analysis::Analysis, escalation::EscalationPolicy, tuning::TurnSpeaker},
    nlp::{
        batch::MOST_TEXTS,
        labels::HUMAN_REQUEST,
        lexicon::Lexicon,
        measure::{
            Conversation, ConversationFigures, Difference, Disturbance, Figures, Loss, Similarity,
            conversation,
            figures::{binary, heads},
            measure, sameness, served, similarity,
        },
        model::{Model, Precision},
        tokenizer::Encoded,
        train::{
            data::{self, Example, Examples, Part},
            teach::{self, Base, Written},
        },
        worker,
    },
};

/// Measure analyses against labelled text that nobody trained on (`dev.jsonl`, `*.dev.jsonl`).
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  baton evaluate --data models/data --gate")]
pub struct Arguments {
    /// The model folder; without one, the one that would be served.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// A folder or file with labelled text; may be given more than once.
    #[arg(long, value_name = "DIR", default_value = "models/data")]
    data: Vec<PathBuf>,
    /// The base model, to compare sentence vectors with.
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// What is measured.
    #[arg(long, value_enum, default_value_t = Choice::Model)]
    analyzer: Choice,
    /// The number format of the model. The service takes the quickest of the machine.
    #[arg(long, value_enum, default_value_t = Format::Full)]
    precision: Format,
    /// Fail when a figure is on the wrong side of its limit.
    #[arg(long)]
    gate: bool,
    /// Print JSON Lines instead of tables.
    #[arg(long)]
    json: bool,
    /// Print the lines on the wrong side of the operating point for this head, on stderr.
    #[arg(long, value_name = "HEAD")]
    wrong: Option<String>,
}

/// A number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// 32 bits, the same on every machine.
    Full,
    /// bfloat16.
    Half,
    /// Products in 8 bits.
    Int8,
    /// The one that the service would take here.
    Quickest,
}

impl Format {
    fn wanted(self) -> Option<Precision> {
        match self {
            Self::Full => Some(Precision::Full),
            Self::Half => Some(Precision::Half),
            Self::Int8 => Some(Precision::Int8),
            Self::Quickest => None,
        }
    }
}

/// A limit for a figure. What is measured on fewer than this many lines is not judged.
struct Limit {
    set: &'static str,
    head: &'static str,
    figure: &'static str,
    least: f64,
}

const fn floor(set: &'static str, head: &'static str, figure: &'static str, least: f64) -> Limit {
    Limit { set, head, figure, least }
}

/// The set of all lines of our own.
const ALL_OWN: &str = "own";

/// Below these the model is not good enough to ship. An error of calibration counts as
/// one less itself, so that more is better everywhere.
const FLOORS: &[Limit] = &[
    floor(ALL_OWN, "human_request", "calibration", 0.92),
    floor(ALL_OWN, "frustration", "calibration", 0.92),
    floor("own/human_request", "human_request", "f1", 0.80),
    floor("own/human_request", "human_request", "calibration", 0.94),
    floor("own/mood", "frustration", "auc", 0.85),
    floor("own/mood", "frustration", "calibration", 0.88),
    floor("own/mood", "sentiment", "recall", 0.65),
    floor("own/conversations", "frustration", "auc", 0.75),
];

/// Everything that was measured.
#[derive(Default)]
struct Findings {
    figures: Vec<Figures>,
    conversations: Vec<ConversationFigures>,
    losses: Vec<Loss>,
    differences: Vec<Difference>,
    similarities: Vec<Similarity>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let model = match arguments.analyzer {
        Choice::Words => None,
        Choice::Model => {
            let folder = worker::find(arguments.model.as_deref())
                .ok_or_else(|| anyhow::anyhow!("no model: no model folder was found"))?;
            let mut model = Model::load(&folder)?;
            model.choose_precision(arguments.precision.wanted())?;
            Some(model)
        }
    };
    let found = find(arguments, model.as_ref())?;
    super::print(&if arguments.json { found.as_lines()? } else { found.as_tables() })?;
    let fallen = found.below_floors();
    if arguments.gate && !fallen.is_empty() {
        return Err(Failure::Failed(anyhow::anyhow!("below the floor: {}", fallen.join("; "))));
    }
    Ok(())
}

fn find(arguments: &Arguments, model: Option<&Model>) -> Result<Findings, Failure> {
    let mut found = Findings::default();
    let sets = data::read(&arguments.data, Part::Dev)?;
    let mut own: Vec<(&Example, Analysis)> = Vec::new();
    for set in &sets {
        let texts: Vec<&str> = set.examples.iter().map(|example| example.text.as_str()).collect();
        let analyses = analyze(model, &texts)?;
        if let Some(head) = &arguments.wrong {
            show_wrong(set, &analyses, head);
        }
        found.figures.extend(measure(set, &analyses));
        // Requests for a person, where a set has enough of them to speak of.
        let n_asking =
            set.examples.iter().filter(|one| one.head(HUMAN_REQUEST).is_some_and(|is| is >= 0.5)).count();
        if n_asking >= 40 {
            found.losses.extend(losses(model, set, &analyses)?);
        }
        if set.is_own {
            own.extend(set.examples.iter().zip(analyses));
        }
    }
    // Each set has a share of angry messages of its own; together they have the one that probabilities were fitted to.
    found.figures.extend(heads(
        ALL_OWN,
        "",
        &own.iter().map(|(one, analysis)| (*one, analysis)).collect::<Vec<_>>(),
    ));
    let mut by_set: BTreeMap<String, Vec<Conversation>> = BTreeMap::new();
    for mut one in conversation::read(&arguments.data, Part::Dev)? {
        analyze_turns(model, &mut one)?;
        by_set.entry(one.set.clone()).or_default().push(one);
    }
    let policy = EscalationPolicy::default();
    let all: Vec<&Conversation> = by_set.values().flatten().collect();
    for (set, conversations) in &by_set {
        let conversations: Vec<&Conversation> = conversations.iter().collect();
        found.conversations.extend(conversation::measure(set, &policy, &conversations));
    }
    found.conversations.extend(conversation::measure("all", &policy, &all));
    for (set, pairs) in sameness::read(&arguments.data)? {
        let plain: Vec<&str> = pairs.iter().map(|pair| pair.plain.as_str()).collect();
        let other: Vec<&str> = pairs.iter().map(|pair| pair.other.as_str()).collect();
        let both: Vec<(Analysis, Analysis)> =
            analyze(model, &plain)?.into_iter().zip(analyze(model, &other)?).collect();
        found.differences.extend(sameness::compare(&set, &pairs, &both));
    }
    if let Some(model) = model {
        let mut base = arguments.base.as_deref().map(Base::load).transpose()?;
        for questions in similarity::read(&arguments.data, &sets)? {
            found.similarities.push(similar(model, base.as_mut(), &questions)?);
        }
    }
    Ok(found)
}

fn similar(
    model: &Model,
    base: Option<&mut Base>,
    questions: &similarity::Questions,
) -> Result<Similarity, Failure> {
    let encoded: Vec<Encoded> = questions.texts.iter().map(|text| model.tokenizer.encode(text)).collect();
    let mut vectors = Vec::with_capacity(encoded.len());
    for chunk in encoded.chunks(MOST_TEXTS) {
        vectors.extend(model.sentences(chunk)?);
    }
    let mut figures = Similarity {
        set: questions.set.clone(),
        n: questions.texts.len(),
        n_subjects: questions.about.iter().collect::<std::collections::BTreeSet<_>>().len(),
        right: similarity::nearest_is_right(questions, &vectors),
        base_right: None,
        to_base: None,
    };
    if let Some(base) = base {
        let written: Vec<Written<'_>> = questions
            .texts
            .iter()
            .zip(&encoded)
            .map(|(text, encoded)| Written { key: teach::key(text), ids: &encoded.ids })
            .collect();
        let mut theirs = Vec::with_capacity(written.len());
        for chunk in written.chunks(MOST_TEXTS) {
            theirs.extend(base.vectors(chunk)?);
        }
        figures.base_right = Some(similarity::nearest_is_right(questions, &theirs));
        figures.to_base = Some(similarity::mean_cosine(&vectors, &theirs));
    }
    Ok(figures)
}

fn analyze(model: Option<&Model>, texts: &[&str]) -> Result<Vec<Analysis>, Failure> {
    let Some(model) = model else {
        return Ok(texts.iter().map(|text| Lexicon::compiled_in().analyze(text)).collect());
    };
    Ok(served::analyze(model, texts)?)
}

fn analyze_turns(model: Option<&Model>, one: &mut Conversation) -> Result<(), Failure> {
    let visitors = one.turns.iter_mut().filter(|turn| turn.speaker == TurnSpeaker::Visitor);
    let (mut places, mut texts) = (Vec::new(), Vec::new());
    for turn in visitors {
        texts.push(turn.text.clone());
        places.push(turn);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (turn, analysis) in places.into_iter().zip(analyze(model, &texts)?) {
        turn.analysis = Some(analysis);
    }
    Ok(())
}

fn losses(model: Option<&Model>, set: &Examples, analyses: &[Analysis]) -> Result<Vec<Loss>, Failure> {
    let f1 = |analyses: &[Analysis]| {
        let known: Vec<(f64, bool)> = set
            .examples
            .iter()
            .zip(analyses)
            .filter_map(|(example, found)| Some((found.human_request, example.head(HUMAN_REQUEST)? >= 0.5)))
            .collect();
        binary(&set.name, "", "human_request", &known).f1.unwrap_or_default()
    };
    let plain = f1(analyses);
    let mut losses = Vec::new();
    for disturbance in Disturbance::ALL {
        let texts: Vec<String> =
            set.examples.iter().enumerate().map(|(nth, one)| disturbance.of(&one.text, nth)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let disturbed = f1(&analyze(model, &texts)?);
        losses.push(Loss {
            set: set.name.clone(),
            head: "human_request".to_owned(),
            disturbance,
            f1: plain,
            disturbed_f1: disturbed,
            points_lost: (plain - disturbed) * 100.0,
        });
    }
    Ok(losses)
}

fn show_wrong(set: &Examples, analyses: &[Analysis], head: &str) {
    use crate::nlp::labels::{FRUSTRATION, OFFENSIVE};
    for (example, analysis) in set.examples.iter().zip(analyses) {
        let (meant, found) = match head {
            "human_request" => (example.head(HUMAN_REQUEST), analysis.human_request),
            "frustration" => (example.head(FRUSTRATION), analysis.frustration),
            "offensive" => (example.head(OFFENSIVE), analysis.offensive),
            _ => return,
        };
        if let Some(meant) = meant.filter(|meant| (*meant >= 0.5) != (found >= 0.5)) {
            eprintln!("{}  {meant} {found:.2}  [{}] {}", set.name, example.slice, example.text);
        }
    }
}

fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(|| "    -".to_owned(), |figure| format!("{figure:.3}"))
}

impl Findings {
    fn as_lines(&self) -> Result<String, serde_json::Error> {
        fn tagged<T: Serialize>(of: &str, rows: &[T]) -> Result<Vec<String>, serde_json::Error> {
            let line = |row: &T| {
                let mut row = serde_json::to_value(row)?;
                row["of"] = Value::from(of);
                serde_json::to_string(&row)
            };
            rows.iter().map(line).collect()
        }
        let mut lines = tagged("head", &self.figures)?;
        lines.extend(tagged("conversations", &self.conversations)?);
        lines.extend(tagged("disturbance", &self.losses)?);
        lines.extend(tagged("sameness", &self.differences)?);
        lines.extend(tagged("similarity", &self.similarities)?);
        Ok(lines.join("\n"))
    }

    fn as_tables(&self) -> String {
        let mut lines = vec![format!(
            "{:<34} {:<18} {:<24} {:>6} {:>6}  {:>5}  {:>5}  {:>5}  {:>5}  {:>5}  {:>5}",
            "set", "slice", "head", "lines", "there", "prec", "rec", "F1", "AUC", "ECE", "acc"
        )];
        for one in &self.figures {
            let set: String = one.set.chars().take(34).collect();
            let slice: String = one.slice.chars().take(18).collect();
            lines.push(format!(
                "{set:<34} {slice:<18} {:<24} {:>6} {:>6}  {}  {}  {}  {}  {}  {:.3}",
                one.head,
                one.n,
                one.n_present,
                shown(one.precision),
                shown(one.recall),
                shown(one.f1),
                shown(one.auc),
                shown(one.calibration_error),
                one.accuracy
            ));
        }
        if !self.conversations.is_empty() {
            lines.push(format!(
                "\n{:<24} {:>5} {:>10} {:>5} {:>6} {:>5} {:>7} {:>7} {:>9} {:>8}",
                "conversations of",
                "all",
                "frustrated",
                "calm",
                "AUC",
                "due",
                "caught",
                "late",
                "needless",
                "by word"
            ));
        }
        for one in &self.conversations {
            lines.push(format!(
                "{:<24} {:>5} {:>10} {:>5} {:>6} {:>5} {:>7} {:>7} {:>9} {:>8}",
                one.set,
                one.n,
                one.n_frustrated,
                one.n_calm,
                shown(one.auc),
                one.n_due,
                one.n_caught,
                one.median_late.map_or_else(|| "-".to_owned(), |late| format!("{late:.1}")),
                one.n_needless,
                one.n_needless_by_word
            ));
        }
        if !self.losses.is_empty() {
            lines.push(format!(
                "\n{:<34} {:<14} {:>6} {:>9} {:>11}",
                "requests for a person, disturbed", "how", "F1", "disturbed", "points lost"
            ));
        }
        for one in &self.losses {
            lines.push(format!(
                "{:<34} {:<14} {:>6.3} {:>9.3} {:>11.1}",
                one.set,
                one.disturbance.as_str(),
                one.f1,
                one.disturbed_f1,
                one.points_lost
            ));
        }
        if !self.differences.is_empty() {
            lines.push(format!(
                "\n{:<12} {:<28} {:<14} {:>6} {:>7} {:>7} {:>8}",
                "the same by", "group", "head", "pairs", "mean", "size", "flipped"
            ));
        }
        for one in &self.differences {
            lines.push(format!(
                "{:<12} {:<28} {:<14} {:>6} {:>7.3} {:>7.3} {:>8.3}",
                one.set, one.group, one.head, one.n, one.mean, one.mean_size, one.flipped
            ));
        }
        if !self.similarities.is_empty() {
            lines.push(format!(
                "\n{:<20} {:>6} {:>9} {:>14} {:>6} {:>14}",
                "sentence vectors", "all", "subjects", "nearest right", "base", "cosine to base"
            ));
        }
        for one in &self.similarities {
            lines.push(format!(
                "{:<20} {:>6} {:>9} {:>14.3} {:>6} {:>14}",
                one.set,
                one.n,
                one.n_subjects,
                one.right,
                shown(one.base_right),
                shown(one.to_base)
            ));
        }
        lines.join("\n")
    }

    fn below_floors(&self) -> Vec<String> {
        FLOORS
            .iter()
            .filter_map(|limit| {
                let one = self
                    .figures
                    .iter()
                    .find(|one| one.set == limit.set && one.slice.is_empty() && one.head == limit.head)?;
                let value = match limit.figure {
                    "f1" => one.f1,
                    "auc" => one.auc,
                    "calibration" => one.calibration_error.map(|error| 1.0 - error),
                    _ => one.recall,
                };
                let value = value.unwrap_or_default();
                let Limit { set, head, figure, least } = limit;
                (value < *least).then(|| format!("{set} {head} {figure} is {value:.3}, the floor is {least}"))
            })
            .collect()
    }
}
