//! The counters themselves. Names and help come from the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric as Registered, Registry};

use super::catalog::{Kind, metric};

/// Label names and values, in the order of the catalog.
type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Everything that is counted. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    pub(super) messages: Counters,
    pub(super) analyses: Counters,
    pub(super) analysis_seconds: Histograms,
    analysis_repeats: Counters,
    pub(super) bot_replies: Counters,
    pub(super) bot_reply_seconds: Histograms,
    pub(super) escalations: Counters,
    pub(super) offers: Counters,
    pub(super) wait_seconds: Histograms,
    pub(super) abandoned: Counters,
    pub(super) sla_breaches: Counters,
    pub(super) closed: Counters,
    pub(super) csat: Counters,
    sockets: Gauges,
    socket_closes: Counters,
    http_requests: Counters,
    http_request_seconds: Histograms,
    logins: Counters,
    queue_depth: Gauges,
    queue_oldest: Gauges,
    agents: Gauges,
    capacity_ratio: Gauges,
    analyzer_ready: Gauges,
    store_refused: Counters,
    store_writable: Gauges,
    store_log_bytes: Gauges,
    store_bytes: Gauges,
    disk_free: Gauges,
    nodes: Gauges,
    hints_flowing: Gauges,
    hints: Counters,
}

/// Milliseconds to a minute.
fn short_spans() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

/// Seconds to hours.
fn waits() -> Histogram {
    Histogram::new([5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0])
}

/// Puts a family into the registry under the name of the catalog.
fn add<M: Registered + Clone>(registry: &mut Registry, name: &'static str, family: M) -> M {
    let listed = metric(name);
    // The encoder adds the ending of counters itself.
    let name = if listed.kind == Kind::Counter { name.trim_end_matches("_total") } else { name };
    registry.register(name, listed.help, family.clone());
    family
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let short = || Histograms::new_with_constructor(short_spans as fn() -> Histogram);
        let long = || Histograms::new_with_constructor(waits as fn() -> Histogram);
        let to = &mut registry;
        Self {
            messages: add(to, "baton_messages_total", Counters::default()),
            analyses: add(to, "baton_analyses_total", Counters::default()),
            analysis_seconds: add(to, "baton_analysis_seconds", short()),
            analysis_repeats: add(to, "baton_analysis_repeats_total", Counters::default()),
            bot_replies: add(to, "baton_bot_replies_total", Counters::default()),
            bot_reply_seconds: add(to, "baton_bot_reply_seconds", short()),
            escalations: add(to, "baton_escalations_total", Counters::default()),
            offers: add(to, "baton_offers_total", Counters::default()),
            wait_seconds: add(to, "baton_wait_seconds", long()),
            abandoned: add(to, "baton_abandoned_total", Counters::default()),
            sla_breaches: add(to, "baton_sla_breaches_total", Counters::default()),
            closed: add(to, "baton_closed_total", Counters::default()),
            csat: add(to, "baton_csat_total", Counters::default()),
            sockets: add(to, "baton_sockets", Gauges::default()),
            socket_closes: add(to, "baton_socket_closes_total", Counters::default()),
            http_requests: add(to, "baton_http_requests_total", Counters::default()),
            http_request_seconds: add(to, "baton_http_request_seconds", short()),
            logins: add(to, "baton_logins_total", Counters::default()),
            queue_depth: add(to, "baton_queue_depth", Gauges::default()),
            queue_oldest: add(to, "baton_queue_oldest_seconds", Gauges::default()),
            agents: add(to, "baton_agents", Gauges::default()),
            capacity_ratio: add(to, "baton_capacity_ratio", Gauges::default()),
            analyzer_ready: add(to, "baton_analyzer_ready", Gauges::default()),
            store_refused: add(to, "baton_store_refused_total", Counters::default()),
            store_writable: add(to, "baton_store_writable", Gauges::default()),
            store_log_bytes: add(to, "baton_store_log_bytes", Gauges::default()),
            store_bytes: add(to, "baton_store_bytes", Gauges::default()),
            disk_free: add(to, "baton_disk_free_bytes", Gauges::default()),
            nodes: add(to, "baton_nodes", Gauges::default()),
            hints_flowing: add(to, "baton_hints_flowing", Gauges::default()),
            hints: add(to, "baton_hints_total", Counters::default()),
            registry: Arc::new(registry),
        }
    }

    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing into a string does not fail");
        text
    }

    /// Counts an open socket until the guard is dropped. `kind` is `visitor` or `agent`.
    #[must_use]
    pub fn socket_opened(&self, kind: &'static str) -> SocketGuard {
        let gauge = self.sockets.get_or_create_owned(&vec![("kind", kind.to_owned())]);
        gauge.inc();
        SocketGuard { gauge }
    }

    /// Counts a closed socket by its close code.
    pub fn socket_closed(&self, kind: &'static str, code: u16) {
        self.socket_closes.get_or_create(&vec![("kind", kind.to_owned()), ("code", code.to_string())]).inc();
    }

    /// Counts a request. `route` is the pattern of the route, never the path itself.
    pub fn request_answered(&self, route: &str, status: u16, took: Duration) {
        self.http_requests
            .get_or_create(&vec![("route", route.to_owned()), ("status", status.to_string())])
            .inc();
        self.http_request_seconds.get_or_create(&Labels::new()).observe(took.as_secs_f64());
    }

    /// Counts a login by its outcome.
    pub fn login(&self, outcome: &'static str) {
        self.logins.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
    }

    /// Forgets the figures of the service, before they are read from the store again.
    pub fn begin_scrape(&self) {
        for family in [&self.queue_depth, &self.queue_oldest, &self.agents, &self.capacity_ratio] {
            family.clear();
        }
    }

    /// One queue as the store knows it.
    pub fn queue(&self, name: &str, depth: usize, oldest: Duration, capacity_ratio: Option<f64>) {
        let labels = vec![("queue", name.to_owned())];
        self.queue_depth.get_or_create(&labels).set(depth as f64);
        self.queue_oldest.get_or_create(&labels).set(oldest.as_secs_f64());
        if let Some(ratio) = capacity_ratio {
            self.capacity_ratio.get_or_create(&labels).set(ratio);
        }
    }

    /// How many agents have chosen a presence.
    pub fn agents(&self, presence: &'static str, n_agents: usize) {
        self.agents.get_or_create(&vec![("presence", presence.to_owned())]).set(n_agents as f64);
    }

    /// How many analyses came from memory since the model was loaded.
    pub fn analysis_repeats(&self, n_repeats: u64) {
        self.analysis_repeats.get_or_create(&Labels::new()).inner().store(n_repeats, Ordering::Relaxed);
    }

    /// How large the database is, and how much room is left where that is known.
    pub fn storage(&self, bytes: u64, free: Option<u64>) {
        self.store_bytes.get_or_create(&Labels::new()).set(bytes as f64);
        match free {
            Some(free) => {
                self.disk_free.get_or_create(&Labels::new()).set(free as f64);
            }
            None => self.disk_free.clear(),
        }
    }

    /// How many nodes there are.
    pub fn nodes(&self, n_nodes: usize) {
        self.nodes.get_or_create(&Labels::new()).set(n_nodes as f64);
    }

    /// Whether hints travel, and what became of them by outcome since the start.
    pub fn hints(&self, flow: HintsFlow, outcomes: &[(&'static str, u64)]) {
        self.hints_flowing.get_or_create(&Labels::new()).set(if flow == HintsFlow::Yes { 1.0 } else { 0.0 });
        for (outcome, n_hints) in outcomes {
            let counter = self.hints.get_or_create_owned(&vec![("outcome", (*outcome).to_owned())]);
            counter.inner().store(*n_hints, Ordering::Relaxed);
        }
    }

    /// Whether the database takes writes, what it refused since the start by why, and how large its log is.
    pub fn store(&self, is_writable: IsReady, refused: &BTreeMap<&'static str, u64>, log_bytes: u64) {
        let is_writable = if is_writable == IsReady::Yes { 1.0 } else { 0.0 };
        self.store_writable.get_or_create(&Labels::new()).set(is_writable);
        self.store_log_bytes.get_or_create(&Labels::new()).set(log_bytes as f64);
        for (cause, n_refused) in refused {
            let counter = self.store_refused.get_or_create_owned(&vec![("cause", (*cause).to_owned())]);
            counter.inner().store(*n_refused, Ordering::Relaxed);
        }
    }

    /// Whether the model answers: 1, or 0 while words do.
    pub fn analyzer(&self, is_ready: IsReady) {
        self.analyzer_ready.get_or_create(&Labels::new()).set(if is_ready == IsReady::Yes {
            1.0
        } else {
            0.0
        });
    }
}

/// Whether hints travel between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintsFlow {
    /// They do, or there is nobody else.
    Yes,
    /// Nodes follow each other by polling.
    No,
}

/// Whether the model answers, or the database takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsReady {
    /// It does.
    Yes,
    /// Words do.
    No,
}

/// One open socket, counted until this is dropped.
pub struct SocketGuard {
    gauge: Gauge<f64, AtomicU64>,
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::super::CATALOG;
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::id::QueueId;

    /// Counts one of everything that can happen.
    fn everything() -> Metrics {
        let metrics = Metrics::new();
        let (queue, span) = (QueueId::from_suffix("delivery"), Duration::from_secs(1));
        for event in [
            Event::MessageStored { author: "visitor" },
            Event::MessageAnalyzed { by: "model", took: span },
            Event::BotReplied { outcome: "answer", took: span },
            Event::Escalated { reason: "keyword".into() },
            Event::OfferMade,
            Event::Answered { queue: queue.clone(), waited: span },
            Event::Abandoned { queue },
            Event::SlaBreached { target: "answer" },
            Event::Closed,
            Event::Rated { score: 5 },
        ] {
            metrics.observe(&event);
        }
        drop(metrics.socket_opened("agent"));
        metrics.socket_closed("agent", 1000);
        metrics.request_answered("/", 200, span);
        metrics.login("ok");
        metrics.queue("Delivery", 1, span, Some(0.5));
        metrics.agents("online", 1);
        metrics.analyzer(IsReady::Yes);
        metrics.analysis_repeats(1);
        metrics.nodes(1);
        metrics.hints(HintsFlow::Yes, &[("sent", 1)]);
        metrics.store(IsReady::Yes, &BTreeMap::from([("disk_full", 1)]), 1);
        metrics.storage(1, Some(1));
        metrics
    }

    #[test]
    fn every_metric_of_the_catalog_is_fed_and_no_other() {
        let text = everything().render();
        let mut found: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .map(|line| {
                let (name, kind) = line.split_once(' ').unwrap();
                if kind == "counter" { format!("{name}_total") } else { name.to_owned() }
            })
            .collect();
        let mut listed: Vec<String> = CATALOG.iter().map(|metric| metric.name.to_owned()).collect();
        found.sort();
        listed.sort();
        assert_eq!(found, listed);
    }

    #[test]
    fn a_socket_is_counted_while_it_is_open() {
        let metrics = Metrics::new();
        let guard = metrics.socket_opened("visitor");
        assert!(metrics.render().contains("baton_sockets{kind=\"visitor\"} 1.0"));
        drop(guard);
        assert!(metrics.render().contains("baton_sockets{kind=\"visitor\"} 0.0"));
    }
}
