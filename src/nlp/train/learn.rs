//! The training loop: several heads with masked losses, and the base model's
//! sentence vectors to stay close to.
//!
//! The same seed, data and number of steps give the same examples in the same
//! order; how many steps fit into the minutes depends on the machine.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor, nn::OptimizerConfig};

use super::{
    adam::Exact,
    augment, calibrate,
    data::{self, Example, Examples, Part},
    teach::{self, Aim, Base, Opinion, Teacher, Written},
};
use crate::nlp::{
    NlpError,
    bundle::{self, Calibration, Manifest, TrainedOn},
    encoder::{Batch, Encoder, Training},
    labels::{self, N_OUTPUTS, N_SENTIMENTS, Outputs},
    spelling::Spelling,
    tokenizer::Tokenizer,
};

const TEXTS_IN_STEP: usize = 32;
/// Steps drawn together and sorted by length, so that little is padded.
const STEPS_IN_ROUND: usize = 12;
/// Of three layers; deeper transformers move slower.
const BODY_RATE: f64 = 2.5e-4;
const TOP_RATE: f64 = 2e-3;
const SENTENCE_WEIGHT: f64 = 3.0;

/// What to train, and how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Folders with labelled text.
    pub data: Vec<PathBuf>,
    /// Where the model is written.
    pub out: PathBuf,
    /// The model to start from.
    pub base: PathBuf,
    /// A trained model of at least as many layers to learn from; the student
    /// starts from its layers then, in the place of the base's.
    pub teacher: Option<PathBuf>,
    /// Which layers of the teacher, or else of the base, are kept.
    pub layers: Vec<usize>,
    /// How long to train, where the number of steps does not say it.
    pub minutes: f64,
    /// How many steps to train: the same on every machine.
    pub steps: Option<u64>,
    /// Where chance starts.
    pub seed: u64,
    /// How many threads the engine may use.
    pub threads: i32,
    /// The name the model gets.
    pub name: String,
    /// The version the model gets.
    pub version: String,
}

impl Plan {
    /// The share of the training that is done.
    fn done(&self, progress: &Progress) -> f64 {
        match self.steps {
            Some(steps) => progress.steps as f64 / steps.max(1) as f64,
            None => progress.seconds / (self.minutes * 60.0),
        }
    }
}

/// What is remembered between two runs on the same output folder.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    steps: u64,
    seconds: f64,
}

/// Trains a model and writes its folder. `report` is told how it goes.
///
/// # Errors
///
/// Data or base cannot be read, the output not be written, or the engine fails.
pub fn train(plan: &Plan, report: &mut dyn FnMut(&str)) -> Result<(), NlpError> {
    tch::set_num_threads(plan.threads);
    tch::manual_seed(plan.seed as i64);
    let sets = data::read(&plan.data, Part::Train)?;
    for set in &sets {
        report(&format!(
            "{:>7} lines  share {:.2}  {} ({})",
            set.examples.len(),
            set.share,
            set.name,
            set.license
        ));
    }
    let checkpoint = plan.out.join("checkpoint");
    std::fs::create_dir_all(&checkpoint).map_err(|error| unwritable(&checkpoint, &error))?;
    let texts = sets.iter().flat_map(|set| set.examples.iter().map(|example| example.text.as_str()));
    let spelling = Spelling::count(texts);
    spelling.write(&plan.out.join(bundle::WORDS))?;
    let tokenizer = Tokenizer::open(&plan.base.join(bundle::VOCABULARY))?.with_spelling(spelling);
    let mut student = start_student(plan)?;
    let teacher = plan.teacher.as_deref().map(|folder| Teacher::load(folder, &checkpoint)).transpose()?;
    let base = Base::load(&plan.base)?;
    let mut progress = resume(&checkpoint, &student)?;
    if progress.steps > 0 {
        report(&format!("going on after {} steps", progress.steps));
    }

    let mut exact = Exact::take_over(&mut student.body);
    let (mut learned, kept) = data::split(sets.clone());
    let mut learner = Learner {
        plan,
        tokenizer: &tokenizer,
        student: &student,
        base,
        teacher,
        chance: StdRng::seed_from_u64(plan.seed.wrapping_add(progress.steps)),
        n_steps: 0,
    };
    learner.run(&mut exact, &mut learned, &checkpoint, &mut progress, report)?;
    exact.give_back(&mut student.body);

    report("calibrating");
    let calibration = calibrate(&tokenizer, &student, &kept)?;
    write(plan, student, calibration, &sets)?;
    report(&format!("written to {}", plan.out.display()));
    Ok(())
}

fn start_student(plan: &Plan) -> Result<Encoder, NlpError> {
    let mut student = Encoder::of_shape(&plan.base.join(bundle::CONFIG), Some(plan.layers.len() as i64))?;
    let files = match &plan.teacher {
        Some(teacher) => vec![teacher.join(bundle::EMBEDDINGS), teacher.join(bundle::BODY)],
        None => vec![plan.base.join("model.safetensors")],
    };
    let mut weights: HashMap<String, Tensor> = HashMap::new();
    for file in &files {
        if !file.is_file() {
            return Err(NlpError::Missing { what: file.display().to_string() });
        }
        weights.extend(Tensor::read_safetensors(file)?);
    }
    tch::no_grad(|| -> Result<(), NlpError> {
        for (name, mut variable) in student.body.variables() {
            let theirs = name_in_base(&name, &plan.layers);
            let weight = weights.get(&theirs).ok_or_else(|| NlpError::Unreadable {
                what: files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "),
                why: format!("no weights {theirs}"),
            })?;
            variable.f_copy_(weight)?;
        }
        Ok(())
    })?;
    match &plan.teacher {
        Some(teacher) => student.top.load(teacher.join(bundle::TOP))?,
        None => student.start_sentences_as_they_are(),
    }
    // The word vectors of the base know words that no labelled line has. Moving
    // only those that it has would tear them apart.
    for (name, variable) in student.body.variables() {
        if name.starts_with("embeddings.word")
            || name.starts_with("embeddings.position")
            || name.starts_with("embeddings.token")
        {
            let _ = variable.set_requires_grad(false);
        }
    }
    Ok(student)
}

/// `encoder.layer.1.…` of the student is a later layer of the base.
fn name_in_base(name: &str, layers: &[usize]) -> String {
    let Some(rest) = name.strip_prefix("encoder.layer.") else { return name.to_owned() };
    let Some((layer, rest)) = rest.split_once('.') else { return name.to_owned() };
    let theirs = layer.parse::<usize>().ok().and_then(|layer| layers.get(layer).copied()).unwrap_or_default();
    format!("encoder.layer.{theirs}.{rest}")
}

fn resume(checkpoint: &Path, student: &Encoder) -> Result<Progress, NlpError> {
    let path = checkpoint.join("progress.toml");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(Progress::default()) };
    let progress = toml::from_str(&text).map_err(|error| NlpError::Unreadable {
        what: path.display().to_string(),
        why: error.message().to_owned(),
    })?;
    tch::no_grad(|| {
        student.body.read_safetensors(checkpoint.join(bundle::BODY))?;
        student.top.read_safetensors(checkpoint.join(bundle::TOP))
    })?;
    Ok(progress)
}

fn save(checkpoint: &Path, exact: &Exact, student: &Encoder, progress: &Progress) -> Result<(), NlpError> {
    exact.save(&checkpoint.join(bundle::BODY))?;
    student.top.save(checkpoint.join(bundle::TOP))?;
    let path = checkpoint.join("progress.toml");
    let text = toml::to_string(progress).map_err(|error| NlpError::Data(error.to_string()))?;
    std::fs::write(&path, text).map_err(|error| unwritable(&path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> NlpError {
    NlpError::Data(format!("{} cannot be written: {error}", path.display()))
}

/// An example drawn for a step.
struct Drawn {
    /// Which text.
    key: u64,
    /// The pieces as varied.
    ids: Vec<i64>,
    /// The pieces as written.
    plain: Vec<i64>,
    example: Example,
    is_joined: bool,
}

/// The lines of a set in a shuffled order that is drawn anew when it ends.
struct Deck {
    order: Vec<usize>,
    next: usize,
}

impl Deck {
    fn draw(&mut self, n: usize, chance: &mut StdRng) -> usize {
        if self.next >= self.order.len() {
            self.order = (0..n).collect();
            self.order.shuffle(chance);
            self.next = 0;
        }
        self.next += 1;
        self.order[self.next - 1]
    }
}

struct Learner<'a> {
    plan: &'a Plan,
    tokenizer: &'a Tokenizer,
    student: &'a Encoder,
    base: Base,
    teacher: Option<Teacher>,
    chance: StdRng,
    n_steps: u64,
}

impl Learner<'_> {
    fn run(
        &mut self,
        body: &mut Exact,
        sets: &mut [Examples],
        checkpoint: &Path,
        progress: &mut Progress,
        report: &mut dyn FnMut(&str),
    ) -> Result<(), NlpError> {
        let adam = tch::nn::AdamW { wd: 0.01, ..tch::nn::AdamW::default() };
        let mut top = adam.build(&self.student.top, TOP_RATE)?;
        let body_rate = BODY_RATE * 3.0 / self.plan.layers.len() as f64;
        let mut decks: Vec<Deck> = sets.iter().map(|_| Deck { order: Vec::new(), next: 0 }).collect();
        let (begun, earlier) = (Instant::now(), progress.seconds);
        let (mut reported, mut saved) = (Instant::now(), Instant::now());
        let (mut sum, mut sentence_sum, mut n) = (0.0, 0.0, 0);
        while self.plan.done(progress) < 1.0 {
            let mut round: Vec<Drawn> =
                (0..TEXTS_IN_STEP * STEPS_IN_ROUND).map(|_| self.draw(sets, &mut decks)).collect();
            round.sort_by_key(|drawn| drawn.ids.len());
            let mut steps: Vec<&[Drawn]> = round.chunks(TEXTS_IN_STEP).collect();
            steps.shuffle(&mut self.chance);
            for step in steps {
                let done = self.plan.done(progress).min(1.0);
                let rate = (progress.steps as f64 / 100.0).min(1.0) * (1.0 - done).max(0.02);
                top.set_lr(TOP_RATE * rate);
                let (loss, sentence) = self.loss(step)?;
                body.zero_grad();
                top.zero_grad();
                (&loss + &sentence * SENTENCE_WEIGHT).backward();
                body.step(body_rate * rate);
                top.step();
                sum += loss.double_value(&[]);
                sentence_sum += sentence.double_value(&[]);
                n += 1;
                progress.steps += 1;
                progress.seconds = earlier + begun.elapsed().as_secs_f64();
            }
            if reported.elapsed() > Duration::from_secs(20) {
                let n_steps = f64::from(n);
                report(&format!(
                    "{:>5.1} min  {:>3.0} %  step {}  heads {:.3}  sentences {:.3}",
                    progress.seconds / 60.0,
                    self.plan.done(progress) * 100.0,
                    progress.steps,
                    sum / n_steps,
                    sentence_sum * 2.0 / n_steps
                ));
                (sum, sentence_sum, n, reported) = (0.0, 0.0, 0, Instant::now());
            }
            if saved.elapsed() > Duration::from_secs(240) {
                self.save(checkpoint, body, progress)?;
                saved = Instant::now();
            }
        }
        self.save(checkpoint, body, progress)
    }

    fn save(&self, checkpoint: &Path, body: &Exact, progress: &Progress) -> Result<(), NlpError> {
        save(checkpoint, body, self.student, progress)?;
        self.teacher.as_ref().map_or(Ok(()), |teacher| teacher.save(checkpoint))
    }

    fn draw(&mut self, sets: &[Examples], decks: &mut [Deck]) -> Drawn {
        let whole: f64 = sets.iter().map(|set| set.share).sum();
        let mut point = self.chance.random_range(0.0..whole);
        let at = sets
            .iter()
            .position(|set| {
                point -= set.share;
                point <= 0.0
            })
            .unwrap_or_default();
        let line = decks[at].draw(sets[at].examples.len(), &mut self.chance);
        let example = &sets[at].examples[line];
        let is_joined = sets[at].is_own && self.chance.random_bool(0.06);
        let example = if is_joined {
            let other = &sets[at].examples[self.chance.random_range(0..sets[at].examples.len())];
            example.joined(other)
        } else {
            example.clone()
        };
        let varied = augment::vary(&example.text, &mut self.chance);
        Drawn {
            key: teach::key(&example.text),
            ids: self.tokenizer.encode(&varied).ids,
            plain: self.tokenizer.encode(&example.text).ids,
            example,
            is_joined,
        }
    }

    /// The loss of the heads, and the distance of the sentence vectors.
    fn loss(&mut self, step: &[Drawn]) -> Result<(Tensor, Tensor), NlpError> {
        let batch = Batch::new(step.iter().map(|drawn| drawn.ids.as_slice()));
        let mean = self.student.encode(&batch, Training::On)?.mean;
        let outputs = self.student.heads(&mean.dropout(0.1, true));
        // Texts joined for practice are not remembered.
        let own: Vec<usize> = (0..step.len()).filter(|at| !step[*at].is_joined).collect();
        let written: Vec<Written<'_>> =
            own.iter().map(|at| Written { key: step[*at].key, ids: &step[*at].plain }).collect();
        let mut opinions: Vec<Option<Opinion>> = vec![None; step.len()];
        if let Some(teacher) = &mut self.teacher {
            for (at, opinion) in own.iter().zip(teacher.opinions(&written)?) {
                opinions[*at] = Some(opinion);
            }
        }
        let aims: Vec<Aim> = step
            .iter()
            .zip(&opinions)
            .map(|(drawn, opinion)| Aim::of(&drawn.example, opinion.as_ref()))
            .collect();
        let loss = head_loss(&outputs, &aims);

        // The base is as slow as the student; every other step is enough for it.
        self.n_steps += 1;
        if self.n_steps.is_multiple_of(2) {
            return Ok((loss, Tensor::from(0f32)));
        }
        let places: Vec<i64> = own.iter().map(|at| *at as i64).collect();
        let meant = self.base.vectors(&written)?.concat();
        let meant = Tensor::from_slice(&meant).view([own.len() as i64, -1]);
        let found = self.student.sentences(&mean).index_select(0, &Tensor::from_slice(&places));
        let likeness = (found * meant).sum_dim_intlist([-1i64].as_slice(), false, Kind::Float);
        let distance = 1.0 - likeness.mean(Kind::Float);
        Ok((loss, distance))
    }
}

/// Cross entropy of the sentiment plus that of every other head, each over the
/// lines that aim at something.
fn head_loss(outputs: &Tensor, aims: &[Aim]) -> Tensor {
    let n_heads = N_OUTPUTS - N_SENTIMENTS;
    let mut meant = Vec::with_capacity(aims.len() * n_heads);
    let mut weights = Vec::with_capacity(aims.len() * n_heads);
    for aim in aims {
        for (place, (target, weight)) in aim.heads.into_iter().enumerate() {
            // What a message wants and how it feels matters more than its topic.
            // An intent is rare; missing a danger is worse than naming one too many.
            let importance = match target {
                _ if place < 3 => 2.0,
                0.5.. => 2.4,
                _ => 0.8,
            };
            meant.push(target);
            weights.push(weight * importance);
        }
    }
    let sentiments: Vec<f32> = aims.iter().flat_map(|aim| aim.sentiment).collect();
    let shape = [aims.len() as i64, n_heads as i64];
    let (meant, weights) = (Tensor::from_slice(&meant).view(shape), Tensor::from_slice(&weights).view(shape));
    let heads = outputs.narrow(1, N_SENTIMENTS as i64, n_heads as i64);
    let entropy =
        heads.binary_cross_entropy_with_logits::<Tensor>(&meant, None, None, Reduction::None) * weights;
    let moods = Tensor::from_slice(&sentiments).view([aims.len() as i64, N_SENTIMENTS as i64]);
    let mood_entropy = -(outputs.narrow(1, 0, N_SENTIMENTS as i64).log_softmax(-1, Kind::Float) * moods);
    (entropy.sum(Kind::Float) + mood_entropy.sum(Kind::Float)) / aims.len() as f64
}

fn calibrate(tokenizer: &Tokenizer, student: &Encoder, kept: &[Example]) -> Result<Calibration, NlpError> {
    let mut outputs: Vec<Outputs> = Vec::with_capacity(kept.len());
    for chunk in kept.chunks(TEXTS_IN_STEP) {
        let ids: Vec<Vec<i64>> = chunk.iter().map(|example| tokenizer.encode(&example.text).ids).collect();
        let flat: Vec<f32> = tch::no_grad(|| -> Result<_, NlpError> {
            let mean = student.encode(&Batch::new(ids.iter().map(Vec::as_slice)), Training::Off)?.mean;
            Ok(Vec::<f32>::try_from(student.heads(&mean).view(-1))?)
        })?;
        outputs.extend(flat.chunks_exact(N_OUTPUTS).map(|row| std::array::from_fn(|at| f64::from(row[at]))));
    }
    let (scale, shift) = calibrate::fit(&outputs, kept);
    Ok(Calibration {
        scale: scale.map(|one| one as f32).to_vec(),
        shift: shift.map(|one| one as f32).to_vec(),
    })
}

fn write(
    plan: &Plan,
    mut student: Encoder,
    calibration: Calibration,
    sets: &[Examples],
) -> Result<(), NlpError> {
    let shape_path = plan.base.join(bundle::CONFIG);
    let mut shape: serde_json::Value = std::fs::read_to_string(&shape_path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .ok_or_else(|| NlpError::Unreadable {
            what: shape_path.display().to_string(),
            why: "not JSON".to_owned(),
        })?;
    shape["num_hidden_layers"] = plan.layers.len().into();
    let path = plan.out.join(bundle::CONFIG);
    std::fs::write(&path, format!("{shape:#}\n")).map_err(|error| unwritable(&path, &error))?;
    let path = plan.out.join(bundle::VOCABULARY);
    std::fs::copy(plan.base.join(bundle::VOCABULARY), &path).map_err(|error| unwritable(&path, &error))?;
    // Half the size on disk; loading widens them again.
    student.body.half();
    let (words, layers): (Vec<_>, Vec<_>) =
        student.body.variables().into_iter().partition(|(name, _)| name.starts_with("embeddings.word_"));
    Tensor::write_safetensors(&words, plan.out.join(bundle::EMBEDDINGS))?;
    Tensor::write_safetensors(&layers, plan.out.join(bundle::BODY))?;
    student.top.save(plan.out.join(bundle::TOP))?;
    let files =
        [bundle::CONFIG, bundle::VOCABULARY, bundle::WORDS, bundle::EMBEDDINGS, bundle::BODY, bundle::TOP];
    let manifest = Manifest {
        schema: 1,
        name: plan.name.clone(),
        version: plan.version.clone(),
        license: "Apache-2.0".to_owned(),
        languages: vec!["en".to_owned()],
        base: "sentence-transformers/all-MiniLM-L6-v2".to_owned(),
        labels: labels::names(),
        files: files.into_iter().map(|name| (name.to_owned(), String::new())).collect(),
        calibration,
        trained_on: sets
            .iter()
            .map(|set| TrainedOn {
                set: set.name.clone(),
                license: set.license.clone(),
                lines: set.examples.len(),
            })
            .collect(),
    };
    manifest.write(&plan.out)
}
