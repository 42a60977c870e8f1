//! Makes operations: mostly such as happen, made from what stands in the store of plain
//! data, and some that no flow would make.

use super::operation::Operation;
use crate::support::scripted::{about, angry, calm};
use crate::support::simulated::dice::Dice;
use crate::support::world::{agent, queue, visitor};
use baton::domain::account::{AccountChange, Email};
use baton::domain::agent::{Presence, Role};
use baton::domain::analysis::Intent;
use baton::domain::conversation::{
    Author, Body, Change, Conversation, ConversationState as State, Destination, EntryKind, HandoffChange,
    InvalidTransition, Lost, NewEntry, Notice, Reservation, Turned,
};
use baton::domain::escalation::{EscalationPolicy, Reason, ReasonCode, decide_trigger};
use baton::domain::handoff::{CountedWord, EscalationType, Handoff, HandoffOutcome, HandoffStatus};
use baton::domain::id::{
    AgentId, CannedId, ConversationId, HandoffId, KnowledgeId, NodeId, OfferId, VisitorId, WidgetKey,
};
use baton::domain::knowledge::{CannedReply, KnowledgeEntry};
use baton::domain::outcome::{ConversationLabel, Csat, Disposition, Label, MessageLabel, Verdict, WrapUp};
use baton::domain::queue::{Priority, Queue};
use baton::domain::score::Fold;
use baton::domain::site::{Origin, Widget};
use baton::domain::time::Timestamp;
use baton::domain::visitor::Profile;
use baton::flow::ports::directory::{Link, LinkPurpose, Login, NewAccount, SecretHash, Stamp, VisitorRecord};
use baton::flow::ports::models::Adoption;
use baton::flow::ports::nodes::{Company, Lease, Term};
use baton::flow::ports::{CommandKey, ReadMarks, Receipt, Search, Store};
use baton::store::MemoryStore;
use futures_util::FutureExt as _;
use std::time::Duration;

/// What people write here: what a pattern, a quote or another alphabet could break.
pub const WORDS: [&str; 8] = [
    "Hello",
    "100% wool_coat",
    "it's \"quoted\"",
    "back\\slash",
    "Ärger über ALLES",
    "🦀\u{2028}\u{85}",
    "hello again",
    "%_%",
];

/// Names of visitors, agents and queues.
const VISITORS: usize = 6;
const AGENTS: [&str; 4] = ["ana", "Ben", "cem", "zoe"];
/// Queues by name.
pub const QUEUES: [&str; 3] = ["general", "second", "third"];

/// Makes one operation after the other.
pub struct Maker {
    dice: Dice,
    /// What time it is.
    pub now: Timestamp,
    n: u64,
    commands: Vec<(CommandKey, Option<Receipt>)>,
    /// Every place that was taken; most of them are lost by now.
    leases: Vec<Lease>,
}

fn body(text: &str) -> Body {
    Body::new(text).unwrap()
}

impl Maker {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        let now = Timestamp::from_millis(1_700_000_000_000);
        Self { dice: Dice::new(seed), now, n: 0, commands: Vec::new(), leases: Vec::new() }
    }

    fn number(&mut self) -> u64 {
        self.n += 1;
        self.n
    }

    fn text(&self) -> String {
        let (a, b) = (self.dice.one(&WORDS), self.dice.one(&WORDS));
        format!("{a} {b}")
    }

    /// An id of an agent, sometimes of one who has no account.
    pub fn agent(&self) -> AgentId {
        agent(self.dice.one(&AGENTS))
    }

    /// An id of a visitor.
    pub fn visitor(&self) -> VisitorId {
        visitor(&format!("v{}", self.dice.below(VISITORS)))
    }

    fn stamp(&self) -> Stamp {
        Stamp { by: self.dice.percent(60).then(|| self.agent()), at: self.now }
    }

    fn hash(&self) -> SecretHash {
        SecretHash(format!("hash{}", self.dice.below(12)))
    }

    fn later(&self, most: usize) -> Timestamp {
        self.now.plus(Duration::from_millis(self.dice.below(most) as u64))
    }

    /// A conversation that is there, or the id of one that is not.
    pub fn some(&self, data: &MemoryStore) -> Option<Conversation> {
        let search = Search { limit: 60, ..Search::default() };
        let all = data.search(search).now_or_never().unwrap().unwrap();
        (!all.is_empty()).then(|| all[self.dice.below(all.len())].clone())
    }

    fn id(&self, data: &MemoryStore) -> ConversationId {
        let found = self.some(data).filter(|_| self.dice.percent(95));
        found.map_or_else(|| ConversationId::from_suffix("nowhere"), |found| found.id)
    }

    /// A new command; or one that was given before, with the same content or with another.
    fn command(&mut self) -> CommandKey {
        if !self.commands.is_empty() && self.dice.percent(12) {
            let mut old = self.commands[self.dice.below(self.commands.len())].0.clone();
            if self.dice.percent(30) {
                old.digest[0] ^= 1;
            }
            return old;
        }
        let n = self.number();
        let actor = if self.dice.percent(50) { self.visitor().to_string() } else { self.agent().to_string() };
        let digest = n.to_le_bytes().repeat(2).try_into().unwrap();
        let key = CommandKey { actor, client_id: format!("c{n}"), digest };
        self.commands.push((key.clone(), None));
        key
    }

    /// The next operation on a store that looks like this one.
    pub fn next(&mut self, data: &MemoryStore) -> Operation {
        self.now = self.now.plus(Duration::from_millis(self.dice.one(&[0, 0, 1, 400, 5_000])));
        if self.dice.percent(1) {
            self.now = self.now.plus(Duration::from_secs(self.dice.one(&[700, 4_000, 90_000])));
        }
        match self.dice.below(100) {
            0..=5 => self.opens(),
            6..=24 => self.receives(data),
            25..=64 => self.changes(data),
            65..=78 => self.records(data),
            79..=92 => self.directs(),
            93..=98 => self.labels(data),
            _ => self.keeps(),
        }
    }

    /// What is old goes; somebody is erased.
    fn keeps(&mut self) -> Operation {
        let before = self.now.minus(Duration::from_secs(self.dice.one(&[10, 600])));
        match self.dice.below(4) {
            0 => Operation::RemoveClosed(before, self.dice.below(20) as u64),
            1 => Operation::ForgetCommands(before, 1 + self.dice.below(40)),
            2 => Operation::ForgetVisitors(before, 1 + self.dice.below(3)),
            _ => Operation::Erase(self.stamp(), self.visitor(), format!("{}", self.number())),
        }
    }

    fn opens(&mut self) -> Operation {
        let known = self.dice.percent(4).then_some(1);
        let id = ConversationId::from_suffix(&format!("{:05}", known.unwrap_or_else(|| self.number())));
        let mut conversation = Conversation::open(id, self.visitor(), self.now);
        conversation.widget = self.dice.percent(50).then(|| WidgetKey::from_suffix("shop"));
        conversation.email = self.dice.percent(30).then(|| "Someone@mail.example".to_owned());
        let mut change = Change::of(conversation);
        change.is_new = true;
        if self.dice.percent(80) {
            change = change.with(NewEntry::message(Author::Visitor, body(&self.text()), self.now));
        }
        let command = self.dice.percent(60).then(|| self.command());
        Operation::Commit(Box::new(change), command, self.now)
    }

    fn receives(&mut self, data: &MemoryStore) -> Operation {
        let old: Vec<_> = self.commands.iter().filter_map(|(_, receipt)| receipt.clone()).collect();
        if !old.is_empty() && self.dice.percent(10) {
            return Operation::Receive(old[self.dice.below(old.len())].clone());
        }
        let found = self.some(data);
        let of = found.map_or_else(|| self.visitor(), |found| found.visitor);
        let visitor = if self.dice.percent(95) { of } else { self.visitor() };
        let command = self.command();
        let receipt = Receipt { visitor, body: body(&self.text()), at: self.now, command: command.clone() };
        if let Some(known) = self.commands.iter_mut().find(|(key, _)| *key == command) {
            known.1.get_or_insert_with(|| receipt.clone());
        }
        Operation::Receive(receipt)
    }

    fn handoff(&mut self, of: &Conversation) -> Handoff {
        let codes =
            [ReasonCode::AskedForHuman, ReasonCode::BotSilent, ReasonCode::Transfer, ReasonCode::Frustration];
        let mut reason = Reason::alone(self.dice.one(&codes));
        reason.contribution = self.dice.percent(30).then_some(0.25);
        Handoff {
            id: HandoffId::from_suffix(&format!("{:05}", self.number())),
            conversation: of.id.clone(),
            kind: self.dice.one(&[EscalationType::Automatic, EscalationType::CustomerInitiated]),
            reasons: if self.dice.percent(90) { vec![reason] } else { Vec::new() },
            counterfactual: None,
            words: Vec::new(),
            policy: "default@1".into(),
            score: 0.1 + f64::from(u8::try_from(self.dice.below(9)).unwrap()) / 30.0,
            queue: queue(self.dice.one(&QUEUES)),
            queue_name: "Queue".into(),
            tier: 1 + u8::try_from(self.dice.below(3)).unwrap(),
            priority: self.dice.one(&[Priority::Low, Priority::Normal, Priority::High, Priority::Urgent]),
            place_at_start: 1 + u32::try_from(self.dice.below(5)).unwrap(),
            at: self.now,
            answer_due_at: self.dice.percent(80).then(|| self.later(60_000)),
            from: self.dice.percent(20).then(|| self.agent()),
            status: HandoffStatus::Initiated,
            agent: None,
            accepted_at: None,
            ended_at: None,
        }
    }

    fn reservation(&self) -> Reservation {
        Reservation { agent: self.agent(), capacity: u32::try_from(self.dice.below(4)).unwrap() }
    }

    /// A step that is possible from where it is.
    fn step(&mut self, from: Conversation) -> Result<Change, InvalidTransition> {
        let (at, some_agent) = (self.now, self.agent());
        let name = "Somebody";
        match from.state.clone() {
            State::WithBot { .. } => match self.dice.below(5) {
                0 => from.ask_bot(self.later(20_000)),
                1 => {
                    let answer = NewEntry {
                        author: Author::Bot,
                        kind: EntryKind::Message {
                            body: body(&self.text()),
                            is_no_answer: self.dice.percent(30),
                        },
                        at,
                    };
                    let (epoch, position) = (from.epoch, from.last_position);
                    from.bot_answered(epoch, position, answer)
                }
                2 => from.end(at),
                _ => {
                    let handoff = self.handoff(&from);
                    let notice = NewEntry::notice(Notice::Queued, &[("queue", "Queue".into())], at);
                    from.escalate(handoff, vec![notice])
                }
            },
            State::Queued { .. } => match self.dice.below(8) {
                0 => from.take(self.reservation(), name, at),
                1 => from.leave_message("left@mail.example".into(), self.later(100_000), at),
                2 => from.continue_with_bot(at),
                3 => from.abandon(self.later(100_000), at),
                _ => {
                    let offer = OfferId::from_suffix(&format!("{:05}", self.number()));
                    from.offer(offer, self.reservation(), self.later(30_000))
                }
            },
            State::Offered { offer, agent, .. } => match self.dice.below(6) {
                0 => from.turn_down(&offer, Turned::Declined, at, Duration::from_secs(60)),
                1 => from.turn_down(&offer, Turned::AgentLost, at, Duration::ZERO),
                2 => from.end(at),
                _ => from.accept(&offer, &agent, name, at),
            },
            State::WithAgent { agent, .. } => match self.dice.below(6) {
                0 => from.lose_agent(&agent, Lost::Connection, name, at),
                1 => {
                    let handoff = self.handoff(&from);
                    let notice = NewEntry::notice(Notice::Transferred, &[], at);
                    from.transfer(&Destination::Agent(some_agent), handoff, notice)
                }
                2 => from.hand_back(at),
                3 => from.resolve(&agent, at),
                4 => from.end(at),
                _ => {
                    let author = Author::Agent { id: agent, name: name.into() };
                    Ok(Change::of(from).with(NewEntry::message(author, body(&self.text()), at)))
                }
            },
            State::LeftMessage { .. } if self.dice.percent(50) => from.bring_back(at),
            State::LeftMessage { .. } => from.take(self.reservation(), name, at),
            State::WrapUp { .. } if self.dice.percent(60) => from.close(at),
            State::WrapUp { .. } | State::Closed { .. } => {
                let handoff = self.handoff(&from);
                let with = self.dice.percent(40).then(|| (self.reservation(), name.to_owned()));
                from.reopen(handoff, with)
            }
        }
    }

    fn changes(&mut self, data: &MemoryStore) -> Operation {
        let Some(from) = self.some(data) else { return self.opens() };
        let mut change = match self.dice.below(100) {
            0..=69 => self.step(from.clone()).unwrap(),
            // Only noted.
            70..=79 => {
                let by = Author::Agent { id: self.agent(), name: "Ana".into() };
                let kind = EntryKind::Note { body: body(&self.text()) };
                Change::of(from.clone()).with(NewEntry { author: by, kind, at: self.now })
            }
            80..=89 => self.decides(from.clone()),
            // What no flow would do: a handoff that is over, or not its own, is changed.
            _ => self.forces(from.clone(), data),
        };
        if self.dice.percent(15) {
            let kind = EntryKind::Unsent { body: body(&self.text()) };
            change = change.with(NewEntry { author: Author::Bot, kind, at: self.now });
        }
        change.is_placed = self.dice.percent(20);
        match self.dice.below(100) {
            0..=4 => change.conversation.version = change.conversation.version.saturating_sub(1),
            5 => change.conversation.version += 1,
            6 => change.conversation.id = ConversationId::from_suffix("nowhere"),
            7..=9 => change.conversation.last_position = change.conversation.last_position.saturating_sub(1),
            10..=12 => change.conversation.score = Some(0.123_456),
            13 => change.conversation.visitor_seen_at = self.later(5_000),
            _ => {}
        }
        let command = self.dice.percent(40).then(|| self.command());
        Operation::Commit(Box::new(change), command, self.now)
    }

    fn decides(&mut self, mut from: Conversation) -> Change {
        let code = self.dice.one(&[ReasonCode::AskedForHuman, ReasonCode::BotFailed]);
        let mut decision = decide_trigger(&EscalationPolicy::default(), &Fold::default(), code);
        decision.about = self.dice.percent(80).then_some(from.last_visitor_position.max(1));
        from.decided_position = from.last_visitor_position;
        let position = from.last_visitor_position;
        let mut change = Change::of(from).with(NewEntry::decision(decision, self.now));
        let analysis = match self.dice.below(3) {
            0 => calm(),
            1 => angry(0.777),
            _ => about(Intent::Refund, 0.4),
        };
        change.analyses = vec![(position, analysis)];
        change
    }

    fn forces(&mut self, from: Conversation, data: &MemoryStore) -> Change {
        let all = data.handoffs(&self.id(data)).now_or_never().unwrap().unwrap();
        let any = match all.last().filter(|_| self.dice.percent(90)) {
            Some(handoff) => handoff.id.clone(),
            None => HandoffId::from_suffix("nowhere"),
        };
        let at = self.now;
        let forced = match self.dice.below(4) {
            0 => HandoffChange::Accept { handoff: any, agent: self.agent(), at },
            1 => HandoffChange::Reopen { handoff: any },
            2 => {
                let outcomes =
                    [HandoffOutcome::Completed, HandoffOutcome::Withdrawn, HandoffOutcome::Abandoned];
                HandoffChange::End { handoff: any, outcome: self.dice.one(&outcomes), at }
            }
            _ => HandoffChange::Begin(Box::new(self.handoff(&from))),
        };
        let mut change = Change::of(from);
        change.handoffs.push(forced);
        change
    }

    fn records(&mut self, data: &MemoryStore) -> Operation {
        let id = self.id(data);
        match self.dice.below(14) {
            0 => {
                let all = data.handoffs(&id).now_or_never().unwrap().unwrap();
                let any = all.first().map_or_else(|| HandoffId::from_suffix("nowhere"), |h| h.id.clone());
                let word = CountedWord { text: self.text(), weight: 0.3, position: 1 };
                Operation::Words(any, vec![word])
            }
            1 => {
                let wrap_up = WrapUp {
                    disposition: self.dice.one(Disposition::ALL),
                    label: self.dice.percent(60).then(|| self.dice.one(Label::ALL)),
                    note: self.dice.percent(50).then(|| self.text()),
                };
                Operation::WrapUp(id, self.agent(), wrap_up)
            }
            2 => {
                let score = 1 + u8::try_from(self.dice.below(5)).unwrap();
                let comment = self.dice.percent(50).then(|| self.text());
                Operation::Csat(Csat { conversation: id, score, comment }, self.now)
            }
            3 | 4 => {
                let (visitor, agent) = (self.dice.below(9) as u64, self.dice.below(9) as u64);
                Operation::Read(id, ReadMarks { visitor, agent })
            }
            5 => Operation::Seen(id, self.later(2_000)),
            6 => Operation::Seen(id, self.now.minus(Duration::from_secs(5))),
            7 | 8 => {
                let presence = self.dice.one(&[Presence::Online, Presence::Away, Presence::Offline]);
                Operation::Presence(self.agent(), presence)
            }
            9..=11 => self.joins(),
            _ => Operation::Answered(self.command()),
        }
    }

    /// Nodes come, live on, lose their places and go; some write under a lease that was lost long ago.
    fn joins(&mut self) -> Operation {
        let (now, agent) = (self.now, self.agent());
        let term = Term { now, expires_at: self.later(20_000) };
        if self.leases.is_empty() || self.dice.percent(15) {
            let node = self.dice.one(&["one", "two", "three"]);
            let lease = Lease { node: NodeId::from_suffix(node), fence: 1 + self.leases.len() as u64 };
            self.leases.push(lease.clone());
            let company = if self.dice.percent(20) { Company::Alone } else { Company::Others };
            return Operation::Take(lease.node, term, company);
        }
        let back = self.dice.below(self.leases.len().min(4));
        let lease = self.leases[self.leases.len() - 1 - back].clone();
        match self.dice.below(10) {
            0..=3 => Operation::Connected(lease, agent),
            4 | 5 => Operation::Disconnected(lease, agent, now),
            6 | 7 => Operation::Renew(lease, vec![agent], term),
            8 => Operation::EndExpired(now),
            _ => Operation::Leave(lease, now),
        }
    }

    fn directs(&mut self) -> Operation {
        let (stamp, at) = (self.stamp(), self.now);
        let id = self.agent();
        match self.dice.below(24) {
            0..=2 => Operation::AddAccount(stamp, self.account(), self.dice.percent(50).then(|| self.link())),
            3..=5 => Operation::ChangeAccount(stamp, id, self.account_change()),
            6 => {
                let keep = self.dice.percent(50).then(|| self.hash());
                Operation::SetPassword(stamp, id, self.hash(), keep)
            }
            7 => Operation::IssueLink(stamp, self.link()),
            8 => Operation::RedeemSetup(stamp, self.hash(), self.account(), self.hash()),
            9 => {
                let name = self.dice.percent(50).then(|| self.text());
                Operation::RedeemLink(stamp, self.hash(), name, self.hash())
            }
            10 | 11 => {
                let expires_at = self.later(90_000);
                let token = self.hash();
                Operation::AddLogin(Login { token, account: id, created_at: at, seen_at: at, expires_at })
            }
            12 => Operation::TouchLogin(self.hash(), self.later(9_000).minus(Duration::from_secs(4))),
            13 => Operation::EndLogin(self.hash()),
            14 => Operation::Sweep(at, at.minus(Duration::from_secs(60))),
            15 => {
                let name = self.dice.one(&QUEUES);
                let queue = Queue {
                    id: queue(name),
                    name: if self.dice.percent(80) { name.into() } else { self.dice.one(&QUEUES).into() },
                    skills: vec![self.text()],
                    tier: 1 + u8::try_from(self.dice.below(3)).unwrap(),
                    hours: None,
                    intents: vec!["refund".into()],
                    is_default: self.dice.percent(20),
                };
                Operation::SaveQueue(stamp, queue)
            }
            16 => Operation::RemoveQueue(stamp, queue(self.dice.one(&QUEUES))),
            17 => {
                let n = self.dice.below(4);
                let (id, title) = (KnowledgeId::from_suffix(&format!("{n}")), self.text());
                if self.dice.percent(30) {
                    return Operation::RemoveKnowledge(stamp, id);
                }
                let (questions, answer) = (vec![self.text(), self.text()], self.text());
                Operation::SaveKnowledge(stamp, KnowledgeEntry { id, title, questions, answer })
            }
            18 => {
                let id = CannedId::from_suffix(&format!("{}", self.dice.below(4)));
                if self.dice.percent(30) {
                    return Operation::RemoveCanned(stamp, id);
                }
                let shortcut = self.dice.one(&["hello", "bye", "Zed", "ärger"]).to_owned();
                Operation::SaveCanned(stamp, CannedReply { id, shortcut, text: self.text() })
            }
            19 => {
                let key = WidgetKey::from_suffix(self.dice.one(&["shop", "blog"]));
                if self.dice.percent(30) {
                    return Operation::RemoveWidget(stamp, key);
                }
                let widget = Widget {
                    key,
                    name: self.text(),
                    sites: vec![Origin::parse("https://shop.example").unwrap()],
                    greeting: self.text(),
                    accent: "#112233".into(),
                    locale: "en".into(),
                    identity_key: format!("key{}", self.dice.below(100)),
                    created_at: at,
                };
                Operation::SaveWidget(stamp, widget)
            }
            20 | 21 => {
                let attributes = [("page".to_owned(), self.text())].into();
                let profile = Profile { name: self.text(), email: None, attributes };
                let widget = WidgetKey::from_suffix(self.dice.one(&["shop", "blog"]));
                Operation::SaveVisitor(at, VisitorRecord { id: self.visitor(), widget, profile }, self.hash())
            }
            22 => Operation::Publish(stamp, self.text(), u32::try_from(self.dice.below(4)).unwrap()),
            _ => {
                let (version, folder) = (self.text(), self.text());
                let is_rollback = self.dice.percent(30);
                let adoption = Adoption { version, folder, comment: self.text(), is_rollback };
                Operation::Adopt(stamp, adoption, u32::try_from(self.dice.below(4)).unwrap())
            }
        }
    }

    fn account(&self) -> NewAccount {
        let id = self.agent();
        let email = Email::parse(&format!("{}@shop.example", self.dice.one(&AGENTS))).unwrap();
        let name = self.dice.one(&["Ana", "ana", "Ärna", "Zoe", "ben"]).to_owned();
        NewAccount { id, email, name, role: self.dice.one(&[Role::Agent, Role::Supervisor, Role::Admin]) }
    }

    fn account_change(&self) -> AccountChange {
        let some = |n| self.dice.percent(n);
        AccountChange {
            name: some(30).then(|| self.text()),
            role: some(30).then(|| self.dice.one(&[Role::Agent, Role::Supervisor, Role::Admin])),
            is_disabled: some(30).then(|| self.dice.percent(40)),
            capacity: some(30).then(|| self.dice.one(&[0, 1, 7, 100, 101])),
            tier: some(30).then(|| self.dice.one(&[1, 2, 3, 4])),
            skills: some(30).then(|| vec![self.text()]),
            queues: some(30).then(|| vec![queue(self.dice.one(&QUEUES)), queue(self.dice.one(&QUEUES))]),
        }
    }

    fn link(&self) -> Link {
        let purpose = self.dice.one(&[LinkPurpose::Setup, LinkPurpose::Invite, LinkPurpose::Reset]);
        let account = self.dice.percent(70).then(|| self.agent());
        Link { token: self.hash(), purpose, account, expires_at: self.later(60_000) }
    }

    fn labels(&mut self, data: &MemoryStore) -> Operation {
        let (stamp, id) = (self.stamp(), self.id(data));
        let position = 1 + self.dice.below(5) as u64;
        match self.dice.below(6) {
            0 | 1 => {
                let label = MessageLabel {
                    frustration: self.dice.percent(50).then(|| self.dice.percent(50)),
                    human_request: self.dice.percent(30).then(|| self.dice.percent(50)),
                    intents: self.dice.percent(50).then(|| vec![Intent::Refund]),
                    ..MessageLabel::default()
                };
                Operation::LabelMessage(stamp, id, position, label)
            }
            2 => Operation::UnlabelMessage(stamp, id, position),
            3 | 4 => {
                let position = self.dice.percent(50).then_some(position);
                let verdict = self.dice.one(Verdict::ALL);
                Operation::LabelConversation(stamp, id, ConversationLabel { verdict, position })
            }
            _ => Operation::UnlabelConversation(stamp, id),
        }
    }
}
