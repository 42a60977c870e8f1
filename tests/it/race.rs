//! Two processes of agents race for every offer, and each offer has exactly one winner.
//!
//! The same agents are logged in from both processes, as in two tabs, so that each offer
//! is accepted twice at the same moment over two real sockets. `BATON_RACE_OFFERS` asks
//! for another number of offers; the counts reached stand in `docs/reliability.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use baton::domain::agent::Role;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::visitor::{Door, Tab, Visitor};
use crate::support::wire::address;

/// Each visitor asks so often: below what the limits allow at once.
const ROUNDS: usize = 20;
/// An agent's socket takes a limited number of frames: who races for more needs more agents.
/// Both sockets of ten agents are all that one address may hold.
const OFFERS_PER_AGENT: usize = 1_000;
const AGENTS: std::ops::RangeInclusive<usize> = 4..=10;
/// Offers that both processes must have accepted: a process that was slow enough never saw the offer. More are made
/// until there are so many, but not for ever.
const RACED: usize = 50;
const MOST_BATCHES: usize = 10;

fn offers_wanted() -> usize {
    std::env::var("BATON_RACE_OFFERS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// The example `agent`, which is built beside the tests.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().parent().unwrap().join("examples").join("agent");
    assert!(program.exists(), "{} is built by `cargo test` and `cargo build --examples`", program.display());
    program
}

/// A process of agents; what it prints comes through the channel.
fn start(app: &TestApp, agents: &[String], said: &mpsc::UnboundedSender<Value>) -> Child {
    let logins = agents.iter().map(|email| format!("{email}:{PASSWORD}"));
    let mut child = Command::new(program())
        .arg(&app.url)
        .args(logins)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = said.clone();
    #[expect(clippy::disallowed_methods, reason = "a test's own task ends with the test")]
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = said.send(serde_json::from_str(&line).unwrap());
        }
    });
    child
}

/// Invariant 6: accepting is a compare-and-set, whoever races.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn invariant_6_two_processes_race_for_every_offer_and_one_wins() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut agents = Vec::new();
    let n_agents = (offers_wanted() / OFFERS_PER_AGENT).clamp(*AGENTS.start(), *AGENTS.end());
    for n in 0..n_agents {
        let person = app.person(&admin, &format!("racer{n}"), Role::Agent).await;
        let changed =
            admin.patch(&format!("/api/v1/accounts/{}", person.id), json!({ "capacity": 20 })).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
        agents.push(person.email);
    }
    let (tx, mut said) = mpsc::unbounded_channel();
    let _processes = [start(&app, &agents, &tx), start(&app, &agents, &tx)];
    drop(tx);
    for _ in 0..2 * n_agents {
        assert!(said.recv().await.unwrap()["online"].is_string());
    }

    let n_visitors = offers_wanted().div_ceil(ROUNDS);
    let door = Door { base: app.url.clone(), key: "wk_demo".to_owned(), origin: app.url.clone() };
    let come = |n: usize| {
        let door = &door;
        async move {
            let mut tab = Visitor::boot(door, address(n)).await.connect().await;
            for round in 1..=ROUNDS {
                tab.asks_for_a_person().await;
                let resolved = |tab: &Tab| tab.entries.iter().filter(|e| e["code"] == "resolved").count();
                while resolved(&tab) < round {
                    tab.next().await.unwrap();
                }
            }
        }
    };
    let mut tried: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut n_offers, mut raced) = (0, 0);
    for batch in 0..MOST_BATCHES {
        let visitors = (batch * n_visitors..(batch + 1) * n_visitors).map(come);
        // So many wait at once that everybody is answered soon, even in an unoptimized build.
        futures_util::stream::iter(visitors).buffer_unordered(40).collect::<Vec<()>>().await;
        n_offers += n_visitors * ROUNDS;
        while tried.values().filter(|(won, _)| *won > 0).count() < n_offers {
            let line = said.recv().await.unwrap();
            let Some(offer) = line["offer"].as_str() else { continue };
            let (won, lost) = tried.entry(offer.to_owned()).or_default();
            if line["won"] == true {
                *won += 1;
            } else {
                assert_eq!(line["code"], "rejected", "{line}");
                *lost += 1;
            }
        }
        raced = tried.values().filter(|(_, lost)| *lost > 0).count();
        if raced >= RACED {
            break;
        }
    }
    assert_eq!(tried.len(), n_offers, "every request was offered once");
    assert!(tried.values().all(|(won, lost)| *won == 1 && *lost <= 1), "an offer had no winner, or two");
    assert!(raced >= RACED, "only {raced} of {n_offers} offers were raced for");
    println!("{n_offers} offers, {raced} of them accepted by both processes, {n_offers} winners");
    app.finish().await;
}
