//! Random histories, carried out on every store there is: every answer and everything
//! that can be read is the same.
//!
//! A difference prints the seed and the operations that lead to it. More of them:
//! `BATON_DIFFERENTIAL_OPERATIONS=1000000 BATON_DIFFERENTIAL_FROM=1 cargo test --test it differential`.

use crate::support::histories::make::Maker;
use crate::support::histories::operation::Operation;
use crate::support::histories::questions::{about_all, about_one, same};
use crate::support::simulated::dice::Dice;
use crate::support::stores;
use baton::store::MemoryStore;
use std::process::Command;

/// Operations in a usual test run.
const OPERATIONS: usize = 5_000;
/// Operations on one set of stores; then they begin empty, with another seed.
const HISTORY: usize = 1_000;
/// Everything is asked after so many operations; what an operation was about, after each.
const ASK_ALL: usize = 25;
/// Operations that are shown of those that lead to a difference.
const SHOWN: usize = 25;

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Carries out a history on all stores. Gives the operations up to the first difference, and what differs.
async fn play(seed: u64, operations: usize, ask_all: usize) -> Result<(), (Vec<Operation>, String)> {
    let all = stores::all().await;
    // What operations are made from. It is one more store, so that none of those compared is looked at for it.
    let model = MemoryStore::new("model");
    let (mut maker, asking) = (Maker::new(seed), Dice::new(!seed));
    let mut done = Vec::new();
    for n in 1..=operations {
        let operation = maker.next(&model);
        done.push(operation.clone());
        let answer = operation.clone().carry_out(&model).await;
        let found = async {
            same(&all, "the answer", async |store| operation.clone().carry_out(store).await).await?;
            if let Some(id) = operation.conversation(&answer) {
                about_one(&all, &id, &asking).await?;
            }
            if n % ask_all == 0 || n == operations {
                about_all(&all, maker.now, &asking).await?;
            }
            Ok(())
        };
        if let Err(difference) = found.await {
            return Err((done, difference));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_are_the_same_on_every_store() {
    let operations = number("BATON_DIFFERENTIAL_OPERATIONS").unwrap_or(OPERATIONS);
    let from = number("BATON_DIFFERENTIAL_FROM").unwrap_or(1);
    let mut left = operations;
    let mut seed = from as u64;
    while left > 0 {
        let length = left.min(HISTORY);
        if let Err((done, difference)) = play(seed, length, ASK_ALL).await {
            // Everything asked after each operation gives the shortest beginning that shows it.
            let (done, difference) = play(seed, done.len(), 1).await.err().unwrap_or((done, difference));
            let skipped = done.len().saturating_sub(SHOWN);
            let shown: Vec<_> =
                (skipped..done.len()).map(|n| format!("{:>5} {:?}", n + 1, done[n])).collect();
            panic!("seed {seed}, {} operations:\n{}\n{difference}", done.len(), shown.join("\n"));
        }
        left -= length;
        seed += 1;
    }
    eprintln!("{operations} operations from seed {from}, the same on every store");
}

/// Rows that are alike in what they are ordered by come in one order from every store: the latest waits, and what an
/// agent holds. These histories told, of some hundred.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_that_once_differed_do_so_no_more() {
    for (seed, operations) in [(37, 870), (500_041, 414), (550_020, 97)] {
        if let Err((_, difference)) = play(seed, operations, ASK_ALL).await {
            panic!("seed {seed}, {operations} operations: {difference}");
        }
    }
}

/// A comparison that never showed a difference proves little. Each mistake is planted in a process of its own.
#[test]
fn a_planted_mistake_is_found() {
    let mistakes = [
        "client_id_conflict_ignored",
        "retry_writes_twice",
        "claim_without_compare_and_set",
        "position_ignored",
        "sequence_from_memory",
        "capacity_not_reserved",
        "note_gets_visitor_sequence",
    ];
    for mistake in mistakes {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["differential::random_histories_are_the_same_on_every_store", "--exact", "--nocapture"])
            .env("BATON_PLANTED", mistake)
            .env("BATON_DIFFERENTIAL_OPERATIONS", HISTORY.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(" differs\n"), "`{mistake}` is not found:\n{said}");
    }
}
