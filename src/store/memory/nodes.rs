//! Nodes, who is connected to them, and shared tickets, on plain data.

use super::MemoryStore;
use super::rows::Rows;
use crate::domain::id::{AgentId, ConversationId, NodeId, VisitorId};
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use crate::flow::ports::directory::SecretHash;
use crate::flow::ports::nodes::{Company, Holder, Lease, LeaseError, Mark, Node, Nodes, Term};
use async_trait::async_trait;

impl Rows {
    fn stands(&self, lease: &Lease) -> Result<(), LeaseError> {
        let found = self.nodes.get(&lease.node).filter(|node| node.lease.fence == lease.fence);
        found.map(|_| ()).ok_or(LeaseError::Lost)
    }

    fn is_anywhere(&self, agent: &AgentId) -> bool {
        self.connections.iter().any(|(_, here)| here == agent)
    }

    fn end_node(&mut self, node: &NodeId, lost_at: Timestamp) {
        self.nodes.remove(node);
        let (theirs, others) =
            std::mem::take(&mut self.connections).into_iter().partition(|(at, _)| at == node);
        self.connections = others;
        for (_, agent) in theirs {
            self.lose(&agent, lost_at);
        }
    }

    /// Who is connected nowhere is lost, if they are not yet.
    pub(super) fn lose(&mut self, agent: &AgentId, lost_at: Timestamp) {
        let is_anywhere = self.is_anywhere(agent);
        if let Some(attendance) = self.attendance.get_mut(agent).filter(|_| !is_anywhere) {
            attendance.lost_at = attendance.lost_at.or(Some(lost_at));
        }
    }

    fn connect(&mut self, node: &NodeId, agent: &AgentId) {
        let attendance = self.attendance_of(agent);
        (attendance.lost_at, attendance.is_known) = (None, true);
        self.connections.insert((node.clone(), agent.clone()));
    }

    fn mark(&self, id: &ConversationId) -> Option<Mark> {
        let row = self.conversations.get(id)?;
        Some(Mark {
            conversation: id.clone(),
            visitor: row.conversation.visitor.clone(),
            version: row.conversation.version,
            last_position: row.conversation.last_position,
            marks: row.marks,
        })
    }
}

#[async_trait]
impl Nodes for MemoryStore {
    async fn take(&self, node: &NodeId, term: Term, company: Company) -> Result<Lease, StoreError> {
        let mut rows = self.rows();
        let over: Vec<NodeId> = match company {
            Company::Alone => rows.nodes.keys().cloned().collect(),
            Company::Others => vec![node.clone()],
        };
        for other in &over {
            rows.end_node(other, term.now);
        }
        let known: Vec<AgentId> = rows.attendance.keys().cloned().collect();
        for agent in &known {
            rows.lose(agent, term.now);
        }
        rows.fence += 1;
        let lease = Lease { node: node.clone(), fence: rows.fence };
        let (renewed_at, expires_at) = (term.now, term.expires_at);
        rows.nodes.insert(node.clone(), Node { lease: lease.clone(), renewed_at, expires_at, agents: 0 });
        Ok(lease)
    }

    async fn renew(&self, lease: &Lease, here: &[AgentId], term: Term) -> Result<(), LeaseError> {
        let mut rows = self.rows();
        rows.stands(lease)?;
        if let Some(node) = rows.nodes.get_mut(&lease.node) {
            (node.renewed_at, node.expires_at) = (term.now, term.expires_at);
        }
        let told: Vec<AgentId> = rows
            .connections
            .iter()
            .filter(|(at, _)| *at == lease.node)
            .map(|(_, agent)| agent.clone())
            .collect();
        for agent in here.iter().filter(|agent| !told.contains(agent)) {
            rows.connect(&lease.node, agent);
        }
        for agent in told.iter().filter(|agent| !here.contains(agent)) {
            rows.connections.remove(&(lease.node.clone(), agent.clone()));
            rows.lose(agent, term.now);
        }
        Ok(())
    }

    async fn connected(&self, lease: &Lease, agent: &AgentId) -> Result<(), LeaseError> {
        let mut rows = self.rows();
        rows.stands(lease)?;
        rows.connect(&lease.node, agent);
        Ok(())
    }

    async fn disconnected(
        &self,
        lease: &Lease,
        agent: &AgentId,
        heard_at: Timestamp,
    ) -> Result<(), LeaseError> {
        let mut rows = self.rows();
        rows.stands(lease)?;
        rows.connections.remove(&(lease.node.clone(), agent.clone()));
        // Their coming may not have been written: whoever goes is known from now on, and can be missed.
        if !rows.is_anywhere(agent) && rows.attendance_of(agent).lost_at.is_none() {
            rows.attendance_of(agent).is_known = true;
        }
        rows.lose(agent, heard_at);
        Ok(())
    }

    async fn end_expired(&self, now: Timestamp) -> Result<Vec<NodeId>, StoreError> {
        let mut rows = self.rows();
        let mut expired: Vec<Node> =
            rows.nodes.values().filter(|node| node.expires_at <= now).cloned().collect();
        expired.sort_by_key(|node| node.lease.fence);
        for node in &expired {
            rows.end_node(&node.lease.node, node.renewed_at);
        }
        Ok(expired.into_iter().map(|node| node.lease.node).collect())
    }

    async fn leave(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if rows.stands(lease).is_ok() {
            rows.end_node(&lease.node, now);
        }
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        let rows = self.rows();
        let counted = |node: &Node| {
            let agents = rows.connections.iter().filter(|(at, _)| *at == node.lease.node).count() as u64;
            Node { agents, ..node.clone() }
        };
        let mut nodes: Vec<Node> = rows.nodes.values().map(counted).collect();
        nodes.sort_by_key(|node| node.lease.fence);
        Ok(nodes)
    }

    async fn marks(
        &self,
        conversations: &[ConversationId],
        visitors: &[VisitorId],
    ) -> Result<Vec<Mark>, StoreError> {
        let rows = self.rows();
        let mut ids: Vec<ConversationId> = conversations.to_vec();
        for visitor in visitors {
            let theirs = || rows.all().filter(|conversation| conversation.visitor == *visitor);
            let latest = theirs().map(|conversation| conversation.opened_at).max();
            ids.extend(theirs().filter(|c| Some(c.opened_at) == latest).map(|c| c.id.clone()));
        }
        Ok(ids.iter().filter_map(|id| rows.mark(id)).collect())
    }

    async fn policy_version(&self) -> Result<u32, StoreError> {
        Ok(u32::try_from(self.rows().policies.len()).unwrap_or(u32::MAX))
    }

    async fn keep_ticket(
        &self,
        hash: SecretHash,
        holder: Holder,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.rows().tickets.insert(hash, (holder, expires_at));
        Ok(())
    }

    async fn take_ticket(&self, hash: &SecretHash, now: Timestamp) -> Result<Option<Holder>, StoreError> {
        let mut rows = self.rows();
        let found = rows.tickets.remove(hash);
        rows.tickets.retain(|_, (_, expires_at)| now < *expires_at);
        Ok(found.filter(|(_, expires_at)| now < *expires_at).map(|(holder, _)| holder))
    }

    async fn forget_tickets(&self, account: &AgentId) -> Result<(), StoreError> {
        let is_theirs = |holder: &Holder| matches!(holder, Holder::Agent { agent, .. } if agent == account);
        self.rows().tickets.retain(|_, (holder, _)| !is_theirs(holder));
        Ok(())
    }
}
