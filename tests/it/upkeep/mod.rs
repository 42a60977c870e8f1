//! What an operator does with the data: through the real binary, on real files, beside a
//! service with real sockets.

mod backup;
mod moving;
mod people;
mod years;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the binary.
fn baton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baton"))
        .env_remove("COLUMNS")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
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

/// What the commands say of themselves, each with an example.
#[test]
fn the_help_of_the_commands_is_as_written_down() {
    let mut page = String::new();
    for command in [
        &["backup"][..],
        &["restore"],
        &["person"],
        &["person", "export"],
        &["person", "erase"],
        &["migrate"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let output = baton(&arguments);
        assert!(output.status.success() && output.stderr.is_empty());
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(command.len() > 1 || help.contains("Example"), "{help}");
        page += &format!("$ baton {}\n{help}\n", arguments.join(" "));
    }
    crate::support::page::assert_page("tests/snapshots/upkeep_help.txt", &page);
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// How many entries are copied and moved: `BATON_UPKEEP_ENTRIES`, or so many.
fn entries_wanted(usual: u64) -> u64 {
    std::env::var("BATON_UPKEEP_ENTRIES").map_or(usual, |text| text.parse().unwrap())
}

/// Writes a closed conversation as long as wanted into a database that is served.
fn fill(path: &Path, n_entries: u64) {
    let mut connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    let tx = connection.transaction().unwrap();
    tx.execute(
        "insert into conversations (id, visitor, state, state_data, version, epoch, tier, priority, is_front, excluded, \
         opened_at, visitor_seen_at, decided_position, last_position, last_visitor_seq, last_visitor_position, ended_at) \
         values ('cnv_filled', 'vis_filled', 'closed', '{\"state\":\"closed\",\"closed_at\":\"2026-01-01T00:00:00Z\"}', \
         1, 1, 1, 'normal', 0, '[]', 0, 0, ?1, ?1, ?1, ?1, 0)",
        [n_entries],
    )
    .unwrap();
    let long = "x".repeat(500);
    for position in 1..=n_entries {
        tx.prepare_cached(
            "insert into entries (conversation, position, visitor_seq, kind, author, body, at) \
             values ('cnv_filled', ?1, ?1, 'message', 'visitor', ?2, 0)",
        )
        .unwrap()
        .execute((position, format!("filling {position} {long}")))
        .unwrap();
    }
    tx.commit().unwrap();
}
