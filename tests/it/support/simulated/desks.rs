//! Agents' sockets: who comes, who goes, and what the nodes are told of it.

use super::people::{AGENTS, agent_of};
use super::run::{Heard, Run};
use baton::domain::agent::Presence;
use baton::flow::Flow;
use baton::flow::ports::Clock as _;

/// What a node was told of an agent.
#[derive(Default, Clone, Copy)]
pub(super) struct Telling {
    is_told: bool,
    pub(super) is_under_way: bool,
}

/// An agent's socket, as the gateways know it.
#[derive(Default, Clone)]
pub(super) struct Desk {
    /// The node it is connected to.
    pub(super) at: Option<usize>,
    /// What each node was told last.
    pub(super) told: Vec<Telling>,
}

impl Run {
    /// A node that lost its lease closes the sockets of its agents, as the gateway does.
    pub(super) fn close_sockets(&mut self, node: usize) {
        if self.nodes[node].has_lost_its_lease() {
            self.say_of(node, "the lease is lost");
            for n in 0..AGENTS.len() {
                if self.desks[n].at == Some(node) {
                    self.desks[n].at = None;
                    self.tell(n, node);
                }
            }
        }
    }

    /// The node that an agent is connected to.
    pub(super) fn at_desk(&self, n: usize) -> Option<(usize, Flow)> {
        let node = self.desks[n].at?;
        self.nodes[node].serving().map(|flow| (node, flow))
    }

    /// Tells a node that an agent came or went, one after the other, as its gateway does.
    pub(super) fn tell(&mut self, n: usize, node: usize) {
        let is_here = self.desks[n].at == Some(node);
        let told = &mut self.desks[n].told[node];
        if told.is_under_way || is_here == told.is_told {
            return;
        }
        *told = Telling { is_told: is_here, is_under_way: true };
        let Some(flow) = self.nodes[node].serving() else { return };
        let heard_at = self.clock.now();
        self.task(node, "presence", async move {
            let _logged = match is_here {
                true => flow.agent_connected(&agent_of(n)).await,
                false => flow.agent_disconnected(&agent_of(n), heard_at).await,
            };
            Heard::Told(n)
        });
    }

    /// An agent comes, to any node that serves.
    pub(super) fn comes(&mut self, n: usize) {
        if let Some((node, _)) = self.serving() {
            self.say_of(node, &format!("{} is here: true", AGENTS[n].0));
            self.desks[n].at = Some(node);
            self.tell(n, node);
        }
    }

    /// An agent goes.
    pub(super) fn goes(&mut self, n: usize) {
        if let Some(node) = self.desks[n].at.take() {
            self.say_of(node, &format!("{} is here: false", AGENTS[n].0));
            self.tell(n, node);
        }
    }

    pub(super) fn choose(&mut self, n: usize, presence: Presence) {
        let Some((node, flow)) = self.at_desk(n) else { return };
        self.say_of(node, &format!("{} is {presence:?}", AGENTS[n].0));
        self.task(node, "presence", async move {
            let _shown = flow.set_presence(&agent_of(n), presence).await;
            Heard::Nothing
        });
    }
}
