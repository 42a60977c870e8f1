//! A model folder: what is in it, whether it is whole, and how it is written.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{NlpError, labels};

/// The name of the manifest in a model folder.
pub const MANIFEST: &str = "manifest.toml";
/// Shape of the encoder.
pub const CONFIG: &str = "config.json";
/// Word pieces, one a line.
pub const VOCABULARY: &str = "vocab.txt";
/// Words of the training texts, by which slips of the keyboard are undone; a folder may lack it.
pub const WORDS: &str = "words.txt";
/// Word vectors; the same in every version trained from one base.
pub const EMBEDDINGS: &str = "embeddings.safetensors";
/// Weights of the transformer.
pub const BODY: &str = "encoder.safetensors";
/// Weights of the projections.
pub const TOP: &str = "heads.safetensors";

/// What a model folder says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The shape of this file.
    pub schema: u32,
    /// The model's name, as analyses give it.
    pub name: String,
    /// The model's version, as analyses give it.
    pub version: String,
    /// The licence of the weights.
    pub license: String,
    /// The languages it speaks.
    pub languages: Vec<String>,
    /// The model it was trained from.
    pub base: String,
    /// The outputs of the heads, in their order.
    pub labels: Vec<String>,
    /// sha256 of every other file.
    pub files: BTreeMap<String, String>,
    /// What is done to each output before its squashing.
    pub calibration: Calibration,
    /// The sets it was trained on, with their licences.
    #[serde(default)]
    pub trained_on: Vec<TrainedOn>,
}

/// One set of training data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// The name of the set.
    pub set: String,
    /// Its licence.
    pub license: String,
    /// How many lines of it were read.
    pub lines: usize,
}

/// `output * scale + shift`, one pair an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Factors.
    pub scale: Vec<f32>,
    /// Summands.
    pub shift: Vec<f32>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { scale: vec![1.0; labels::N_OUTPUTS], shift: vec![0.0; labels::N_OUTPUTS] }
    }
}

/// A model folder whose files are those of its manifest.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Where it is.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Bundle {
    /// Reads the manifest and checks every file against it.
    ///
    /// # Errors
    ///
    /// Something is missing, damaged, or not a manifest of this kind.
    pub fn open(folder: &Path) -> Result<Self, NlpError> {
        let manifest = Self::manifest(folder)?;
        for (name, expected) in &manifest.files {
            let path = folder.join(name);
            let found = sha256(&path)?;
            if found != *expected {
                return Err(NlpError::Damaged {
                    what: path.display().to_string(),
                    found,
                    expected: expected.clone(),
                });
            }
        }
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Reads the manifest alone.
    ///
    /// # Errors
    ///
    /// It is missing, or not a manifest of this kind.
    pub fn manifest(folder: &Path) -> Result<Manifest, NlpError> {
        let path = folder.join(MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        let manifest: Manifest = toml::from_str(&text).map_err(|error| NlpError::Unreadable {
            what: path.display().to_string(),
            why: error.message().to_owned(),
        })?;
        manifest.check().map_err(|why| NlpError::Unreadable { what: path.display().to_string(), why })?;
        Ok(manifest)
    }

    /// One of its files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Manifest {
    fn check(&self) -> Result<(), String> {
        if self.schema != 1 {
            return Err(format!("schema {} is not known, only 1", self.schema));
        }
        if self.labels != labels::names() {
            return Err("its labels are not those of this program".to_owned());
        }
        let n = labels::N_OUTPUTS;
        if self.calibration.scale.len() != n || self.calibration.shift.len() != n {
            return Err(format!("the calibration needs {n} factors and {n} summands"));
        }
        for needed in [CONFIG, VOCABULARY, EMBEDDINGS, BODY, TOP] {
            if !self.files.contains_key(needed) {
                return Err(format!("no sha256 of {needed}"));
            }
        }
        if let Some(odd) = self.files.keys().find(|name| name.contains(['/', '\\'])) {
            return Err(format!("{odd} is not a file of the folder"));
        }
        Ok(())
    }

    /// Sums the files of a folder and writes the manifest beside them.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the manifest not be written.
    pub fn write(mut self, folder: &Path) -> Result<(), NlpError> {
        let names: Vec<String> = self.files.keys().cloned().collect();
        for name in names {
            let sum = sha256(&folder.join(&name))?;
            self.files.insert(name, sum);
        }
        let path = folder.join(MANIFEST);
        let text = toml::to_string(&self).map_err(|error| NlpError::Unreadable {
            what: path.display().to_string(),
            why: error.to_string(),
        })?;
        std::fs::write(&path, text).map_err(|error| unreadable(&path, &error))
    }
}

/// The sha256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> Result<String, NlpError> {
    let mut file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut sum = Sha256::new();
    std::io::copy(&mut file, &mut sum).map_err(|error| unreadable(path, &error))?;
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn unreadable(path: &Path, error: &std::io::Error) -> NlpError {
    let what = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::NotFound => NlpError::Missing { what },
        _ => NlpError::Unreadable { what, why: error.to_string() },
    }
}
