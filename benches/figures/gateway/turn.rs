//! How long a visitor waits for "sent" at a steady rate: from the moment a message was to
//! be sent to its acknowledgement, which comes after the commit is on the disk.

use super::client::{Speech, at_rate, connect, each, visitors};
use super::server::{Options, Server};
use super::socketio::SocketIo;
use super::{ROWS, cores_text, slower_by_us};
use crate::report::{Baseline, Figure, Report, quantile_ms};
use serde_json::{Value, json};
use std::net::SocketAddr;

const CLIENTS: usize = 600;
const SECONDS: u64 = 10;

pub async fn run(report: &Report, echo: SocketAddr, rate: u64, backend: &'static str) {
    let sockets = each(CLIENTS, |n| async move { connect(echo, "/", n).await.unwrap() }).await;
    let echoed = at_rate(sockets, Speech::Echo, rate, SECONDS).await;
    let stored = match SocketIo::start().await {
        Some(peer) => Some(at_rate(peer.clients(CLIENTS).await, Speech::SocketIo, rate, SECONDS).await),
        None => None,
    };
    let Some(server) = Server::start(&Options::new(backend).patient()).await else {
        eprintln!("bench: `baton serve` did not become ready, so there is no turn with {backend}");
        return;
    };
    let sockets = visitors(&server, CLIENTS).await;
    let before = server.analyses().await;
    let spans = at_rate(sockets, Speech::Baton, rate, SECONDS).await;
    let after = server.analyses().await;
    let share = (after.0 - before.0) / (after.1 - before.1).max(1.0);
    let is_model = backend != "lexicon";
    for (name, quantile) in [("durable_turn_p50_ms", 0.50), ("durable_turn_p99_ms", 0.99)] {
        report.tell(&Figure {
            name,
            value: quantile_ms(&spans, quantile),
            unit: "ms",
            is_less_better: true,
            baselines: vec![
                Baseline::new("axum_echo", quantile_ms(&echoed, quantile)),
                Baseline {
                    name: "socketio_better_sqlite3_full",
                    value: stored.as_ref().map(|spans| quantile_ms(spans, quantile)),
                    conditions: Value::Null,
                },
            ],
            conditions: json!({
                "rate_per_s": rate, "clients": CLIENTS, "seconds": SECONDS,
                "model": if is_model { "baton-en" } else { "none" },
                "analyzed_share": if is_model { json!(share) } else { Value::Null },
                "lengths": "chat_mix", "rows_per_ack": ROWS, "acknowledged": spans.len(),
                "limits": "on", "cores": cores_text(), "sync_slower_by_us": slower_by_us(),
            }),
        });
    }
}
