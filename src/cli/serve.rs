//! `baton serve`: the service itself.

use std::path::PathBuf;

use anyhow::Context as _;

use super::Failure;
use super::config::{layers_for, read};
use crate::app::{App, Replacements};
use crate::config::{self, Config};
use crate::telemetry::start_logging;

/// Serve visitors and agents. Without a configuration file this is the demonstration: on this machine only, with an
/// example shop at /demo.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  baton serve\n  baton serve --config /etc/baton.toml")]
pub struct Arguments {
    /// The configuration; see `baton config default`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Folder for everything that is kept.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Serve the example shop at /demo.
    #[arg(long)]
    demo: bool,
}

/// Runs until the process is told to stop.
///
/// # Errors
///
/// Exit 2 with every mistake of the configuration; exit 1 when the service cannot run.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut layers = layers_for(arguments.config.as_deref(), arguments.data.as_deref())?;
    let has_own_word = layers.environment.iter().any(|(name, _)| name == "BATON_SERVER__DEMO");
    if arguments.demo || (arguments.config.is_none() && !has_own_word) {
        layers.flags.push(("server.demo", "--demo", true.into()));
    }
    if let Some(listen) = &arguments.listen {
        layers.flags.push(("server.listen", "--listen", listen.clone().into()));
    }
    let config = read(&layers)?;
    start_logging(&config.telemetry).map_err(|error| Failure::Usage(error.to_string()))?;
    for warning in config::warnings(&config) {
        tracing::warn!("{warning}");
    }
    raise_open_files();
    machine::heap::share();
    machine::turns::short();
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let runtime = threads.enable_all().on_thread_start(machine::turns::short).build();
    let runtime = runtime.context("cannot start threads")?;
    runtime.block_on(serve(config))?;
    Ok(())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // A file that may grow no more is a full disk, and no reason to die.
    let too_large = rustix::process::Signal::XFSZ.as_raw();
    let _handled = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(too_large))?;
    let is_demo = config.server.demo;
    // Before anything answers: whoever sees it answer may tell it to stop.
    let told_to_stop = told_to_stop()?;
    let app = App::start(config, Replacements::default()).await?;
    machine::heap::give_back();
    say_where(&app, is_demo);
    told_to_stop.await;
    tracing::info!("Stopping: sockets are told, work under way ends");
    app.stop().await
}

/// Tells a person at the terminal where everything is.
fn say_where(app: &App, is_demo: bool) {
    let url = &app.http.site.public_url;
    let mut text = format!("\nBaton is at {url}\n");
    if is_demo {
        text += &format!("  the shop       {}\n", url.join("/demo"));
    }
    text += &format!("  agent console  {}\n", url.join("/agent"));
    text += &format!("  admin console  {}\n", url.join("/admin"));
    if let Some(setup) = &app.setup_url {
        text += &format!(
            "\nMake the first admin here; the link works once, and a new one is printed at every start until then:\n  {setup}\n"
        );
    }
    eprintln!("{text}");
    tracing::info!(address = %app.local, "Baton {} listens on {}", env!("CARGO_PKG_VERSION"), app.local);
}

/// Resolves on SIGINT or SIGTERM.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Every socket is an open file, and many systems begin with 1,024.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(error = %error, "The limit of open files stays as it is: {error}");
    }
}
