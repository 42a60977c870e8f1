//! What an operator does with the data: through the real binary, on real files, beside a
//! service with real sockets.

mod backup;
mod years;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the binary.
fn baton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baton")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Runs the binary, which must succeed and answer with one JSON object.
fn done(arguments: &[&str]) -> Value {
    let output = baton(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one line of data: {text}");
    serde_json::from_str(&text).unwrap()
}

/// Runs the binary, which must fail with this code; gives what it says.
fn refused(arguments: &[&str], code: i32) -> String {
    let output = baton(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "a failure writes no data");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
