//! The files that a database is in, and the disk they are on. Not what stands in them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::flow::ports::Disk;

/// How long a compaction waits for whoever writes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The disk of a database in a file of SQLite.
pub struct DatabaseFile {
    path: PathBuf,
}

impl DatabaseFile {
    /// The database at this path.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

impl Disk for DatabaseFile {
    fn free(&self) -> Option<u64> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let found = rustix::fs::statvfs(folder.unwrap_or(Path::new("."))).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn used(&self) -> Option<u64> {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        Some(bytes(&self.path) + bytes(&self.beside("-wal")))
    }

    fn compact(&self) -> Result<bool, String> {
        super::sqlite::compact(&self.path, PATIENCE).map(|()| true).map_err(|error| error.to_string())
    }
}

/// The disk of a database that is elsewhere.
pub struct Elsewhere;

impl Disk for Elsewhere {
    fn free(&self) -> Option<u64> {
        None
    }

    fn used(&self) -> Option<u64> {
        None
    }

    fn compact(&self) -> Result<bool, String> {
        Ok(false)
    }
}
