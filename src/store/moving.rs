//! Moving an installation from a file of SQLite into an empty PostgreSQL database: whole
//! or not at all. Not what stands in the tables: `sql::copy` takes them as they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

use super::postgres::{self, PostgresSettings};
use super::sql::SqlStore;
use super::sql::copy::{self, CopyError};
use super::sqlite::backup::{BackupError, inspect};
use super::sqlite::{self, OpenError};
use crate::flow::ports::{Store as _, StoreError};

pub use super::sql::copy::Moved;

/// Why an installation was not moved. The target is then as empty as before.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The database to be moved is not whole.
    #[error(transparent)]
    From(#[from] BackupError),
    /// The database to be moved cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The other database cannot be opened.
    #[error(transparent)]
    To(#[from] postgres::OpenError),
    /// The other one is somebody else's.
    #[error("the database is not empty: it has a history of its own; name one that was made just now")]
    OtherHistory,
    /// What could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> Self {
        Self::Copy(error.into())
    }
}

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedStore {
    /// The name of the history: the same as before.
    pub history_id: String,
    /// By table.
    pub tables: BTreeMap<String, Moved>,
}

/// Moves everything in one transaction of the target. Nobody may write into the source meanwhile.
///
/// # Errors
///
/// [`MoveError`] says why; nothing was moved then.
pub async fn move_to_postgres(
    from: &Path,
    settings: PostgresSettings,
    tell: impl Fn(&str, u64) + Send + 'static,
) -> Result<MovedStore, MoveError> {
    let contents = inspect(from)?;
    let to = SqlStore::connect(settings, &contents.history_id)?;
    if to.history_id() != contents.history_id {
        return Err(MoveError::OtherHistory);
    }
    let path: PathBuf = from.to_owned();
    let tables = to
        .write(move |to| -> Result<_, MoveError> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let from = sqlite::Connected::new(sqlite::connect(&path, flags)?).map_err(OpenError::from)?;
            Ok(copy::copy(&from, to, &tell)?)
        })
        .await?;
    Ok(MovedStore { history_id: contents.history_id, tables })
}
