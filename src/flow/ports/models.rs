//! Models: which one is live, which were, and the ones that lie ready. Not what a
//! model answers: that is the analyzer's.

use std::sync::Arc;

use async_trait::async_trait;

use super::directory::{DirectoryError, Stamp};
use super::{Analyzer, StoreError};
use crate::domain::time::Timestamp;

/// One adoption, as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelVersion {
    /// Its number; the greatest is live.
    pub number: u32,
    /// The model's version, as its manifest and every analysis say it.
    pub version: String,
    /// The name of its folder in the installation's `models`; empty for the one that came with Baton.
    pub folder: String,
    /// Who adopted it; empty for the command line.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub comment: String,
    /// It took the one before back.
    pub is_rollback: bool,
}

impl ModelVersion {
    /// Whether it is the one that came with Baton.
    pub fn is_shipped(&self) -> bool {
        self.folder.is_empty()
    }
}

/// A model to be made live.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of ModelVersion")]
pub struct Adoption {
    pub version: String,
    pub folder: String,
    pub comment: String,
    pub is_rollback: bool,
}

/// What a rollback goes back to: the adoption that is live once the last one is taken back. The inner `None` is the
/// model that came with Baton; the outer one says that nothing is left to take back.
///
/// Adopting puts a model on a pile and rolling back takes the topmost off, so rolling back twice goes back two steps.
pub fn before_the_live(newest_first: &[ModelVersion]) -> Option<Option<&ModelVersion>> {
    let mut pile: Vec<&ModelVersion> = Vec::new();
    for version in newest_first.iter().rev() {
        if version.is_rollback {
            pile.pop();
        } else {
            pile.push(version);
        }
    }
    pile.pop()?;
    Some(pile.pop())
}

/// Remembers which model is live, like versions of the policy.
#[async_trait]
pub trait ModelVersions: Send + Sync {
    /// All adoptions, newest first; the first is live.
    async fn model_versions(&self) -> Result<Vec<ModelVersion>, StoreError>;

    /// Makes a model the live one on top of `based_on`, which must still be the newest (0: none yet), and says so in
    /// the audit log.
    ///
    /// # Errors
    ///
    /// `Conflict` when somebody was faster.
    async fn adopt_model(
        &self,
        stamp: Stamp,
        adoption: Adoption,
        based_on: u32,
    ) -> Result<ModelVersion, DirectoryError>;
}

/// A model that lies ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyModel {
    /// Its name, as analyses give it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of its folder in the installation's `models`; empty for the one that came with Baton.
    pub folder: String,
    /// The sets it was trained on, and how many lines of each.
    pub trained_on: Vec<(String, usize)>,
    /// How it did against the one before it, as JSON, where it was learned on site.
    pub figures: Option<String>,
}

/// Where models lie, and the place from which one of them answers.
#[async_trait]
pub trait ModelShelf: Send + Sync {
    /// The model that came with Baton, if there is one.
    async fn shipped(&self) -> Option<ReadyModel>;

    /// The models of this installation, by folder. Their weights are not read.
    async fn available(&self) -> Vec<ReadyModel>;

    /// Loads a model beside the one that is live, on a thread of its own, and lets it answer once.
    ///
    /// # Errors
    ///
    /// For a person: why it cannot be used.
    async fn load(&self, folder: &str) -> Result<Arc<dyn Analyzer>, String>;

    /// From now on this model answers. What the one before it was handed, it still answers.
    fn go_live(&self, loaded: Arc<dyn Analyzer>);

    /// Whether models can be loaded at all; not where words alone were asked for.
    fn takes_models(&self) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(steps: &[&str]) -> Vec<ModelVersion> {
        let step = |(number, step): (usize, &&str)| ModelVersion {
            number: u32::try_from(number).unwrap_or_default() + 1,
            version: (*step).to_owned(),
            folder: (*step).to_owned(),
            author: String::new(),
            at: Timestamp::default(),
            comment: String::new(),
            is_rollback: *step == "back",
        };
        steps.iter().enumerate().map(step).rev().collect()
    }

    #[test]
    fn rolling_back_twice_goes_back_two_steps() {
        let before = |steps: &[&str]| {
            before_the_live(&history(steps)).map(|found| found.map(|found| found.version.clone()))
        };
        assert_eq!(before(&[]), None);
        assert_eq!(before(&["a"]), Some(None));
        assert_eq!(before(&["a", "b"]), Some(Some("a".into())));
        assert_eq!(before(&["a", "b", "back"]), Some(None));
        assert_eq!(before(&["a", "b", "back", "back"]), None);
        assert_eq!(before(&["a", "b", "back", "c"]), Some(Some("a".into())));
    }
}
