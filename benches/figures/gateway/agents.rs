//! How long it takes to an agent: a visitor's message to the socket of the agent who has
//! the conversation, and a visitor's wish for a person to the offer on an agent's socket.

use super::client::{Sender, Socket, Speech, connect, hear, saying, send, until, visitors};
use super::cores_text;
use super::server::{Options, Server};
use crate::report::{Figure, Report, quantile_ms};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const AGENTS: usize = 20;
/// Conversations of each agent: what an account can hold by default.
const HELD: usize = 2;
/// Visitors who talk to the bot meanwhile.
const OTHERS: usize = 300;
const RATE: u64 = 200;
const SECONDS: u64 = 10;

/// What the agents' sockets have heard, and when.
#[derive(Default)]
struct Heard {
    /// Texts that are waited for, and when they were to be sent.
    awaited: Mutex<HashMap<String, Instant>>,
}

pub async fn run(report: &Report) {
    let Some(server) = Server::start(&Options::new("lexicon").patient()).await else {
        eprintln!("bench: `baton serve` did not become ready");
        return;
    };
    let (offers_tx, mut offers) = mpsc::unbounded_channel::<(Value, Instant)>();
    let (spans_tx, mut spans) = mpsc::unbounded_channel();
    let heard = Arc::new(Heard::default());
    for n in 0..AGENTS {
        let path = server.agent(n).await;
        let socket = connect(server.address, &path, 10_000 + n).await.unwrap();
        let (offers, spans, heard) = (offers_tx.clone(), spans_tx.clone(), heard.clone());
        tokio::spawn(async move { work(socket, n, &heard, &offers, &spans).await });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    // One after the other, while others talk to the bot: how long from the wish to the offer.
    let talk = visitors(&server, OTHERS).await;
    // What they say is answered and never calls a person: the agents are for those who are timed.
    let talking = tokio::spawn(saying(vec!["Thanks!"], talk, Speech::Baton, RATE, SECONDS * 2));
    let mut talkers = Vec::new();
    let mut offered = Vec::new();
    for (n, mut socket) in visitors(&server, AGENTS * HELD).await.into_iter().enumerate() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = Instant::now();
        send(&mut socket, json!({ "type": "human.request", "client_id": "h" })).await;
        let ack = until(&mut socket, "ack").await.unwrap();
        let own = async {
            while let Some((conversation, at)) = offers.recv().await {
                if ack["conversation"] == conversation {
                    return Some(at);
                }
            }
            None
        };
        let Ok(Some(at)) = tokio::time::timeout(Duration::from_secs(5), own).await else {
            eprintln!("bench: wish {n} was not offered to anybody");
            break;
        };
        offered.push(at - asked);
        talkers.push(socket);
    }
    drop(talking.await);
    // Then every one of them writes to their agent.
    tokio::time::sleep(Duration::from_secs(1)).await;
    while spans.try_recv().is_ok() {}
    let n_talkers = talkers.len() as u64;
    if n_talkers == 0 {
        return;
    }
    // Within the limit of one visitor: two messages a second.
    let rate = RATE.min(n_talkers * 3 / 2).max(1);
    let begin = Instant::now() + Duration::from_millis(300);
    for (n, socket) in talkers.into_iter().enumerate() {
        let heard = heard.clone();
        tokio::spawn(async move { write(socket, n as u64, n_talkers, rate, begin, &heard).await });
    }
    let mut told = Vec::new();
    let deadline = begin + Duration::from_secs(SECONDS + 10);
    while (told.len() as u64) < rate * SECONDS {
        match tokio::time::timeout_at(deadline.into(), spans.recv()).await {
            Ok(Some(span)) => told.push(span),
            _ => break,
        }
    }
    offered.sort_unstable();
    told.sort_unstable();
    let told_conditions = json!({
        "agents": AGENTS, "conversations": n_talkers, "rate_per_s": rate, "messages": told.len(), "model": "none",
        "lengths": "chat_mix", "limits": "on", "cores": cores_text(),
        "from": "the visitor's intended time of sending", "p50_ms": quantile_ms(&told, 0.5),
    });
    let offered_conditions = json!({
        "agents": AGENTS, "offers": offered.len(), "others_talk_to_the_bot_per_s": RATE, "model": "none",
        "limits": "on", "cores": cores_text(), "from": "the visitor's wish, so with its decision",
        "p50_ms": quantile_ms(&offered, 0.5),
    });
    for (name, spans, conditions) in
        [("to_agent_p99_ms", &told, told_conditions), ("offer_p99_ms", &offered, offered_conditions)]
    {
        report.tell(&Figure {
            name,
            value: quantile_ms(spans, 0.99),
            unit: "ms",
            is_less_better: true,
            baselines: Vec::new(),
            conditions,
        });
    }
}

/// An agent who takes every offer and watches what they hold.
async fn work(
    mut socket: Socket,
    n: usize,
    heard: &Heard,
    offers: &mpsc::UnboundedSender<(Value, Instant)>,
    spans: &mpsc::UnboundedSender<Duration>,
) {
    until(&mut socket, "overview").await.unwrap();
    let (mut write, mut read) = socket.split();
    let mut command = 0;
    let mut tell = async |write: &mut Sender, mut frame: Value| {
        command += 1;
        frame["client_id"] = json!(format!("a{n}-{command}"));
        send(write, frame).await;
    };
    tell(&mut write, json!({ "type": "presence.set", "presence": "online" })).await;
    while let Some(frame) = hear(&mut read).await {
        match frame["type"].as_str() {
            Some("offer") => {
                let _ = offers.send((frame["conversation"].clone(), Instant::now()));
                let (id, offer) = (&frame["conversation"], &frame["offer"]);
                tell(&mut write, json!({ "type": "offer.accept", "conversation": id, "offer": offer })).await;
                send(&mut write, json!({ "type": "conversation.watch", "conversation": id, "after": 0 }))
                    .await;
            }
            Some("entry") => {
                let at = frame["text"].as_str().and_then(|text| heard.awaited.lock().unwrap().remove(text));
                if let Some(at) = at {
                    let _ = spans.send(at.elapsed());
                }
            }
            _ => {}
        }
    }
}

/// A visitor who writes to the agent at their share of the rate. Each text is one of its kind.
async fn write(socket: Socket, n: u64, of: u64, rate: u64, begin: Instant, heard: &Heard) {
    let texts: Vec<&'static str> = crate::CHAT_MIX.lines().collect();
    let gap = Duration::from_nanos(1_000_000_000 / rate);
    let (mut write, mut read) = socket.split();
    tokio::spawn(async move { while hear(&mut read).await.is_some() {} });
    for turn in (n..rate * SECONDS).step_by(of as usize) {
        let at = begin + gap * u32::try_from(turn).unwrap();
        tokio::time::sleep_until(at.into()).await;
        let text = format!("{} ({turn})", texts[turn as usize % texts.len()]);
        heard.awaited.lock().unwrap().insert(text.clone(), at);
        let client_id = format!("t{turn}");
        send(&mut write, json!({ "type": "message.send", "client_id": client_id, "text": text })).await;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
}
