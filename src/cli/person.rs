//! `baton person`: what is held of one person, and taking it out.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::config::Where;
use super::store::{installation, opened};
use super::{Failure, print};
use crate::app::housekeeping_of;
use crate::domain::account::Email;
use crate::domain::id::VisitorId;
use crate::flow::Housekeeping;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{Clock, Person};
use crate::system::{SystemClock, TimeOrderedIds};

/// Export or erase everything that is held of one person, also while the service runs. Backups and logs of proxies
/// are not reached.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  baton person export --data data --email kim@example.org > kim.json\n  baton person erase --data data --visitor vis_01ARZ3NDEKTSV4RRFFQ69G5FAV"
)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prints all rows of all tables about the person as one JSON object.
    Export(Who),
    /// Takes texts, names, addresses and identities out of the database, and leaves what is counted. A conversation
    /// that is not over is ended first, and those in it are told.
    Erase(Who),
}

/// Whom it is about.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// The id of the visitor, as conversations show it.
    #[arg(long, value_name = "ID")]
    visitor: Option<String>,
    /// The address that they, or the site, gave. Every visitor with it.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
}

impl Who {
    fn person(&self) -> Result<Person, Failure> {
        if let Some(visitor) = &self.visitor {
            let visitor =
                VisitorId::parse(visitor).map_err(|error| Failure::Usage(format!("--visitor: {error}")))?;
            return Ok(Person::Visitor(visitor));
        }
        let email = Email::parse(self.email.as_deref().unwrap_or_default());
        let email = email.map_err(|error| Failure::Usage(format!("--email: {error}")))?;
        Ok(Person::Email(email.as_str().to_lowercase()))
    }
}

/// Works on the data folder, also while the service runs.
///
/// # Errors
///
/// Exit 2 for an id or address that is none, and where there is no database; exit 1 when nothing is held of the person
/// or the database does not answer.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = installation(arguments.place.config.as_deref(), arguments.place.data.as_deref())?;
    let store = opened(&config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let housekeeping = housekeeping_of(&config, &store, &clock, &(Arc::new(TimeOrderedIds) as _));
    let stamp = Stamp { by: None, at: clock.now() };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start threads")?;
    let answer = runtime.block_on(async {
        match &arguments.command {
            Command::Export(who) => export(&housekeeping, stamp, &who.person()?).await,
            Command::Erase(who) => erase(&housekeeping, stamp, &who.person()?).await,
        }
    })?;
    print(&answer.to_string())
}

async fn export(housekeeping: &Housekeeping, stamp: Stamp, person: &Person) -> Result<Value, Failure> {
    let held = housekeeping.held_of(stamp, person).await.map_err(anyhow::Error::from)?;
    if held.is_empty() {
        return Err(Failure::Failed(anyhow::anyhow!("nothing is held of this person")));
    }
    let mut persons = Vec::new();
    for (visitor, held) in held {
        let held: Value = serde_json::from_str(&held).context("what is held cannot be read")?;
        persons.push(json!({ "visitor": visitor, "held": held }));
    }
    Ok(json!({ "persons": persons }))
}

async fn erase(housekeeping: &Housekeeping, stamp: Stamp, person: &Person) -> Result<Value, Failure> {
    eprintln!("baton: erasing, then writing the database anew; other writes wait meanwhile");
    let erasure = housekeeping.erase(stamp, person, true).await.map_err(anyhow::Error::from)?;
    eprintln!("baton: backups made before today, and logs of proxies, still hold what they held");
    Ok(json!({
        "visitors": erasure.visitors,
        "ended": erasure.ended,
        "conversations": erasure.erased.conversations,
        "entries": erasure.erased.entries,
        "labels": erasure.erased.labels,
        "compacted": erasure.is_compact,
    }))
}
