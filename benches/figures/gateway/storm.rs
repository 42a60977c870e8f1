//! Everybody comes back at once: how long until each has everything they missed, and how
//! long those who are there wait for an acknowledgement meanwhile.

use super::client::{Speech, at_rate, connect, each, keep, send, until, visitors};
use super::cores_text;
use super::server::{Options, Server};
use crate::report::{Baseline, Figure, Report, quantile_ms};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const CLIENTS: usize = 5_000;
/// More at once than the machine's queue for new connections takes is not a storm of browsers but a mistake of ours.
const AT_ONCE: usize = 256;
/// Visitors who are there all the time, and what they say together in a second.
const OTHERS: usize = 100;
const OTHERS_PER_S: u64 = 200;
/// How long they are listened to before, and while everybody comes back: no longer than that takes.
const CALM_SECONDS: u64 = 5;
const STORM_SECONDS: u64 = 1;
/// They begin to speak so long after they were asked to.
const BREATH: Duration = Duration::from_millis(500);

/// How long the others waited for their acknowledgements, sorted: before, and while everybody came back.
struct Others {
    calm: oneshot::Receiver<Vec<Duration>>,
    blow: oneshot::Sender<()>,
    during: oneshot::Receiver<Vec<Duration>>,
}

/// The others in a thread of their own, which goes before the one that makes the storm: what is measured is how long
/// the server lets them wait.
fn others(server: Arc<Server>) -> Others {
    let ((tell_calm, calm), (tell_during, during)) = (oneshot::channel(), oneshot::channel());
    let (blow, blows) = oneshot::channel();
    std::thread::spawn(move || {
        machine::turns::short();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (first, second) = (visitors(&server, OTHERS).await, visitors(&server, OTHERS).await);
            let _ = tell_calm.send(at_rate(first, Speech::Baton, OTHERS_PER_S, CALM_SECONDS).await);
            if blows.await.is_ok() {
                let _ = tell_during.send(at_rate(second, Speech::Baton, OTHERS_PER_S, STORM_SECONDS).await);
            }
        });
    });
    Others { calm, blow, during }
}

pub async fn run(report: &Report) {
    let Some(server) = Server::start(&Options::new("lexicon").patient()).await else { return };
    let server = Arc::new(server);
    // Each has said something and goes before the bot has answered: what they missed.
    let secrets = each(CLIENTS, |n| {
        let server = Arc::clone(&server);
        async move {
            let (secret, path) = server.boot(n, None).await;
            let mut socket = connect(server.address, &path, n).await.unwrap();
            send(&mut socket, json!({ "type": "resume", "conversation": null, "after": 0 })).await;
            let text = "How long does a parcel take?";
            send(&mut socket, json!({ "type": "message.send", "client_id": "m", "text": text })).await;
            let ack = until(&mut socket, "ack").await.unwrap();
            (secret, ack["conversation"].clone())
        }
    })
    .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let others = others(Arc::clone(&server));
    let calm = others.calm.await.unwrap();
    others.blow.send(()).unwrap();
    tokio::time::sleep(BREATH).await;
    let began = Instant::now();
    let caught_up: Vec<(Option<Value>, Duration)> = {
        use futures_util::StreamExt;
        let back = |n: usize| {
            let (server, (secret, conversation)) = (&server, &secrets[n]);
            async move {
                let (_, path) = server.boot(n, Some(secret)).await;
                let Some(mut socket) = connect(server.address, &path, n).await else {
                    return (None, began.elapsed());
                };
                // The own message was seen and nothing after it.
                send(&mut socket, json!({ "type": "resume", "conversation": conversation, "after": 1 }))
                    .await;
                let caught_up = until(&mut socket, "caught_up").await;
                let took = began.elapsed();
                // Still there while the others come.
                keep(socket);
                (caught_up, took)
            }
        };
        futures_util::stream::iter((0..CLIENTS).map(back)).buffer_unordered(AT_ONCE).collect().await
    };
    let took = began.elapsed();
    let during = others.during.await.unwrap();
    let n_whole =
        caught_up.iter().filter(|(at, _)| at.as_ref().is_some_and(|at| at["seq"].as_u64() >= Some(2)));
    let n_whole = n_whole.count();
    if n_whole < CLIENTS {
        eprintln!("bench: only {n_whole} of {CLIENTS} had everything they missed");
    }
    report.tell(&Figure {
        name: "reconnect_storm_s",
        value: took.as_secs_f64(),
        unit: "s",
        is_less_better: true,
        baselines: Vec::new(),
        conditions: json!({
            "clients": CLIENTS, "caught_up": n_whole, "connecting_at_once": AT_ONCE, "model": "none",
            "each": "boot with their secret, ticket, socket, resume, what they missed", "limits": "on",
            "cores": cores_text(),
        }),
    });
    for (name, share) in [("storm_others_p50_ms", 0.50), ("storm_others_p99_ms", 0.99)] {
        report.tell(&Figure {
            name,
            value: quantile_ms(&during, share),
            unit: "ms",
            is_less_better: true,
            baselines: vec![Baseline::new("the_same_before_the_storm", quantile_ms(&calm, share))],
            conditions: json!({
                "others": OTHERS, "rate_per_s": OTHERS_PER_S, "acknowledged": during.len(), "storm_s": took.as_secs_f64(),
                "model": "none", "limits": "on", "cores": cores_text(),
            }),
        });
    }
}
