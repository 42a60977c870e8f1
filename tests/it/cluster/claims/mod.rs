//! Agents race for every conversation over all nodes at once, while nodes die, sleep and are
//! cut off: nothing has two winners, nobody ever holds more than they may, nobody is left
//! behind, and what was acknowledged is stored and seen in order.
//!
//! A claim is one attempt of an agent's socket to accept an offer or to take a conversation that
//! waits, and counts when it was decided on. Many race for each conversation on purpose: whatever
//! one socket hears of, sockets of all agents at all nodes try for at the same moment.
//!
//! `BATON_CLUSTER_CLAIMS` and `BATON_CLUSTER_FAULTS` ask for other numbers, `BATON_CLUSTER_FROM`
//! for a later part of the course of faults; the counts that were reached stand in
//! `docs/reliability.md`.

pub mod crowd;
mod guests;
mod history;
mod racers;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::cluster::{Cluster, Plan};
use crate::support::proxy::{Weather, rest};
use crowd::Crowd;

/// Agents, each with a socket at every node.
const AGENTS: usize = 6;
/// Visitors who ask again and again: more than there is room for.
const VISITORS: usize = 24;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// How the nodes of a crowd are set: people here do everything faster than people.
pub fn settings() -> Vec<(&'static str, &'static str)> {
    vec![
        ("nodes.lease", "3s"),
        ("nodes.renewal", "1s"),
        ("telemetry.level", "warn"),
        ("gateway.rate_messages", "100000"),
        ("gateway.rate_burst", "100000"),
    ]
}

/// Things that happen, one after the other; each is over when this returns.
async fn befall(cluster: &mut Cluster, n: usize) -> &'static str {
    let nodes = cluster.nodes.len();
    let node = &cluster.nodes[n / 7 % nodes];
    match n % 7 {
        0 => {
            node.kill().await;
            rest(Duration::from_millis(300)).await;
            node.start().await;
            "killed"
        }
        1 => {
            // Past its lease of three seconds.
            node.pause().await;
            rest(Duration::from_millis(4_500)).await;
            node.go_on().await;
            "slept past its lease"
        }
        2 => {
            node.to_store.set(Weather::Silent);
            rest(Duration::from_secs(2)).await;
            node.to_store.set(Weather::Fair);
            "half open to the database"
        }
        3 => {
            cluster.nats.kill().await;
            rest(Duration::from_millis(1_500)).await;
            cluster.nats.go().await;
            "without NATS"
        }
        4 => {
            node.to_store.set(Weather::Cut);
            rest(Duration::from_secs(1)).await;
            node.to_store.set(Weather::Fair);
            "cut off from the database"
        }
        5 => {
            node.to_store.set(Weather::Slow(Duration::from_millis(40)));
            node.to_broker.set(Weather::Slow(Duration::from_millis(700)));
            rest(Duration::from_secs(2)).await;
            node.to_store.set(Weather::Fair);
            node.to_broker.set(Weather::Fair);
            "slow"
        }
        _ => {
            cluster.postgres.crash();
            rest(Duration::from_millis(300)).await;
            cluster.postgres.start_again();
            "without PostgreSQL"
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn invariant_6_claims_over_three_nodes_have_one_winner_each_whatever_befalls_them() {
    let (n_claims, n_faults) = (number("BATON_CLUSTER_CLAIMS", 5_000), number("BATON_CLUSTER_FAULTS", 10));
    let from = number("BATON_CLUSTER_FROM", 0);
    let plan = Plan { has_own_server: true, settings: settings(), ..Plan::default() };
    let mut cluster = Cluster::start_with(plan).await;
    let mut crowd = Crowd::gather(&cluster, AGENTS, VISITORS).await;
    let mut befell: BTreeMap<&str, usize> = BTreeMap::new();
    for n in 0..n_faults {
        // Between two of them something is done.
        crowd.until_claimed(n_claims * n / n_faults).await;
        *befell.entry(befall(&mut cluster, from + n).await).or_default() += 1;
    }
    crowd.until_claimed(n_claims).await;
    let mut figures = crowd.go_home().await;
    (figures["faults"], figures["befell"]) = (n_faults.into(), serde_json::to_value(befell).unwrap());
    println!("{figures}");
    cluster.finish().await;
}
