//! The store on an SQL database: every statement, once for both engines. Not how a
//! database is opened, written to or kept up to date: that is `sqlite`'s and `postgres`'.

mod agents;
mod commit;
mod conversations;
pub(crate) mod copy;
mod directory;
mod engine;
mod entries;
mod handoffs;
mod health;
mod labels;
mod models;
mod outline;
mod person;
pub(crate) mod points;
mod retention;
mod nodes;
mod rows;
mod store;
mod tables;
mod threads;
mod upkeep;

pub(crate) use engine::values;
pub use engine::{Alone, Cells, Column, Dialect, FromValue, Row, Sql, Value};
pub(crate) use health::{Cause, Health};
pub(crate) use store::touch;
pub(crate) use threads::{Engine, Threads, Work};

use crate::flow::ports::StoreError;
use std::sync::Arc;
use std::time::Duration;

/// The store on a database. Cheap to clone.
#[derive(Clone)]
pub struct SqlStore {
    threads: Arc<Threads>,
    history_id: Arc<str>,
    health: Arc<Health>,
    /// How long whoever writes waits at most, where there is a most.
    patience: Option<Duration>,
}

impl SqlStore {
    /// A store on connections that were opened.
    pub(crate) fn new(threads: Threads, history_id: &str) -> Self {
        let (threads, health) = (Arc::new(threads), Arc::default());
        Self { threads, history_id: history_id.into(), health, patience: None }
    }

    /// The same store, in which nobody waits for a write for longer than this.
    pub(crate) fn patient_for(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// The same store, whose threads note there how they fare.
    pub(crate) fn watched(self, health: Arc<Health>) -> Self {
        Self { health, ..self }
    }

    /// Runs a job on a writing thread, all or nothing; the answer comes after the commit. It may be run again when
    /// somebody else's write came in between.
    ///
    /// # Errors
    ///
    /// The job's own, or `Unavailable` when the commit failed or too many jobs wait. Also when the database stands still:
    /// then nobody knows yet whether it will be written, and whoever asks again with the same client id hears it.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, E> + Send + 'static,
    {
        let Some(patience) = self.patience else { return self.threads.write(job).await };
        match tokio::time::timeout(patience, self.threads.write(job)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.health.refused(Cause::Silent, 1, &format!("a write has not ended within {patience:?}"));
                Err(StoreError::Unavailable.into())
            }
        }
    }

    /// Like [`SqlStore::write`] for what may take long: it is waited for as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`SqlStore::write`].
    pub(crate) async fn write_long<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, E> + Send + 'static,
    {
        self.threads.write(job).await
    }

    /// Runs a job on a reading thread. It sees every write that was answered before.
    ///
    /// # Errors
    ///
    /// The job's own, or `Unavailable` when too many jobs wait.
    pub async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, StoreError> + Send + 'static,
    {
        self.threads.read(job).await
    }

    /// Like [`SqlStore::read`] for a few rows by their key, which take less time than a change of threads.
    ///
    /// # Errors
    ///
    /// As [`SqlStore::read`].
    pub(crate) async fn read_here<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, StoreError> + Send + 'static,
    {
        self.threads.read_here(job).await
    }

    /// The number of the schema: how many migrations have been carried out.
    ///
    /// # Errors
    ///
    /// `Unavailable` when too many jobs wait.
    pub async fn schema(&self) -> Result<usize, StoreError> {
        self.read(|sql| match sql.dialect() {
            Dialect::Sqlite => sql.one("select user_version from pragma_user_version", &[], |row| row.get(0)),
            Dialect::Postgres => {
                sql.one("select value::bigint from meta where key = 'schema'", &[], |row| row.get(0))
            }
        })
        .await
    }
}
