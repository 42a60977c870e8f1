//! `baton policy`: the default policy, and checking one.

use super::{Failure, print, replay::read_policy};
use crate::config::DEFAULT_POLICY;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Print the default policy, or check a file.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  baton policy default > policy.toml && baton policy check policy.toml")]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the default policy with every key explained.
    Default,
    /// Check a policy and list every mistake.
    Check {
        /// The policy, in TOML.
        file: PathBuf,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Default => print(DEFAULT_POLICY.trim_end()),
        What::Check { file } => {
            let policy = read_policy(Some(file))?;
            eprintln!("baton: {} is a policy: `{}`", file.display(), policy.name);
            Ok(())
        }
    }
}
