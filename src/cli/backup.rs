//! `baton backup`: a copy of an installation, also while it serves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;

use super::config::Where;
use super::manifest::{self, Manifest};
use super::store::must_be_a_file;
use super::{Failure, print};
use crate::config::Config;
use crate::flow::ports::Clock as _;
use crate::store::sqlite::backup::{self, Progress};
use crate::system::SystemClock;

/// Copy the database, and the models learned on site, into a new folder, also while `baton serve` runs. The copy is
/// checked before it gets its name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  baton backup --config /etc/baton.toml --to /backup/baton-2026-11-22")]
pub struct Arguments {
    /// The folder to make; it must not be there yet.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    #[command(flatten)]
    place: Where,
}

/// Makes a backup and prints what is in it.
///
/// # Errors
///
/// Exit 2 with every mistake of the configuration, where there is nothing to copy, and where the folder is there
/// already; exit 1 when the copy cannot be made, and then nothing is left of it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.place.read()?;
    must_be_a_file(&config)?;
    let (database, to) = (config.database(), &arguments.to);
    if !database.exists() {
        return Err(Failure::Usage(format!("there is no database at {}", database.display())));
    }
    if to.symlink_metadata().is_ok() {
        return Err(Failure::Usage(format!("{} is there already; nothing is overwritten", to.display())));
    }
    let name = to.file_name().ok_or_else(|| Failure::Usage("--to: name a folder to make".into()))?;
    let around = to.parent().unwrap_or(Path::new(""));
    if !around.as_os_str().is_empty() && !around.is_dir() {
        return Err(Failure::Usage(format!("there is no folder {}", around.display())));
    }
    let draft = around.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let made = make(&config, &database, &draft).and_then(|manifest| {
        put_in_place(&draft, to)?;
        manifest::sync_folder(around)?;
        Ok(manifest)
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&draft);
    }
    let manifest = made?;
    let missing: Vec<&String> =
        manifest.database.models.iter().filter(|name| !manifest.models().contains(name.as_str())).collect();
    for name in &missing {
        eprintln!("baton: the model {name} was adopted and is not in the folder of models");
    }
    let rows = |table: &str| manifest.database.rows.get(table).copied().unwrap_or(0);
    let result = json!({
        "backup": to,
        "taken_at": manifest.taken_at,
        "bytes": manifest.bytes(),
        "schema": manifest.database.schema,
        "history_id": manifest.database.history_id,
        "conversations": rows("conversations"),
        "entries": rows("entries"),
        "models": manifest.models(),
        "missing_models": missing,
        "sha256": manifest.files.iter().find(|file| file.path == manifest::DATABASE).map(|file| &file.sha256),
    });
    print(&result.to_string())
}

/// Copies everything into a folder that nobody knows yet.
fn make(config: &Config, database: &Path, draft: &Path) -> anyhow::Result<Manifest> {
    manifest::make_folder(draft).with_context(|| format!("cannot make {}", draft.display()))?;
    let taken_at = SystemClock.now();
    let mut told = 0;
    let contents = backup::copy(database, &draft.join(manifest::DATABASE), |progress| {
        tell(progress, &mut told);
    })?;
    eprintln!("baton: the database is copied and whole");
    for name in manifest::models_in(&config.server.data) {
        let inside = Path::new(manifest::MODELS).join(&name);
        manifest::copy_folder(&config.server.data.join(&inside), &draft.join(&inside))?;
        eprintln!("baton: the model {name} is copied");
    }
    let manifest = Manifest::write(draft, taken_at, contents)?;
    manifest::sync_folders(draft)?;
    Ok(manifest)
}

/// A line for every tenth of the way.
fn tell(progress: Progress, told: &mut u64) {
    let tenths = (progress.done * 10).checked_div(progress.total).unwrap_or(10);
    if tenths > *told {
        *told = tenths;
        eprintln!("baton: {}0 % of {} pages are copied", tenths, progress.total);
    }
}

/// Gives the finished copy its name, unless something has it by now.
fn put_in_place(draft: &Path, to: &Path) -> anyhow::Result<()> {
    match renameat_with(CWD, draft, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Some file systems cannot rename without replacing; an empty folder is all that a plain rename replaces.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => Ok(fs::rename(draft, to)?),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", to.display())),
    }
}
