//! What the gateway needs of the rest, in one value that `app` makes.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::presence::{Arrival, Attendance};
use super::registry::Registry;
use crate::auth::Tickets;
use crate::config::{GatewayConfig, ServerConfig};
use crate::domain::id::{AgentId, VisitorId};
use crate::flow::{Flow, FlowError};
use crate::shutdown::Tracker;
use crate::telemetry::Metrics;

/// The gateway: its parts and who is connected. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    parts: Arc<Parts>,
}

struct Parts {
    flow: Flow,
    tickets: Arc<Tickets>,
    config: GatewayConfig,
    server: ServerConfig,
    tracker: Tracker,
    metrics: Metrics,
    registry: Registry,
    agents: Attendance<AgentId>,
    visitors: Attendance<VisitorId>,
}

impl Gateway {
    /// Nobody is connected yet. Begins to listen for hints.
    #[must_use]
    pub fn new(
        flow: Flow,
        tickets: Arc<Tickets>,
        config: GatewayConfig,
        server: ServerConfig,
        tracker: Tracker,
        metrics: Metrics,
    ) -> Self {
        let parts = Parts {
            flow,
            tickets,
            config,
            server,
            tracker,
            metrics,
            registry: Registry::new(),
            agents: Attendance::new(),
            visitors: Attendance::new(),
        };
        let gateway = Self { parts: Arc::new(parts) };
        super::dispatch::start(&gateway);
        super::follow::start(&gateway);
        gateway
    }

    /// Who is connected here.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.parts.registry
    }

    pub(super) fn flow(&self) -> &Flow {
        &self.parts.flow
    }

    pub(super) fn tickets(&self) -> &Tickets {
        &self.parts.tickets
    }

    pub(super) fn config(&self) -> &GatewayConfig {
        &self.parts.config
    }

    pub(super) fn server(&self) -> &ServerConfig {
        &self.parts.server
    }

    pub(super) fn tracker(&self) -> &Tracker {
        &self.parts.tracker
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    /// Tells the flow whether somebody is connected, if that changed. Who is gone was last heard so long ago.
    pub(super) async fn settle(&self, who: &Who, silence: Duration) {
        let registry = self.registry();
        match who {
            Who::Agent(agent) => {
                let tell = async |arrival| match arrival {
                    Arrival::Came => logged(self.flow().agent_connected(agent).await),
                    Arrival::Went => {
                        let heard_at = self.flow().ports().clock.now().minus(silence);
                        logged(self.flow().agent_disconnected(agent, heard_at).await);
                    }
                };
                self.parts.agents.settle(agent, || registry.has_agent(agent), tell).await;
            }
            Who::Visitor(visitor) => {
                let tell = async |_arrival| logged(self.flow().visitor_here(visitor).await);
                self.parts.visitors.settle(visitor, || registry.has_visitor(visitor), tell).await;
            }
        }
    }
}

/// That somebody came or went could not be noted. The flow's own watch over who is there makes up for it.
fn logged(told: Result<(), FlowError>) {
    if let Err(error) = told {
        warn!(error.code = error.code(), "That somebody came or went was not noted: {error}");
    }
}

/// Whose socket it is.
#[derive(Debug, Clone)]
pub(super) enum Who {
    Visitor(VisitorId),
    Agent(AgentId),
}

/// The end of a socket: the flow is told that somebody may be gone, also when the socket's task breaks.
pub(super) struct Departure {
    gateway: Gateway,
    who: Option<Who>,
}

impl Departure {
    pub(super) fn new(gateway: &Gateway, who: Who) -> Self {
        Self { gateway: gateway.clone(), who: Some(who) }
    }

    /// The socket has left the registry; its peer was last heard so long ago.
    pub(super) async fn settle(mut self, silence: Duration) {
        if let Some(who) = self.who.take() {
            self.gateway.settle(&who, silence).await;
        }
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some(who) = self.who.take() {
            let gateway = self.gateway.clone();
            self.gateway
                .tracker()
                .spawn("gateway.departure", async move { gateway.settle(&who, Duration::ZERO).await });
        }
    }
}
