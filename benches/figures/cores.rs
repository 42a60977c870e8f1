//! Which core measures and which is measured. By `taskset`, which every Linux has.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The core of what is measured.
pub const MEASURED: &str = "0";
/// The core of what makes the load, where there is a second one.
pub const LOAD: &str = "1";

/// Whether there is a core for each of the two. Asked before anything was moved to one of them: whoever is on one core
/// is told that there is one.
pub fn are_two() -> bool {
    static ARE_TWO: OnceLock<bool> = OnceLock::new();
    *ARE_TWO.get_or_init(|| std::thread::available_parallelism().is_ok_and(|n| n.get() > 1))
}

/// A program that will run on the core of what is measured.
pub fn command_on_measured(program: &Path) -> Command {
    if !are_two() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", MEASURED]).arg(program);
    command
}

/// Moves this thread, and whatever it starts from now on, to some cores.
pub fn move_to(cores: &str) {
    are_two();
    let moved = Command::new("taskset")
        .args(["-c", "-p", cores, &std::process::id().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !moved.is_ok_and(|status| status.success()) {
        eprintln!("bench: not moved to core {cores}: `taskset` did not work");
    }
}

/// Moves this thread back to all cores.
pub fn move_to_all(n_cores: usize) {
    move_to(&format!("0-{}", n_cores.max(1) - 1));
}
