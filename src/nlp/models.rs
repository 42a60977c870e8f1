//! The models of one installation, each a folder of its own. Does not know which one
//! is live.

use std::path::{Path, PathBuf};

use super::bundle::{Bundle, MANIFEST};

/// Where an installation keeps its models.
pub fn folder(installation: &Path) -> PathBuf {
    installation.join("models")
}

/// The folders that hold a manifest, by name. Drafts begin with a dot and are none.
pub fn folders(models: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(models) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| !name(path).starts_with('.') && path.join(MANIFEST).is_file())
        .collect();
    found.sort();
    found
}

/// The name of a model's folder.
pub fn name(folder: &Path) -> &str {
    folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The version of the next model that is learned on site: `1.0.0+site.3` after `1.0.0+site.2`.
pub fn next_version(models: &Path, live: &str) -> String {
    let number = |version: &str| version.rsplit_once("+site.")?.1.parse::<u32>().ok();
    let greatest = folders(models)
        .iter()
        .filter_map(|folder| number(&Bundle::manifest(folder).ok()?.version))
        .chain(number(live))
        .max()
        .unwrap_or(0);
    let base = live.split('+').next().unwrap_or(live);
    format!("{base}+site.{}", greatest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_learned_on_site_are_counted() {
        let nowhere = Path::new("there/is/none");
        assert_eq!(next_version(nowhere, "1.0.0"), "1.0.0+site.1");
        assert_eq!(next_version(nowhere, "1.0.0+site.4"), "1.0.0+site.5");
    }
}
