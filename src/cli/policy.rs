//! `baton policy`: the default policy, and checking one.

use super::{Failure, print};
use crate::config::{DEFAULT_POLICY, parse_policy};
use crate::domain::escalation::EscalationPolicy;
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

/// The policy of a file, or the default one.
pub(super) fn read_policy(path: Option<&PathBuf>) -> Result<EscalationPolicy, Failure> {
    let Some(path) = path else { return Ok(EscalationPolicy::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    parse_policy(&text, 1).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        Failure::Usage(format!("{} is not a policy:\n{}", path.display(), lines.join("\n")))
    })
}
