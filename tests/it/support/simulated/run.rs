//! One run from one seed: people, faults, crashes and jumps in time as the dice fall, on one
//! node or on several over the same data, and what must hold after every step.

use super::desks::{Desk, Telling};
use super::dice::{Dice, Trace};
use super::parts::{BadBus, CountedIds, MoodyAnalyzer, MoodyBot, SimulatedClock, TEXTS};
use super::people::{AGENTS, Command, VISITORS, What, Who, agent_of, visitor_of};
use super::process::Process;
use crate::support::checks;
use crate::support::world::{BEGINNING, queue};
use baton::domain::account::{AccountChange, Email};
use baton::domain::agent::{Presence, Role};
use baton::domain::conversation::{Conversation, ConversationState as State, Entry};
use baton::domain::escalation::EscalationPolicy;
use baton::domain::id::{ConversationId, OfferId};
use baton::domain::queue::Queue;
use baton::domain::time::Timestamp;
use baton::flow::ports::directory::{Directory, NewAccount, Stamp};
use baton::flow::ports::nodes::Company;
use baton::flow::ports::{Ack, Clock, Hint, NobodyCounts, Ports, Search, Store};
use baton::flow::{Flow, FlowError, Settings, Tenure};
use baton::shutdown::Tracker;
use baton::store::MemoryStore;
use futures_util::FutureExt as _;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Polls after which a process that does not come to rest is one that never will.
const RESTLESS: usize = 20_000;

/// Commands in a hundred that two nodes have at the same time.
const TWICE: usize = 15;

/// What a task heard.
pub(super) enum Heard {
    Started(Result<(), FlowError>),
    /// What came of a command, and whether it stood in the store already when it was sent.
    Answer(Command, bool, Result<Ack, FlowError>),
    /// Whether this agent is here was told to the flow. Where that was not noted, it is the flow's to make up for it.
    Told(usize),
    /// A visitor's page has read on.
    Read(usize, Vec<(ConversationId, u64, u64)>),
    Nothing,
}

/// A visitor's page: what it has shown so far.
#[derive(Default)]
pub(super) struct Page {
    pub(super) shown: BTreeMap<ConversationId, Vec<u64>>,
    /// The node it is asking.
    reads_at: Option<usize>,
}

/// Everything in one run.
pub struct Run {
    pub(super) dice: Dice,
    /// What happened.
    pub trace: Trace,
    pub(super) data: MemoryStore,
    pub(super) clock: SimulatedClock,
    ids: CountedIds,
    pub(super) bus: BadBus,
    analyzer: MoodyAnalyzer,
    pub(super) policy: EscalationPolicy,
    pub(super) nodes: Vec<Process>,
    heard: Arc<Mutex<Vec<(usize, Heard)>>>,
    n_commands: u64,
    /// Asked for and not answered yet.
    pub(super) open: BTreeMap<String, Command>,
    pub(super) acked: BTreeMap<String, (Command, Ack)>,
    pub(super) pages: Vec<Page>,
    pub(super) desks: Vec<Desk>,
    offers: Vec<(ConversationId, OfferId)>,
    pub(super) n_writes: u64,
}

/// The answer of plain data, which waits for nobody.
pub(super) fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().unwrap()
}

impl Run {
    /// A world of this seed with so many nodes, before anything has happened.
    pub fn new(seed: u64, n_nodes: usize, trace: Trace) -> Self {
        let dice = Dice::new(seed);
        let data = MemoryStore::new("simulated");
        let clock = SimulatedClock::at(Timestamp::parse(BEGINNING).unwrap());
        let losing = dice.one(&[0, 10, 50, 100]);
        let mut run = Self {
            trace,
            clock,
            ids: CountedIds::default(),
            bus: BadBus::new(dice.clone(), losing),
            analyzer: MoodyAnalyzer::new(dice.clone(), data.clone()),
            policy: EscalationPolicy::default(),
            nodes: (0..n_nodes).map(|_| Process::new(&data, &dice)).collect(),
            heard: Arc::default(),
            n_commands: 0,
            open: BTreeMap::new(),
            acked: BTreeMap::new(),
            pages: VISITORS.iter().map(|_| Page::default()).collect(),
            desks: vec![Desk { at: None, told: vec![Telling::default(); n_nodes] }; AGENTS.len()],
            offers: Vec::new(),
            n_writes: 0,
            data,
            dice,
        };
        run.furnish();
        run
    }

    /// Queues and accounts.
    fn furnish(&mut self) {
        let stamp = || Stamp { by: None, at: self.clock.now() };
        for (name, intents) in [("general", vec![]), ("second", vec!["legal_threat".to_owned()])] {
            let made = Queue {
                id: queue(name),
                name: name.to_owned(),
                skills: Vec::new(),
                tier: 1,
                hours: None,
                intents,
                is_default: name == "general",
            };
            now(self.data.save_queue(stamp(), made)).unwrap();
        }
        for (n, (name, capacity)) in AGENTS.into_iter().enumerate() {
            let email = Email::parse(&format!("{name}@baton.example")).unwrap();
            let role = if n == 0 { Role::Supervisor } else { Role::Agent };
            let new = NewAccount { id: agent_of(n), email, name: name.to_owned(), role };
            now(self.data.add_account(stamp(), new, None)).unwrap();
            // Everybody can serve everything, so that nobody who waits is without hope.
            let change =
                AccountChange { capacity: Some(capacity), tier: Some(3), ..AccountChange::default() };
            now(self.data.change_account(stamp(), agent_of(n), change)).unwrap();
        }
    }

    pub(super) fn say(&mut self, line: &str) {
        self.trace.line(line);
    }

    // --- the nodes ------------------------------------------------------------------

    /// One of the nodes.
    fn any_node(&self) -> usize {
        if self.nodes.len() == 1 { 0 } else { self.dice.below(self.nodes.len()) }
    }

    /// Says something of a node, by its number where there are several.
    pub(super) fn say_of(&mut self, node: usize, line: &str) {
        if self.nodes.len() == 1 { self.say(line) } else { self.say(&format!("node {node}: {line}")) }
    }

    fn start(&mut self, node: usize) {
        let process = &mut self.nodes[node];
        let door = process.begin();
        let store = &process.store;
        let ports = Ports {
            store: store.clone(),
            nodes: store.clone(),
            directory: store.clone(),
            analyzer: Arc::new(self.analyzer.clone()),
            bot: Arc::new(MoodyBot { dice: self.dice.clone(), clock: self.clock.clone() }),
            bus: Arc::new(self.bus.clone()),
            clock: Arc::new(self.clock.clone()),
            ids: Arc::new(self.ids.clone()),
            observer: Arc::new(NobodyCounts),
        };
        let company = if self.nodes.len() == 1 { Company::Alone } else { Company::Others };
        let settings = Settings { tenure: Tenure { company, ..Tenure::default() }, ..Settings::default() };
        let flow = Flow::new(ports, settings, self.policy.clone(), Tracker::run_by(Arc::new(door)));
        self.nodes[node].flow = Some(flow.clone());
        self.task(node, "start", async move { Heard::Started(flow.start().await) });
    }

    /// Whoever is not up is started.
    pub(super) fn start_all(&mut self) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].flow.is_none() {
                self.start(node);
            }
        }
    }

    /// The process is gone, with all that it knew.
    fn crash(&mut self, node: usize) {
        self.say_of(node, "crash");
        self.nodes[node].crash();
        self.analyzer.clear();
        self.bus.clear();
        self.heard.lock().unwrap().retain(|(at, _)| *at != node);
        for desk in &mut self.desks {
            desk.at = desk.at.filter(|at| *at != node);
            desk.told[node] = Telling::default();
        }
        self.pages.iter_mut().for_each(|page| page.reads_at = page.reads_at.filter(|at| *at != node));
    }

    pub(super) fn task(
        &self,
        node: usize,
        name: &'static str,
        task: impl Future<Output = Heard> + Send + 'static,
    ) {
        let heard = self.heard.clone();
        self.nodes[node].door().start(name, async move {
            let news = task.await;
            heard.lock().unwrap().push((node, news));
        });
    }

    /// A node that is up and serves, if there is one.
    pub(super) fn serving(&self) -> Option<(usize, Flow)> {
        let up: Vec<usize> =
            (0..self.nodes.len()).filter(|node| self.nodes[*node].serving().is_some()).collect();
        let node = match up.as_slice() {
            [] => return None,
            [only] => *only,
            several => several[self.dice.below(several.len())],
        };
        self.nodes[node].serving().map(|flow| (node, flow))
    }

    /// One task of one of the nodes goes on, if any can.
    fn poll(&mut self) -> Option<(usize, u64, &'static str)> {
        let mut awake: Vec<usize> =
            (0..self.nodes.len()).filter(|node| !self.nodes[*node].is_asleep).collect();
        while !awake.is_empty() {
            let n = if self.nodes.len() == 1 { 0 } else { self.dice.below(awake.len()) };
            let node = awake.swap_remove(n);
            if let Some((id, name)) = self.nodes[node].step(&self.dice) {
                return Some((node, id, name));
            }
        }
        None
    }

    /// Lets so many polls happen; fewer when nothing can go on. What must hold is looked at after each.
    fn go_on(&mut self, polls: usize) -> bool {
        for _ in 0..polls {
            let Some((node, id, name)) = self.poll() else { return false };
            self.say_of(node, &format!("{name} {id}"));
            self.hear();
            self.close_sockets(node);
            let n_writes = self.nodes.iter().map(|node| node.store.n_writes()).sum();
            if n_writes != self.n_writes {
                self.n_writes = n_writes;
                self.check_state();
            }
        }
        true
    }

    /// Until every task waits.
    pub(super) fn come_to_rest(&mut self) {
        assert!(!self.go_on(RESTLESS), "the process does not come to rest");
    }

    fn hear(&mut self) {
        let all = std::mem::take(&mut *self.heard.lock().unwrap());
        for (node, news) in all {
            match news {
                Heard::Started(Ok(())) => self.nodes[node].is_starting = false,
                Heard::Started(Err(error)) => {
                    self.say_of(node, &format!("did not start: {error}"));
                    self.crash(node);
                }
                Heard::Answer(command, was_done, answer) => self.answered(command, was_done, answer),
                Heard::Told(n) => {
                    self.desks[n].told[node].is_under_way = false;
                    self.tell(n, node);
                }
                Heard::Read(n, found) => self.show(n, found),
                Heard::Nothing => {}
            }
        }
    }

    // --- commands -------------------------------------------------------------------

    pub(super) fn ask(&mut self, who: Who, what: What) {
        self.n_commands += 1;
        let client_id = format!("c{}", self.n_commands);
        let command = Command { who, client_id: client_id.clone(), what };
        self.open.insert(client_id, command.clone());
        self.send(command);
    }

    /// Sends it. Where there are several nodes, now and then twice: who loses a connection at once comes to another.
    pub(super) fn send(&mut self, command: Command) {
        if self.nodes.len() > 1 && self.dice.percent(TWICE) {
            self.send_once(command.clone());
        }
        self.send_once(command);
    }

    fn send_once(&mut self, command: Command) {
        let at = match command.who {
            Who::Visitor(_) => self.serving(),
            // Without a socket an agent can ask for nothing.
            Who::Agent(n) => self.at_desk(n),
        };
        let Some((node, flow)) = at else { return };
        self.say(&format!("sends {command:?}"));
        let was_done = self.is_stored(&command.client_id);
        self.task(node, "command", async move {
            let answer = command.carry_out(&flow).await;
            Heard::Answer(command, was_done, answer)
        });
    }

    /// Whether an entry carries the name of a command.
    fn is_stored(&self, client_id: &str) -> bool {
        let is_its = |entry: &Entry| entry.client_id.as_deref() == Some(client_id);
        self.all().iter().any(|c| now(self.data.entries(&c.id, 0, 10_000)).unwrap().iter().any(is_its))
    }

    fn answered(&mut self, command: Command, was_done: bool, answer: Result<Ack, FlowError>) {
        self.say(&format!("{}: {answer:?}", command.client_id));
        match answer {
            Ok(ack) => {
                self.open.remove(&command.client_id);
                self.check_ack(&command, &ack);
                let first = self.acked.insert(command.client_id.clone(), (command.clone(), ack.clone()));
                // A rating is kept, not logged: it has no first answer.
                if let Some((_, first)) = first
                    && !matches!(command.what, What::Rates(_))
                {
                    assert_eq!(first, ack, "a retry of {command:?} has another answer");
                }
            }
            // Nobody knows whether it was done: it is sent again.
            Err(FlowError::Store(_)) => {}
            Err(_) => {
                self.open.remove(&command.client_id);
                // Two of the same on their way at once may end differently; after the first is stored, never.
                assert!(!was_done, "{command:?} was done, and is refused");
            }
        }
    }

    /// Acknowledged is stored, at the place that was named (invariants 2 and 8).
    pub(super) fn check_ack(&self, command: &Command, ack: &Ack) {
        let Some(text) = command.what.text() else { return };
        let position = ack.position.unwrap_or_else(|| panic!("{command:?} has no position"));
        let entries = now(self.data.entries(&ack.conversation, position - 1, 1)).unwrap();
        let entry = entries.first().unwrap_or_else(|| panic!("acknowledged and not stored: {command:?}"));
        let stored = checks::said(entry).unwrap_or_default();
        assert_eq!(stored, text, "acknowledged and stored differ: {command:?}");
        assert_eq!(entry.client_id.as_ref(), Some(&command.client_id), "{command:?}");
        assert_eq!((entry.visitor_seq, entry.at), (ack.visitor_seq, ack.at), "{command:?}");
    }

    // --- pages ----------------------------------------------------------------------

    /// A page reads what it has not shown yet of its visitor's latest conversation.
    pub(super) fn read_on(&mut self, n: usize) {
        if self.pages[n].reads_at.is_some() {
            return;
        }
        let Some((node, flow)) = self.serving() else { return };
        self.pages[n].reads_at = Some(node);
        let shown: BTreeMap<_, _> =
            self.pages[n].shown.iter().map(|(id, seqs)| (id.clone(), seqs.last().copied())).collect();
        self.task(node, "page", async move {
            let store = &flow.ports().store;
            let mut read = Vec::new();
            if let Ok(Some(latest)) = store.latest_of(&visitor_of(n)).await {
                let after = shown.get(&latest.id).copied().flatten().unwrap_or(0);
                for entry in store.visible_entries(&latest.id, after.into(), 3).await.unwrap_or_default() {
                    read.push((latest.id.clone(), entry.visitor_seq.unwrap_or(0), entry.position));
                }
            }
            Heard::Read(n, read)
        });
    }

    /// What a page shows has no gap and nothing twice (invariant 14).
    fn show(&mut self, n: usize, found: Vec<(ConversationId, u64, u64)>) {
        let page = &mut self.pages[n];
        page.reads_at = None;
        for (id, seq, _) in found {
            let shown = page.shown.entry(id.clone()).or_default();
            let next = shown.last().copied().unwrap_or(0) + 1;
            assert_eq!(
                seq, next,
                "invariant 14: {} is shown {seq} of {id} where {next} comes next",
                VISITORS[n]
            );
            shown.push(seq);
        }
    }

    // --- what happens ---------------------------------------------------------------

    pub(super) fn all(&self) -> Vec<Conversation> {
        now(self.data.search(Search { limit: 10_000, ..Search::default() })).unwrap()
    }

    fn visitor_acts(&mut self) {
        let n = self.dice.below(VISITORS.len());
        let what = match self.dice.below(20) {
            0..=9 => What::Says(self.dice.below(TEXTS.len()), self.n_commands),
            10..=12 => What::AsksForHuman,
            13 => What::GoesOnWithBot,
            14 => What::Leaves,
            15 => What::Ends,
            16 => {
                let Some(latest) = now(self.data.latest_of(&visitor_of(n))).unwrap() else { return };
                What::Rates(latest.id)
            }
            17 | 18 => {
                let Some((node, flow)) = self.serving() else { return };
                let last = self.pages[n].shown.values().last().and_then(|seqs| seqs.last().copied());
                self.task(node, "page", async move {
                    let _ = flow.visitor_here(&visitor_of(n)).await;
                    let _ = flow.visitor_read(&visitor_of(n), last.unwrap_or(1)).await;
                    Heard::Nothing
                });
                return;
            }
            _ => return self.read_on(n),
        };
        self.ask(Who::Visitor(n), what);
    }

    fn agent_acts(&mut self) {
        let n = self.dice.below(AGENTS.len());
        if self.desks[n].at.is_none() {
            return self.comes(n);
        }
        if self.dice.percent(7) {
            return self.goes(n);
        }
        if self.dice.percent(20) {
            let presence =
                self.dice.one(&[Presence::Online, Presence::Online, Presence::Away, Presence::Offline]);
            return self.choose(n, presence);
        }
        let all = self.all();
        if all.is_empty() {
            return;
        }
        let any = all[self.dice.below(all.len())].id.clone();
        let held = now(self.data.held_by(&agent_of(n))).unwrap();
        let what = match self.dice.below(12) {
            0 => What::Takes(any),
            1 => What::Notes(any, self.n_commands),
            // Somebody's offer of long ago.
            2 if !self.offers.is_empty() => {
                let (id, offer) = self.offers[self.dice.below(self.offers.len())].clone();
                What::Accepts(id, offer)
            }
            _ if held.is_empty() => return,
            _ => {
                let held = &held[self.dice.below(held.len())];
                self.with_held(held)
            }
        };
        self.ask(Who::Agent(n), what);
    }

    fn with_held(&mut self, held: &Conversation) -> What {
        let id = held.id.clone();
        match &held.state {
            State::Offered { offer, .. } => {
                self.offers.push((id.clone(), offer.clone()));
                if self.dice.percent(75) {
                    What::Accepts(id, offer.clone())
                } else {
                    What::Declines(id, offer.clone())
                }
            }
            State::WrapUp { .. } => What::WrapsUp(id),
            _ => match self.dice.below(10) {
                0 => What::ToAgent(id, self.dice.below(AGENTS.len())),
                1 => What::ToQueue(id),
                2 => What::Up(id),
                3 => What::HandsBack(id),
                4 | 5 => What::Resolves(id),
                _ => What::Tells(id, self.n_commands),
            },
        }
    }

    fn time_passes(&mut self) {
        let to = match self.dice.below(20) {
            0..=11 => self.clock.next_wake().unwrap_or_else(|| self.clock.now().plus(Duration::from_secs(1))),
            12..=14 => self.clock.now().plus(Duration::from_millis(900)),
            15 | 16 => self.clock.now().plus(Duration::from_secs(8)),
            17 => self.clock.now().plus(Duration::from_secs(31)),
            18 => self.clock.now().plus(Duration::from_secs(self.dice.one(&[601, 3_601]))),
            _ => self.clock.now().plus(Duration::from_secs(self.dice.one(&[301, 25 * 3_600]))),
        };
        self.clock.move_to(to);
        self.say(&format!("it is {}", self.clock.now()));
    }

    fn faults(&mut self) {
        let node = self.any_node();
        // One that is alone and stands still is as good as a jump in time.
        match self.dice.below(if self.nodes.len() == 1 { 8 } else { 10 }) {
            0 => self.crash(node),
            1 => {
                self.nodes[node].store.is_down.store(true, Relaxed);
                self.say_of(node, "the store is down");
            }
            2 | 3 => {
                let failing = self.dice.one(&[5, 30]);
                self.nodes[node].store.failing.store(failing, Relaxed);
                self.say_of(node, &format!("the store fails {failing} %"));
            }
            8 | 9 => {
                self.nodes[node].is_asleep = !self.nodes[node].is_asleep;
                let line = if self.nodes[node].is_asleep { "stands still" } else { "goes on" };
                self.say_of(node, line);
            }
            _ => self.heal(),
        }
    }

    /// Nothing fails any more, and nobody stands still.
    pub(super) fn heal(&mut self) {
        for node in &mut self.nodes {
            node.store.is_down.store(false, Relaxed);
            node.store.failing.store(0, Relaxed);
            node.is_asleep = false;
        }
        self.say("the store is well");
    }

    fn send_again(&mut self) {
        let open: Vec<_> = self.open.values().cloned().collect();
        if !open.is_empty() {
            self.send(open[self.dice.below(open.len())].clone());
        } else if let Some((_, (command, _))) = self.acked.last_key_value() {
            // The answer was lost on the way to them.
            self.send(command.clone());
        }
    }

    /// One thing happens, and the process goes on for a while.
    pub(super) fn step(&mut self) {
        self.start_all();
        match self.dice.below(40) {
            0..=9 => self.visitor_acts(),
            10..=20 => self.agent_acts(),
            21..=29 => self.time_passes(),
            30..=32 => self.analyzer.deliver(),
            33..=35 => self.arrives(),
            36 => self.faults(),
            _ => self.send_again(),
        }
        if self.dice.percent(25) {
            self.come_to_rest();
        } else {
            self.go_on(self.dice.below(12));
        }
    }

    /// A hint arrives: whose it is reads on. So does who hears none, now and then.
    fn arrives(&mut self) {
        let hint = self.bus.deliver();
        let n = match hint {
            Some(Hint::Conversation { id, .. }) => {
                let owner = now(self.data.conversation(&id)).unwrap().map(|c| c.visitor);
                (0..VISITORS.len()).find(|n| owner.as_ref() == Some(&visitor_of(*n)))
            }
            _ => Some(self.dice.below(VISITORS.len())),
        };
        if let Some(n) = n {
            self.read_on(n);
        }
    }
}
