//! `baton migrate`: brings the database up to date without serving, or moves it to
//! PostgreSQL.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::config::Where;
use super::{Failure, print};
use crate::app::{describe_store, open_store, take_alone};
use crate::config::Config;
use crate::store::{PostgresSettings, move_to_postgres};
use crate::system::TimeOrderedIds;
use crate::telemetry::start_logging;

/// The longest that one statement may take: there are thousands of rows in some.
const PATIENCE: Duration = Duration::from_secs(600);
/// Rows between two lines of progress.
const TELL_EVERY: u64 = 20_000;

/// Makes the database, or brings its schema up to date. `baton serve` does so by itself at its start. With --to, moves
/// everything from the data folder's database into an empty PostgreSQL database.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  baton migrate --data data\n  baton migrate --data data --to postgres://baton@db.example/baton\n  baton migrate --data data --to @/etc/baton.url"
)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    /// The address of the PostgreSQL database, or `@` and a file in which it stands, where others may see what runs.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

/// Migrates and prints the number of the schema; or moves and prints what was moved.
///
/// # Errors
///
/// Exit 2 with every mistake of the configuration; exit 1 when a database cannot be opened, the service runs, or the
/// other database is not empty.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.place.read()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start threads")?;
    if let Some(to) = &arguments.to {
        let url = address(to)?;
        // What a database refuses is told by the store's own lines.
        start_logging(&config.telemetry).map_err(|error| Failure::Usage(error.to_string()))?;
        return runtime.block_on(move_away(&config, url));
    }
    let store = open_store(&config, &TimeOrderedIds)?;
    let schema = runtime.block_on(store.schema()).map_err(anyhow::Error::from)?;
    print(&format!("{}: schema {schema}", describe_store(&config)))
}

/// The address itself, or what stands in a file.
fn address(to: &str) -> Result<String, Failure> {
    let url = match to.strip_prefix('@') {
        None => to.to_owned(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::Usage(format!("--to: cannot read {path}: {error}")))?
            .trim()
            .to_owned(),
    };
    match url.starts_with("postgres://") || url.starts_with("postgresql://") {
        true => Ok(url),
        false => Err(Failure::Usage("--to: an address like postgres://name@host/database is needed".into())),
    }
}

async fn move_away(config: &Config, url: String) -> Result<(), Failure> {
    // Where the configuration names PostgreSQL already, the file is still what is moved.
    let mut config = config.clone();
    config.store.url = None;
    let database = config.database();
    if !database.exists() {
        return Err(Failure::Usage(format!("there is no database at {}", database.display())));
    }
    // Held to the end: nobody writes what would be left behind.
    let _alone = take_alone(&config)?;
    // Both sides have the same tables then.
    drop(open_store(&config, &TimeOrderedIds)?);
    let authorities = config.store.authorities.clone();
    let settings = PostgresSettings { authorities, timeout: PATIENCE, ..PostgresSettings::new(url.into()) };
    let place = settings.describe();
    eprintln!("baton: moving {} to {place}", database.display());
    let moved = move_to_postgres(&database, settings, |table, rows| {
        if rows.is_multiple_of(TELL_EVERY) {
            eprintln!("baton: {rows} rows of {table}");
        }
    })
    .await?;
    eprintln!(
        "baton: everything reads the same on both sides; set store.url, and keep models/ in the data folder"
    );
    let result = json!({
        "moved_to": place,
        "history_id": moved.history_id,
        "rows": moved.tables.values().map(|table| table.rows).sum::<u64>(),
        "tables": moved.tables,
    });
    print(&result.to_string())
}
