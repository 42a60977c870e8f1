//! What is kept. Not what may be done with it.

use crate::domain::account::Account;
use crate::domain::agent::{Attendance, Presence};
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Conversation, ConversationState, Entry, StateName};
use crate::domain::handoff::{Handoff, HandoffStatus};
use crate::domain::id::{AgentId, CannedId, ConversationId, HandoffId, NodeId, VisitorId, WidgetKey};
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::outcome::{ConversationLabel, MessageLabel};
use crate::domain::queue::Queue;
use crate::domain::site::Widget;
use crate::domain::time::Timestamp;
use crate::domain::visitor::Profile;
use crate::flow::ports::directory::{Link, Login, SecretHash};
use crate::flow::ports::nodes::{Holder, Node};
use crate::flow::ports::{Ack, Judgement, KeptCounts, ReadMarks};
use std::collections::{BTreeMap, BTreeSet};

/// A conversation and all that hangs on it.
pub(super) struct Row {
    pub(super) conversation: Conversation,
    pub(super) entries: Vec<Entry>,
    pub(super) analyses: BTreeMap<u64, Analysis>,
    pub(super) marks: ReadMarks,
    pub(super) label: Option<ConversationLabel>,
    pub(super) message_labels: BTreeMap<u64, MessageLabel>,
}

/// What is known of a visitor.
pub(super) struct VisitorRow {
    pub(super) widget: WidgetKey,
    pub(super) profile: Profile,
    pub(super) created_at: Timestamp,
}

/// An account and the hash its password is checked against.
pub(super) struct AccountRow {
    pub(super) account: Account,
    pub(super) password: Option<SecretHash>,
}

/// One publication of a policy.
pub(super) struct PolicyRow {
    pub(super) name: String,
    pub(super) author: Option<AgentId>,
    pub(super) at: Timestamp,
    pub(super) comment: String,
    pub(super) toml: String,
}

/// One adoption of a model.
pub(super) struct ModelRow {
    pub(super) version: String,
    pub(super) folder: String,
    pub(super) author: Option<AgentId>,
    pub(super) at: Timestamp,
    pub(super) comment: String,
    pub(super) is_rollback: bool,
}

/// One line of the audit log.
pub(super) struct AuditRow {
    pub(super) at: Timestamp,
    pub(super) by: Option<AgentId>,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) detail: String,
}

/// Everything. What is listed in the order in which it was made stands in a `Vec`; versions and numbers count from 1
/// and are the places in it.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) conversations: BTreeMap<ConversationId, Row>,
    pub(super) handoffs: BTreeMap<HandoffId, Handoff>,
    /// Handoffs whose visitor went away.
    pub(super) abandoned: BTreeSet<HandoffId>,
    /// By actor and client id, for ever: what it said and what was answered.
    pub(super) commands: BTreeMap<(String, String), ([u8; 16], Ack)>,
    pub(super) judgements: BTreeMap<ConversationId, Judgement>,
    /// How many persons were erased.
    pub(super) n_erasures: u64,
    pub(super) attendance: BTreeMap<AgentId, Attendance>,

    pub(super) nodes: BTreeMap<NodeId, Node>,
    /// The number that was given to a node last.
    pub(super) fence: u64,
    pub(super) connections: BTreeSet<(NodeId, AgentId)>,
    pub(super) tickets: BTreeMap<SecretHash, (Holder, Timestamp)>,

    pub(super) accounts: BTreeMap<AgentId, AccountRow>,
    pub(super) logins: BTreeMap<SecretHash, Login>,
    pub(super) links: BTreeMap<SecretHash, Link>,
    pub(super) queues: Vec<Queue>,
    pub(super) knowledge: Vec<KnowledgeEntry>,
    /// How often the knowledge has changed.
    pub(super) knowledge_changes: i64,
    pub(super) canned: BTreeMap<CannedId, CannedReply>,
    pub(super) widgets: Vec<Widget>,
    pub(super) visitors: BTreeMap<VisitorId, VisitorRow>,
    pub(super) visitor_secrets: BTreeMap<SecretHash, VisitorId>,
    pub(super) policies: Vec<PolicyRow>,
    pub(super) models: Vec<ModelRow>,
    pub(super) audit: Vec<AuditRow>,
    /// Of conversations that were removed.
    pub(super) kept_counts: KeptCounts,
    /// How often agents gave each label to conversations that were removed.
    pub(super) kept_labels: BTreeMap<&'static str, usize>,
    /// How large everything was, and when.
    pub(super) bytes: BTreeMap<Timestamp, u64>,
}

impl Rows {
    pub(super) fn conversation(&self, id: &ConversationId) -> Option<&Conversation> {
        self.conversations.get(id).map(|row| &row.conversation)
    }

    /// All conversations, by id.
    pub(super) fn all(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.values().map(|row| &row.conversation)
    }

    /// The handoffs of a conversation, oldest first.
    pub(super) fn handoffs_of(&self, id: &ConversationId) -> Vec<&Handoff> {
        let mut found: Vec<_> = self.handoffs.values().filter(|h| h.conversation == *id).collect();
        found.sort_by_key(|handoff| (handoff.at, handoff.id.clone()));
        found
    }

    /// How many conversations take room with an agent, one of them left out.
    pub(super) fn held(&self, agent: &AgentId, but: Option<&ConversationId>) -> u32 {
        let takes = self.all().filter(|c| takes_room(c) && c.state.agent() == Some(agent));
        let n = takes.filter(|c| Some(&c.id) != but).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    }

    /// The row of an agent's attendance, made where there is none.
    pub(super) fn attendance_of(&mut self, agent: &AgentId) -> &mut Attendance {
        self.attendance.entry(agent.clone()).or_insert_with(|| Attendance {
            presence: Presence::Offline,
            lost_at: None,
            is_known: false,
            held: 0,
            last_offer_at: None,
        })
    }

    /// The present name of an account; empty for the command line, for Baton itself, and for who is not there.
    pub(super) fn name_of(&self, id: Option<&AgentId>) -> String {
        let row = id.and_then(|id| self.accounts.get(id));
        row.map(|row| row.account.agent.name.clone()).unwrap_or_default()
    }
}

/// Whether it takes room: it is offered to an agent, or held by one.
pub(super) fn takes_room(conversation: &Conversation) -> bool {
    matches!(conversation.state.name(), StateName::Offered | StateName::WithAgent)
}

/// Whether a handoff goes on. A conversation has at most one such (invariant 5).
pub(super) fn goes_on(handoff: &Handoff) -> bool {
    matches!(handoff.status, HandoffStatus::Initiated | HandoffStatus::Accepted)
}

/// When it was over for its visitor.
pub(super) fn ended_at(conversation: &Conversation) -> Option<Timestamp> {
    match &conversation.state {
        ConversationState::WrapUp { ended_at, .. } => Some(*ended_at),
        ConversationState::Closed { closed_at } => Some(*closed_at),
        _ => None,
    }
}
