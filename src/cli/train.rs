//! `baton train`: labelled text in, a model folder out; or, with `--from-labels`, what
//! people on site said of their messages.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
#[cfg(feature = "rust-bert")]
use crate::nlp::train::learn::{Plan, train};
use crate::nlp::train::{
    data::{self, Part},
    fit_words,
};

/// Train a model on labelled text.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  baton train --data models/data --data ../labelled --out my-model --minutes 60\n  baton train --from-labels --installation data"
)]
pub struct Arguments {
    /// A folder with labelled JSON Lines; may be given more than once.
    #[arg(long, required_unless_present = "from_labels", value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Where the model is written. A run that was cut short goes on from here.
    #[arg(long, required_unless_present = "from_labels", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Fit the heads of the live model to what supervisors and agents of an installation said of their messages.
    /// Takes minutes, may run beside the service, and writes nothing when anything would get worse.
    #[arg(long, conflicts_with_all = ["words", "teacher", "base", "layers", "minutes", "steps", "name", "version"])]
    from_labels: bool,
    /// With --from-labels: the configuration of the service.
    #[arg(long, requires = "from_labels", value_name = "FILE")]
    config: Option<PathBuf>,
    /// With --from-labels: the data folder of the service.
    #[arg(long, requires = "from_labels", value_name = "DIR")]
    installation: Option<PathBuf>,
    /// With --from-labels: the model to start from, in the place of the one that is live.
    #[arg(long, requires = "from_labels", value_name = "DIR")]
    model: Option<PathBuf>,
    /// The model to start from.
    #[arg(long, value_name = "DIR", default_value = ".deps/base-model")]
    base: PathBuf,
    /// A trained model of more layers to learn from, beside the labels.
    #[arg(long, value_name = "DIR")]
    teacher: Option<PathBuf>,
    /// Fit the small word model instead, into this folder.
    #[arg(long)]
    words: bool,
    /// Layers of the teacher, or else of the base, to keep: a number, or their places.
    #[arg(long, value_name = "N or A,B,C", default_value = "3")]
    layers: String,
    /// How long to train.
    #[arg(long, value_name = "N", default_value_t = 60.0)]
    minutes: f64,
    /// How many steps to train, in the place of the minutes.
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Where chance starts.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Threads of the engine.
    #[arg(long, value_name = "N", default_value_t = 2)]
    threads: i32,
    /// The name of the model.
    #[arg(long, value_name = "NAME", default_value = "baton-en")]
    name: String,
    /// The version of the model.
    #[arg(long = "model-version", value_name = "VERSION", default_value = "1.2.0")]
    version: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.from_labels {
        return learn_on_site(arguments);
    }
    // Without --from-labels the command line has asked for it.
    let out = arguments.out.clone().unwrap_or_default();
    if arguments.words { fit(arguments, out) } else { learn(arguments, out) }
}

#[cfg(not(feature = "rust-bert"))]
fn learn_on_site(_arguments: &Arguments) -> Result<(), Failure> {
    Err(Failure::Usage("this program was built without the model".to_owned()))
}

#[cfg(feature = "rust-bert")]
fn learn_on_site(arguments: &Arguments) -> Result<(), Failure> {
    let data = match arguments.data.as_slice() {
        [] => None,
        [folder] => Some(folder.as_path()),
        _ => return Err(Failure::Usage("--from-labels takes one --data".to_owned())),
    };
    super::learn::run(&super::learn::Asked {
        config: arguments.config.as_deref(),
        installation: arguments.installation.as_deref(),
        data,
        model: arguments.model.as_deref(),
        out: arguments.out.as_deref(),
        seed: arguments.seed,
        threads: arguments.threads,
    })
}

/// Lines drawn to fit the word model.
const DRAWS: usize = 600_000;

fn fit(arguments: &Arguments, out: PathBuf) -> Result<(), Failure> {
    let (learned, kept) = data::split(data::read(&arguments.data, Part::Train)?);
    eprintln!("fitting words on {} sets", learned.len());
    let lexicon = fit_words::fit(&learned, &kept, DRAWS, arguments.seed, &arguments.version);
    std::fs::create_dir_all(&out)?;
    std::fs::write(out.join("words.bin"), lexicon.to_bytes())?;
    eprintln!("written to {}; it is compiled in by the next build", out.display());
    Ok(())
}

#[cfg(not(feature = "rust-bert"))]
fn learn(_arguments: &Arguments, _out: PathBuf) -> Result<(), Failure> {
    Err(Failure::Usage("this program was built without the model; only `--words` can be trained".to_owned()))
}

#[cfg(feature = "rust-bert")]
fn learn(arguments: &Arguments, out: PathBuf) -> Result<(), Failure> {
    let layers = layers(&arguments.layers)?;
    let plan = Plan {
        data: arguments.data.clone(),
        out,
        base: arguments.base.clone(),
        teacher: arguments.teacher.clone(),
        layers,
        minutes: arguments.minutes,
        steps: arguments.steps,
        seed: arguments.seed,
        threads: arguments.threads.max(1),
        name: arguments.name.clone(),
        version: arguments.version.clone(),
    };
    train(&plan, &mut |line| eprintln!("{line}"))?;
    Ok(())
}

/// The places of the layers to keep. A bare number spreads them over the base's
/// six, first and last included.
#[cfg(feature = "rust-bert")]
fn layers(text: &str) -> Result<Vec<usize>, Failure> {
    let places: Result<Vec<usize>, _> = text.split(',').map(|place| place.trim().parse()).collect();
    let places =
        places.map_err(|_| Failure::Usage(format!("--layers: `{text}` is neither a number nor a list")))?;
    match places.as_slice() {
        [1] => Ok(vec![0]),
        [n @ 2..=6] => Ok((0..*n).map(|nth| nth * 5 / (n - 1)).collect()),
        [_] => Err(Failure::Usage("--layers: between 1 and 6".to_owned())),
        _ => Ok(places),
    }
}
