//! PostgreSQL: one database for several nodes. Every step is a transaction; rows that a
//! step reads in order to write are locked; a lost connection is made again.

mod engine;
mod link;
mod settings;

pub use settings::PostgresSettings;

use super::sql::points::{migrating, next_migration};
use super::sql::{Cause, Health, Row, Sql, SqlStore, Threads, values};
use crate::flow::ports::StoreError;
use engine::PostgresEngine;
use link::Link;
use std::sync::Arc;
use std::time::Duration;

/// Numbered like SQLite's, forward only, each safe while the previous version of Baton still runs on other nodes.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_conversations.sql"),
    include_str!("migrations/0002_directory.sql"),
    include_str!("migrations/0003_labels.sql"),
    include_str!("migrations/0004_models.sql"),
    include_str!("migrations/0005_upkeep.sql"),
    include_str!("migrations/0006_nodes.sql"),
    include_str!("migrations/0007_closings.sql"),
    include_str!("migrations/0008_sequences.sql"),
    include_str!("migrations/0009_in_order_of_time.sql"),
];

/// What brings a schema up to date, in order.
fn migrations() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().copied().chain(next_migration())
}

/// The schema that this program makes.
fn known() -> usize {
    migrations().count()
}

/// The latest schema that a program must know to work beside this one. It grows when something is taken away that
/// older programs still need, one release after they stopped needing it.
const OLDEST_BESIDE: usize = 6;

/// Held while the schema is brought up to date: two nodes that start at once do not race.
const MIGRATION_LOCK: i64 = 0x6261_746f_6e01;

/// Held by a step that changes what admins have set.
const DIRECTORY_LOCK: i64 = 0x6261_746f_6e02;

/// Held by a step that has left an entry in the audit log.
const AUDIT_LOCK: i64 = 0x6261_746f_6e04;

/// From which the locks of agents' rooms are made.
const ROOM_LOCKS: i64 = 0x6261_746f_6e03;

/// The store in a PostgreSQL database.
pub type PostgresStore = SqlStore;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is not one.
    #[error("the address of the database cannot be read: {0}")]
    Address(String),
    /// The certificates that the server's is checked against cannot be read.
    #[error("the certificates for the database cannot be read: {0}")]
    Authorities(String),
    /// Nobody answers there, or whoever does lets nobody in.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// It takes too long.
    #[error("the database does not answer within {0:?}")]
    Silent(Duration),
    /// A statement was refused.
    #[error("the database refuses what is needed at the start: {0}; the lines before this one say why")]
    Refused(String),
    /// The threads could not be started.
    #[error("the threads of the store cannot be started: {0}")]
    Threads(#[from] std::io::Error),
    /// It does not give what a promise needs.
    #[error("the database has `{setting}` at `{found}`: acknowledged messages would not be safe")]
    NotDurable {
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
    },
    /// It cannot hold every text.
    #[error("the database is encoded as {0}; Baton needs one that was made with encoding UTF8")]
    Encoding(String),
    /// It is a copy that follows another, or was set to be read only.
    #[error("the database takes no writes: it follows another one, or was made read-only")]
    ReadOnly,
    /// It was written by a newer Baton that older ones cannot work beside.
    #[error("the database was written by a newer version: schema {found}, this one knows {known}")]
    TooNew {
        /// Its schema.
        found: usize,
        /// The latest known here.
        known: usize,
    },
    /// It was written by an older Baton, and may only be read.
    #[error(
        "the database was written by an older version: schema {found}, this one needs {known}; `baton migrate` brings it up to date"
    )]
    TooOld {
        /// Its schema.
        found: usize,
        /// The one that is needed.
        known: usize,
    },
    /// Another database is there now than at the start.
    #[error("the database is another one than at the start: restart every node")]
    Replaced,
}

impl OpenError {
    /// The text of an error that may quote the address is left out but for its kind.
    fn address(error: tokio_postgres::Error) -> Self {
        Self::Address(error.to_string())
    }

    /// The word for it.
    fn cause(&self) -> Cause {
        match self {
            Self::Silent(_) => Cause::Silent,
            Self::ReadOnly => Cause::ReadOnly,
            Self::Address(_) | Self::Unreachable(_) => Cause::Unreachable,
            _ => Cause::Other,
        }
    }

    fn unreachable(error: tokio_postgres::Error) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Unreachable(format!("{error}{cause}"))
    }
}

/// Which database this store works on.
struct Place {
    settings: PostgresSettings,
    history_id: String,
    pause: engine::Pause,
    health: Arc<Health>,
}

impl Place {
    /// A connection that is made again must lead to the same history: what visitors were told is counted in it.
    fn must_be_the_same(&self, link: &Link) -> Result<(), OpenError> {
        let found = history_id(link).map_err(|error| link.cannot(error))?;
        if found == self.history_id { Ok(()) } else { Err(OpenError::Replaced) }
    }
}

fn history_id(sql: &dyn Sql) -> Result<String, StoreError> {
    sql.one("select value from meta where key = 'history_id'", &[], |row| row.get(0))
}

/// Opening it.
impl SqlStore {
    /// Connects, brings the schema up to date, and asserts that what is acknowledged is on the disk.
    /// `fresh_history_id` names the history of a database that is new.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong in one line.
    pub fn connect(settings: PostgresSettings, fresh_history_id: &str) -> Result<Self, OpenError> {
        Self::on_a_thread(|| {
            let link = Link::open(&settings, false)?;
            link.batch("begin").and_then(|()| migrate(&link)).map_err(|error| link.cannot(error))??;
            let named = (|| {
                let name = "insert into meta (key, value) values ('history_id', ?1) on conflict do nothing";
                link.run(name, values![fresh_history_id])?;
                link.batch("commit")?;
                history_id(&link)
            })();
            let history_id = named.map_err(|error| link.cannot(error))?;
            Self::start(settings.clone(), history_id, false)
        })
    }

    /// Connects to read and nothing else: a write is refused.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong in one line; so when its schema is not one this program can read.
    pub fn connect_to_read(settings: PostgresSettings) -> Result<Self, OpenError> {
        Self::on_a_thread(|| {
            let link = Link::open(&settings, true)?;
            let found =
                (&link as &dyn Sql).one("select to_regclass('meta') is not null", &[], |row| row.get(0));
            let found = match found.map_err(|error| link.cannot(error))? {
                true => schema_of(&link).map_err(|error| link.cannot(error))?,
                false => (0, 0),
            };
            if found.0 < known() {
                return Err(OpenError::TooOld { found: found.0, known: known() });
            }
            must_be_known(found)?;
            let history_id = history_id(&link).map_err(|error| link.cannot(error))?;
            Self::start(settings.clone(), history_id, true)
        })
    }

    fn start(settings: PostgresSettings, history_id: String, is_to_read: bool) -> Result<Self, OpenError> {
        let (n_writers, n_readers) = (settings.writers.max(1), settings.readers.max(1));
        let waiting = settings.waiting;
        // A statement may take that long, and a step is a few of them.
        let patience = 2 * (settings.timeout + link::GRACE);
        let (pause, health) = (engine::Pause::default(), Arc::new(Health::default()));
        let place = Arc::new(Place { settings, history_id, pause, health });
        let engine = |is_to_read| PostgresEngine::new(Arc::clone(&place), is_to_read);
        let writers = (0..n_writers).map(|_| engine(is_to_read)).collect();
        let readers = (0..n_readers).map(|_| engine(true)).collect();
        let threads = Threads::start(writers, readers, waiting)?;
        Ok(Self::new(threads, &place.history_id).watched(Arc::clone(&place.health)).patient_for(patience))
    }

    /// A connection waits by itself, which a thread that carries tasks may not do.
    fn on_a_thread(open: impl FnOnce() -> Result<Self, OpenError> + Send) -> Result<Self, OpenError> {
        std::thread::scope(|scope| {
            let opening = scope.spawn(open);
            opening.join().unwrap_or_else(|_| Err(OpenError::Refused("the opening thread ended".into())))
        })
    }
}

/// The schema, and the latest one that a program must know to work on it.
fn schema_of(sql: &dyn Sql) -> Result<(usize, usize), StoreError> {
    let number = |key: &str| {
        let read = |row: &Row<'_>| row.get::<&str>(0).map(|text| text.parse().unwrap_or(usize::MAX));
        sql.first("select value from meta where key = ?1", values![key], read)
    };
    Ok((number("schema")?.unwrap_or(0), number("schema_beside")?.unwrap_or(0)))
}

fn must_be_known((found, beside): (usize, usize)) -> Result<(), OpenError> {
    if beside > known() { Err(OpenError::TooNew { found, known: known() }) } else { Ok(()) }
}

/// Carries out what is missing, in the transaction that was begun; a second node waits here for the first.
fn migrate(link: &Link) -> Result<Result<(), OpenError>, StoreError> {
    let sql: &dyn Sql = link;
    link.lock(MIGRATION_LOCK)?;
    link.batch("create table if not exists meta (key text collate \"C\" primary key, value text collate \"C\" not null)")?;
    let found = schema_of(sql)?;
    if let Err(too_new) = must_be_known(found) {
        return Ok(Err(too_new));
    }
    if found.0 >= known() {
        return Ok(Ok(()));
    }
    link.batch("set local statement_timeout = 0")?;
    for migration in migrations().skip(found.0) {
        migrating();
        link.batch(migration)?;
    }
    for (key, number) in [("schema", known()), ("schema_beside", OLDEST_BESIDE.max(found.1))] {
        let put = "insert into meta (key, value) values (?1, ?2) on conflict (key) do update set value = excluded.value";
        sql.run(put, values![key, &number.to_string()])?;
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both engines have the same schemas under the same numbers.
    #[test]
    fn migrations_are_those_of_sqlite_and_every_text_is_compared_byte_by_byte() {
        let names = |engine: &str| {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store").join(engine);
            let files = std::fs::read_dir(folder.join("migrations")).unwrap();
            let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names("postgres"), names("sqlite"));
        assert_eq!(names("postgres").len(), MIGRATIONS.len());
        for line in MIGRATIONS.iter().flat_map(|migration| migration.lines()) {
            let mut words = line.split_whitespace().skip(1);
            assert!(words.next() != Some("text") || words.next() == Some("collate"), "{line}");
            assert!(!line.split_whitespace().any(|word| word == "integer"), "{line}");
        }
    }

    #[test]
    fn an_address_that_is_wrong_is_named_without_its_password() {
        let settings =
            PostgresSettings::new("postgres://baton:geheim@db/x?sslmode=perhaps".to_owned().into());
        let error = settings.parsed().map(drop).unwrap_err().to_string();
        assert!(error.contains("address") && !error.contains("geheim"), "{error}");
        assert!(!format!("{settings:?}").contains("geheim"));
    }

    #[test]
    fn where_it_is_can_be_said_without_the_password() {
        let settings =
            PostgresSettings::new("postgres://baton:geheim@db.example:5433/desk".to_owned().into());
        assert_eq!(settings.describe(), "PostgreSQL at db.example, database desk");
    }
}
