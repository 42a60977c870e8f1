//! The database of an installation that is there, for the commands that work on it.

use std::path::Path;

use super::Failure;
use super::config::{layers_for, read};
use crate::app::open_store;
use crate::config::Config;
use crate::store::SqlStore;
use crate::system::TimeOrderedIds;

/// The configuration of an installation: a file where one is named, the environment, and the data folder on top.
///
/// # Errors
///
/// Exit 2 with every mistake, and where the database is a file that is not there.
pub(super) fn installation(file: Option<&Path>, data: Option<&Path>) -> Result<Config, Failure> {
    let config = read(&layers_for(file, data)?)?;
    let path = config.database();
    if config.store.url.is_none() && !path.exists() {
        return Err(Failure::Usage(format!("there is no database at {}", path.display())));
    }
    Ok(config)
}

/// Its database, opened to read and write.
///
/// # Errors
///
/// Exit 1 when it cannot be opened.
pub(super) fn opened(config: &Config) -> Result<SqlStore, Failure> {
    Ok(open_store(config, &TimeOrderedIds)?)
}

/// Its database, opened to read and nothing else.
///
/// # Errors
///
/// Exit 1 when it cannot be opened.
#[cfg(feature = "rust-bert")]
pub(super) fn opened_to_read(config: &Config) -> Result<SqlStore, Failure> {
    Ok(crate::app::open_store_to_read(config)?)
}

/// For commands that copy files.
///
/// # Errors
///
/// Exit 2 where the database is not a file.
pub(super) fn must_be_a_file(config: &Config) -> Result<(), Failure> {
    match config.store.url {
        Some(_) => Err(Failure::Usage(
            "store.url is set: PostgreSQL is backed up and restored with its own tools, pg_dump and pg_restore"
                .into(),
        )),
        None => Ok(()),
    }
}
