//! Every call of the Store, Nodes and Directory ports, once, for whatever stands in front of a
//! store and changes no answer but may hold it back or refuse it.

/// All names in the signatures below.
pub mod prelude {
    pub use async_trait::async_trait;
    pub use baton::domain::account::{Account, AccountChange, Email};
    pub use baton::domain::agent::{Attendance, Presence};
    pub use baton::domain::analysis::Analysis;
    pub use baton::domain::conversation::{Change, Conversation, Entry};
    pub use baton::domain::handoff::{CountedWord, Handoff};
    pub use baton::domain::id::{
        AgentId, CannedId, ConversationId, HandoffId, KnowledgeId, NodeId, QueueId, VisitorId, WidgetKey,
    };
    pub use baton::domain::knowledge::{CannedReply, KnowledgeEntry};
    pub use baton::domain::outcome::{Csat, WrapUp};
    pub use baton::domain::queue::{MeasuredWait, Place, Queue};
    pub use baton::domain::site::Widget;
    pub use baton::domain::time::Timestamp;
    pub use baton::flow::ports::directory::{
        AuditEntry, Credentials, Directory, DirectoryError, Furniture, Link, Login, NewAccount,
        PolicyVersion, SecretHash, Stamp, VisitorRecord,
    };
    pub use baton::flow::ports::nodes::{Company, Holder, Lease, LeaseError, Mark, Node, Nodes, Term};
    pub use baton::flow::ports::{
        Ack, CommandKey, Committed, Figures, Glance, Judgement, Overdue, ReadMarks, Receipt, Search, Seen,
        Store, StoreError,
    };
    pub use std::collections::{BTreeMap, HashMap};
}

/// Implements one port for something with `behind()`, `read(call)` and `write(call)`.
macro_rules! through {
    ($wrapper:ty: $trait:ident { $($mode:ident $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)* } $($rest:tt)*) => {
        const _: () = {
            use $crate::support::through::prelude::*;
            #[async_trait]
            impl $trait for $wrapper {
                $($rest)*
                $(async fn $name(&self, $($arg: $ty),*) -> $answer {
                    self.$mode($trait::$name(self.behind(), $($arg),*)).await
                })*
            }
        };
    };
}

/// Implements all three ports.
macro_rules! every_call {
    ($wrapper:ty) => {
        $crate::support::through::through!($wrapper: Store {
            write receive(receipt: Receipt) -> Result<Ack, StoreError>;
            write commit(change: Change, command: Option<CommandKey>, now: Timestamp) -> Result<Committed, StoreError>;
            read answered(command: &CommandKey) -> Result<Option<Ack>, StoreError>;
            write record_words(handoff: &HandoffId, words: Vec<CountedWord>) -> Result<(), StoreError>;
            write record_wrap_up(conversation: &ConversationId, by: &AgentId, wrap_up: WrapUp) -> Result<(), StoreError>;
            write record_csat(csat: Csat, at: Timestamp) -> Result<(), StoreError>;
            write record_read(id: &ConversationId, marks: ReadMarks) -> Result<bool, StoreError>;
            write record_visitor_seen(id: &ConversationId, at: Timestamp) -> Result<(), StoreError>;
            write set_presence(agent: &AgentId, presence: Presence) -> Result<(), StoreError>;
            read attendance() -> Result<HashMap<AgentId, Attendance>, StoreError>;
            read conversation(id: &ConversationId) -> Result<Option<Conversation>, StoreError>;
            read latest_of(visitor: &VisitorId) -> Result<Option<Conversation>, StoreError>;
            read earlier_of(visitor: &VisitorId, than: &ConversationId) -> Result<Vec<Conversation>, StoreError>;
            read entries(id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;
            read visible_entries(id: &ConversationId, after: Seen, limit: usize) -> Result<Vec<Entry>, StoreError>;
            read analyses(id: &ConversationId) -> Result<BTreeMap<u64, Analysis>, StoreError>;
            read handoffs(id: &ConversationId) -> Result<Vec<Handoff>, StoreError>;
            read judgement(id: &ConversationId) -> Result<Judgement, StoreError>;
            read read_marks(id: &ConversationId) -> Result<ReadMarks, StoreError>;
            read waiting() -> Result<Vec<Conversation>, StoreError>;
            read places() -> Result<Vec<Place>, StoreError>;
            read left_messages() -> Result<Vec<Conversation>, StoreError>;
            read held_by(agent: &AgentId) -> Result<Vec<Conversation>, StoreError>;
            read closed_by_since(agent: &AgentId, since: Timestamp) -> Result<u64, StoreError>;
            read overdue(before: Overdue, limit: usize) -> Result<Vec<ConversationId>, StoreError>;
            read measured_waits(queue: &QueueId, since: Timestamp, limit: usize) -> Result<Vec<MeasuredWait>, StoreError>;
            read search(search: Search) -> Result<Vec<Conversation>, StoreError>;
            read glances(ids: &[ConversationId]) -> Result<HashMap<ConversationId, Glance>, StoreError>;
            read opened_between(since: Option<Timestamp>, until: Option<Timestamp>, after: Option<ConversationId>, limit: usize) -> Result<Vec<Conversation>, StoreError>;
            read figures(since: Timestamp) -> Result<Figures, StoreError>;
            write check() -> Result<(), StoreError>;
        }
        fn history_id(&self) -> String {
            Store::history_id(self.behind())
        });
        $crate::support::through::through!($wrapper: Nodes {
            write take(node: &NodeId, term: Term, company: Company) -> Result<Lease, StoreError>;
            write renew(lease: &Lease, here: &[AgentId], term: Term) -> Result<(), LeaseError>;
            write connected(lease: &Lease, agent: &AgentId) -> Result<(), LeaseError>;
            write disconnected(lease: &Lease, agent: &AgentId, heard_at: Timestamp) -> Result<(), LeaseError>;
            write end_expired(now: Timestamp) -> Result<Vec<NodeId>, StoreError>;
            write leave(lease: &Lease, now: Timestamp) -> Result<(), StoreError>;
            read nodes() -> Result<Vec<Node>, StoreError>;
            read marks(conversations: &[ConversationId], visitors: &[VisitorId]) -> Result<Vec<Mark>, StoreError>;
            read policy_version() -> Result<u32, StoreError>;
            write keep_ticket(hash: SecretHash, holder: Holder, expires_at: Timestamp) -> Result<(), StoreError>;
            write take_ticket(hash: &SecretHash, now: Timestamp) -> Result<Option<Holder>, StoreError>;
            write forget_tickets(account: &AgentId) -> Result<(), StoreError>;
        });
        $crate::support::through::through!($wrapper: Directory {
            read accounts() -> Result<Vec<Account>, StoreError>;
            read account(id: &AgentId) -> Result<Option<Account>, StoreError>;
            read credentials(email: &Email) -> Result<Option<Credentials>, StoreError>;
            write add_account(stamp: Stamp, new: NewAccount, link: Option<Link>) -> Result<Account, DirectoryError>;
            write change_account(stamp: Stamp, id: AgentId, change: AccountChange) -> Result<Account, DirectoryError>;
            write set_password(stamp: Stamp, id: AgentId, password: SecretHash, keep: Option<SecretHash>) -> Result<(), DirectoryError>;
            write issue_link(stamp: Stamp, link: Link) -> Result<(), DirectoryError>;
            read link(token: &SecretHash, now: Timestamp) -> Result<Option<Link>, StoreError>;
            write redeem_setup(stamp: Stamp, token: SecretHash, new: NewAccount, password: SecretHash) -> Result<Account, DirectoryError>;
            write redeem_link(stamp: Stamp, token: SecretHash, name: Option<String>, password: SecretHash) -> Result<Account, DirectoryError>;
            write add_login(login: Login) -> Result<(), StoreError>;
            read login(token: &SecretHash) -> Result<Option<(Login, Account)>, StoreError>;
            write touch_login(token: SecretHash, at: Timestamp) -> Result<(), StoreError>;
            write end_login(token: SecretHash) -> Result<(), StoreError>;
            write sweep(now: Timestamp, idle_before: Timestamp) -> Result<(), StoreError>;
            read queues() -> Result<Vec<Queue>, StoreError>;
            write save_queue(stamp: Stamp, queue: Queue) -> Result<(), DirectoryError>;
            write remove_queue(stamp: Stamp, id: QueueId) -> Result<(), DirectoryError>;
            read knowledge() -> Result<Vec<KnowledgeEntry>, StoreError>;
            write save_knowledge(stamp: Stamp, entry: KnowledgeEntry) -> Result<(), DirectoryError>;
            write remove_knowledge(stamp: Stamp, id: KnowledgeId) -> Result<(), DirectoryError>;
            read knowledge_revision() -> Result<i64, StoreError>;
            read canned() -> Result<Vec<CannedReply>, StoreError>;
            write save_canned(stamp: Stamp, reply: CannedReply) -> Result<(), DirectoryError>;
            write remove_canned(stamp: Stamp, id: CannedId) -> Result<(), DirectoryError>;
            read widgets() -> Result<Vec<Widget>, StoreError>;
            read widget(key: &WidgetKey) -> Result<Option<Widget>, StoreError>;
            write save_widget(stamp: Stamp, widget: Widget) -> Result<(), DirectoryError>;
            write remove_widget(stamp: Stamp, key: WidgetKey) -> Result<(), DirectoryError>;
            write furnish(stamp: Stamp, furniture: Furniture) -> Result<(), DirectoryError>;
            read visitor_by_secret(secret: &SecretHash) -> Result<Option<VisitorRecord>, StoreError>;
            read visitor(id: &VisitorId) -> Result<Option<VisitorRecord>, StoreError>;
            write save_visitor(at: Timestamp, visitor: VisitorRecord, secret: SecretHash) -> Result<(), StoreError>;
            read policies() -> Result<Vec<PolicyVersion>, StoreError>;
            read policy(version: u32) -> Result<Option<(PolicyVersion, String)>, StoreError>;
            write publish_policy(stamp: Stamp, name: String, toml: String, comment: String, based_on: u32) -> Result<PolicyVersion, DirectoryError>;
            read audit(before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
        });
    };
}

pub(crate) use {every_call, through};
