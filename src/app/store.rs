//! The configured database: a file of SQLite, or PostgreSQL.

use std::time::Duration;

use anyhow::Context as _;

use super::place::{make_folder_of, must_not_be_unfinished};
use crate::config::Config;
use crate::flow::ports::IdSource;
use crate::store::{Limits, PostgresSettings, PostgresStore, SqlStore, SqliteStore};

/// How long whoever writes waits beyond `store.timeout`: for the commands before theirs.
const GRACE: Duration = Duration::from_secs(2);

/// Opens the database and brings its schema up to date. SQLite's is made where there is none, in a folder readable by
/// nobody else.
///
/// # Errors
///
/// When the folder or the file cannot be made or opened, or PostgreSQL not be reached or relied upon.
pub fn open_store(config: &Config, ids: &dyn IdSource) -> anyhow::Result<SqlStore> {
    if let Some(settings) = postgres(config) {
        let place = settings.describe();
        return PostgresStore::connect(settings, &ids.suffix()).context(place);
    }
    let path = config.database();
    make_folder_of(&path)?;
    must_not_be_unfinished(&path)?;
    let limits = Limits {
        readers: config.store.readers.get(),
        waiting: config.store.queue.get(),
        group: config.store.max_batch.get(),
        patience: config.store.timeout + GRACE,
        ..Limits::default()
    };
    SqliteStore::open_with(&path, &ids.suffix(), limits).with_context(|| format!("{}", path.display()))
}

/// Opens a database that somebody else may be working on, to read and nothing else.
///
/// # Errors
///
/// When it cannot be opened, or has another schema than this program.
pub fn open_store_to_read(config: &Config) -> anyhow::Result<SqlStore> {
    if let Some(settings) = postgres(config) {
        let place = settings.describe();
        return PostgresStore::connect_to_read(settings).context(place);
    }
    let path = config.database();
    SqliteStore::open_to_read(&path).with_context(|| format!("{}", path.display()))
}

/// Which database it is, for people; nothing secret.
#[must_use]
pub fn describe_store(config: &Config) -> String {
    postgres(config).map_or_else(|| config.database().display().to_string(), |settings| settings.describe())
}

/// How PostgreSQL is reached, where it is the database.
pub(super) fn postgres(config: &Config) -> Option<PostgresSettings> {
    Some(PostgresSettings {
        url: config.store.url.clone()?,
        authorities: config.store.authorities.clone(),
        writers: config.store.writers.get(),
        readers: config.store.readers.get(),
        waiting: config.store.queue.get(),
        timeout: config.store.timeout,
    })
}
