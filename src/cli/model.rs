//! `baton model`: what a model folder is, and whether it is whole.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use crate::nlp::{bundle::Bundle, model::Model, worker};

/// Look at a model folder.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every file of a model against its manifest, load it and let it answer once.
    #[command(after_help = "Example:\n  baton model verify models/baton-en")]
    Verify {
        /// The model folder; without one, the one that would be served.
        folder: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Command::Verify { folder } = &arguments.command;
    let folder =
        worker::find(folder.as_deref()).ok_or_else(|| anyhow::anyhow!("no model folder was found"))?;
    let bundle = Bundle::open(&folder)?;
    let mut model = Model::load(&folder)?;
    let precision = model.choose_precision(None)?;
    worker::analyze(&model, std::iter::once("Where is my order?"))?;
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
    super::print(&lines.join("\n"))
}
