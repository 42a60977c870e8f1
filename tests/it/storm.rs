//! The reconnect storm: the server is killed and started again under many connected visitors,
//! who all come back in the same instant and have all missed something. Everybody catches up
//! in order and without a gap, with the limits on, and others hardly notice.
//!
//! `BATON_STORM_CLIENTS` asks for another number, `BATON_STORM_WITHIN` for seconds in which all
//! must have caught up, `BATON_KILL_PROGRAM` for another build of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::{Barrier, watch};

use crate::support::process::{Site, raise_open_files, rest};
use crate::support::visitor::{Door, Tab, Visitor};
use crate::support::wire::{Lost, address};

/// What each visitor says before the storm; they have seen the first of it.
const SAID: u64 = 4;
/// Visitors who write all the time, at the pace that the limits allow.
const BYSTANDERS: usize = 10;
/// How long the bystanders are listened to before the storm, at least.
const CALM: Duration = Duration::from_secs(3);

/// What all bystanders did, for who waits for it.
#[derive(Default)]
struct Heard {
    /// Acknowledgements in each part of the test.
    acked: [AtomicUsize; 4],
    /// Bystanders who found the server again after the kill.
    back: AtomicUsize,
}

/// Waits until so many of something were counted.
async fn until(count: &AtomicUsize, wanted: usize) {
    while count.load(Ordering::Relaxed) < wanted {
        rest(20).await;
    }
}

/// One visitor with their socket.
struct Client {
    visitor: Visitor,
    tab: Option<Tab>,
    conversation: String,
    /// The last sequence that was acknowledged to them.
    last: u64,
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Says what a visitor says, and leaves the socket open.
async fn settle(door: &Door, n: usize) -> Client {
    let visitor = Visitor::boot(door, address(n)).await;
    let mut tab = visitor.connect().await;
    for said in 0..SAID {
        let text = format!("Message {said} of visitor {n}");
        tab.wire
            .send(&json!({"type": "message.send", "client_id": format!("s{said}"), "text": text}))
            .await
            .unwrap();
    }
    let mut acked = Vec::new();
    while acked.len() < SAID as usize {
        let frame = tab.next().await.unwrap();
        assert_ne!(frame["type"], "error", "{frame}");
        if frame["type"] == "ack" {
            acked.push(frame);
        }
    }
    let last = acked.iter().filter_map(|ack| ack["seq"].as_u64()).max().unwrap();
    let conversation = acked[0]["conversation"].as_str().unwrap().to_owned();
    Client { visitor, tab: Some(tab), conversation, last }
}

/// Comes back, again and again with a growing pause as the pages do, until everything that was missed is there.
/// Gives how many times it had to try.
async fn come_back(client: &Client) -> usize {
    let mut seen: u64 = 1;
    for attempt in 0.. {
        match catch_up(client, &mut seen).await {
            Ok(()) => return attempt,
            Err(lost) => assert!(attempt < 40, "{lost:?}"),
        }
        let longest = 100 << attempt.min(6);
        rest(longest / 2 + rand::random::<u64>() % (longest / 2)).await;
    }
    unreachable!()
}

async fn catch_up(client: &Client, seen: &mut u64) -> Result<(), Lost> {
    let mut tab = client.visitor.try_open().await?;
    tab.wire.send(&json!({"type": "resume", "conversation": client.conversation, "after": *seen})).await?;
    loop {
        let frame = tab.next().await?;
        match frame["type"].as_str().unwrap() {
            "entry" => {
                assert_eq!(
                    frame["seq"].as_u64(),
                    Some(*seen + 1),
                    "{}: a gap or a repetition",
                    client.conversation
                );
                *seen += 1;
            }
            "caught_up" => {
                assert!(*seen >= client.last, "{}: {seen} of {} came", client.conversation, client.last);
                return Ok(());
            }
            "error" => return Err(Lost::Broken(frame["code"].to_string())),
            _ => {}
        }
    }
}

/// Writes at the pace of the limits and notes how long each acknowledgement takes, until it is over. Times are noted in
/// the part of the test that runs: before (0), between (1), during (2).
async fn stand_by(
    visitor: Visitor,
    n: usize,
    phase: watch::Receiver<usize>,
    heard: Arc<Heard>,
) -> [Vec<Duration>; 3] {
    let mut times: [Vec<Duration>; 3] = Default::default();
    let (mut said, mut is_back) = (0, false);
    while *phase.borrow() < 3 {
        let Ok(mut tab) = visitor.try_open().await else {
            rest(50).await;
            continue;
        };
        if tab.wire.send(&json!({"type": "resume", "conversation": null, "after": 0})).await.is_err() {
            continue;
        }
        while *phase.borrow() < 3 {
            let began = Instant::now();
            let client_id = format!("b{said}");
            let text = format!("Bystander {n} says {said}");
            let asked = json!({"type": "message.send", "client_id": client_id, "text": text});
            let is_answer = |frame: &Value| {
                ["ack", "error"].contains(&frame["type"].as_str().unwrap()) && frame["client_id"] == client_id
            };
            let asked_in = *phase.borrow();
            if tab.wire.send(&asked).await.is_err() {
                break;
            }
            let answer = loop {
                match tab.next().await {
                    Ok(frame) if is_answer(&frame) => break Ok(frame),
                    Ok(_) => {}
                    Err(lost) => break Err(lost),
                }
            };
            match answer {
                Ok(frame) if frame["type"] == "ack" => {
                    // What is answered after the storm is of no interest.
                    let at = *phase.borrow();
                    times.get_mut(at).into_iter().for_each(|times| times.push(began.elapsed()));
                    heard.acked[at].fetch_add(1, Ordering::Relaxed);
                    // Asked after the kill and answered: by the server that was started after it.
                    if asked_in == 1 && !is_back {
                        is_back = true;
                        heard.back.fetch_add(1, Ordering::Relaxed);
                    }
                    said += 1;
                    rest(480).await;
                }
                Ok(_) => rest(500).await,
                Err(_) => break,
            }
        }
    }
    times
}

fn millis(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let place = ((times.len() as f64 * share) as usize).min(times.len() - 1);
    (times[place].as_secs_f64() * 10_000.0).round() / 10.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn everybody_comes_back_at_once_and_misses_nothing() {
    let began = Instant::now();
    let (n_clients, within) = (number("BATON_STORM_CLIENTS", 500), number("BATON_STORM_WITHIN", 60));
    raise_open_files();
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path());
    let server = site.start().await;
    let door = Door { base: site.base(), key: "wk_demo".into(), origin: site.base() };
    let settling = (0..n_clients).map(|n| {
        let door = &door;
        async move { settle(door, n).await }
    });
    let mut clients: Vec<Client> = futures_util::stream::iter(settling).buffer_unordered(64).collect().await;
    let (phase, _) = watch::channel(0);
    let heard = Arc::new(Heard::default());
    let mut bystanders = tokio::task::JoinSet::new();
    for n in 0..BYSTANDERS {
        let visitor = Visitor::boot(&door, address(n_clients + n)).await;
        bystanders.spawn(stand_by(visitor, n, phase.subscribe(), Arc::clone(&heard)));
    }
    rest(CALM.as_millis() as u64).await;
    until(&heard.acked[0], BYSTANDERS).await;
    server.kill().await;
    phase.send_replace(1);
    clients.iter_mut().for_each(|client| drop(client.tab.take()));
    let server = site.start().await;
    // The bystanders are back before everybody else is.
    until(&heard.back, BYSTANDERS).await;

    let ready = Arc::new(Barrier::new(n_clients));
    let (tries, mut storm) = (Arc::new(AtomicUsize::new(0)), tokio::task::JoinSet::new());
    phase.send_replace(2);
    let blows_from = Instant::now();
    for client in clients {
        let (ready, tries) = (Arc::clone(&ready), Arc::clone(&tries));
        storm.spawn(async move {
            ready.wait().await;
            tries.fetch_add(come_back(&client).await, Ordering::Relaxed);
            blows_from.elapsed()
        });
    }
    let mut back = storm.join_all().await;
    back.sort_unstable();
    let storm = blows_from.elapsed();
    // A storm may be over before a bystander has said anything.
    until(&heard.acked[2], 1).await;
    phase.send_replace(3);
    let mut times: [Vec<Duration>; 3] = Default::default();
    for of_one in bystanders.join_all().await {
        times.iter_mut().zip(of_one).for_each(|(all, own)| all.extend(own));
    }
    server.stop().await;
    assert!(storm < Duration::from_secs(within as u64), "{n_clients} clients took {storm:.1?}");
    let [before, _, during] = &mut times;
    assert!(!before.is_empty() && !during.is_empty(), "no bystander was heard before and during the storm");
    let figures = json!({
        "part": "storm", "clients": n_clients, "reconnect_storm_s": (storm.as_secs_f64() * 100.0).round() / 100.0,
        "half_back_s": (back[n_clients / 2].as_secs_f64() * 100.0).round() / 100.0,
        "tries_again": tries.load(Ordering::Relaxed), "missed_and_caught_up": n_clients as u64 * (SAID - 1),
        "others_p50_ms_before": millis(before, 0.5), "others_p99_ms_before": millis(before, 0.99),
        "others_p50_ms_during": millis(during, 0.5), "others_p99_ms_during": millis(during, 0.99),
        "others_acks": [before.len(), during.len()], "gaps": 0, "twice": 0, "seconds": began.elapsed().as_secs(),
    });
    println!("{figures}");
}
