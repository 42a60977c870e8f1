//! Which model is live: adopting one, taking that back, and following what was
//! written down by somebody else. Not what a model answers.
//!
//! Reads   the adoptions, newest first; the models that lie ready.
//! Writes  one adoption, after the model has been loaded beside the live one.
//! Next    nothing: messages in flight are answered by whichever model has them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::ports::directory::Stamp;
use super::ports::models::{Adoption, before_the_live};
use super::ports::{
    Analyzer, Clock, DirectoryError, ModelShelf, ModelVersion, ModelVersions, ReadyModel, StoreError,
};

/// How often is looked whether somebody else has adopted a model: the command line, another node.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a model did not become live. The one before it goes on.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// No folder holds this version.
    #[error("there is no model of version {0}")]
    NotFound(String),
    /// It is damaged, or does not load or answer.
    #[error("the model cannot be used: {0}")]
    Unusable(String),
    /// It is live already.
    #[error("version {0} is live already")]
    AlreadyLive(String),
    /// The model that came with Baton is live, and nothing came before it.
    #[error("there is nothing to go back to")]
    NothingBefore,
    /// It could not be written down.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl AdoptError {
    /// The word for this error in answers, metrics and logs. Never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Unusable(_) => "model_unusable",
            Self::AlreadyLive(_) => "already_live",
            Self::NothingBefore => "nothing_before",
            Self::Directory(error) => error.code(),
        }
    }
}

impl From<StoreError> for AdoptError {
    fn from(error: StoreError) -> Self {
        Self::Directory(error.into())
    }
}

/// Which model is live. Cheap to clone.
#[derive(Clone)]
pub struct Models(Arc<Inner>);

struct Inner {
    versions: Arc<dyn ModelVersions>,
    shelf: Arc<dyn ModelShelf>,
    /// One adoption at a time; the number of the adoption that was carried out here last.
    turn: tokio::sync::Mutex<u32>,
    /// Why another model answers than the one that was adopted.
    trouble: Mutex<Option<String>>,
}

impl Models {
    /// Over what is written down and what lies ready. Nothing is loaded yet.
    pub fn new(versions: Arc<dyn ModelVersions>, shelf: Arc<dyn ModelShelf>) -> Self {
        Self(Arc::new(Inner { versions, shelf, turn: tokio::sync::Mutex::new(0), trouble: Mutex::new(None) }))
    }

    /// All adoptions, newest first.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn versions(&self) -> Result<Vec<ModelVersion>, StoreError> {
        self.0.versions.model_versions().await
    }

    /// The model that came with Baton, and those of this installation.
    pub async fn ready(&self) -> (Option<ReadyModel>, Vec<ReadyModel>) {
        (self.0.shelf.shipped().await, self.0.shelf.available().await)
    }

    /// Why another model answers than the one that was adopted, if so.
    pub fn trouble(&self) -> Option<String> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, why: Option<String>) {
        *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Loads a version beside the live one, writes the adoption down, and lets it answer from now on.
    ///
    /// # Errors
    ///
    /// Says why; the model that was live goes on.
    pub async fn adopt(
        &self,
        stamp: Stamp,
        version: &str,
        comment: String,
    ) -> Result<ModelVersion, AdoptError> {
        let mut turn = self.0.turn.lock().await;
        let (shipped, available) = self.ready().await;
        let model = available.into_iter().chain(shipped).find(|model| model.version == version);
        let model = model.ok_or_else(|| AdoptError::NotFound(version.to_owned()))?;
        let newest = self.versions().await?.into_iter().next();
        let live = newest.as_ref().map_or("", |newest| newest.folder.as_str());
        if live == model.folder && self.trouble().is_none() {
            return Err(AdoptError::AlreadyLive(model.version));
        }
        let adoption = Adoption { version: model.version, folder: model.folder, comment, is_rollback: false };
        self.carry_out(&mut turn, stamp, adoption, newest.map_or(0, |newest| newest.number)).await
    }

    /// Takes the last adoption back that was not taken back yet.
    ///
    /// # Errors
    ///
    /// Says why; the model that was live goes on.
    pub async fn roll_back(&self, stamp: Stamp, comment: String) -> Result<ModelVersion, AdoptError> {
        let mut turn = self.0.turn.lock().await;
        let versions = self.versions().await?;
        let before = before_the_live(&versions).ok_or(AdoptError::NothingBefore)?;
        let (version, folder) = match before {
            Some(before) => (before.version.clone(), before.folder.clone()),
            None => (
                self.0.shelf.shipped().await.map(|shipped| shipped.version).unwrap_or_default(),
                String::new(),
            ),
        };
        let adoption = Adoption { version, folder, comment, is_rollback: true };
        self.carry_out(&mut turn, stamp, adoption, versions.first().map_or(0, |newest| newest.number)).await
    }

    async fn carry_out(
        &self,
        turn: &mut u32,
        stamp: Stamp,
        adoption: Adoption,
        based_on: u32,
    ) -> Result<ModelVersion, AdoptError> {
        let loaded = self.0.shelf.load(&adoption.folder).await.map_err(AdoptError::Unusable)?;
        let adopted = self.0.versions.adopt_model(stamp, adoption, based_on).await?;
        self.go_live(turn, &adopted, loaded);
        Ok(adopted)
    }

    fn go_live(&self, turn: &mut u32, adopted: &ModelVersion, loaded: Arc<dyn Analyzer>) {
        self.0.shelf.go_live(loaded);
        self.set_trouble(None);
        *turn = adopted.number;
        tracing::info!(model.version = %adopted.version, "The model of version {} is live", adopted.version);
    }

    /// Makes live what was adopted last, if it is not yet. What cannot be loaded is not tried again; at the start the
    /// model that came with Baton takes its place, later the one that is live goes on.
    async fn catch_up(&self) -> Result<(), StoreError> {
        let mut turn = self.0.turn.lock().await;
        let Some(newest) = self.versions().await?.into_iter().next() else { return Ok(()) };
        if newest.number == *turn {
            return Ok(());
        }
        let is_start = *turn == 0;
        match self.0.shelf.load(&newest.folder).await {
            Ok(loaded) => self.go_live(&mut turn, &newest, loaded),
            Err(why) => {
                *turn = newest.number;
                let instead = if is_start { "the one that came with Baton" } else { "the one before it" };
                let trouble =
                    format!("the adopted model {} cannot be used, {instead} answers: {why}", newest.version);
                tracing::error!(model.version = %newest.version, "Degraded: {trouble}");
                self.set_trouble(Some(trouble));
                if is_start {
                    match self.0.shelf.load("").await {
                        Ok(shipped) => self.0.shelf.go_live(shipped),
                        Err(why) => tracing::error!("No model at all, words answer: {why}"),
                    }
                }
            }
        }
        Ok(())
    }

    /// Keeps the live model the one that was adopted last, whoever adopted it, until told to stop.
    pub async fn keep_up(&self, clock: Arc<dyn Clock>, stopping: CancellationToken) {
        if !self.0.shelf.takes_models() {
            return;
        }
        loop {
            if let Err(error) = self.catch_up().await {
                tracing::warn!(error = %error, "Which model is live was not looked up: {error}");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = clock.sleep(LOOK_EVERY) => {}
            }
        }
    }
}
