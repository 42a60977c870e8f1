//! Every scenario in `tests/scenarios`, played as written: conversations as text,
//! each with what is expected of it.

use crate::support::script::play;
use crate::support::source::{files, root};
use std::path::Path;

/// The folders of scenarios, one test each.
const FOLDERS: &[&str] = &["agents", "bot", "closing", "escalation", "handoff", "waiting"];

async fn play_folder(folder: &str) {
    let scenarios = files(&format!("tests/scenarios/{folder}"), ".chat");
    assert!(!scenarios.is_empty(), "there are no scenarios in {folder}");
    let mut problems = Vec::new();
    for scenario in scenarios {
        // On plain data and in a file: the flow cannot tell them apart.
        for is_in_memory in [true, false] {
            if let Err(found) = play(Path::new(&scenario.path), &scenario.text, is_in_memory).await {
                problems.extend(found);
            }
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[tokio::test]
async fn scenarios_of_agents_play_as_written() {
    play_folder("agents").await;
}

#[tokio::test]
async fn scenarios_of_the_bot_play_as_written() {
    play_folder("bot").await;
}

#[tokio::test]
async fn scenarios_of_closing_play_as_written() {
    play_folder("closing").await;
}

#[tokio::test]
async fn scenarios_of_escalation_play_as_written() {
    play_folder("escalation").await;
}

#[tokio::test]
async fn scenarios_of_the_handoff_play_as_written() {
    play_folder("handoff").await;
}

#[tokio::test]
async fn scenarios_of_waiting_play_as_written() {
    play_folder("waiting").await;
}

/// A scenario in a folder that no test plays would say nothing.
#[test]
fn every_folder_of_scenarios_is_played() {
    let mut found: Vec<String> = std::fs::read_dir(root().join("tests/scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, FOLDERS);
}

/// Who writes a scenario is told file and line of each mistake.
#[tokio::test]
async fn a_mistake_in_a_scenario_names_its_file_and_line() {
    let text =
        "agent  ana\n00:00  eve  Hello\n00:01  visitor  Hello | anger 1\nexpect 00:02  exploded\nfoo\n";
    let problems = play(Path::new("some.chat"), text, true).await.unwrap_err();
    for (line, word) in [(2, "eve"), (3, "anger"), (4, "exploded"), (5, "foo")] {
        let start = format!("some.chat:{line}: ");
        assert!(problems.iter().any(|p| p.starts_with(&start) && p.contains(word)), "{line}: {problems:#?}");
    }
}

/// An expectation that is not met fails, names its line, and tells what was seen instead; so does a refusal that
/// nobody expected.
#[tokio::test]
async fn what_does_not_come_as_written_is_told() {
    let text = "agent  ana\n00:00  visitor  Get me a human\nexpect 00:00  offered ben\n00:05  visitor  (leaves nowhere)\n";
    let problems = play(Path::new("some.chat"), text, true).await.unwrap_err();
    assert!(problems[0].starts_with("some.chat:3: was not seen"), "{problems:#?}");
    assert!(problems[0].contains("offered ana"), "{problems:#?}");
    assert!(problems[1].starts_with("some.chat:4: was refused: invalid"), "{problems:#?}");
}
