//! The place of the data: one service at a time, and none while a restore is under way.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::Config;

/// Makes sure that no other service works on the same database: two would each offer the
/// same conversations. Held until dropped, and given up by the system when the process dies.
///
/// # Errors
///
/// When a service runs, or the file cannot be opened.
pub fn take_alone(config: &Config) -> anyhow::Result<File> {
    let database = config.database();
    make_folder_of(&database)?;
    let path = database.with_extension("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => anyhow::bail!("another `baton serve` works on {}", database.display()),
    }
}

/// The file that is there while a backup is put in the place of this database.
#[must_use]
pub fn restoring_mark(database: &Path) -> PathBuf {
    database.with_extension("restoring")
}

/// Makes the folder of the database, readable by nobody else.
pub(super) fn make_folder_of(database: &Path) -> anyhow::Result<()> {
    let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    let is_new = !folder.exists();
    builder.create(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    if is_new {
        // What is synced inside is found again after a power cut only if the folder's own name was synced.
        for above in folder.canonicalize()?.ancestors().skip(1) {
            let _ = std::fs::File::open(above).and_then(|above| above.sync_all());
        }
    }
    Ok(())
}

/// Refuses a database that a restore was putting in place when it was interrupted.
pub(super) fn must_not_be_unfinished(database: &Path) -> anyhow::Result<()> {
    let mark = restoring_mark(database);
    if mark.exists() {
        anyhow::bail!(
            "a restore was interrupted: run `baton restore` again; what was there before is in the folder named in {}",
            mark.display()
        );
    }
    Ok(())
}
