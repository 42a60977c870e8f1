//! A whole Baton without sockets: the flow over a real SQLite file or plain data, a clock that the
//! test moves, a scripted analyzer and a scripted bot. Nothing in it sleeps.

use baton::broker::LocalBus;
use baton::domain::account::{AccountChange, Email};
use baton::domain::agent::{Presence, Role};
use baton::domain::conversation::{Body, Conversation, ConversationState, Destination, Entry, StateName};
use baton::domain::escalation::EscalationPolicy;
use baton::domain::id::{AgentId, ConversationId, OfferId, QueueId, VisitorId, WidgetKey};
use baton::domain::outcome::{Csat, Disposition, WrapUp};
use baton::domain::queue::Queue;
use baton::domain::time::Timestamp;
use baton::domain::visitor::Profile;
use baton::flow::ports::directory::{NewAccount, SecretHash, Stamp, VisitorRecord};
use baton::flow::ports::{Ack, Bus, Clock, NobodyCounts, Ports, Search};
use baton::flow::view::VisitorStatus;
use baton::flow::{Flow, FlowError, Settings};
use baton::shutdown::Tracker;
use baton::store::{MemoryStore, SqliteStore};
use rusqlite::{Connection, OpenFlags};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

use super::clock::TestClock;
use super::gate::{Crash, Gate};
use super::scripted::{CountingIds, ScriptedAnalyzer, ScriptedBot};
use super::stores::EveryPort;

/// How often Baton looks at what time does.
const STEP: Duration = Duration::from_millis(250);

/// When a world begins: a Friday, eleven o'clock in Berlin.
pub const BEGINNING: &str = "2026-11-20T10:00:00Z";

/// A span of seconds.
pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A span of minutes.
pub fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// A text that is a message.
pub fn body(text: &str) -> Body {
    Body::new(text).unwrap()
}

/// What is set for an agent; the defaults are those of somebody who can do everything once.
#[derive(Debug, Clone)]
pub struct AgentTraits {
    /// Level of support.
    pub tier: u8,
    /// Conversations at once.
    pub capacity: u32,
    /// What they know.
    pub skills: Vec<String>,
    /// The queues they serve, by name; all, when empty.
    pub queues: Vec<String>,
    /// What they may do.
    pub role: Role,
}

impl Default for AgentTraits {
    fn default() -> Self {
        Self { tier: 1, capacity: 3, skills: Vec::new(), queues: Vec::new(), role: Role::Agent }
    }
}

/// How a world is made.
pub struct WorldBuilder {
    policy: EscalationPolicy,
    begins: Timestamp,
    bus: Arc<dyn Bus>,
    is_in_memory: bool,
}

impl WorldBuilder {
    /// Under this policy.
    pub fn policy(mut self, policy: EscalationPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// At this time.
    pub fn begins(mut self, at: Timestamp) -> Self {
        self.begins = at;
        self
    }

    /// With this bus.
    pub fn bus(mut self, bus: Arc<dyn Bus>) -> Self {
        self.bus = bus;
        self
    }

    /// On plain data, or in a file.
    pub fn in_memory(mut self, is_in_memory: bool) -> Self {
        self.is_in_memory = is_in_memory;
        self
    }

    /// Makes it.
    pub async fn start(self) -> World {
        let file = (!self.is_in_memory).then(DatabaseFile::new);
        let clock = TestClock::at(self.begins);
        let analyzer = Arc::new(ScriptedAnalyzer::new(clock.clone()));
        let bot = Arc::new(ScriptedBot::new());
        let ids = Arc::new(CountingIds::default());
        let store: Arc<dyn EveryPort> = match &file {
            Some(file) => file.open("history"),
            None => Arc::new(MemoryStore::new("history")),
        };
        let gate = Arc::new(Gate::new(store));
        let parts = Parts { clock, analyzer, bot, ids, bus: self.bus };
        let (flow, tracker) = parts.flow(&gate, &self.policy);
        World {
            flow,
            tracker,
            others: Mutex::default(),
            gate,
            parts,
            policy: self.policy,
            file,
            n_commands: AtomicU64::new(0),
            agents: BTreeMap::new(),
            journal: Vec::new(),
            before: BTreeMap::new(),
            began_at: self.begins,
            is_finished: false,
        }
    }
}

/// A database in a folder of its own, and a look at its rows.
pub(super) struct DatabaseFile {
    folder: TempDir,
    sql: OnceCell<Connection>,
}

impl DatabaseFile {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), sql: OnceCell::new() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("baton.db")
    }

    fn open(&self, fresh_history_id: &str) -> Arc<dyn EveryPort> {
        Arc::new(SqliteStore::open(&self.path(), fresh_history_id).unwrap())
    }

    /// Past the store: what stands in the rows.
    pub(super) fn sql(&self) -> &Connection {
        let open = || Connection::open_with_flags(self.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        self.sql.get_or_init(open)
    }
}

struct Parts {
    clock: TestClock,
    analyzer: Arc<ScriptedAnalyzer>,
    bot: Arc<ScriptedBot>,
    ids: Arc<CountingIds>,
    bus: Arc<dyn Bus>,
}

impl Parts {
    fn flow(&self, gate: &Arc<Gate>, policy: &EscalationPolicy) -> (Flow, Tracker) {
        let tracker = Tracker::new();
        let ports = Ports {
            store: gate.clone(),
            nodes: gate.clone(),
            directory: gate.clone(),
            analyzer: self.analyzer.clone(),
            bot: self.bot.clone(),
            bus: self.bus.clone(),
            clock: Arc::new(self.clock.clone()),
            ids: self.ids.clone(),
            observer: Arc::new(NobodyCounts),
        };
        (Flow::new(ports, Settings::default(), policy.clone(), tracker.clone()), tracker)
    }
}

/// Something that could be seen from outside, in the order in which it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// Whose conversation: the visitor's name.
    pub visitor: String,
    /// What.
    pub what: Happened,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// The conversation is in another state, or in the same one with other details.
    Moved {
        /// Before; none for a new conversation.
        from: Option<ConversationState>,
        /// The conversation after.
        to: Box<Conversation>,
        /// Whether the agent it was taken from is passed over now.
        is_passed_over: bool,
    },
    /// The log has one more entry.
    Logged(Box<Entry>),
}

/// The flow and all it stands on.
pub struct World {
    /// The steps under test.
    pub flow: Flow,
    parts: Parts,
    tracker: Tracker,
    /// The tasks of other nodes over the same store.
    others: Mutex<Vec<Tracker>>,
    pub gate: Arc<Gate>,
    pub(super) policy: EscalationPolicy,
    /// None on plain data.
    pub(super) file: Option<DatabaseFile>,
    n_commands: AtomicU64,
    pub(super) agents: BTreeMap<String, AgentTraits>,
    journal: Vec<Seen>,
    before: BTreeMap<ConversationId, (Conversation, u64)>,
    began_at: Timestamp,
    is_finished: bool,
}

/// The id of a visitor by name.
pub fn visitor(name: &str) -> VisitorId {
    VisitorId::parse(&format!("vis_{name}")).unwrap()
}

/// The id of an agent by name.
pub fn agent(name: &str) -> AgentId {
    AgentId::parse(&format!("agt_{name}")).unwrap()
}

/// The id of a queue by name.
pub fn queue(name: &str) -> QueueId {
    QueueId::parse(&format!("que_{name}")).unwrap()
}

/// The name in an id.
pub fn name_of(id: &str) -> &str {
    id.split_once('_').map_or(id, |(_, name)| name)
}

impl World {
    /// Under the default policy, at the usual time.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A world to be made.
    pub fn builder() -> WorldBuilder {
        WorldBuilder {
            policy: EscalationPolicy::default(),
            begins: Timestamp::parse(BEGINNING).unwrap(),
            bus: Arc::new(LocalBus::new()),
            is_in_memory: false,
        }
    }

    /// The clock.
    pub fn clock(&self) -> &TestClock {
        &self.parts.clock
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// The analyzer.
    pub fn analyzer(&self) -> &ScriptedAnalyzer {
        &self.parts.analyzer
    }

    /// The bot.
    pub fn bot(&self) -> &ScriptedBot {
        &self.parts.bot
    }

    /// The store, past the gate.
    pub fn store(&self) -> &dyn EveryPort {
        &**self.gate.store()
    }

    /// The tasks of the process.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Whether no task is left, of the process or of the other nodes.
    pub fn is_at_rest(&self) -> bool {
        let others = self.others.lock().unwrap();
        others.iter().chain([&self.tracker]).all(|tracker| tracker.running().is_empty())
    }

    /// The flow of another node over the same store: with lanes of its own.
    pub fn another_node(&self) -> Flow {
        let (flow, tracker) = self.parts.flow(&self.gate, &self.policy);
        self.others.lock().unwrap().push(tracker);
        flow
    }

    /// The policy that is live.
    pub fn policy(&self) -> &EscalationPolicy {
        &self.policy
    }

    /// Everything seen so far.
    pub fn journal(&self) -> &[Seen] {
        &self.journal
    }

    fn stamp(&self) -> Stamp {
        Stamp { by: None, at: self.now() }
    }

    /// A name for the next command.
    pub fn command(&self) -> String {
        format!("c{}", self.n_commands.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Makes a queue.
    pub async fn queue(&self, queue: Queue) {
        self.store().save_queue(self.stamp(), queue).await.unwrap();
    }

    /// The site has said where a visitor can be written to.
    pub async fn knows(&self, name: &str, email: &str) {
        let profile = Profile { email: Some(email.to_owned()), ..Profile::default() };
        let record = VisitorRecord { id: visitor(name), widget: WidgetKey::from_suffix("shop"), profile };
        self.store().save_visitor(self.now(), record, SecretHash(name.to_owned())).await.unwrap();
    }

    /// Makes another policy live.
    pub fn publish(&mut self, policy: EscalationPolicy) {
        self.flow.set_policy(policy.clone());
        self.policy = policy;
    }

    /// Makes an agent who is not there yet.
    pub async fn account(&mut self, name: &str, traits: AgentTraits) {
        let new = NewAccount {
            id: agent(name),
            email: Email::parse(&format!("{name}@baton.example")).unwrap(),
            name: name.to_owned(),
            role: traits.role,
        };
        self.store().add_account(self.stamp(), new, None).await.unwrap();
        let change = AccountChange {
            capacity: Some(traits.capacity),
            tier: Some(traits.tier),
            skills: Some(traits.skills.clone()),
            queues: Some(traits.queues.iter().map(|name| queue(name)).collect()),
            ..AccountChange::default()
        };
        self.store().change_account(self.stamp(), agent(name), change).await.unwrap();
        self.agents.insert(name.to_owned(), traits);
    }

    /// Makes an agent who is there and takes offers.
    pub async fn agent(&mut self, name: &str, traits: AgentTraits) {
        self.account(name, traits).await;
        self.flow.agent_connected(&agent(name)).await.unwrap();
        self.flow.set_presence(&agent(name), Presence::Online).await.unwrap();
    }

    // --- time -----------------------------------------------------------------

    /// Waits until nothing goes on but what waits for the clock, the bot or the model.
    pub async fn settle(&self) {
        let mut quiet = 0;
        while quiet < 16 {
            tokio::task::yield_now().await;
            if self.gate.is_idle() {
                quiet += 1;
            } else {
                quiet = 0;
                self.gate.until_less().await;
            }
        }
    }

    /// One round of what Baton does by itself.
    pub async fn round(&mut self) {
        self.settle().await;
        self.observe().await;
        let flow = self.flow.clone();
        self.unless_crashed(flow.tick()).await;
        self.settle().await;
        self.observe().await;
        self.unless_crashed(flow.offer_waiting()).await.transpose().unwrap();
        self.settle().await;
        self.observe().await;
    }

    /// Time passes. Steps in which nothing can happen are left out; the others are made a quarter of a second apart.
    pub async fn advance(&mut self, span: Duration) {
        let until = self.now().plus(span);
        self.advance_to(until).await;
    }

    /// Time passes until then.
    pub async fn advance_to(&mut self, until: Timestamp) {
        self.round().await;
        let mut n_before = usize::MAX;
        while self.now() < until && !self.gate.is_shut() {
            let now = self.now();
            let has_moved = self.journal.len() != n_before;
            n_before = self.journal.len();
            let next = if has_moved { now.plus(STEP) } else { self.next_due().await.unwrap_or(until) };
            let next = self.on_grid(next).min(until);
            self.parts.clock.advance(next.since(now));
            self.parts.analyzer.deliver();
            self.round().await;
        }
    }

    fn on_grid(&self, at: Timestamp) -> Timestamp {
        let step = u64::try_from(STEP.as_millis()).unwrap();
        let since = u64::try_from(at.since(self.began_at).as_millis()).unwrap();
        self.began_at.plus(Duration::from_millis(since.div_ceil(step) * step))
    }

    /// The next instant at which time does something, as far as the store and those who sleep know.
    async fn next_due(&self) -> Option<Timestamp> {
        let now = self.now();
        let service = &self.policy.service;
        let mut due: Vec<Timestamp> =
            [self.parts.clock.next_wake(), self.parts.analyzer.next_answer()].into_iter().flatten().collect();
        let states = StateName::ALL.into_iter().filter(|state| *state != StateName::Closed).collect();
        let open = Search { states, limit: 100_000, ..Search::default() };
        for conversation in self.store().search(open).await.unwrap() {
            let (state, seen) = (&conversation.state, conversation.visitor_seen_at);
            due.extend(state.due_at());
            due.extend(conversation.excluded.iter().map(|exclusion| exclusion.until));
            match state {
                ConversationState::WithBot { .. } => due.push(seen.plus(service.idle_timeout)),
                ConversationState::Queued { since, .. } | ConversationState::Offered { since, .. } => {
                    due.push(seen.plus(service.gone_timeout));
                    due.push(since.plus(service.gone_timeout));
                }
                ConversationState::WrapUp { ended_at, .. } => {
                    due.push(ended_at.plus(service.wrap_up_timeout));
                }
                _ => {}
            }
            if conversation.is_undecided() {
                due.push(seen.plus(Settings::default().analysis_budget + seconds(2)));
            }
        }
        let lost = self.store().attendance().await.unwrap().into_values().filter_map(|agent| agent.lost_at);
        due.extend(lost.map(|at| at.plus(Settings::default().agent_grace)));
        due.into_iter().filter(|at| *at > now).min()
    }

    /// Writes into the journal what has changed since the last look.
    async fn observe(&mut self) {
        let now = self.now();
        let mut all = self.store().search(Search { limit: 100_000, ..Search::default() }).await.unwrap();
        all.reverse();
        for conversation in all {
            let old = self.before.get(&conversation.id).cloned();
            let logged = old.as_ref().map_or(0, |(_, position)| *position);
            let visitor = name_of(conversation.visitor.as_str()).to_owned();
            let moved = old.as_ref().is_none_or(|(old, _)| old.state != conversation.state);
            if conversation.last_position > logged {
                for entry in self.store().entries(&conversation.id, logged, 10_000).await.unwrap() {
                    let what = Happened::Logged(Box::new(entry));
                    self.journal.push(Seen { at: now, visitor: visitor.clone(), what });
                }
            }
            if moved {
                let from = old.map(|(old, _)| old.state);
                let is_passed_over = from
                    .as_ref()
                    .and_then(ConversationState::agent)
                    .is_some_and(|agent| conversation.excludes(agent, now));
                let what = Happened::Moved { from, to: Box::new(conversation.clone()), is_passed_over };
                self.journal.push(Seen { at: now, visitor, what });
            }
            let position = conversation.last_position;
            self.before.insert(conversation.id.clone(), (conversation, position));
        }
    }

    /// Ends the process and starts another over the same file. What was under way is lost, as in a crash.
    pub async fn restart(&mut self) {
        self.gate.shut();
        self.tracker.stop();
        self.parts.bot.forget_questions();
        self.parts.analyzer.forget_pending();
        while !self.gate.is_idle() {
            self.gate.until_less().await;
        }
        let store = match &self.file {
            Some(file) => file.open("another history"),
            None => self.gate.store().clone(),
        };
        let gate = Arc::new(Gate::new(store));
        (self.flow, self.tracker) = self.parts.flow(&gate, &self.policy);
        self.flow.take_place().await.unwrap();
        self.gate = gate;
        self.observe().await;
    }

    /// From now on the process ends at the write that is `after` writes away.
    pub fn crash(&self, after: u64, how: Crash) {
        self.gate.crash(after, how);
    }

    /// Whether the process has ended.
    pub fn has_crashed(&self) -> bool {
        self.gate.is_shut()
    }

    /// The answer, or none when the process ended before it came.
    pub async fn unless_crashed<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.gate.until_shut() => None,
            answer = call => Some(answer),
        }
    }

    // --- what people do ---------------------------------------------------------

    /// A visitor writes.
    pub async fn says(&self, name: &str, text: &str) -> Result<Ack, FlowError> {
        self.flow.receive(&visitor(name), None, &self.command(), body(text)).await
    }

    /// A visitor asks for a person with the button.
    pub async fn asks(&self, name: &str) -> Result<Ack, FlowError> {
        self.flow.ask_for_human(&visitor(name), None, &self.command()).await
    }

    /// A waiting visitor goes on with the bot.
    pub async fn continues(&self, name: &str) -> Result<Ack, FlowError> {
        self.flow.continue_with_bot(&visitor(name), &self.command()).await
    }

    /// A waiting visitor leaves an address.
    pub async fn leaves(&self, name: &str, email: &str) -> Result<Ack, FlowError> {
        self.flow.leave_contact(&visitor(name), &self.command(), email).await
    }

    /// A visitor ends the conversation.
    pub async fn ends(&self, name: &str) -> Result<Ack, FlowError> {
        self.flow.end(&visitor(name), &self.command()).await
    }

    /// A visitor rates their latest conversation.
    pub async fn rates(&self, name: &str, score: u8, comment: Option<&str>) -> Result<Ack, FlowError> {
        let conversation = self.conversation(name).await.id;
        let csat = Csat { conversation, score, comment: comment.map(str::to_owned) };
        self.flow.rate(&visitor(name), csat).await
    }

    /// A visitor's page is open.
    pub async fn is_here(&self, name: &str) -> Result<(), FlowError> {
        self.flow.visitor_here(&visitor(name)).await
    }

    /// Where a visitor stands.
    pub async fn status(&self, name: &str) -> VisitorStatus {
        self.flow.visitor_status(&visitor(name)).await.unwrap()
    }

    /// A visitor's latest conversation.
    pub async fn conversation(&self, name: &str) -> Conversation {
        self.store().latest_of(&visitor(name)).await.unwrap().unwrap()
    }

    /// Where that stands.
    pub async fn state(&self, name: &str) -> StateName {
        self.conversation(name).await.state.name()
    }

    /// The whole log of a visitor's latest conversation.
    pub async fn log(&self, name: &str) -> Vec<Entry> {
        let id = self.conversation(name).await.id;
        self.store().entries(&id, 0, 10_000).await.unwrap()
    }

    /// The offer that stands to somebody for a visitor's conversation.
    pub async fn offer(&self, name: &str) -> Option<(AgentId, OfferId)> {
        match self.conversation(name).await.state {
            ConversationState::Offered { agent, offer, .. } => Some((agent, offer)),
            _ => None,
        }
    }

    /// An agent takes the offer of a visitor's conversation.
    pub async fn accepts(&self, who: &str, name: &str) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        let offer = self.offer(name).await.map_or_else(|| OfferId::from_suffix("none"), |(_, offer)| offer);
        self.flow.accept(&agent(who), &self.command(), &id, &offer).await
    }

    /// An agent says no to the offer.
    pub async fn declines(&self, who: &str, name: &str) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        let offer = self.offer(name).await.map_or_else(|| OfferId::from_suffix("none"), |(_, offer)| offer);
        self.flow.decline(&agent(who), &self.command(), &id, &offer).await
    }

    /// An agent takes a visitor's conversation out of turn.
    pub async fn takes(&self, who: &str, name: &str) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        self.flow.take(&agent(who), &self.command(), &id).await
    }

    /// An agent says something to a visitor.
    pub async fn tells(&self, who: &str, name: &str, text: &str) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        self.flow.say(&agent(who), &self.command(), &id, body(text)).await
    }

    /// An agent writes a note.
    pub async fn notes(&self, who: &str, name: &str, text: &str) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        self.flow.note(&agent(who), &self.command(), &id, body(text)).await
    }

    /// An agent passes a visitor's conversation on.
    pub async fn transfers(&self, who: &str, name: &str, to: Destination) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        self.flow.transfer(&agent(who), &self.command(), &id, to, None).await
    }

    /// An agent gives a visitor's conversation back to the bot.
    pub async fn hands_back(&self, who: &str, name: &str) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        self.flow.hand_back(&agent(who), &self.command(), &id).await
    }

    /// An agent says it is done.
    pub async fn resolves(&self, who: &str, name: &str) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        self.flow.resolve(&agent(who), &self.command(), &id).await
    }

    /// An agent says how it went.
    pub async fn wraps_up(&self, who: &str, name: &str, disposition: Disposition) -> Result<Ack, FlowError> {
        let id = self.conversation(name).await.id;
        let wrap_up = WrapUp { disposition, label: None, note: None };
        self.flow.wrap_up(&agent(who), &self.command(), &id, wrap_up).await
    }

    // --- what must hold -----------------------------------------------------------

    /// Ends the test: what must always hold, holds.
    pub async fn finish(mut self) {
        if self.gate.is_shut() {
            self.restart().await;
        }
        self.settle().await;
        self.check().await;
        self.check_decisions().await;
        self.is_finished = true;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !self.is_finished && !std::thread::panicking() {
            panic!("a world was dropped without `finish`: its invariants were not checked");
        }
    }
}
