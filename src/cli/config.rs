//! `baton config`: the defaults, and whether a configuration is right.

use std::path::{Path, PathBuf};

use super::{Failure, print};
use crate::config::{Config, DEFAULT, Layers, load, warnings};

/// Print the default configuration, or check one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  baton config default > baton.toml\n  baton config check --config baton.toml"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prints every key with its default and what it means.
    Default,
    /// Lists every mistake of a file and the environment, without starting.
    Check {
        /// The configuration.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Prints or checks.
///
/// # Errors
///
/// Exit 2 with every mistake.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Default => print(DEFAULT.trim_end()),
        Command::Check { config } => {
            let config = read(&layers(config.as_deref())?)?;
            for warning in warnings(&config) {
                eprintln!("baton: warning: {warning}");
            }
            print("the configuration is right")
        }
    }
}

/// The file, where one is named, and the environment.
///
/// # Errors
///
/// Exit 2 when the file cannot be read.
fn layers(file: Option<&Path>) -> Result<Layers, Failure> {
    let file = match file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))?;
            Some((path.to_owned(), text))
        }
    };
    // A name or value that is not text cannot be one of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Layers { file, environment: environment.collect(), flags: Vec::new() })
}

/// Like [`layers`], with the data folder of a flag on top.
///
/// # Errors
///
/// Exit 2 when the file cannot be read.
pub(super) fn layers_for(file: Option<&Path>, data: Option<&Path>) -> Result<Layers, Failure> {
    let mut layers = layers(file)?;
    if let Some(data) = data {
        let data = data.to_str().ok_or_else(|| Failure::Usage("--data: the path is not text".into()))?;
        layers.flags.push(("server.data", "--data", data.into()));
    }
    Ok(layers)
}

/// Which installation: what is common to the commands that work on one.
#[derive(Debug, clap::Args)]
pub struct Where {
    /// The configuration of the service.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// The data folder of the service.
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) data: Option<PathBuf>,
}

impl Where {
    /// Its configuration: the file, the environment, and the data folder on top.
    ///
    /// # Errors
    ///
    /// Exit 2 with every mistake.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        read(&layers_for(self.config.as_deref(), self.data.as_deref())?)
    }
}

/// Reads all layers.
///
/// # Errors
///
/// Exit 2 with every mistake.
pub(super) fn read(layers: &Layers) -> Result<Config, Failure> {
    load(layers).map_err(|problems| Failure::Usage(problems.to_string()))
}
