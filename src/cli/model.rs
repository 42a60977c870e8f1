//! `baton model`: what a model folder is and whether it is whole; which model an
//! installation uses, and changing that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::store::{installation, opened, opened_to_read};
use super::{Failure, print};
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::flow::Models;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{Clock as _, ModelVersion, ModelVersions as _};
use crate::nlp::{
    Builder, LexiconAnalyzer, ModelSwitch, bundle::Bundle, model::Model, models, reading, worker,
};
use crate::system::SystemClock;

/// Look at a model folder; list, adopt and roll back the models of an installation.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Which installation.
#[derive(Debug, Args)]
struct Installation {
    /// The configuration of the service.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder of the service.
    #[arg(long, value_name = "DIR")]
    installation: Option<PathBuf>,
}

impl Installation {
    fn config(&self) -> Result<Config, Failure> {
        installation(self.config.as_deref(), self.installation.as_deref())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every file of a model against its manifest, load it and let it answer once.
    #[command(after_help = "Example:\n  baton model verify models/baton-en")]
    Verify {
        /// The model folder; without one, the one that would be served.
        folder: Option<PathBuf>,
    },
    /// List what was adopted and what lies ready, the live one marked with `*`.
    #[command(after_help = "Example:\n  baton model list --installation data")]
    List {
        #[command(flatten)]
        at: Installation,
    },
    /// Make a model live. A service that runs follows within seconds.
    #[command(after_help = "Example:\n  baton model adopt 1.0.0+site.1 --comment \"knows our words\"")]
    Adopt {
        /// The version, as `baton model list` names it.
        version: String,
        #[command(flatten)]
        at: Installation,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
    },
    /// Take the last adoption back. A service that runs follows within seconds.
    #[command(after_help = "Example:\n  baton model rollback --comment \"too many false alarms\"")]
    Rollback {
        #[command(flatten)]
        at: Installation,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Verify { folder } => verify(folder.as_deref()),
        Command::List { at } => list(&at.config()?),
        Command::Adopt { version, at, comment } => change(&at.config()?, Some(version), comment),
        Command::Rollback { at, comment } => change(&at.config()?, None, comment),
    }
}

fn verify(folder: Option<&Path>) -> Result<(), Failure> {
    let folder = worker::find(folder).ok_or_else(|| anyhow::anyhow!("no model folder was found"))?;
    let bundle = Bundle::open(&folder)?;
    let mut model = Model::load(&folder)?;
    let precision = model.choose_precision(None)?;
    reading::analyze(&model, std::iter::once("Where is my order?"))?;
    let manifest = &bundle.manifest;
    let mut lines = vec![
        format!("{} {} in {}", manifest.name, manifest.version, folder.display()),
        format!(
            "licence {}, languages {}, from {}",
            manifest.license,
            manifest.languages.join(" "),
            manifest.base
        ),
    ];
    lines.extend(manifest.files.iter().map(|(name, sum)| format!("{sum}  {name}")));
    lines.push(format!("whole, and it answers; quickest on this machine with {precision:?} precision"));
    print(&lines.join("\n"))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start threads")
}

fn list(config: &Config) -> Result<(), Failure> {
    let store = opened_to_read(config)?;
    let versions = runtime()?.block_on(store.model_versions())?;
    let live = versions.first().map_or("", |newest| newest.folder.as_str());
    let mut lines: Vec<String> = versions.iter().map(adoption).collect();
    if let Some(manifest) = worker::find(None).and_then(|folder| Bundle::manifest(&folder).ok()) {
        lines.push(ready(live.is_empty(), &manifest.version, "came with Baton"));
    }
    for folder in models::folders(&models::folder(&config.server.data)) {
        let name = models::name(&folder);
        let version = Bundle::manifest(&folder).map_or_else(|error| error.to_string(), |found| found.version);
        lines.push(ready(live == name, &version, name));
    }
    print(&lines.join("\n"))
}

fn ready(is_live: bool, version: &str, where_from: &str) -> String {
    format!("{} ready\t{version}\t{where_from}", if is_live { '*' } else { ' ' })
}

fn adoption(version: &ModelVersion) -> String {
    let ModelVersion { number, version, author, at, comment, is_rollback, .. } = version;
    let what = if *is_rollback { "rolled back to" } else { "adopted" };
    let who = if author.is_empty() { "command line" } else { author };
    format!("  {number}\t{what} {version}\t{at}\t{who}\t{comment}")
}

/// Adopts a version, or takes the last adoption back.
fn change(config: &Config, version: Option<&String>, comment: &str) -> Result<(), Failure> {
    let store = opened(config)?;
    let words = Arc::new(LexiconAnalyzer::default());
    let shelf = ModelSwitch::new(words, Some(Builder::default()), models::folder(&config.server.data));
    let models = Models::new(Arc::new(store), Arc::new(shelf));
    let at: Timestamp = SystemClock.now();
    let stamp = Stamp { by: None, at };
    let adopted = runtime()?.block_on(async {
        match version {
            Some(version) => models.adopt(stamp, version, comment.to_owned()).await,
            None => models.roll_back(stamp, comment.to_owned()).await,
        }
    })?;
    print(&format!("{} is live", adopted.version))
}
