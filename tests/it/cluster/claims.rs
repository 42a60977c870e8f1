//! Agents race for every offer over all nodes at once, while nodes die, sleep and are cut
//! off: no offer has two winners, nobody holds more than they may, nobody is left behind.
//!
//! `BATON_CLUSTER_CLAIMS` and `BATON_CLUSTER_FAULTS` ask for other numbers; the counts that
//! were reached stand in `docs/reliability.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use baton::flow::ports::Store as _;
use serde_json::json;
use tokio::sync::watch;

use crate::support::agent::Desk;
use crate::support::cluster::{Cluster, Plan, Staff};
use crate::support::proxy::{Weather, rest};
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::Lost;

/// Agents, each with a socket at every node.
const AGENTS: usize = 6;
/// What each of them may hold.
const CAPACITY: u32 = 3;
/// Visitors who ask again and again.
const VISITORS: usize = 24;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// What all of them have seen.
#[derive(Default)]
struct Seen {
    /// Accepts that were sent.
    claims: AtomicUsize,
    /// Offers, and who was told that they have won.
    winners: Mutex<BTreeMap<String, Vec<String>>>,
    /// Requests of visitors that ended with a person.
    served: AtomicUsize,
}

/// One socket of one agent: accepts everything, says good-bye, comes back when it breaks.
async fn claim(base: &str, staff: &Staff, n: usize, seen: &Seen, is_over: &watch::Receiver<bool>) {
    let mut over = is_over.clone();
    let mut round = 0_usize;
    while !*over.borrow() {
        round += 1;
        let working = async {
            let mut desk = staff.try_open(base).await?;
            work(&mut desk, &format!("{}-{n}-{round}", staff.id), seen).await
        };
        tokio::select! {
            _ = over.wait_for(|is_over| *is_over) => return,
            lost = working => drop::<Result<(), Lost>>(lost),
        }
        rest(Duration::from_millis(50)).await;
    }
}

async fn work(desk: &mut Desk, name: &str, seen: &Seen) -> Result<(), Lost> {
    let mut n_commands = 0;
    let mut id = || {
        n_commands += 1;
        format!("{name}-{n_commands}")
    };
    desk.wire.send(&json!({"type": "presence.set", "client_id": id(), "presence": "online"})).await?;
    let mut tried: BTreeMap<String, (String, String)> = BTreeMap::new();
    loop {
        let frame = desk.wire.hear().await?;
        let word = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str() {
            Some("offer") => {
                let (client_id, conversation, offer) = (id(), word("conversation"), word("offer"));
                seen.claims.fetch_add(1, Ordering::Relaxed);
                let accept = json!({"type": "offer.accept", "client_id": client_id,
                                    "conversation": conversation, "offer": offer});
                desk.wire.send(&accept).await?;
                tried.insert(client_id, (conversation, offer));
            }
            // What was won but not acknowledged before a socket broke is on the desk.
            Some("overview") => {
                for card in frame["mine"].as_array().into_iter().flatten() {
                    let conversation = card["conversation"].as_str().unwrap_or_default();
                    if card["state"] == "agent" {
                        leave(desk, &mut id, conversation).await?;
                    }
                }
            }
            Some("ack") => {
                if let Some((conversation, offer)) = tried.remove(&word("client_id")) {
                    seen.winners.lock().unwrap().entry(offer).or_default().push(name.to_owned());
                    leave(desk, &mut id, &conversation).await?;
                }
            }
            Some("error") => _ = tried.remove(&word("client_id")),
            _ => {}
        }
    }
}

async fn leave(desk: &mut Desk, id: &mut impl FnMut() -> String, conversation: &str) -> Result<(), Lost> {
    for kind in ["conversation.resolve", "conversation.wrap_up"] {
        let command = json!({"type": kind, "client_id": id(), "conversation": conversation,
                             "disposition": "solved", "label": null});
        desk.wire.send(&command).await?;
    }
    Ok(())
}

fn door_at(base: &str) -> Door {
    Door { base: base.to_owned(), origin: base.to_owned(), key: "wk_demo".to_owned() }
}

/// A visitor who asks for a person until told to stop, at whichever node answers.
async fn ask(bases: &[String], visitor: Visitor, n: usize, seen: &Seen, is_over: &watch::Receiver<bool>) {
    let mut over = is_over.clone();
    let mut node = n;
    while !*over.borrow() {
        node = (node + 1) % bases.len();
        let here = visitor.at(&door_at(&bases[node]));
        let asking = async {
            let mut tab = here.try_open().await?;
            tab.wire.send(&json!({"type": "resume", "conversation": null, "after": 0})).await?;
            while tab.wire.hear().await?["type"] != "caught_up" {}
            loop {
                let id = format!("v{n}-{}", rand::random::<u64>());
                tab.wire.send(&json!({"type": "human.request", "client_id": id})).await?;
                loop {
                    let frame = tab.wire.hear().await?;
                    if frame["type"] == "error" {
                        // It waits already, or the node cannot now.
                        rest(Duration::from_millis(300)).await;
                        break;
                    }
                    if frame["type"] == "entry" && frame["code"] == "resolved" {
                        seen.served.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                }
            }
        };
        tokio::select! {
            _ = over.wait_for(|is_over| *is_over) => return,
            lost = asking => drop::<Result<(), Lost>>(lost),
        }
        rest(Duration::from_millis(50)).await;
    }
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
    let (n_claims, n_faults) = (number("BATON_CLUSTER_CLAIMS", 600), number("BATON_CLUSTER_FAULTS", 10));
    let began = Instant::now();
    let mut cluster = Cluster::start_with(Plan {
        has_own_server: true,
        settings: vec![
            ("nodes.lease", "3s"),
            ("nodes.renewal", "1s"),
            ("telemetry.level", "warn"),
            ("gateway.rate_messages", "100000"),
            ("gateway.rate_burst", "100000"),
        ],
        ..Plan::default()
    })
    .await;
    let boss = cluster.hire("boss", "admin", 90).await;
    let mut staff = Vec::new();
    for n in 0..AGENTS {
        let agent = cluster.hire(&format!("racer{n}"), "agent", n).await;
        boss.set_capacity(&cluster.nodes[0], &agent, CAPACITY).await;
        staff.push(agent);
    }
    let mut visitors = Vec::new();
    for n in 0..VISITORS {
        visitors.push(cluster.visitor(n % 3).await);
    }
    let store = cluster.database.open("unused");
    let (seen, is_over) = (Arc::new(Seen::default()), watch::Sender::new(false));
    let over = is_over.subscribe();

    // Faults need the cluster for themselves, people only its addresses.
    let bases: Arc<Vec<String>> = Arc::new(cluster.nodes.iter().map(|node| node.base.clone()).collect());
    let mut people = tokio::task::JoinSet::new();
    for agent in &staff {
        for n in 0..bases.len() {
            let (bases, agent, seen, over) =
                (Arc::clone(&bases), agent.clone(), Arc::clone(&seen), over.clone());
            people.spawn(async move { claim(&bases[n], &agent, n, &seen, &over).await });
        }
    }
    for (n, visitor) in visitors.into_iter().enumerate() {
        let (bases, seen, over) = (Arc::clone(&bases), Arc::clone(&seen), over.clone());
        people.spawn(async move { ask(&bases, visitor, n, &seen, &over).await });
    }
    // Nobody ever holds more than they may, whenever it is looked.
    let looks = Arc::new(AtomicUsize::new(0));
    let (watcher, counted, mut until) = (store.clone(), Arc::clone(&looks), over.clone());
    people.spawn(async move {
        while !*until.borrow() {
            if let Ok(all) = watcher.attendance().await {
                let most = all.values().map(|attendance| attendance.held).max().unwrap_or_default();
                assert!(most <= CAPACITY, "somebody holds {most} of {CAPACITY}");
                counted.fetch_add(1, Ordering::Relaxed);
            }
            tokio::select! {
                _ = until.wait_for(|is_over| *is_over) => return,
                () = rest(Duration::from_millis(25)) => {}
            }
        }
    });

    let mut befell: BTreeMap<&str, usize> = BTreeMap::new();
    for n in 0..n_faults {
        // Between two of them something is done.
        let due = n_claims * n / n_faults.max(1);
        while seen.claims.load(Ordering::Relaxed) < due {
            rest(Duration::from_millis(20)).await;
        }
        *befell.entry(befall(&mut cluster, n).await).or_default() += 1;
    }
    while seen.claims.load(Ordering::Relaxed) < n_claims {
        rest(Duration::from_millis(20)).await;
    }
    is_over.send_replace(true);
    while let Some(ended) = people.join_next().await {
        ended.unwrap();
    }

    let winners = seen.winners.lock().unwrap().clone();
    for (offer, names) in &winners {
        let different: BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), 1, "offer {offer} has {names:?}");
        assert_eq!(names.len(), 1, "offer {offer} was won twice by {names:?}");
    }
    // Nobody is left behind: whoever waits at the end is served as soon as agents are there.
    let ended = Instant::now();
    let mut n_looks = 0;
    loop {
        let waiting = store.waiting().await.unwrap();
        if waiting.is_empty() {
            break;
        }
        assert!(ended.elapsed() < Duration::from_secs(60), "some wait for ever: {waiting:?}");
        n_looks += 1;
        // Everybody: who was lost with an offer is passed over for a while. New sockets each time: the first overview
        // names what is held.
        let last = staff.iter().enumerate().map(|(n, agent)| {
            let (cluster, seen) = (&cluster, &seen);
            async move {
                let mut desk = agent.online(&cluster.nodes[n % 3]).await;
                let name = format!("last{n}-{n_looks}");
                let _ = tokio::time::timeout(Duration::from_secs(3), work(&mut desk, &name, seen)).await;
            }
        });
        futures_util::future::join_all(last).await;
    }
    println!(
        "{} claims of {} offers over 3 nodes, {} winners, {} requests served, {} looks at what agents hold, {} faults {befell:?}; {:.1?}",
        seen.claims.load(Ordering::Relaxed),
        winners.len(),
        winners.len(),
        seen.served.load(Ordering::Relaxed),
        looks.load(Ordering::Relaxed),
        n_faults,
        began.elapsed(),
    );
    cluster.finish().await;
}
