//! What a backup holds: `manifest.json` in its folder names every file with its sha256,
//! and what stood in the database. Not how a backup is made or put back.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::time::Timestamp;
use crate::store::sqlite::backup::Contents;

/// The list itself.
pub(super) const NAME: &str = "manifest.json";
/// The database in a backup.
pub(super) const DATABASE: &str = "baton.db";
/// The models in a backup, as in a data folder.
pub(super) const MODELS: &str = "models";
/// The file by which a folder is a model.
const MODEL: &str = "manifest.toml";
/// What this version writes, and reads.
const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// How the backup is laid out.
    pub format: u32,
    /// The Baton that made it.
    pub baton: String,
    /// When its snapshot was taken.
    pub taken_at: Timestamp,
    /// What stands in the database.
    pub database: Contents,
    /// Every file but this one.
    pub files: Vec<Listed>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Relative to the backup's folder, with `/`.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// What is in it.
    pub sha256: String,
}

impl Manifest {
    /// Lists every file of a folder, and writes the list into it.
    pub(super) fn write(folder: &Path, taken_at: Timestamp, database: Contents) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in files_in(folder)? {
            let (bytes, sha256) = sum(&folder.join(&path))?;
            files.push(Listed { path, bytes, sha256 });
        }
        let manifest =
            Self { format: FORMAT, baton: env!("CARGO_PKG_VERSION").to_owned(), taken_at, database, files };
        let mut file = File::create_new(folder.join(NAME))?;
        file.write_all(serde_json::to_string_pretty(&manifest)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        Ok(manifest)
    }

    /// Reads the list of a backup and compares every file with it.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(NAME);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("this is no backup of Baton: cannot read {}", path.display()))?;
        let manifest: Self =
            serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
        ensure!(
            manifest.format == FORMAT,
            "the backup was made by Baton {} in a format that this one does not know",
            manifest.baton
        );
        let listed: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        ensure!(listed.contains(DATABASE), "the backup lists no {DATABASE}");
        for file in &manifest.files {
            ensure!(stays_inside(&file.path), "the backup lists {:?}, which is not inside it", file.path);
            let (bytes, sha256) = sum(&folder.join(&file.path))
                .with_context(|| format!("the backup is not whole: {} cannot be read", file.path))?;
            if bytes != file.bytes {
                bail!(
                    "the backup is damaged: {} has {bytes} bytes and should have {}",
                    file.path,
                    file.bytes
                );
            }
            ensure!(sha256 == file.sha256, "the backup is damaged: {} is not what was written", file.path);
        }
        Ok(manifest)
    }

    /// The folders of the models in it.
    pub(super) fn models(&self) -> BTreeSet<&str> {
        let of = |file: &'_ Listed| -> Option<(usize, usize)> {
            let rest = file.path.strip_prefix(MODELS)?.strip_prefix('/')?;
            let (name, _) = rest.split_once('/')?;
            let from = MODELS.len() + 1;
            Some((from, from + name.len()))
        };
        self.files.iter().filter_map(|file| of(file).map(|(from, to)| &file.path[from..to])).collect()
    }

    /// All bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// A relative path that cannot lead out of its folder.
fn stays_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Every file below a folder, by relative path.
pub(super) fn files_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inside) = open.pop() {
        for entry in fs::read_dir(folder.join(&inside))? {
            let entry = entry?;
            let path = inside.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                let text = path.to_str().ok_or_else(|| io::Error::other("a file name is not text"))?;
                found.push(text.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The models of a data folder, by name; drafts begin with a dot and are none.
pub(super) fn models_in(data: &Path) -> Vec<String> {
    let folder = data.join(MODELS);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && folder.join(name).join(MODEL).is_file())
        .collect();
    found.sort();
    found
}

/// Copies a folder's files, each onto the disk, readable by nobody else.
pub(super) fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    make_folder(to)?;
    for path in files_in(from)? {
        let target = to.join(&path);
        if let Some(folder) = target.parent() {
            make_folder(folder)?;
        }
        copy_file(&from.join(&path), &target)?;
    }
    sync_folders(to)
}

/// Copies one file onto the disk.
pub(super) fn copy_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = || -> io::Result<()> {
        let (mut source, mut target) = (File::open(from)?, File::create_new(to)?);
        io::copy(&mut source, &mut target)?;
        target.sync_all()
    };
    copied().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Makes a folder that nobody else may read.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Puts the names in a folder, and in every folder inside it, onto the disk.
pub(super) fn sync_folders(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}

/// Puts the names in a folder onto the disk.
pub(super) fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.with_context(|| format!("cannot write the folder {}", folder.display()))
}

fn sum(path: &Path) -> io::Result<(u64, String)> {
    use std::fmt::Write as _;
    let mut file = File::open(path)?;
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        digest.update(&buffer[..n]);
        bytes += n as u64;
    }
    let mut text = String::with_capacity(64);
    for byte in digest.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok((bytes, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_is_none_of_a_backup() {
        assert!(stays_inside("models/1.0.0+site.1/manifest.toml"));
        for out in ["", "/etc/passwd", "../x", "models/../../x", "./baton.db"] {
            assert!(!stays_inside(out), "{out}");
        }
    }
}
