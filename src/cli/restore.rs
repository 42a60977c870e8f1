//! `baton restore`: puts a backup in place of an installation, or makes one of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::json;

use super::config::Where;
use super::manifest::{self, Manifest};
use super::store::must_be_a_file;
use super::{Failure, print};
use crate::app::{restoring_mark, take_alone};
use crate::config::Config;
use crate::domain::id::{ConversationId, VisitorId};
use crate::domain::time::Timestamp;
use crate::flow::end_and_erase;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{Clock as _, Directory as _, EraseError, IdSource as _};
use crate::store::SqliteStore;
use crate::store::sqlite::backup::{inspect, rename_history};
use crate::store::sqlite::compact;
use crate::system::{SystemClock, TimeOrderedIds};

/// Put a backup in place. Everything is checked before anything is changed; clients that were connected notice and
/// start over. The service must not run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  baton restore --from /backup/baton-2026-11-22 --data data --replace")]
pub struct Arguments {
    /// The folder that `baton backup` made.
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    #[command(flatten)]
    place: Where,
    /// Also where there is data: it is kept aside, in a folder whose name is printed.
    #[arg(long)]
    replace: bool,
}

/// Restores and prints what is there now.
///
/// # Errors
///
/// Exit 2 with every mistake of the configuration, and where there is data and no `--replace`; exit 1 when the backup
/// is not whole, the service runs, or a file cannot be written. What was there before is then still there.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.place.read()?;
    must_be_a_file(&config)?;
    eprintln!("baton: comparing the files of the backup with its list");
    let manifest = Manifest::read(&arguments.from)?;
    let place = Place::of(&config);
    manifest::make_folder(&place.folder)
        .with_context(|| format!("cannot make {}", place.folder.display()))?;
    // Held to the end: nobody starts to serve in between.
    let _alone = take_alone(&config)?;
    if !place.occupied().is_empty() && !arguments.replace && !place.mark.exists() {
        return Err(Failure::Usage(format!(
            "{} holds data; with --replace it is kept aside and the backup put in its place",
            place.folder.display()
        )));
    }
    let draft = place.folder.join(".restore");
    if draft.exists() {
        fs::remove_dir_all(&draft).context("an earlier draft cannot be removed")?;
    }
    let staged = stage(&arguments.from, &manifest, &draft, &place.database);
    if staged.is_err() {
        let _ = fs::remove_dir_all(&draft);
    }
    let (history_id, again) = staged?;
    // Looked at again: reading the database may have left files of SQLite beside it.
    let aside = exchange(&place, &draft, &place.occupied())?;
    let _ = fs::remove_dir_all(&draft);
    let rows = |table: &str| manifest.database.rows.get(table).copied().unwrap_or(0);
    let result = json!({
        "restored": place.database,
        "taken_at": manifest.taken_at,
        "schema": manifest.database.schema,
        "history_id": history_id,
        "history_id_before": manifest.database.history_id,
        "conversations": rows("conversations"),
        "entries": rows("entries"),
        "models": manifest.models(),
        "kept_aside": aside,
        "erased_again": again.done,
        "not_erased_again": again.refused,
    });
    print(&result.to_string())
}

/// Where an installation's data lie.
struct Place {
    database: PathBuf,
    /// The folder of the database.
    folder: PathBuf,
    models: PathBuf,
    /// There while a restore is under way: `baton serve` does not start beside it.
    mark: PathBuf,
}

impl Place {
    fn of(config: &Config) -> Self {
        let database = config.database();
        let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self {
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
            mark: restoring_mark(&database),
            models: config.server.data.join(manifest::MODELS),
            database,
        }
    }

    /// The files of the database: itself, its log, and the index of its log.
    fn files(&self) -> Vec<PathBuf> {
        let beside = |suffix: &str| {
            let mut name = self.database.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        vec![self.database.clone(), beside("-wal"), beside("-shm")]
    }

    /// What is there of an installation.
    fn occupied(&self) -> Vec<PathBuf> {
        let has_models = fs::read_dir(&self.models).is_ok_and(|mut entries| entries.next().is_some());
        let files = self.files().into_iter().filter(|path| path.symlink_metadata().is_ok());
        files.chain(has_models.then(|| self.models.clone())).collect()
    }
}

/// People who were erased after the backup was made.
#[derive(Default)]
struct ErasedAgain {
    /// Erased in the copy too.
    done: Vec<String>,
    /// Still in it: a conversation of theirs is not over there.
    refused: Vec<String>,
}

/// Takes out of the copy whom the database that it replaces says were erased since.
fn erase_again(copy: &Path, replaced: &Path, since: Timestamp) -> anyhow::Result<ErasedAgain> {
    let mut again = ErasedAgain::default();
    if !replaced.exists() {
        return Ok(again);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let erased = match SqliteStore::open_to_read(replaced) {
        Ok(store) => runtime.block_on(erased_since(&store, since)),
        Err(error) => Err(error.into()),
    };
    let erased = match erased {
        Ok(erased) if erased.is_empty() => return Ok(again),
        Ok(erased) => erased,
        Err(error) => {
            eprintln!(
                "baton: who was erased after the backup is not known, and may be there again: {error:#}"
            );
            return Ok(again);
        }
    };
    let store = SqliteStore::open(copy, "unused")?;
    let stamp = Stamp { by: None, at: SystemClock.now() };
    for visitor in erased {
        let name = visitor.as_str().to_owned();
        let (with, tell) = ((&SystemClock as _, &TimeOrderedIds as _), |_: &ConversationId, _| ());
        match runtime.block_on(end_and_erase(&store, &store, with, &stamp, &visitor, &tell)) {
            Ok(_) => again.done.push(name),
            Err(EraseError::NotFound) => {}
            Err(EraseError::StillOpen(_)) => again.refused.push(name),
            Err(EraseError::Store(error)) => return Err(error.into()),
        }
    }
    drop(store);
    compact(copy, Duration::from_secs(5))?;
    for name in &again.refused {
        eprintln!(
            "baton: {name} was erased after the backup and is there again: a conversation is not over in it"
        );
    }
    Ok(again)
}

async fn erased_since(store: &SqliteStore, since: Timestamp) -> anyhow::Result<Vec<VisitorId>> {
    const PAGE: u32 = 500;
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = store.audit(before, PAGE).await?;
        let is_last = page.len() < PAGE as usize || page.last().is_some_and(|entry| entry.at < since);
        before = page.last().map(|entry| entry.number);
        let erasures = page.into_iter().filter(|entry| entry.action == "person.erase" && entry.at >= since);
        found.extend(erasures.filter_map(|entry| VisitorId::parse(&entry.target).ok()));
        if is_last {
            return Ok(found);
        }
    }
}

/// Copies the backup beside its place, checks the copy, erases in it who was erased since, and gives the history a new
/// name.
fn stage(
    from: &Path,
    manifest: &Manifest,
    draft: &Path,
    replaced: &Path,
) -> anyhow::Result<(String, ErasedAgain)> {
    manifest::make_folder(draft)?;
    for file in &manifest.files {
        let target = draft.join(&file.path);
        if let Some(folder) = target.parent() {
            manifest::make_folder(folder)?;
        }
        manifest::copy_file(&from.join(&file.path), &target)?;
    }
    eprintln!("baton: checking the database of the backup");
    let database = draft.join(manifest::DATABASE);
    let found = inspect(&database).context("the backup is damaged")?;
    ensure!(
        found == manifest.database,
        "the backup is damaged: its database holds other rows than its list says"
    );
    let again = erase_again(&database, replaced, manifest.taken_at)?;
    let history_id = TimeOrderedIds.suffix();
    rename_history(&database, &history_id)?;
    File::open(&database)?.sync_all()?;
    manifest::sync_folders(draft)?;
    Ok((history_id, again))
}

/// Moves what is there aside and the copy into its place. A mark stands from the first move to the last, so that a
/// power cut in between cannot end with an empty installation being served.
fn exchange(place: &Place, draft: &Path, before: &[PathBuf]) -> anyhow::Result<Option<PathBuf>> {
    let stamp: String = SystemClock.now().to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let aside = place.folder.join(format!("replaced-{stamp}"));
    let earlier = fs::read_to_string(&place.mark).unwrap_or_default();
    for path in earlier.lines() {
        eprintln!("baton: a restore was interrupted before; what it moved aside is in {path}");
    }
    fs::write(&place.mark, format!("{earlier}{}\n", aside.display()))?;
    File::open(&place.mark)?.sync_all()?;
    manifest::sync_folder(&place.folder)?;
    if !before.is_empty() {
        manifest::make_folder(&aside)?;
    }
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    let done = move_all(place, draft, before, &aside, &mut moved);
    if let Err(error) = done {
        for (from, to) in moved.iter().rev() {
            if let Err(again) = fs::rename(to, from) {
                bail!("{error:#}; and {} cannot be moved back to {}: {again}", to.display(), from.display());
            }
        }
        let _ = fs::remove_dir(&aside);
        let _ = fs::remove_dir_all(draft);
        fs::remove_file(&place.mark)?;
        return Err(error.context("nothing was changed"));
    }
    fs::remove_file(&place.mark)?;
    manifest::sync_folder(&place.folder)?;
    Ok((!before.is_empty()).then_some(aside))
}

fn move_all(
    place: &Place,
    draft: &Path,
    before: &[PathBuf],
    aside: &Path,
    moved: &mut Vec<(PathBuf, PathBuf)>,
) -> anyhow::Result<()> {
    let mut go = |from: &Path, to: PathBuf| -> anyhow::Result<()> {
        fs::rename(from, &to)
            .with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
        moved.push((from.to_owned(), to));
        Ok(())
    };
    for path in before {
        go(path, aside.join(path.file_name().context("a path without a name")?))?;
    }
    let models = draft.join(manifest::MODELS);
    if models.is_dir() {
        if place.models.is_dir() {
            fs::remove_dir(&place.models)?;
        }
        go(&models, place.models.clone())?;
    }
    go(&draft.join(manifest::DATABASE), place.database.clone())?;
    manifest::sync_folder(&place.folder)
}
