//! A gate in front of the real store and directory. It changes no answer: it counts
//! what is under way, so that a test can wait for silence without sleeping, and it
//! can fall shut between two writes, which is what a crash looks like from inside.

use async_trait::async_trait;
use baton::domain::account::{Account, AccountChange, Email};
use baton::domain::agent::{Attendance, Presence};
use baton::domain::analysis::Analysis;
use baton::domain::conversation::{Change, Conversation, Entry};
use baton::domain::handoff::{CountedWord, Handoff};
use baton::domain::id::{
    AgentId, CannedId, ConversationId, HandoffId, KnowledgeId, QueueId, VisitorId, WidgetKey,
};
use baton::domain::knowledge::{CannedReply, KnowledgeEntry};
use baton::domain::outcome::{Csat, WrapUp};
use baton::domain::queue::{MeasuredWait, Queue};
use baton::domain::site::Widget;
use baton::domain::time::Timestamp;
use baton::flow::ports::directory::{
    AuditEntry, Credentials, Directory, DirectoryError, Link, Login, NewAccount, PolicyVersion, SecretHash,
    Stamp, VisitorRecord,
};
use baton::flow::ports::{
    Ack, CommandKey, Figures, Glance, Judgement, Overdue, ReadMarks, Receipt, Search, Store, StoreError,
};
use baton::store::sqlite::SqliteStore;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, watch};

/// Where a crash falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The write does not happen.
    Before,
    /// The write happens and nobody hears of it.
    After,
}

#[derive(Default)]
struct State {
    under_way: usize,
    writes: u64,
    crash: Option<(u64, Crash)>,
}

/// Counts, and falls shut when told to.
pub struct Gate {
    store: SqliteStore,
    state: Arc<Mutex<State>>,
    less: Arc<Notify>,
    is_shut: watch::Sender<bool>,
}

/// One call under way.
struct UnderWay {
    state: Arc<Mutex<State>>,
    less: Arc<Notify>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.state.lock().unwrap().under_way -= 1;
        self.less.notify_one();
    }
}

impl Gate {
    /// An open gate.
    pub fn new(store: SqliteStore) -> Self {
        Self { store, state: Arc::default(), less: Arc::default(), is_shut: watch::Sender::new(false) }
    }

    /// The store behind it, past the gate.
    pub fn store(&self) -> &SqliteStore {
        &self.store
    }

    /// Falls shut at the write that is `after` writes from now; 0 is the next.
    pub fn crash(&self, after: u64, how: Crash) {
        let mut state = self.state.lock().unwrap();
        state.crash = Some((state.writes + after + 1, how));
    }

    /// Falls shut now.
    pub fn shut(&self) {
        self.is_shut.send_replace(true);
    }

    /// Whether it has fallen shut.
    pub fn is_shut(&self) -> bool {
        *self.is_shut.borrow()
    }

    /// Resolves when it has fallen shut.
    pub async fn until_shut(&self) {
        let mut shut = self.is_shut.subscribe();
        let _ = shut.wait_for(|shut| *shut).await;
    }

    /// Whether no call is under way.
    pub fn is_idle(&self) -> bool {
        self.state.lock().unwrap().under_way == 0
    }

    /// Resolves when a call has ended.
    pub async fn until_less(&self) {
        if !self.is_idle() {
            self.less.notified().await;
        }
    }

    fn enter(&self) -> UnderWay {
        self.state.lock().unwrap().under_way += 1;
        UnderWay { state: self.state.clone(), less: self.less.clone() }
    }

    async fn read<T>(&self, call: impl Future<Output = T>) -> T {
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        let under_way = self.enter();
        let answer = call.await;
        drop(under_way);
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn write<T>(&self, call: impl Future<Output = T>) -> T {
        let crash = {
            let mut state = self.state.lock().unwrap();
            state.writes += 1;
            state.crash.filter(|(at, _)| *at <= state.writes).map(|(_, how)| how)
        };
        if crash == Some(Crash::Before) {
            self.shut();
        }
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        let under_way = self.enter();
        let answer = call.await;
        drop(under_way);
        if crash == Some(Crash::After) {
            self.shut();
        }
        if self.is_shut() {
            std::future::pending::<()>().await;
        }
        answer
    }
}

macro_rules! gated {
    ($trait:ident { $($mode:ident $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)* } $($rest:tt)*) => {
        #[async_trait]
        impl $trait for Gate {
            $($rest)*
            $(async fn $name(&self, $($arg: $ty),*) -> $answer {
                self.$mode($trait::$name(&self.store, $($arg),*)).await
            })*
        }
    };
}

gated!(Store {
    write receive(receipt: Receipt) -> Result<Ack, StoreError>;
    write commit(change: Change, command: Option<CommandKey>, now: Timestamp) -> Result<Ack, StoreError>;
    read answered(command: &CommandKey) -> Result<Option<Ack>, StoreError>;
    write record_words(handoff: &HandoffId, words: Vec<CountedWord>) -> Result<(), StoreError>;
    write record_wrap_up(conversation: &ConversationId, by: &AgentId, wrap_up: WrapUp) -> Result<(), StoreError>;
    write record_csat(csat: Csat, at: Timestamp) -> Result<(), StoreError>;
    write record_read(id: &ConversationId, marks: ReadMarks) -> Result<bool, StoreError>;
    write record_visitor_seen(id: &ConversationId, at: Timestamp) -> Result<(), StoreError>;
    write set_presence(agent: &AgentId, presence: Presence) -> Result<(), StoreError>;
    write set_lost(agent: &AgentId, lost_at: Option<Timestamp>) -> Result<(), StoreError>;
    write everybody_lost(at: Timestamp) -> Result<(), StoreError>;
    read attendance() -> Result<HashMap<AgentId, Attendance>, StoreError>;
    read conversation(id: &ConversationId) -> Result<Option<Conversation>, StoreError>;
    read latest_of(visitor: &VisitorId) -> Result<Option<Conversation>, StoreError>;
    read earlier_of(visitor: &VisitorId, than: &ConversationId) -> Result<Vec<Conversation>, StoreError>;
    read entries(id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;
    read visible_entries(id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;
    read analyses(id: &ConversationId) -> Result<BTreeMap<u64, Analysis>, StoreError>;
    read handoffs(id: &ConversationId) -> Result<Vec<Handoff>, StoreError>;
    read judgement(id: &ConversationId) -> Result<Judgement, StoreError>;
    read read_marks(id: &ConversationId) -> Result<ReadMarks, StoreError>;
    read waiting() -> Result<Vec<Conversation>, StoreError>;
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
    self.store.history_id()
});

gated!(Directory {
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
    read visitor_by_secret(secret: &SecretHash) -> Result<Option<VisitorRecord>, StoreError>;
    read visitor(id: &VisitorId) -> Result<Option<VisitorRecord>, StoreError>;
    write save_visitor(at: Timestamp, visitor: VisitorRecord, secret: SecretHash) -> Result<(), StoreError>;
    read policies() -> Result<Vec<PolicyVersion>, StoreError>;
    read policy(version: u32) -> Result<Option<(PolicyVersion, String)>, StoreError>;
    write publish_policy(stamp: Stamp, name: String, toml: String, comment: String, based_on: u32) -> Result<PolicyVersion, DirectoryError>;
    read audit(before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
});
