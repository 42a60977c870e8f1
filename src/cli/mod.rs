//! The command line: one file a command. Data on stdout and nothing else;
//! everything a person reads on stderr.

mod account;
mod analyze;
mod backup;
mod config;
mod demo;
#[cfg(feature = "rust-bert")]
mod evaluate;
mod export;
#[cfg(feature = "rust-bert")]
mod learn;
mod lines;
mod manifest;
mod migrate;
#[cfg(feature = "rust-bert")]
mod model;
mod person;
mod policy;
mod replay;
mod restore;
mod serve;
mod store;
mod train;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

/// Hands a chatbot's conversation to a human at the right moment, with reasons.
#[derive(Debug, Parser)]
#[command(name = "baton", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Analyze(analyze::Arguments),
    #[cfg(feature = "rust-bert")]
    Evaluate(evaluate::Arguments),
    Train(train::Arguments),
    #[cfg(feature = "rust-bert")]
    Model(model::Arguments),
    Replay(replay::Arguments),
    Policy(policy::Arguments),
    Export(export::Arguments),
    Demo(demo::Arguments),
    Account(account::Arguments),
    Config(config::Arguments),
    Migrate(migrate::Arguments),
    Backup(backup::Arguments),
    Restore(restore::Arguments),
    Person(person::Arguments),
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// It could not do what was asked: exit 1.
    Failed(anyhow::Error),
    /// It was asked wrongly: exit 2.
    Usage(String),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command of the arguments and says how it ended.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let done = match arguments.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Account(arguments) => account::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Person(arguments) => person::run(&arguments),
        Command::Analyze(arguments) => analyze::run(&arguments),
        #[cfg(feature = "rust-bert")]
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        #[cfg(feature = "rust-bert")]
        Command::Model(arguments) => model::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(error)) => {
            eprintln!("baton: {error:#}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(text)) => {
            eprintln!("baton: {text}");
            ExitCode::from(2)
        }
    }
}

/// Writes an answer to stdout. A reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}
