//! Nodes: the processes that work on one store. Each holds a place under a lease with a
//! fencing number, and who is connected to which node is kept under that number.
//!
//! Nothing belongs to a node but its sockets: any of them serves anybody.

use super::directory::SecretHash;
use super::store::{ReadMarks, StoreError};
use crate::domain::agent::Role;
use crate::domain::id::{AgentId, ConversationId, NodeId, VisitorId, WidgetKey};
use crate::domain::time::Timestamp;
use async_trait::async_trait;

/// A node's place. Whoever wrote under an older fencing number is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose.
    pub node: NodeId,
    /// Greater than any number that was given before, to any node.
    pub fence: u64,
}

/// Why something that needs a lease was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another node saw that it had run out, and has taken its connections for gone.
    #[error("the lease of this node was lost")]
    Lost,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Until when a lease holds, unless it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// It is taken or renewed now.
    pub now: Timestamp,
    /// From then on anybody may end it.
    pub expires_at: Timestamp,
}

/// A node as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its place.
    pub lease: Lease,
    /// When it was last heard of.
    pub renewed_at: Timestamp,
    /// Until when it is believed to be alive.
    pub expires_at: Timestamp,
    /// Agents who are connected to it.
    pub agents: u64,
}

/// How far a conversation has come: what a node compares with what it has passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which.
    pub conversation: ConversationId,
    /// Whose.
    pub visitor: VisitorId,
    /// Grows with every change of its row.
    pub version: u64,
    /// Grows with every entry of its log.
    pub last_position: u64,
    /// How far each side has read.
    pub marks: ReadMarks,
}

/// Whether a node shares the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// No other process works on it: whoever did is over.
    Alone,
    /// Others may be at work.
    Others,
}

/// Who a ticket lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A visitor, through a widget.
    Visitor {
        /// Who.
        visitor: VisitorId,
        /// The widget they came through.
        widget: WidgetKey,
    },
    /// A human who answers.
    Agent {
        /// Who.
        agent: AgentId,
        /// What they may do, as of now.
        role: Role,
    },
}

/// Which processes there are, and who is connected to them.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Takes a place under a new fencing number. Connections of this node under an older number are gone; of a node
    /// that is alone, those of every other node too, and whom they had is lost from now on.
    async fn take(&self, node: &NodeId, term: Term, company: Company) -> Result<Lease, StoreError>;

    /// Renews a lease that still stands, and says who is connected: these agents and no others.
    ///
    /// # Errors
    ///
    /// `Lost` when somebody has ended it.
    async fn renew(&self, lease: &Lease, here: &[AgentId], term: Term) -> Result<(), LeaseError>;

    /// Keeps that an agent has a connection to this node.
    ///
    /// # Errors
    ///
    /// `Lost` when the lease does not stand any more.
    async fn connected(&self, lease: &Lease, agent: &AgentId) -> Result<(), LeaseError>;

    /// Keeps that an agent has no connection to this node any more. Who has none to any node is lost since they were
    /// last heard.
    ///
    /// # Errors
    ///
    /// `Lost` when the lease does not stand any more.
    async fn disconnected(
        &self,
        lease: &Lease,
        agent: &AgentId,
        heard_at: Timestamp,
    ) -> Result<(), LeaseError>;

    /// Ends every lease that has run out. Who was connected to such a node and to no other is lost since it was last
    /// renewed. The nodes that were ended.
    async fn end_expired(&self, now: Timestamp) -> Result<Vec<NodeId>, StoreError>;

    /// Gives the place back; its connections are gone now. Nothing when it was lost already.
    async fn leave(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError>;

    /// All nodes, by fencing number.
    async fn nodes(&self) -> Result<Vec<Node>, StoreError>;

    /// How far these conversations have come, and the latest one of each of these visitors. Read by the rows
    /// themselves and not by a sequence over all of them: what is committed late is not passed over.
    async fn marks(
        &self,
        conversations: &[ConversationId],
        visitors: &[VisitorId],
    ) -> Result<Vec<Mark>, StoreError>;

    /// The version of the policy that was published last.
    async fn policy_version(&self) -> Result<u32, StoreError>;

    /// Keeps a ticket that any node may take.
    async fn keep_ticket(
        &self,
        hash: SecretHash,
        holder: Holder,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes a ticket: exactly one who asks gets its holder. Those that have run out are forgotten on the way.
    async fn take_ticket(&self, hash: &SecretHash, now: Timestamp) -> Result<Option<Holder>, StoreError>;

    /// Forgets every ticket of an account.
    async fn forget_tickets(&self, account: &AgentId) -> Result<(), StoreError>;
}
