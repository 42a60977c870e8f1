//! Learning on site: the heads of the live model fitted to what people there said of
//! their own messages, measured on what was held back, and written only when nothing
//! got worse. The encoder is not touched; nobody is asked here what is live.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    slice,
};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;
use sha2::{Digest, Sha256};
use tch::Tensor;

use super::{
    calibrate,
    compare::{Compared, compare, judge, worse},
    data::{self, Example, Part},
    heads::{Aims, Fitted, Heads, fit},
};
use crate::{
    domain::{
        analysis::{Analysis, AnalyzedBy, By, Intent, Mood},
        outcome::{MessageLabel, NEEDED_LABELS},
        tuning::{Evidence, Source},
    },
    nlp::{
        NlpError,
        batch::MOST_TEXTS,
        bundle::{self, Bundle, Calibration, Manifest, TrainedOn},
        labels::{self, FRUSTRATION, HUMAN_REQUEST, INTENTS, N_OUTPUTS, N_SENTIMENTS, OFFENSIVE, Outputs},
        lexicon,
        model::{Model, Precision},
        tokenizer::Encoded,
    },
};

/// Beside the manifest: how the model did against the one before it.
pub const FIGURES: &str = "figures.json";
/// One labelled message in so many is held back to measure with.
const HELD_BACK: u8 = 5;
/// How much a hint weighs beside what was said of the message itself.
const TRUST_IN_HINTS: f32 = 0.4;
/// Fewer labels than this move no head.
const LEAST_LABELS: usize = 5;
/// Fewer labels of either kind than this move no head: one kind alone could only push it one way, everywhere.
const LEAST_OF_A_KIND: usize = 3;
/// Lines of the training data that keep the model from forgetting.
const SAMPLE: usize = 3_000;
/// Lines kept from training that help to calibrate.
const CALIBRATION_SAMPLE: usize = 1_000;
/// Together the messages of the site weigh so much beside the sample; but one no more than so many lines of it.
const SITE_SHARE: f32 = 0.5;
const MOST_WEIGHT: f32 = 20.0;
/// How strongly the heads are held where they were, the strongest first.
const HOLDS: [f64; 4] = [3.0, 0.3, 0.03, 0.003];
/// So many times what the kept lines cost before they may cost after.
const MAY_COST: f64 = 1.01;
const FOLDS: u8 = 4;
const STEPS_TO_CHOOSE: usize = 80;
const STEPS: usize = 250;
/// The set in the manifest.
const SITE_SET: &str = "labels of the site";

/// What to learn with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The model that is live.
    pub live: PathBuf,
    /// Folder with the labelled text that Baton came with, if it is there.
    pub data: Option<PathBuf>,
    /// The folder to write; it must not be there yet.
    pub out: PathBuf,
    /// The version the model gets.
    pub version: String,
    /// Where chance starts.
    pub seed: u64,
    /// Threads of the engine.
    pub threads: i32,
}

/// How it went.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Figures of both models.
    pub table: Vec<Compared>,
    /// What got worse, and by how much; nothing was written then.
    pub worse: Vec<String>,
    /// Messages learned from, held-back ones not counted.
    pub n_messages: usize,
    /// Messages held back.
    pub n_held_back: usize,
    /// Hints learned from.
    pub n_hints: usize,
}

impl Learned {
    /// The table as JSON: where it was measured, the head, the figure; and how many labels there were.
    fn figures(&self) -> String {
        let mut figures = json!({
            "messages": self.n_messages,
            "held_back": self.n_held_back,
            "hints": self.n_hints,
        });
        for Compared { on, head, figure, n, change } in &self.table {
            figures[on][head][figure] = json!({ "old": change.old, "new": change.new, "n": n });
        }
        format!("{figures:#}\n")
    }
}

/// Learns from labels and writes a model folder, unless something got worse. `report` is told how it goes.
///
/// # Errors
///
/// There are too few labels, the live model or the data cannot be read, or the folder not be written.
pub fn learn(plan: &Plan, evidence: &[Evidence], report: &mut dyn FnMut(&str)) -> Result<Learned, NlpError> {
    if plan.out.exists() {
        return Err(NlpError::Data(format!("{} is there already", plan.out.display())));
    }
    let site = Site::of(evidence)?;
    report(&format!(
        "{} labelled messages to learn from, {} held back, {} hints from labels of escalations",
        site.said.len(),
        site.held_back.len(),
        site.hints.len()
    ));
    if site.n_left_out > 0 {
        report(&format!("{} left out: blank, or in a language the model does not speak", site.n_left_out));
    }
    let mut old = Model::load(&plan.live)?;
    old.choose_precision(Some(Precision::Full))?;
    tch::set_num_threads(plan.threads.max(1));
    let fitted = fitted(&site);
    let names: Vec<&str> =
        old.manifest.labels.iter().zip(fitted).filter(|(_, is)| *is).map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return Err(NlpError::Data(format!(
            "no head has {LEAST_OF_A_KIND} labels of either kind; label more messages"
        )));
    }
    report(&format!("learning {}; every other head stays as it is", names.join(", ")));

    let (sample, kept) = background(plan)?;
    match &plan.data {
        Some(folder) => report(&format!(
            "{} lines of {} against forgetting, {} more to calibrate with",
            sample.len(),
            folder.display(),
            kept.len()
        )),
        None => report("no labelled text of Baton's own is there: what is forgotten cannot be measured"),
    }
    report("computing vectors");
    let start = heads_of(&plan.live)?;
    let vectors = Vectors {
        said: means(&old, &site.said)?,
        hints: means(&old, &site.hints)?,
        sample: means(&old, &sample)?,
        kept: means(&old, &kept)?,
    };
    report("fitting heads");
    let fitting = Fitting { site: &site, vectors: &vectors, sample: &sample, fitted, start: &start };
    let (heads, calibration) = fitting.run(&kept, report)?;

    let draft = Draft::new(&plan.out)?;
    write(plan, &draft.0, &heads, calibration, &site)?;
    report("measuring the live model and the new one");
    let mut new = Model::load(&draft.0)?;
    new.choose_precision(Some(Precision::Full))?;
    tch::set_num_threads(plan.threads.max(1));
    let table = compare(&old, &new, &site.held_back, plan.data.as_ref())?;
    let worse = worse(&table);
    let learned = Learned {
        worse,
        n_messages: site.said.len(),
        n_held_back: site.held_back.len(),
        n_hints: site.hints.len(),
        table,
    };
    if learned.worse.is_empty() {
        let path = draft.0.join(FIGURES);
        std::fs::write(&path, learned.figures()).map_err(|error| unwritable(&path, &error))?;
        draft.keep(&plan.out)?;
    }
    Ok(learned)
}

/// What people on site said, as examples.
struct Site {
    said: Vec<Example>,
    held_back: Vec<Example>,
    hints: Vec<Example>,
    n_left_out: usize,
}

impl Site {
    fn of(evidence: &[Evidence]) -> Result<Self, NlpError> {
        let mut site = Self { said: Vec::new(), held_back: Vec::new(), hints: Vec::new(), n_left_out: 0 };
        for one in evidence {
            if lexicon::abstains(one.text.as_str()).is_some() {
                site.n_left_out += 1;
                continue;
            }
            let mut example = example(one.text.as_str(), &one.label);
            match one.source {
                Source::Hinted => {
                    example.trust = TRUST_IN_HINTS;
                    site.hints.push(example);
                }
                Source::Said if part_of(&example.text, HELD_BACK) == 0 => site.held_back.push(example),
                Source::Said => site.said.push(example),
            }
        }
        let n = site.said.len() + site.held_back.len();
        if n < NEEDED_LABELS {
            return Err(NlpError::Data(format!(
                "{n} labelled messages are too few to learn from, {NEEDED_LABELS} are needed"
            )));
        }
        // What a held-back text says would be known from a hint on the same text.
        let held: Vec<String> = site.held_back.iter().map(|example| example.text.to_lowercase()).collect();
        site.hints.retain(|hint| !held.contains(&hint.text.to_lowercase()));
        Ok(site)
    }
}

/// By its text alone, so that equal texts are on the same side whenever and wherever they were labelled.
fn part_of(text: &str, parts: u8) -> u8 {
    Sha256::digest(text.trim().to_lowercase().as_bytes())[0] % parts
}

fn example(text: &str, label: &MessageLabel) -> Example {
    let mut example = Example::new(text);
    let mut put = |output: usize, said: Option<bool>| {
        example.heads[output - N_SENTIMENTS] = said.map(|said| f32::from(u8::from(said)));
    };
    put(FRUSTRATION, label.frustration);
    put(OFFENSIVE, label.offensive);
    put(HUMAN_REQUEST, label.human_request);
    if let Some(present) = &label.intents {
        for intent in Intent::ALL.into_iter().take(Intent::SCORED) {
            put(INTENTS + intent.index(), Some(present.contains(&intent)));
        }
    }
    example.sentiment = label.sentiment.map(|mood| match mood {
        Mood::Negative => 0,
        Mood::Neutral => 1,
        Mood::Positive => 2,
    });
    example
}

/// The outputs of which enough is said, both that they are there and that they are not.
fn fitted(site: &Site) -> Fitted {
    let all = || site.said.iter().chain(&site.hints);
    let n_moods: [usize; N_SENTIMENTS] =
        std::array::from_fn(|mood| all().filter(|example| example.sentiment == Some(mood)).count());
    let has_moods = n_moods.iter().filter(|n| **n >= LEAST_OF_A_KIND).count() >= 2;
    std::array::from_fn(|output| {
        if output < N_SENTIMENTS {
            return has_moods && n_moods.iter().sum::<usize>() >= LEAST_LABELS;
        }
        let n_of = |meant: f32| all().filter(|example| example.head(output) == Some(meant)).count();
        n_of(1.0) >= LEAST_OF_A_KIND && n_of(0.0) >= LEAST_OF_A_KIND
    })
}

/// Lines of Baton's own training data: to learn from, and to calibrate with.
fn background(plan: &Plan) -> Result<(Vec<Example>, Vec<Example>), NlpError> {
    let Some(folder) = &plan.data else { return Ok((Vec::new(), Vec::new())) };
    let (learned, mut kept) = data::split(data::read(std::slice::from_ref(folder), Part::Train)?);
    let mut chance = StdRng::seed_from_u64(plan.seed);
    let mut sample: Vec<Example> = learned.into_iter().flat_map(|set| set.examples).collect();
    sample.shuffle(&mut chance);
    sample.truncate(SAMPLE);
    kept.shuffle(&mut chance);
    kept.truncate(CALIBRATION_SAMPLE);
    Ok((sample, kept))
}

/// The heads of a model folder with their calibration in them, as they answer.
fn heads_of(folder: &Path) -> Result<Heads, NlpError> {
    let bundle = Bundle::open(folder)?;
    let top: BTreeMap<String, Tensor> =
        Tensor::read_safetensors(bundle.path(bundle::TOP))?.into_iter().collect();
    let (Some(weights), Some(bias)) = (top.get("heads.weight"), top.get("heads.bias")) else {
        return Err(NlpError::Engine(format!("{} holds no heads", bundle::TOP)));
    };
    let scale = Tensor::from_slice(&bundle.manifest.calibration.scale);
    let shift = Tensor::from_slice(&bundle.manifest.calibration.shift);
    Ok(Heads { weights: weights * scale.unsqueeze(1), bias: bias * &scale + shift })
}

/// The mean vectors of the examples' texts, in their order.
fn means(model: &Model, examples: &[Example]) -> Result<Vec<Vec<f32>>, NlpError> {
    // Sorted by length, so that little is padded; then back into their order.
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_by_key(|at| examples[*at].text.len());
    let mut found = vec![Vec::new(); examples.len()];
    for chunk in order.chunks(MOST_TEXTS) {
        let encoded: Vec<Encoded> =
            chunk.iter().map(|at| model.tokenizer.encode(&examples[*at].text)).collect();
        for (at, mean) in chunk.iter().zip(model.means(&encoded)?) {
            found[*at] = mean;
        }
    }
    Ok(found)
}

/// Mean vectors, one a text.
struct Vectors {
    said: Vec<Vec<f32>>,
    hints: Vec<Vec<f32>>,
    sample: Vec<Vec<f32>>,
    kept: Vec<Vec<f32>>,
}

fn matrix<'a>(rows: impl Iterator<Item = &'a Vec<f32>>, width: i64) -> Tensor {
    let flat: Vec<f32> = rows.flatten().copied().collect();
    Tensor::from_slice(&flat).view([-1, width])
}

struct Fitting<'a> {
    site: &'a Site,
    vectors: &'a Vectors,
    sample: &'a [Example],
    fitted: Fitted,
    start: &'a Heads,
}

impl Fitting<'_> {
    fn run(&self, kept: &[Example], report: &mut dyn FnMut(&str)) -> Result<(Heads, Calibration), NlpError> {
        let hold = self.choose_hold(kept, report)?;
        let heads = self.fit(hold, STEPS, |_| true)?;
        // What a message was learned from says nothing of how sure the heads are: each is measured by heads that
        // have not seen it.
        let mut outputs = self.left_out(hold, STEPS)?;
        let mut known = self.site.said.clone();
        if !kept.is_empty() {
            outputs.extend(heads.outputs(&matrix(self.vectors.kept.iter(), self.width()))?);
            known.extend_from_slice(kept);
        }
        let (scale, shift) = calibrate::fit(&outputs, &known);
        let only_fitted = |numbers: [f64; N_OUTPUTS], otherwise: f64| {
            let numbers = numbers.iter().zip(self.fitted);
            numbers.map(|(number, is)| if is { *number } else { otherwise } as f32).collect()
        };
        Ok((heads, Calibration { scale: only_fitted(scale, 1.0), shift: only_fitted(shift, 0.0) }))
    }

    /// How strongly the heads are held: as strongly as the site's messages, unseen, like it nearly as well as what they
    /// like best, among those with which the kept lines cost hardly more than before. Nearly is within the standard
    /// error of the best (the rule of one standard error: Breiman and others, "Classification and Regression Trees",
    /// 1984): what a few dozen messages cannot tell apart is decided by what is forgotten. Where the kept lines cost
    /// more with each, all of them count; what was forgotten is measured afterwards.
    fn choose_hold(&self, kept: &[Example], report: &mut dyn FnMut(&str)) -> Result<f64, NlpError> {
        let vectors = matrix(self.vectors.kept.iter(), self.width());
        let of_kept = |heads: &Heads| -> Result<f64, NlpError> {
            let outputs = if kept.is_empty() { Vec::new() } else { heads.outputs(&vectors)? };
            Ok(self.cost(kept, &outputs))
        };
        let most = of_kept(self.start)? * MAY_COST;
        let mut tried = Vec::new();
        for hold in HOLDS {
            let (on_site, error) = self.cost_and_error(&self.left_out(hold, STEPS_TO_CHOOSE)?);
            let on_kept = of_kept(&self.fit(hold, STEPS_TO_CHOOSE, |_| true)?)?;
            report(&format!(
                "held by {hold}: unseen messages of the site cost {on_site:.4} (± {error:.4}), kept lines {on_kept:.4} of \
                 at most {most:.4}"
            ));
            tried.push((hold, on_site, error, on_kept));
        }
        if tried.iter().any(|(.., on_kept)| *on_kept <= most) {
            tried.retain(|(.., on_kept)| *on_kept <= most);
        }
        let best = tried.iter().min_by(|one, other| one.1.total_cmp(&other.1));
        let enough = best.map_or(f64::INFINITY, |(_, on_site, error, _)| on_site + error);
        let chosen = tried.iter().find(|(_, on_site, ..)| *on_site <= enough);
        Ok(chosen.map_or(HOLDS[0], |(hold, ..)| *hold))
    }

    /// What a label of the site's messages costs on average, and the standard error of that.
    fn cost_and_error(&self, outputs: &[Outputs]) -> (f64, f64) {
        let costs: Vec<f64> = self
            .site
            .said
            .iter()
            .zip(outputs)
            .map(|(example, outputs)| self.cost(slice::from_ref(example), slice::from_ref(outputs)))
            .collect();
        let n = costs.len().max(2) as f64;
        let mean = costs.iter().sum::<f64>() / n;
        let squares: f64 = costs.iter().map(|cost| (cost - mean).powi(2)).sum();
        (self.cost(&self.site.said, outputs), (squares / (n - 1.0) / n).sqrt())
    }

    /// The cross entropy a label, of the outputs that are fitted.
    fn cost(&self, examples: &[Example], outputs: &[Outputs]) -> f64 {
        let analyses: Vec<Analysis> = outputs.iter().map(|row| labels::read(row, nobody())).collect();
        judge(examples, &analyses, &self.fitted).loss
    }

    fn width(&self) -> i64 {
        self.start.weights.size()[1]
    }

    /// Heads fitted to the sample, the hints, and the site's messages that `takes` names by their part.
    fn fit(&self, hold: f64, steps: usize, takes: impl Fn(u8) -> bool) -> Result<Heads, NlpError> {
        let said: Vec<usize> =
            (0..self.site.said.len()).filter(|at| takes(fold_of(&self.site.said[*at].text))).collect();
        let sample = matrix(self.vectors.sample.iter(), self.width());
        let n_site = (said.len() + self.site.hints.len()).max(1) as f32;
        let weight = match self.sample.len() {
            0 => 1.0,
            n => (SITE_SHARE * n as f32 / n_site).clamp(1.0, MOST_WEIGHT),
        };
        let mut aims = Aims::default();
        if !self.sample.is_empty() {
            for (example, opinion) in self.sample.iter().zip(self.start.outputs(&sample)?) {
                aims.add(example, &self.fitted, 1.0, Some(&opinion));
            }
        }
        for at in &said {
            aims.add(&self.site.said[*at], &self.fitted, weight, None);
        }
        for hint in &self.site.hints {
            aims.add(hint, &self.fitted, weight, None);
        }
        let rows = self.vectors.sample.iter();
        let rows = rows.chain(said.iter().map(|at| &self.vectors.said[*at])).chain(&self.vectors.hints);
        fit(&matrix(rows, self.width()), &aims, self.start, hold, steps)
    }

    /// The outputs of each of the site's messages by heads that have not seen it.
    fn left_out(&self, hold: f64, steps: usize) -> Result<Vec<Outputs>, NlpError> {
        let mut found = vec![[0.0; N_OUTPUTS]; self.site.said.len()];
        for fold in 0..FOLDS {
            let mine: Vec<usize> =
                (0..found.len()).filter(|at| fold_of(&self.site.said[*at].text) == fold).collect();
            if mine.is_empty() {
                continue;
            }
            let heads = self.fit(hold, steps, |other| other != fold)?;
            let rows = matrix(mine.iter().map(|at| &self.vectors.said[*at]), self.width());
            for (at, outputs) in mine.iter().zip(heads.outputs(&rows)?) {
                found[*at] = outputs;
            }
        }
        Ok(found)
    }
}

/// Another part than the one that holds messages back.
fn fold_of(text: &str) -> u8 {
    part_of(&format!("fold {}", text.trim()), FOLDS)
}

fn nobody() -> AnalyzedBy {
    AnalyzedBy { by: By::Model, name: String::new(), version: String::new() }
}

/// A folder that goes away again unless it is kept.
struct Draft(PathBuf);

impl Draft {
    fn new(out: &Path) -> Result<Self, NlpError> {
        let mut name = std::ffi::OsString::from(".draft-");
        name.push(out.file_name().unwrap_or_default());
        name.push(format!("-{}", std::process::id()));
        let folder = out.with_file_name(name);
        std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        Ok(Self(folder))
    }

    fn keep(self, out: &Path) -> Result<(), NlpError> {
        std::fs::rename(&self.0, out).map_err(|error| unwritable(out, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Kept ones have another name by now. What cannot be removed is no model: nobody adopts a draft.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn write(
    plan: &Plan,
    folder: &Path,
    heads: &Heads,
    calibration: Calibration,
    site: &Site,
) -> Result<(), NlpError> {
    let bundle = Bundle::open(&plan.live)?;
    for name in bundle.manifest.files.keys().filter(|name| *name != bundle::TOP && *name != FIGURES) {
        let to = folder.join(name);
        std::fs::copy(bundle.path(name), &to).map_err(|error| unwritable(&to, &error))?;
    }
    let mut top = Tensor::read_safetensors(bundle.path(bundle::TOP))?;
    for (name, tensor) in &mut top {
        match name.as_str() {
            "heads.weight" => *tensor = heads.weights.shallow_clone(),
            "heads.bias" => *tensor = heads.bias.shallow_clone(),
            _ => {}
        }
    }
    Tensor::write_safetensors(&top, folder.join(bundle::TOP))?;
    let mut trained_on = bundle.manifest.trained_on.clone();
    trained_on.retain(|set| set.set != SITE_SET);
    trained_on.push(TrainedOn {
        set: SITE_SET.to_owned(),
        license: "the site's own".to_owned(),
        lines: site.said.len() + site.hints.len(),
    });
    let mut files = bundle.manifest.files.clone();
    files.remove(FIGURES);
    Manifest { version: plan.version.clone(), calibration, trained_on, files, ..bundle.manifest }
        .write(folder)
}

fn unwritable(path: &Path, error: &std::io::Error) -> NlpError {
    NlpError::Data(format!("{} cannot be written: {error}", path.display()))
}
