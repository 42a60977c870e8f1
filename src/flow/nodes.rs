//! Any time: this node's place among the nodes that work on the store.
//!
//! Reads   leases that have run out.
//! Writes  this node's lease, who is connected to it, the end of nodes that died: each carries a fencing number.
//! Next    `watch`, which gives back what lost agents hold.

use super::{Flow, FlowError};
use crate::domain::id::{AgentId, NodeId};
use crate::domain::time::Timestamp;
use crate::fault::planted;
use crate::flow::ports::{Company, Lease, LeaseError, Term};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Until when a node that is alone holds its place: nobody could take it.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How soon a place is asked for again after the store did not answer.
const AGAIN: Duration = Duration::from_millis(500);

/// How a node holds its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    /// Whether others may work on the same store.
    pub company: Company,
    /// How long a node that is not heard of is believed to be alive.
    pub lease: Duration,
    /// How often it is heard of.
    pub renewal: Duration,
}

impl Default for Tenure {
    fn default() -> Self {
        Self { company: Company::Alone, lease: Duration::from_secs(10), renewal: Duration::from_secs(3) }
    }
}

/// What this node knows of its own place.
pub(super) struct Place {
    node: NodeId,
    /// One taking or renewing at a time, and what it led to.
    held: tokio::sync::Mutex<Option<(Lease, Timestamp)>>,
    /// Agents who are connected here.
    here: Mutex<BTreeSet<AgentId>>,
    /// Held while the store is told who is here: by many while it is told of one agent each, by a renewal alone, which
    /// tells of all at once. Told beside a coming or a going, it could be written after it with what was before it.
    telling: tokio::sync::RwLock<()>,
    /// The fencing number; moves when the place was lost.
    fence: watch::Sender<u64>,
    /// Rung when a write was refused for the lack of a lease.
    lost: Notify,
    /// Whether the store may know others than those who are here.
    is_mistaken: AtomicBool,
}

impl Place {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            held: tokio::sync::Mutex::default(),
            here: Mutex::default(),
            telling: tokio::sync::RwLock::default(),
            fence: watch::Sender::new(0),
            lost: Notify::new(),
            is_mistaken: AtomicBool::new(false),
        }
    }

    fn with_here<T>(&self, what: impl FnOnce(&mut BTreeSet<AgentId>) -> T) -> T {
        what(&mut self.here.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Flow {
    /// This process among the nodes.
    pub fn node(&self) -> &NodeId {
        &self.0.place.node
    }

    /// The fencing number of this node's lease. When it changes after it was more than 0, the lease was lost: what
    /// agents saw over their sockets may have been given to others, and they must come back.
    pub fn fence(&self) -> watch::Receiver<u64> {
        self.0.place.fence.subscribe()
    }

    fn term(&self) -> Term {
        let (now, tenure) = (self.0.ports.clock.now(), self.0.settings.tenure);
        let lease = if tenure.company == Company::Alone { FOR_EVER } else { tenure.lease };
        Term { now, expires_at: now.plus(lease) }
    }

    /// The lease, taken now if there is none. Connections that this node had under an older one are gone.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn take_place(&self) -> Result<Lease, FlowError> {
        let mut held = self.0.place.held.lock().await;
        if let Some((lease, _)) = &*held {
            return Ok(lease.clone());
        }
        if self.0.tracker.is_stopping() {
            return Err(FlowError::NotAllowed("the process stops"));
        }
        let term = self.term();
        let company = match self.0.settings.tenure.company {
            Company::Alone if planted("restart_forgets_lost_agents") => Company::Others,
            company => company,
        };
        let taken = self.0.ports.nodes.take(&self.0.place.node, term, company).await?;
        let Lease { node, fence } = &taken;
        tracing::info!(node.id = %node, node.fence = fence, "Node {node} serves under fence {fence}");
        *held = Some((taken.clone(), term.expires_at));
        self.0.place.fence.send_replace(taken.fence);
        Ok(taken)
    }

    /// Forgets a lease that does not stand any more; another is taken at once.
    async fn lose_place(&self, lost: &Lease, why: &'static str) {
        let mut held = self.0.place.held.lock().await;
        if held.as_ref().is_some_and(|(lease, _)| lease == lost) {
            tracing::warn!(node.id = %lost.node, node.fence = lost.fence, "Node {} lost its lease: {why}", lost.node);
            *held = None;
            self.0.place.fence.send_replace(0);
            self.0.place.lost.notify_one();
        }
    }

    /// Renews the lease, until the process stops; then gives it back.
    pub(super) async fn keep_place(&self) {
        let (ports, tenure, place) = (&self.0.ports, self.0.settings.tenure, &self.0.place);
        let mut pause = tenure.renewal;
        loop {
            tokio::select! {
                biased;
                () = self.0.tracker.stopping() => break,
                () = ports.clock.sleep(pause) => {}
                () = place.lost.notified() => {}
            }
            pause = match self.renew_place().await {
                Ok(()) => tenure.renewal,
                Err(error) => {
                    tracing::warn!(
                        error.code = error.code(),
                        "The lease of this node was not renewed: {error}"
                    );
                    AGAIN.min(tenure.renewal)
                }
            };
        }
        let held = place.held.lock().await.take();
        if let Some((lease, _)) = held
            && let Err(error) = ports.nodes.leave(&lease, ports.clock.now()).await
        {
            tracing::warn!(error.code = error.code(), "The lease of this node was not given back: {error}");
        }
    }

    /// Renews the lease once, or takes another when it was lost.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn renew_place(&self) -> Result<(), FlowError> {
        let (ports, place) = (&self.0.ports, &self.0.place);
        let held = place.held.lock().await.clone();
        let is_alone = self.0.settings.tenure.company == Company::Alone;
        if is_alone && held.is_some() && !place.is_mistaken.load(Ordering::Acquire) {
            return Ok(());
        }
        let lease = self.take_place().await?;
        let telling = place.telling.write().await;
        let term = self.term();
        place.is_mistaken.store(false, Ordering::Release);
        let here: Vec<AgentId> = place.with_here(|here| here.iter().cloned().collect());
        let renewed = ports.nodes.renew(&lease, &here, term).await;
        if renewed.is_err() {
            place.is_mistaken.store(true, Ordering::Release);
        }
        drop(telling);
        match renewed {
            Ok(()) => {
                if let Some((_, until)) = place.held.lock().await.as_mut().filter(|(held, _)| *held == lease)
                {
                    *until = term.expires_at;
                }
                Ok(())
            }
            Err(LeaseError::Lost) => {
                self.lose_place(&lease, "others took it for dead").await;
                Ok(())
            }
            Err(LeaseError::Store(error)) => {
                // Others may have ended it by now: agents find a node that reaches the store.
                if held.is_some_and(|(_, expires_at)| expires_at <= ports.clock.now()) {
                    self.lose_place(&lease, "the store could not be reached for too long").await;
                }
                Err(error.into())
            }
        }
    }

    /// Ends the leases of nodes that were not heard of for too long. Every node may: the store lets one of them.
    pub(super) async fn end_dead_nodes(&self) -> Result<(), FlowError> {
        if self.0.settings.tenure.company == Company::Alone {
            return Ok(());
        }
        let ports = &self.0.ports;
        for node in ports.nodes.end_expired(ports.clock.now()).await? {
            tracing::warn!(node.id = %node, "Node {node} is dead: its agents have their grace from when it was last heard of");
            self.presence_changed();
        }
        Ok(())
    }

    /// An agent's first connection on this node is there.
    ///
    /// # Errors
    ///
    /// When the store does not answer; it is told again with the next renewal.
    pub async fn agent_connected(&self, agent: &AgentId) -> Result<(), FlowError> {
        let place = &self.0.place;
        let telling = place.telling.read().await;
        place.with_here(|here| here.insert(agent.clone()));
        let told = async {
            let lease = self.take_place().await?;
            match self.0.ports.nodes.connected(&lease, agent).await {
                Err(LeaseError::Store(error)) => Err(error.into()),
                Err(LeaseError::Lost) => {
                    // Taken again at once, and the agent told with it.
                    self.lose_place(&lease, "others took it for dead").await;
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        };
        let told = told.await;
        place.is_mistaken.fetch_or(told.is_err(), Ordering::AcqRel);
        drop(telling);
        self.presence_changed();
        told
    }

    /// An agent's last connection on this node is gone. Their conversations stay theirs for the grace, which begins
    /// when something was last heard of them, unless they are connected to another node.
    ///
    /// # Errors
    ///
    /// When the store does not answer; it is told again with the next renewal.
    pub async fn agent_disconnected(&self, agent: &AgentId, heard_at: Timestamp) -> Result<(), FlowError> {
        let place = &self.0.place;
        let telling = place.telling.read().await;
        place.with_here(|here| here.remove(agent));
        let held = place.held.lock().await.clone();
        // Without a lease nobody is taken for connected here.
        let told = match held {
            Some((lease, _)) => match self.0.ports.nodes.disconnected(&lease, agent, heard_at).await {
                Err(LeaseError::Store(error)) => Err(error.into()),
                Ok(()) | Err(LeaseError::Lost) => Ok(()),
            },
            None => Ok(()),
        };
        place.is_mistaken.fetch_or(told.is_err(), Ordering::AcqRel);
        drop(telling);
        self.presence_changed();
        told
    }
}
