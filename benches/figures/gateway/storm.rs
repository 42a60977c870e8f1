//! Everybody comes back at once: how long until each has everything they missed.

use super::client::{connect, each, keep, send, until};
use super::cores_text;
use super::server::{Options, Server};
use crate::report::{Figure, Report};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CLIENTS: usize = 5_000;
/// More at once than the machine's queue for new connections takes is not a storm of browsers but a mistake of ours.
const AT_ONCE: usize = 256;

pub async fn run(report: &Report) {
    let Some(server) = Server::start(&Options::new("lexicon")).await else { return };
    // Each has said something and goes before the bot has answered: what they missed.
    let secrets = each(CLIENTS, |n| {
        let server = &server;
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
}
