//! `baton migrate`: brings the database up to date without serving.

use std::path::PathBuf;

use anyhow::Context as _;

use super::config::{layers_for, read};
use super::{Failure, print};
use crate::app::{describe_store, open_store};
use crate::system::TimeOrderedIds;

/// Makes the database, or brings its schema up to date. `baton serve` does so by itself at its start.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  baton migrate --data data")]
pub struct Arguments {
    /// The configuration of the service.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder of the service.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Migrates and prints the number of the schema.
///
/// # Errors
///
/// Exit 2 with every mistake of the configuration; exit 1 when the database cannot be opened.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = read(&layers_for(arguments.config.as_deref(), arguments.data.as_deref())?)?;
    let store = open_store(&config, &TimeOrderedIds)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start threads")?;
    let schema = runtime.block_on(store.schema()).map_err(anyhow::Error::from)?;
    print(&format!("{}: schema {schema}", describe_store(&config)))
}
