//! `baton account`: accounts from the command line, directly in the data folder. For
//! the first admin without a browser, and for when nobody can log in any more.

use std::io::Read as _;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::SecretString;

use super::config::Where;
use super::{Failure, print};
use crate::app::open_store;
use crate::auth::{AuthError, Logins, Passwords};
use crate::config::Config;
use crate::domain::account::{AccountChange, Email};
use crate::domain::agent::Role;
use crate::flow::ports::{Directory, DirectoryError};
use crate::system::{SystemClock, TimeOrderedIds};

/// Add, list, disable and reset accounts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  printf '%s' \"$PASSWORD\" | baton account add --email ana@shop.example --name Ana --role agent --password-stdin\n  baton account list"
)]
pub struct Arguments {
    #[command(flatten)]
    place: Where,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes an account. Without --password-stdin it prints a link with which a password is set.
    Add {
        /// What they log in with.
        #[arg(long)]
        email: String,
        /// Shown to visitors.
        #[arg(long)]
        name: String,
        /// One of agent, supervisor, admin.
        #[arg(long)]
        role: String,
        /// Read the password from standard input, up to the end or the first line break.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Lists all accounts, one a line.
    List,
    /// Locks an account out and ends its logins.
    Disable {
        /// Whose.
        #[arg(long)]
        email: String,
    },
    /// Prints a link with which a new password is set.
    Reset {
        /// Whose.
        #[arg(long)]
        email: String,
    },
}

/// Works on the data folder, also while the service runs.
///
/// # Errors
///
/// Exit 2 for an address or role that is none; exit 1 when it cannot be done.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.place.read()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(carry_out(&config, &arguments.command))
}

async fn carry_out(config: &Config, command: &Command) -> Result<(), Failure> {
    let store: Arc<dyn Directory> = Arc::new(open_store(config, &TimeOrderedIds)?);
    let passwords = Passwords::new(&config.auth).map_err(anyhow::Error::from)?;
    let logins = Logins::new(
        Arc::clone(&store),
        Arc::new(SystemClock),
        Arc::new(TimeOrderedIds),
        passwords,
        config.auth.clone(),
    );
    match command {
        Command::Add { email, name, role, password_stdin } => {
            let role = Role::parse(role)
                .ok_or_else(|| Failure::Usage("--role: one of agent, supervisor, admin".into()))?;
            let name = name.trim();
            if name.is_empty() || name.chars().count() > 100 {
                return Err(Failure::Usage("--name: write 1 to 100 characters".into()));
            }
            let email = address(email)?;
            if *password_stdin {
                let account = logins.add(email, name.to_owned(), role, password()?).await.map_err(said)?;
                print(account.id().as_str())
            } else {
                let (_, secret) = logins.invite(None, email, name.to_owned(), role).await.map_err(said)?;
                print(&link(config, secret.expose()))
            }
        }
        Command::List => {
            for account in store.accounts().await.map_err(anyhow::Error::from)? {
                let state = match (account.is_disabled, account.has_password) {
                    (true, _) => "disabled",
                    (false, true) => "active",
                    (false, false) => "invited",
                };
                let (id, email, role) = (account.id(), account.email.as_str(), account.role().as_str());
                print(&format!("{id}\t{email}\t{role}\t{state}\t{}", account.agent.name))?;
            }
            Ok(())
        }
        Command::Disable { email } => {
            let id = find(&*store, email).await?;
            let change = AccountChange { is_disabled: Some(true), ..AccountChange::default() };
            logins.change(None, id, change).await.map_err(said)?;
            Ok(())
        }
        Command::Reset { email } => {
            let id = find(&*store, email).await?;
            let secret = logins.reset(None, &id).await.map_err(said)?;
            print(&link(config, secret.expose()))
        }
    }
}

fn address(text: &str) -> Result<Email, Failure> {
    Email::parse(text).map_err(|error| Failure::Usage(format!("--email: {error}")))
}

async fn find(store: &dyn Directory, email: &str) -> Result<crate::domain::id::AgentId, Failure> {
    let found = store.credentials(&address(email)?).await.map_err(anyhow::Error::from)?;
    Ok(found.context("there is no such account")?.account.id().clone())
}

fn link(config: &Config, secret: &str) -> String {
    config.public_url(config.server.listen).join(&format!("/invite?token={secret}"))
}

/// A password that is too weak is a wrong use; everything else is a failure.
fn said(error: AuthError) -> Failure {
    match error {
        AuthError::Weak(weak) => Failure::Usage(format!("the password: {weak}")),
        AuthError::Directory(DirectoryError::Taken(_)) => {
            Failure::Failed(anyhow::anyhow!("there is an account with this address"))
        }
        other => Failure::Failed(other.into()),
    }
}

fn password() -> Result<SecretString, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).context("cannot read the password")?;
    Ok(text.lines().next().unwrap_or_default().into())
}
