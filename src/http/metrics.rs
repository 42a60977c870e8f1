//! `/metrics`: process figures, and those of the service read from the store just now.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::state::Http;
use crate::domain::agent::Presence;
use crate::domain::id::QueueId;
use crate::flow::ports::{Hints, StoreError};
use crate::telemetry::{HintsFlow, IsReady};

/// Whether this client may read the metrics: by the token, or, without one, from this
/// machine and not through a proxy.
fn may_read(http: &Http, request: &Request) -> bool {
    match &http.config.telemetry.metrics_token {
        Some(token) => {
            let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let sent = sent.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
            bool::from(sent.as_bytes().ct_eq(token.expose_secret().as_bytes()))
        }
        None => {
            let is_forwarded = request.headers().contains_key("x-forwarded-for")
                || request.headers().contains_key("forwarded");
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
            !is_forwarded && peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
        }
    }
}

pub(super) async fn scrape(State(http): State<Http>, request: Request) -> Response {
    if !may_read(&http, &request) {
        return (StatusCode::FORBIDDEN, "Metrics are for clients on this machine, or with the token.\n")
            .into_response();
    }
    if let Err(error) = read_service(&http).await {
        tracing::warn!(error = %error, "The figures of the service are missing from a scrape: {error}");
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], http.metrics.render()).into_response()
}

async fn read_service(http: &Http) -> Result<(), StoreError> {
    let health = http.store().health();
    let is_writable = if health.trouble.is_none() { IsReady::Yes } else { IsReady::No };
    http.metrics.store(is_writable, &health.refused, health.log_bytes);
    let now = http.now();
    let queues = http.directory().queues().await?;
    let accounts = http.directory().accounts().await?;
    let attendance = http.store().attendance().await?;
    let mut waiting: HashMap<QueueId, (usize, Duration)> = HashMap::new();
    for place in http.store().places().await? {
        if let Some(queue) = place.queue {
            let entry = waiting.entry(queue).or_default();
            entry.0 += 1;
            entry.1 = entry.1.max(now.since(place.since));
        }
    }
    http.metrics.begin_scrape();
    for queue in &queues {
        let (mut held, mut room) = (0, 0);
        for account in accounts.iter().filter(|account| !account.is_disabled) {
            let agent = &account.agent;
            let serves = crate::domain::routing::serves(agent, queue, queue.tier);
            if let Some(there) = attendance.get(&agent.id).filter(|there| serves && there.is_reachable()) {
                held += there.held;
                room += agent.capacity;
            }
        }
        let (depth, oldest) = waiting.get(&queue.id).copied().unwrap_or_default();
        let ratio = (room > 0).then(|| f64::from(held) / f64::from(room));
        http.metrics.queue(&queue.name, depth, oldest, ratio);
    }
    for presence in [Presence::Online, Presence::Away, Presence::Offline] {
        let is_there = |account: &&crate::domain::account::Account| {
            let there = attendance.get(account.id()).copied().unwrap_or_default();
            let shown =
                if there.is_known && there.lost_at.is_none() { there.presence } else { Presence::Offline };
            !account.is_disabled && shown == presence
        };
        http.metrics.agents(presence.as_str(), accounts.iter().filter(is_there).count());
    }
    let disk = http.housekeeping.state().await?;
    http.metrics.storage(disk.bytes, disk.free);
    let ports = http.flow.ports();
    http.metrics.nodes(ports.nodes.nodes().await?.len());
    let counts = ports.bus.counts();
    let flow = match ports.bus.hints() {
        Hints::PollingOnly(_) => HintsFlow::No,
        Hints::Local | Hints::Flowing => HintsFlow::Yes,
    };
    let outcomes = [
        ("sent", counts.sent),
        ("dropped", counts.dropped),
        ("heard", counts.heard),
        ("ignored", counts.ignored),
    ];
    http.metrics.hints(flow, &outcomes);
    let analyzer = &http.flow.ports().analyzer;
    http.metrics.analysis_repeats(analyzer.n_repeats());
    let is_ready = analyzer.status().is_ready();
    http.metrics.analyzer(if is_ready { IsReady::Yes } else { IsReady::No });
    Ok(())
}
