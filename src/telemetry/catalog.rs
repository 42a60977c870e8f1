//! The one list of metrics: names, labels and what they mean. `docs/metrics.md` is
//! written from it.

use std::fmt::Write as _;

/// What a metric counts like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Spans of time, in buckets.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name as it is scraped.
    pub name: &'static str,
    /// What it counts like.
    pub kind: Kind,
    /// Its labels; each has few values, never an id of a conversation or a person.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
    /// Read from the store when scraped, and so the same from every node.
    pub is_of_service: bool,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help, is_of_service: false }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help, is_of_service: false }
}

const fn service(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help, is_of_service: true }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, help, is_of_service: false }
}

/// Every metric.
pub const CATALOG: &[Metric] = &[
    counter("baton_messages_total", &["author"], "Messages stored, by who wrote them"),
    counter(
        "baton_analyses_total",
        &["by"],
        "Analyses: by the model in time, by words, by the model late; `phrase` asked for a person and waited for none",
    ),
    histogram("baton_analysis_seconds", &["by"], "From asking for an analysis to having it"),
    counter("baton_analysis_repeats_total", &[], "Messages whose analysis was in memory: they came before"),
    counter(
        "baton_bot_replies_total",
        &["outcome"],
        "What the bot said: answer, no_answer, hand_over, silent",
    ),
    histogram("baton_bot_reply_seconds", &[], "From asking the bot to its answer"),
    counter(
        "baton_escalations_total",
        &["reason"],
        "Conversations handed to humans, by the strongest reason",
    ),
    counter("baton_offers_total", &["outcome"], "Offers: made, accepted, declined, expired, withdrawn"),
    histogram("baton_wait_seconds", &["queue"], "From the handoff to an agent who accepted"),
    counter("baton_abandoned_total", &["queue"], "Visitors who left while waiting"),
    counter("baton_sla_breaches_total", &["target"], "Promises in time that were not kept"),
    counter("baton_closed_total", &[], "Conversations closed"),
    counter("baton_csat_total", &["score"], "Ratings by visitors, 1 to 5"),
    gauge("baton_sockets", &["kind"], "Open sockets, by visitor and agent"),
    counter("baton_socket_closes_total", &["kind", "code"], "Sockets closed, by close code"),
    counter("baton_http_requests_total", &["route", "status"], "Requests answered, by route and status"),
    histogram("baton_http_request_seconds", &[], "From the head of a request to the head of its answer"),
    counter("baton_logins_total", &["outcome"], "Logins: ok, wrong_password, rate_limited"),
    counter(
        "baton_store_refused_total",
        &["cause"],
        "Writes that the database did not take, by why; `unread`: questions it did not answer",
    ),
    gauge("baton_store_writable", &[], "1 while the database takes writes, 0 since it refused one"),
    gauge("baton_store_log_bytes", &[], "Size of the log beside the database"),
    service("baton_queue_depth", &["queue"], "Conversations waiting or offered"),
    service("baton_queue_oldest_seconds", &["queue"], "How long the longest has been waiting"),
    service("baton_agents", &["presence"], "Agents by presence"),
    service("baton_capacity_ratio", &["queue"], "Held conversations of agents online, by what they can hold"),
    service("baton_store_bytes", &[], "Size of the database"),
    service(
        "baton_disk_free_bytes",
        &[],
        "Room left on the disk of the database, where it is a file of Baton's",
    ),
    service("baton_nodes", &[], "Processes that hold a place on this database"),
    gauge(
        "baton_hints_flowing",
        &[],
        "1 while hints travel between nodes or need not, 0 while nodes only poll",
    ),
    counter(
        "baton_hints_total",
        &["outcome"],
        "Hints between nodes: sent, dropped because they could not be, heard, and ignored because not understood",
    ),
    service("baton_analyzer_ready", &[], "1 while the model answers, 0 while words do"),
];

/// The metric of that name.
///
/// # Panics
///
/// When the list has none: every name in use is in the list.
pub(super) fn metric(name: &str) -> &'static Metric {
    CATALOG.iter().find(|metric| metric.name == name).expect("the metric is in the catalog")
}

/// The text of `docs/metrics.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Metrics\n\n<!-- Written from src/telemetry/catalog.rs; a test keeps the two equal. -->\n\n\
         `GET /metrics` answers in the OpenMetrics text format. Without `telemetry.metrics_token` only clients\n\
         on this machine may read it; with it, whoever sends `Authorization: Bearer TOKEN`.\n\n\
         Metrics of the *service* are read from the store when scraped and are the same from every node. All\n\
         others belong to the process and begin at zero when it starts.\n\n\
         | name | kind | labels | of | means |\n| --- | --- | --- | --- | --- |\n",
    );
    for metric in CATALOG {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let of = if metric.is_of_service { "service" } else { "process" };
        let _ =
            writeln!(page, "| `{}` | {kind} | {} | {of} | {} |", metric.name, labels.join(", "), metric.help);
    }
    page.push_str(
        "\n## What to alert on\n\n\
         - `baton_analyzer_ready == 0` for five minutes: messages are analyzed by word lists.\n\
         - `baton_queue_oldest_seconds` above what you promise.\n\
         - `baton_agents{presence=\"online\"} == 0` during opening hours.\n\
         - `rate(baton_bot_replies_total{outcome=\"silent\"}[5m]) > 0`: your chatbot does not answer.\n\
         - `baton_hints_flowing == 0` for a minute: the broker is away, and nodes see each other's work up to two seconds late.\n\
         - `baton_nodes` below what you run: a node is dead or cannot reach the database.\n\
         - `/readyz` not 200, or `baton_store_writable == 0`: the store does not take writes, and\n\
         \x20 `baton_store_refused_total` says why.\n\
         - `baton_disk_free_bytes` below what a few days of growth take: a full disk refuses every message.\n",
    );
    page
}
