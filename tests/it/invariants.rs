//! Random commands by random actors, jumps in time, and crashes between any two
//! writes never break what ARCHITECTURE.md promises. Each test names its invariant.

use crate::support::gate::Crash;
use crate::support::scripted::{BotMode, When, about, angry, calm, human};
use crate::support::world::{AgentTraits, World, agent, body, queue, seconds, visitor};
use baton::domain::agent::Presence;
use baton::domain::analysis::Intent;
use baton::domain::conversation::{Author, ConversationState as State, Destination, EntryKind, StateName};
use baton::domain::id::OfferId;
use baton::domain::outcome::{Csat, Disposition, WrapUp};
use baton::domain::queue::Queue;
use baton::flow::ports::{Ack, Bus, Hint, HintCounts, Hints, Reply, Search};
use baton::flow::{Flow, FlowError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

const VISITORS: [&str; 3] = ["eve", "tom", "kim"];
const AGENTS: [&str; 3] = ["ana", "ben", "cem"];
const TEXTS: [&str; 5] =
    ["Where is my parcel?", "This is a shame!", "Get me a human", "You will hear from my lawyer", "hm"];

/// What may happen next.
#[derive(Debug, Clone)]
enum Step {
    Says(usize, usize),
    Visitor(usize, ByVisitor),
    Agent(usize, usize, ByAgent),
    Presence(usize, u8),
    Bot(u8),
    Model(u8),
    /// Time passes, in quarters of a second.
    Wait(u64),
    /// The process ends at one of the next writes.
    Crash(u64, bool),
    /// The last command is sent again, as after a lost answer.
    Again,
}

#[derive(Debug, Clone, Copy)]
enum ByVisitor {
    Asks,
    Continues,
    Leaves,
    Ends,
    Rates,
    IsHere,
}

#[derive(Debug, Clone, Copy)]
enum ByAgent {
    Accepts,
    Declines,
    Takes,
    Tells,
    Notes,
    ToAgent(usize),
    ToQueue,
    Up,
    HandsBack,
    Resolves,
    WrapsUp,
}

fn by_visitor() -> impl Strategy<Value = ByVisitor> {
    use ByVisitor::{Asks, Continues, Ends, IsHere, Leaves, Rates};
    prop_oneof![
        4 => Just(Asks), 1 => Just(Continues), 1 => Just(Leaves), 1 => Just(Ends), 1 => Just(Rates), 1 => Just(IsHere),
    ]
}

fn by_agent() -> impl Strategy<Value = ByAgent> {
    use ByAgent::{
        Accepts, Declines, HandsBack, Notes, Resolves, Takes, Tells, ToAgent, ToQueue, Up, WrapsUp,
    };
    prop_oneof![
        6 => Just(Accepts),
        2 => Just(Declines),
        2 => Just(Takes),
        2 => Just(Tells),
        1 => Just(Notes),
        1 => (0..AGENTS.len()).prop_map(ToAgent),
        1 => Just(ToQueue),
        1 => Just(Up),
        1 => Just(HandsBack),
        2 => Just(Resolves),
        2 => Just(WrapsUp),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (visitor, agent) = (0..VISITORS.len(), 0..AGENTS.len());
    let waits = [1_u64, 4, 20, 40, 124, 240, 2_440, 14_404, 345_608];
    let step = prop_oneof![
        8 => (visitor.clone(), 0..TEXTS.len()).prop_map(|(who, text)| Step::Says(who, text)),
        5 => (visitor.clone(), by_visitor()).prop_map(|(who, what)| Step::Visitor(who, what)),
        10 => (agent.clone(), visitor, by_agent()).prop_map(|(who, whose, what)| Step::Agent(who, whose, what)),
        3 => (agent, 0_u8..5).prop_map(|(who, what)| Step::Presence(who, what)),
        2 => (0_u8..6).prop_map(Step::Bot),
        1 => (0_u8..4).prop_map(Step::Model),
        6 => (0..waits.len()).prop_map(move |index| Step::Wait(waits[index])),
        2 => (0_u64..5, any::<bool>()).prop_map(|(after, how)| Step::Crash(after, how)),
        2 => Just(Step::Again),
    ];
    prop::collection::vec(step, 5..45)
}

/// A bus that loses every hint.
pub struct DeafBus(pub broadcast::Sender<Hint>);

impl Bus for DeafBus {
    fn hint(&self, _hint: Hint) {}

    fn hint_here(&self, _hint: Hint) {}

    fn hints(&self) -> Hints {
        Hints::Local
    }

    fn counts(&self) -> HintCounts {
        HintCounts::default()
    }

    fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.0.subscribe()
    }
}

/// A command as it was sent, so that it can be sent again.
#[derive(Clone)]
struct Sent {
    client_id: String,
    what: What,
}

#[derive(Clone)]
enum What {
    Says(usize, usize),
    Visitor(usize, ByVisitor, Option<Csat>),
    Agent(usize, baton::domain::id::ConversationId, OfferId, ByAgent),
}

impl Sent {
    async fn send(&self, flow: Flow) -> Result<Ack, FlowError> {
        let id = &self.client_id;
        match &self.what {
            What::Says(who, text) => {
                flow.receive(&visitor(VISITORS[*who]), None, id, body(TEXTS[*text])).await
            }
            What::Visitor(who, what, csat) => {
                let who = visitor(VISITORS[*who]);
                match what {
                    ByVisitor::Asks => flow.ask_for_human(&who, None, id).await,
                    ByVisitor::Continues => flow.continue_with_bot(&who, id).await,
                    ByVisitor::Leaves => flow.leave_contact(&who, id, "eve@mail.example").await,
                    ByVisitor::Ends => flow.end(&who, id).await,
                    ByVisitor::Rates => match csat {
                        Some(csat) => flow.rate(&who, csat.clone()).await,
                        None => Err(FlowError::NotFound("conversation")),
                    },
                    ByVisitor::IsHere => {
                        flow.visitor_here(&who).await?;
                        Err(FlowError::Invalid("nothing to acknowledge"))
                    }
                }
            }
            What::Agent(who, conversation, offer, what) => {
                let who = agent(AGENTS[*who]);
                match what {
                    ByAgent::Accepts => flow.accept(&who, id, conversation, offer).await,
                    ByAgent::Declines => flow.decline(&who, id, conversation, offer).await,
                    ByAgent::Takes => flow.take(&who, id, conversation).await,
                    ByAgent::Tells => flow.say(&who, id, conversation, body("Hello")).await,
                    ByAgent::Notes => flow.note(&who, id, conversation, body("careful")).await,
                    ByAgent::ToAgent(other) => {
                        let to = Destination::Agent(agent(AGENTS[*other]));
                        flow.transfer(&who, id, conversation, to, None).await
                    }
                    ByAgent::ToQueue => {
                        let to = Destination::Queue(queue("billing"));
                        flow.transfer(&who, id, conversation, to, Some(body("money"))).await
                    }
                    ByAgent::Up => flow.transfer(&who, id, conversation, Destination::NextTier, None).await,
                    ByAgent::HandsBack => flow.hand_back(&who, id, conversation).await,
                    ByAgent::Resolves => flow.resolve(&who, id, conversation).await,
                    ByAgent::WrapsUp => {
                        let wrap_up = WrapUp { disposition: Disposition::Solved, label: None, note: None };
                        flow.wrap_up(&who, id, conversation, wrap_up).await
                    }
                }
            }
        }
    }
}

/// A world and what it has acknowledged.
struct History {
    world: World,
    acked: Vec<(Sent, Ack)>,
    last: Option<Sent>,
}

impl History {
    async fn begin(is_deaf: bool) -> Self {
        let mut builder = World::builder();
        if is_deaf {
            builder = builder.bus(Arc::new(DeafBus(broadcast::Sender::new(1))));
        }
        let mut world = builder.start().await;
        for (name, is_default) in [("general", true), ("billing", false)] {
            let made = Queue {
                id: queue(name),
                name: name.to_owned(),
                skills: Vec::new(),
                tier: 1,
                hours: None,
                intents: if is_default { Vec::new() } else { vec!["refund".to_owned()] },
                is_default,
            };
            world.queue(made).await;
        }
        for (index, name) in AGENTS.into_iter().enumerate() {
            let tier = u8::try_from(index).unwrap() + 1;
            world.agent(name, AgentTraits { tier, capacity: 2, ..AgentTraits::default() }).await;
        }
        let found = [calm(), angry(0.95), human(0.9), about(Intent::LegalThreat, 0.9), angry(0.4)];
        for (text, found) in TEXTS.into_iter().zip(found) {
            world.analyzer().finds_differently(text, found, calm(), None);
        }
        Self { world, acked: Vec::new(), last: None }
    }

    async fn send(&mut self, what: What) {
        let sent = Sent { client_id: self.world.command(), what };
        self.send_again(sent).await;
    }

    async fn send_again(&mut self, sent: Sent) {
        // Behind a flow that has crashed nobody answers; the client never hears of it.
        let answer = self.world.unless_crashed(sent.send(self.world.flow.clone())).await;
        if let Some(Ok(ack)) = answer {
            if let Some((_, first)) = self.acked.iter().find(|(other, _)| other.client_id == sent.client_id) {
                let is_rating = matches!(sent.what, What::Visitor(_, ByVisitor::Rates, _));
                assert!(is_rating || *first == ack, "a retry has the first answer: {first:?}, {ack:?}");
            } else {
                self.acked.push((sent.clone(), ack));
            }
        } else if let Some(Err(error)) = answer {
            let is_plain = !matches!(error, FlowError::Store(_));
            assert!(is_plain, "the store is not the answer to a command: {error:?}");
        }
        self.last = Some(sent);
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Says(who, text) => self.send(What::Says(*who, *text)).await,
            Step::Visitor(who, what) => {
                let latest = self.world.store().latest_of(&visitor(VISITORS[*who])).await.unwrap();
                let csat = latest.map(|latest| Csat { conversation: latest.id, score: 4, comment: None });
                self.send(What::Visitor(*who, *what, csat)).await;
            }
            Step::Agent(who, whose, what) => {
                let latest = self.world.store().latest_of(&visitor(VISITORS[*whose])).await.unwrap();
                let Some(latest) = latest else { return };
                let (offer, holder) = match &latest.state {
                    State::Offered { offer, agent, .. } => (offer.clone(), Some(agent.clone())),
                    other => (OfferId::from_suffix("none"), other.agent().cloned()),
                };
                // Mostly whoever may; now and then somebody who may not.
                let holder = holder.and_then(|holder| AGENTS.iter().position(|name| agent(name) == holder));
                let who = holder.filter(|_| *who != 0).unwrap_or(*who);
                self.send(What::Agent(who, latest.id, offer, *what)).await;
            }
            Step::Presence(who, what) => {
                let (flow, name) = (self.world.flow.clone(), AGENTS[*who]);
                let call = async {
                    match what {
                        0 => flow.agent_disconnected(&agent(name), self.world.now()).await,
                        1 | 2 => flow.agent_connected(&agent(name)).await,
                        3 => flow.set_presence(&agent(name), Presence::Away).await,
                        _ => flow.set_presence(&agent(name), Presence::Online).await,
                    }
                };
                if let Some(answer) = self.world.unless_crashed(call).await {
                    answer.unwrap();
                }
            }
            Step::Bot(what) => {
                let bot = self.world.bot();
                match what {
                    0 => bot.does(BotMode::WhenTold),
                    1 => bot.does(BotMode::AtOnce(Reply::NoAnswer(None))),
                    2 => bot.does(BotMode::AtOnce(Reply::Answer("Yes.".into()))),
                    3 => drop(bot.replies(Reply::Answer("Finally.".into()))),
                    4 => drop(bot.replies(Reply::HandOver(None))),
                    _ => drop(bot.replies(Reply::Silent)),
                }
            }
            Step::Model(what) => {
                let when = [When::Now, When::After(Duration::from_millis(2_500)), When::Never, When::Absent];
                self.world.analyzer().answers(when[usize::from(*what)]);
            }
            Step::Wait(quarters) => self.world.advance(Duration::from_millis(250 * quarters)).await,
            Step::Crash(after, is_before) => {
                self.world.crash(*after, if *is_before { Crash::Before } else { Crash::After });
            }
            Step::Again => {
                if let Some(last) = self.last.clone() {
                    self.send_again(last).await;
                }
            }
        }
        if !self.world.has_crashed() {
            self.world.round().await;
        }
        while self.world.has_crashed() {
            self.world.restart().await;
            self.world.round().await;
        }
    }

    /// Everybody comes to work, the model and the bot answer, and time passes.
    async fn heal(&mut self) {
        self.world.restart().await;
        self.world.analyzer().answers(When::Now);
        self.world.bot().does(BotMode::AtOnce(Reply::Answer("Yes.".into())));
        for name in AGENTS {
            self.world.comes_back(name).await.unwrap();
            self.world.flow.set_presence(&agent(name), Presence::Online).await.unwrap();
        }
        for name in VISITORS {
            self.world.is_here(name).await.unwrap();
        }
        self.world.advance(seconds(30)).await;
    }

    async fn end(self) {
        self.world.finish().await;
    }

    /// Every acknowledged message stands in the store as it was acknowledged, exactly once.
    async fn check_acked(&self) {
        let mut logs = BTreeMap::new();
        for (sent, ack) in &self.acked {
            let What::Says(who, text) = &sent.what else { continue };
            let id = &ack.conversation;
            if !logs.contains_key(id) {
                logs.insert(id.clone(), self.world.store().entries(id, 0, 10_000).await.unwrap());
            }
            let log = &logs[id];
            let own: Vec<_> = log
                .iter()
                .filter(|entry| {
                    entry.author == Author::Visitor && entry.client_id.as_ref() == Some(&sent.client_id)
                })
                .collect();
            assert_eq!(own.len(), 1, "invariant 2: {} by {}", sent.client_id, VISITORS[*who]);
            let entry = own[0];
            assert_eq!(
                (Some(entry.position), entry.visitor_seq, entry.at),
                (ack.position, ack.visitor_seq, ack.at)
            );
            assert!(matches!(&entry.kind, EntryKind::Message { body, .. } if body.as_str() == TEXTS[*text]));
        }
    }
}

/// Plays so many random histories. `each` looks at the world after every step, `last` at the end.
fn play(
    n: u32,
    is_deaf: bool,
    check: fn(&mut History, bool) -> futures_util::future::LocalBoxFuture<'_, ()>,
) {
    let mut runner = TestRunner::new(Config { cases: n, max_shrink_iters: 200, ..Config::default() });
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runner.run(&steps(), |steps| {
        runtime().block_on(async {
            let mut history = History::begin(is_deaf).await;
            for step in &steps {
                history.step(step).await;
                check(&mut history, false).await;
            }
            check(&mut history, true).await;
            history.end().await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Histories of each test; `BATON_HISTORIES=500` looks longer.
fn cases() -> u32 {
    std::env::var("BATON_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

#[test]
fn invariant_2_an_acknowledged_message_is_never_lost_and_never_doubled() {
    play(cases(), false, |history, _| Box::pin(history.check_acked()));
}

#[test]
fn invariant_3_every_message_is_decided_whatever_the_model_does() {
    play(cases(), false, |history, is_end| {
        Box::pin(async move {
            if !is_end {
                return;
            }
            history.world.restart().await;
            history.world.advance(seconds(5)).await;
            let all =
                history.world.store().search(Search { limit: 1_000, ..Search::default() }).await.unwrap();
            for conversation in all {
                assert!(!conversation.is_undecided(), "invariant 3: {}", conversation.id);
                let analyses = history.world.store().analyses(&conversation.id).await.unwrap();
                let log = history.world.store().entries(&conversation.id, 0, 10_000).await.unwrap();
                let n_said = log.iter().filter(|entry| entry.author == Author::Visitor).count();
                assert_eq!(analyses.len(), n_said, "invariant 3: {}", conversation.id);
            }
        })
    });
}

/// At most one open handoff, all room reserved, exactly one known state with what belongs to it, nothing overdue,
/// everybody told the truth, after every step and every crash. `World::check` and its neighbors are what looks.
#[test]
fn invariants_5_6_7_and_14_hold_after_every_step_and_every_crash() {
    play(cases() * 2, false, |history, _| {
        Box::pin(async {
            history.world.check().await;
            history.world.check_deadlines().await;
            history.world.check_views().await;
        })
    });
}

/// Whatever happened before: with people at work, everybody who waits is offered to somebody, and everybody with the
/// bot has an answer coming.
#[test]
fn invariant_7_nobody_is_stranded() {
    play(cases(), false, |history, is_end| {
        Box::pin(async move {
            if !is_end {
                return;
            }
            history.heal().await;
            // Six places for three visitors; those who declined are asked again when they are passed over no longer.
            for _ in 0..20 {
                for name in VISITORS {
                    let Some(latest) = history.world.store().latest_of(&visitor(name)).await.unwrap() else {
                        continue;
                    };
                    if let State::Offered { offer, agent, .. } = &latest.state {
                        let command = history.world.command();
                        history.world.flow.accept(agent, &command, &latest.id, offer).await.unwrap();
                    }
                    history.world.is_here(name).await.unwrap();
                }
                history.world.advance(seconds(40)).await;
            }
            for name in VISITORS {
                let Some(latest) = history.world.store().latest_of(&visitor(name)).await.unwrap() else {
                    continue;
                };
                let is_waiting = matches!(latest.state.name(), StateName::Queued | StateName::Offered);
                assert!(!is_waiting, "invariant 7: {name} still waits: {latest:?}");
                assert!(!latest.is_undecided(), "invariant 7: {name} was not heard: {latest:?}");
                if let State::WithBot { answer_due_at, .. } = &latest.state {
                    assert_eq!(
                        *answer_due_at, None,
                        "invariant 7: the bot owes {name} an answer: {latest:?}"
                    );
                }
            }
        })
    });
}

/// No hint ever arrives: all that was promised still holds.
#[test]
fn invariant_8_losing_every_hint_loses_no_data() {
    play(cases(), true, |history, is_end| {
        Box::pin(async move {
            history.world.check().await;
            history.check_acked().await;
            if is_end {
                history.heal().await;
            }
        })
    });
}

/// What is stored is decided again, exactly, when it is replayed; and every number in it adds up.
#[test]
fn invariants_9_and_15_stored_decisions_replay_after_any_history() {
    play(cases() * 2, false, |history, is_end| {
        Box::pin(async move {
            if is_end {
                history.heal().await;
            }
            history.world.settle().await;
            history.world.check_decisions().await;
        })
    });
}
