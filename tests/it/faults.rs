//! The tests themselves on trial: each mistake of `baton::fault::FAULTS` is planted in turn, and
//! the test named for it here must fail, in the words that say what is wrong.
//!
//! Five of them in every run; `BATON_FAULTS=all` tries all of them, and each test without its
//! fault too, `BATON_FAULTS=name,name` those. `scripts/faults.sh` does that for all.

use std::process::{Command, Output};
use std::time::Instant;

use serde_json::json;

/// Mistake, the test that must find it, and what that test says then.
pub const CAUGHT: &[(&str, &str, &str)] = &[
    (
        "absence_not_checked",
        "nodes::sqlite::nothing_is_taken_from_an_agent_who_came_back_in_between",
        "taken from an agent who is back",
    ),
    (
        "acknowledge_before_commit",
        "failpoints::a_commit_that_fails_is_acknowledged_to_nobody",
        "acknowledged and is not stored",
    ),
    (
        "answer_taken_for_written",
        "races::invariant_7_what_another_node_has_written_is_not_taken_for_ones_own",
        "on an `Err` value: Conflict",
    ),
    (
        "capacity_not_reserved",
        "store_contract::sqlite::invariant_6_room_is_checked_in_the_write_that_takes_it",
        "NoRoom",
    ),
    (
        "claim_without_compare_and_set",
        "store_contract::sqlite::a_change_made_from_an_older_version_is_refused_whole",
        "Conflict",
    ),
    (
        "client_id_conflict_ignored",
        "gateway::the_same_client_id_gets_the_same_ack_and_another_content_a_conflict",
        "conflict",
    ),
    (
        "contributions_do_not_add_up",
        "decisions::invariant_9_what_is_stored_replays_bit_for_bit",
        "invariant 15",
    ),
    ("decision_not_stored", "decisions::invariant_9_what_is_stored_replays_bit_for_bit", "decisions(&world"),
    ("epoch_ignored", "scenarios::scenarios_of_the_bot_play_as_written", "late_answer"),
    ("expiry_not_watched", "scenarios::scenarios_of_the_handoff_play_as_written", "expired"),
    ("late_analysis_dropped", "decisions::a_late_analysis_revises_and_may_escalate_once", "right: Offered"),
    (
        "late_commit_skipped",
        "cluster::late::a_write_that_is_committed_late_is_found_by_nodes_that_look_for_it",
        "what was committed late was passed over",
    ),
    (
        "lease_without_fence",
        "nodes::sqlite::a_node_that_was_taken_for_dead_is_refused_whatever_it_writes",
        "right: Err(Lost)",
    ),
    ("no_unique_index", "store_contract::sqlite::a_visitor_has_one_open_conversation", "Conflict"),
    (
        "not_a_number_accepted",
        "model_trouble::invariant_3_a_model_in_trouble_delays_nobody_and_requests_are_honored",
        "nobody noticed",
    ),
    (
        "note_gets_visitor_sequence",
        "store_contract::sqlite::entries_come_back_in_order_and_visitors_see_theirs",
        "invariant 14",
    ),
    (
        "position_ignored",
        "store_contract::sqlite::a_placed_change_is_refused_when_the_log_has_grown",
        "Conflict",
    ),
    (
        "restart_forgets_lost_agents",
        "failpoints::invariant_7_agents_of_before_a_crash_have_their_grace_and_no_more",
        "nothing came within",
    ),
    (
        "resume_skips_one",
        "gateway::every_tab_gets_everything_and_a_tab_that_comes_back_misses_nothing",
        "right: 2",
    ),
    (
        "retry_writes_twice",
        "store_contract::sqlite::a_retry_has_the_first_answer_and_changes_nothing",
        "position: Some(3)",
    ),
    (
        "rollback_forgotten",
        "store_sqlite::a_job_that_fails_takes_nothing_with_it",
        "what the broken job had written is undone",
    ),
    (
        "sequence_from_memory",
        "store_contract::sqlite::receive_numbers_messages_and_waits_for_no_version",
        "Conflict",
    ),
    (
        "slow_reader_misses_frames",
        "gateway::a_reader_that_is_too_slow_is_cut_and_catches_up_after",
        "nothing came within",
    ),
    ("stranded_after_agent_lost", "scenarios::scenarios_of_agents_play_as_written", "agent_lost"),
    (
        "undecided_not_taken_up",
        "decisions::invariant_3_a_stalled_model_does_not_stop_the_watch",
        "the message is decided on words",
    ),
];

/// Those that every run of the tests tries: quick, and of different kinds.
const ALWAYS: &[&str] = &[
    "acknowledge_before_commit",
    "claim_without_compare_and_set",
    "retry_writes_twice",
    "rollback_forgotten",
    "stranded_after_agent_lost",
];

/// Runs one test of this binary alone.
fn run(test: &str, fault: Option<&str>) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env_remove("BATON_PLANTED");
    command.envs(fault.map(|fault| ("BATON_PLANTED", fault)));
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// What is wrong with how a test took a fault; nothing is as it should be.
fn judge(fault: &str, test: &str, words: &str, is_thorough: bool) -> Option<String> {
    let planted = run(test, Some(fault));
    let text = said(&planted);
    let end: String = text.chars().rev().take(1_500).collect::<Vec<_>>().into_iter().rev().collect();
    if !text.contains("running 1 test") {
        return Some(format!("{fault}: there is no test {test}"));
    }
    if planted.status.success() {
        return Some(format!("{fault}: {test} does not find it"));
    }
    if !text.contains("panicked at") || !text.contains(words) {
        return Some(format!("{fault}: {test} fails without saying `{words}`:\n{end}"));
    }
    let sound = is_thorough.then(|| run(test, None)).filter(|output| !output.status.success());
    sound.map(|output| format!("{fault}: {test} fails without it too:\n{}", said(&output)))
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
fn each_planted_fault_is_found_by_the_test_named_for_it() {
    let began = Instant::now();
    let asked = std::env::var("BATON_FAULTS").unwrap_or_else(|_| ALWAYS.join(","));
    let is_asked = |fault: &str| asked == "all" || asked.split(',').any(|name| name == fault);
    // Without the model there is no test of it.
    let is_here = |test: &str| cfg!(feature = "rust-bert") || !test.starts_with("model_trouble");
    let chosen: Vec<_> = CAUGHT.iter().filter(|(fault, test, _)| is_asked(fault) && is_here(test)).collect();
    assert!(!chosen.is_empty(), "BATON_FAULTS={asked} names no fault");
    let is_thorough = std::env::var_os("BATON_FAULTS").is_some();
    let problems: Vec<String> =
        chosen.iter().filter_map(|(fault, test, words)| judge(fault, test, words, is_thorough)).collect();
    let figures = json!({ "part": "faults", "planted": chosen.len(), "found": chosen.len() - problems.len(),
                          "seconds": began.elapsed().as_secs() });
    println!("{figures}");
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// No fault without its test, and the page says the same as the table here.
#[test]
fn every_planted_fault_has_a_test_and_stands_in_the_page() {
    let named: Vec<&str> = CAUGHT.iter().map(|(fault, ..)| *fault).collect();
    assert_eq!(named, baton::fault::FAULTS);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md")).unwrap();
    for (fault, test, _) in CAUGHT {
        assert!(
            page.contains(&format!("| `{fault}` | `{test}` |")),
            "docs/reliability.md: `{fault}` | `{test}`"
        );
    }
}
