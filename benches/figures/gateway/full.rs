//! How many messages a second are stored and acknowledged when every client sends its
//! next as soon as the last is acknowledged. The server decides about each of them too.

use super::client::{Speech, as_fast, connect, each, visitors};
use super::server::{Options, Server};
use super::socketio::SocketIo;
use super::{ROWS, cores_text, slower_by_us};
use crate::report::{Baseline, Figure, Report, quantile_ms};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const CLIENTS: usize = 100;
const SECONDS: u64 = 10;

pub async fn run(report: &Report, echo: SocketAddr) {
    let per_s = |spans: &[Duration]| spans.len() as f64 / SECONDS as f64;
    let sockets = each(CLIENTS, |n| async move { connect(echo, "/", n).await.unwrap() }).await;
    let echoed = as_fast(sockets, Speech::Echo, SECONDS).await;
    let stored = match SocketIo::start().await {
        Some(peer) => Some(as_fast(peer.clients(CLIENTS).await, Speech::SocketIo, SECONDS).await),
        None => None,
    };
    let Some(server) = Server::start(&Options::new("lexicon").patient().unlimited()).await else {
        eprintln!("bench: `baton serve` did not become ready");
        return;
    };
    let sockets = visitors(&server, CLIENTS).await;
    let (began, cpu) = (Instant::now(), server.cpu());
    let spans = as_fast(sockets, Speech::Baton, SECONDS).await;
    let busy = (server.cpu() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let p99 =
        |spans: &[Duration]| json!({ "p50_ms": quantile_ms(spans, 0.5), "p99_ms": quantile_ms(spans, 0.99) });
    report.tell(&Figure {
        name: "durable_turn_per_s",
        value: per_s(&spans),
        unit: "msg/s",
        is_less_better: false,
        baselines: vec![
            Baseline {
                name: "socketio_better_sqlite3_full",
                value: stored.as_deref().map(per_s),
                conditions: stored.as_deref().map_or(Value::Null, p99),
            },
            Baseline { name: "axum_echo", value: Some(per_s(&echoed)), conditions: p99(&echoed) },
        ],
        conditions: json!({
            "clients": CLIENTS, "seconds": SECONDS, "model": "none", "lengths": "chat_mix", "rows_per_ack": ROWS,
            "p50_ms": quantile_ms(&spans, 0.5), "p99_ms": quantile_ms(&spans, 0.99), "server_core_busy": busy,
            "limits": "on, but for messages of one visitor", "cores": cores_text(), "sync_slower_by_us": slower_by_us(),
        }),
    });
}
