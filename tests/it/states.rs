//! Every state and every way out of it, generated: allowed exactly where the table of
//! ARCHITECTURE.md says, refused everywhere else (invariants 5 and 7).

use crate::support::world::{AgentTraits, World, agent, body, minutes, queue, seconds, visitor};
use baton::domain::agent::Presence;
use baton::domain::conversation::{
    Author, Change, Conversation, ConversationState as State, Destination, HandoffChange, InvalidTransition,
    Lost, NewEntry, Notice, Reservation, StateName, Turned,
};
use baton::domain::handoff::{EscalationType, Handoff, HandoffStatus};
use baton::domain::id::{ConversationId, HandoffId, OfferId};
use baton::domain::outcome::Disposition;
use baton::domain::queue::Priority;
use baton::domain::time::Timestamp;
use baton::flow::FlowError;
use baton::flow::ports::StoreError;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn handoff(id: &str) -> Handoff {
    Handoff {
        id: HandoffId::from_suffix(id),
        conversation: ConversationId::from_suffix("1"),
        kind: EscalationType::Automatic,
        reasons: Vec::new(),
        counterfactual: None,
        words: Vec::new(),
        policy: "default@1".into(),
        score: 0.5,
        queue: queue("general"),
        queue_name: "General".into(),
        tier: 1,
        priority: Priority::Normal,
        place_at_start: 1,
        at: NOW,
        answer_due_at: None,
        from: None,
        status: HandoffStatus::Initiated,
        agent: None,
        accepted_at: None,
        ended_at: None,
    }
}

fn offer() -> OfferId {
    OfferId::from_suffix("1")
}

fn ana() -> Reservation {
    Reservation { agent: agent("ana"), capacity: 1 }
}

/// A conversation in a state, held by Ana where somebody holds it.
fn in_state(name: StateName) -> Conversation {
    let since = Timestamp::from_millis(500_000);
    let mut conversation = Conversation::open(ConversationId::from_suffix("1"), visitor("eve"), since);
    let id = HandoffId::from_suffix("1");
    conversation.state = match name {
        StateName::WithBot => State::WithBot { since, answer_due_at: None },
        StateName::Queued => State::Queued { handoff: id, since },
        StateName::Offered => State::Offered {
            handoff: id,
            offer: offer(),
            agent: agent("ana"),
            since,
            expires_at: NOW.plus(minutes(1)),
        },
        StateName::WithAgent => State::WithAgent { handoff: id, agent: agent("ana"), since },
        StateName::LeftMessage => State::LeftMessage { handoff: id, due_at: NOW.plus(minutes(1)) },
        StateName::WrapUp => State::WrapUp { handoff: id, agent: agent("ana"), ended_at: since },
        StateName::Closed => State::Closed { closed_at: since },
    };
    conversation.epoch = 7;
    conversation.last_agent = Some(agent("ana"));
    conversation
}

type Step = fn(Conversation) -> Result<Change, InvalidTransition>;
/// From where a transition leads where.
type Ways = Vec<(StateName, StateName)>;

/// Every transition there is: its name, how it is made, and its ways.
fn table() -> Vec<(&'static str, Step, Ways)> {
    use StateName::{Closed, LeftMessage, Offered, Queued, WithAgent, WithBot, WrapUp};
    vec![
        ("ask_bot", |c| c.ask_bot(NOW), vec![(WithBot, WithBot)]),
        (
            "bot_answered",
            |c| c.bot_answered(7, 1, NewEntry::message(Author::Bot, body("Yes."), NOW)),
            vec![(WithBot, WithBot)],
        ),
        ("escalate", |c| c.escalate(handoff("2"), Vec::new()), vec![(WithBot, Queued)]),
        ("offer", |c| c.offer(offer(), ana(), NOW.plus(seconds(30))), vec![(Queued, Offered)]),
        ("accept", |c| c.accept(&offer(), &agent("ana"), "Ana", NOW), vec![(Offered, WithAgent)]),
        ("take", |c| c.take(ana(), "Ana", NOW), vec![(Queued, WithAgent), (LeftMessage, WithAgent)]),
        (
            "turn_down, declined",
            |c| c.turn_down(&offer(), Turned::Declined, NOW, minutes(2)),
            vec![(Offered, Queued)],
        ),
        (
            "turn_down, expired",
            |c| c.turn_down(&offer(), Turned::Expired, NOW, minutes(2)),
            vec![(Offered, Queued)],
        ),
        (
            "turn_down, agent lost",
            |c| c.turn_down(&offer(), Turned::AgentLost, NOW, minutes(2)),
            vec![(Offered, Queued)],
        ),
        (
            "lose_agent",
            |c| c.lose_agent(&agent("ana"), Lost::Connection, "Ana", NOW),
            vec![(WithAgent, Queued)],
        ),
        (
            "transfer to a queue",
            |c| transfer(c, &Destination::Queue(queue("billing"))),
            vec![(WithAgent, Queued)],
        ),
        (
            "transfer to an agent",
            |c| transfer(c, &Destination::Agent(agent("ben"))),
            vec![(WithAgent, Queued)],
        ),
        ("transfer up", |c| transfer(c, &Destination::NextTier), vec![(WithAgent, Queued)]),
        ("hand_back", |c| c.hand_back(NOW), vec![(WithAgent, WithBot)]),
        ("continue_with_bot", |c| c.continue_with_bot(NOW), vec![(Queued, WithBot), (Offered, WithBot)]),
        (
            "leave_message",
            |c| c.leave_message("eve@mail.example".into(), NOW.plus(minutes(1)), NOW),
            vec![(Queued, LeftMessage), (Offered, LeftMessage)],
        ),
        ("bring_back", |c| c.bring_back(NOW), vec![(LeftMessage, Queued)]),
        (
            "abandon without an address",
            |c| c.abandon(NOW.plus(minutes(1)), NOW),
            vec![(Queued, Closed), (Offered, Closed)],
        ),
        (
            "abandon with an address",
            |mut c| {
                c.email = Some("eve@mail.example".into());
                c.abandon(NOW.plus(minutes(1)), NOW)
            },
            vec![(Queued, LeftMessage), (Offered, LeftMessage)],
        ),
        (
            "end",
            |c| c.end(NOW),
            vec![
                (WithBot, Closed),
                (Queued, Closed),
                (Offered, Closed),
                (WithAgent, WrapUp),
                (LeftMessage, Closed),
            ],
        ),
        (
            "end_erased",
            |c| c.end_erased(NOW),
            vec![
                (WithBot, Closed),
                (Queued, Closed),
                (Offered, Closed),
                (WithAgent, Closed),
                (LeftMessage, Closed),
                (WrapUp, Closed),
            ],
        ),
        ("resolve", |c| c.resolve(&agent("ana"), NOW), vec![(WithAgent, WrapUp)]),
        ("close", |c| c.close(NOW), vec![(WrapUp, Closed)]),
        ("reopen, free", reopen_free, vec![(WrapUp, WithAgent), (Closed, WithAgent)]),
        ("reopen, busy", |c| c.reopen(handoff("2"), None), vec![(WrapUp, Queued), (Closed, Queued)]),
    ]
}

fn transfer(conversation: Conversation, to: &Destination) -> Result<Change, InvalidTransition> {
    conversation.transfer(to, handoff("2"), NewEntry::notice(Notice::Transferred, &[], NOW))
}

fn reopen_free(conversation: Conversation) -> Result<Change, InvalidTransition> {
    conversation.reopen(handoff("2"), Some((ana(), "Ana".into())))
}

#[test]
fn invariant_7_every_way_between_states_is_in_the_table_and_no_other() {
    for (name, step, ways) in table() {
        for from in StateName::ALL {
            let way = ways.iter().find(|(allowed, _)| *allowed == from);
            match (step(in_state(from)), way) {
                (Ok(change), Some((_, to))) => {
                    assert_eq!(change.conversation.state.name(), *to, "{name} from {from:?}");
                }
                (Err(refused), None) => assert_eq!(refused.from, from, "{name} from {from:?}"),
                (Ok(change), None) => {
                    panic!("{name} from {from:?} leads to {:?}", change.conversation.state.name())
                }
                (Err(refused), Some(_)) => panic!("{name} from {from:?}: {refused}"),
            }
        }
    }
}

/// Every state can be left, and every state but the first can be reached.
#[test]
fn invariant_7_no_state_is_a_dead_end() {
    let ways: Vec<(StateName, StateName)> = table().into_iter().flat_map(|(.., ways)| ways).collect();
    for state in StateName::ALL {
        assert!(ways.iter().any(|(from, to)| *from == state && *to != state), "{state:?} cannot be left");
        let is_reached = ways.iter().any(|(from, to)| *to == state && *from != state);
        assert!(is_reached, "{state:?} cannot be reached");
    }
}

/// Whenever a conversation waits, is offered, or is held, the change opens, moves or ends a handoff to match.
#[test]
fn invariant_7_each_step_leaves_the_handoffs_that_its_state_needs() {
    for (name, step, ways) in table() {
        for (from, to) in ways {
            let change = step(in_state(from)).unwrap();
            // The status of the only open handoff, as the store would keep it.
            let mut open = match from {
                StateName::Queued | StateName::Offered | StateName::LeftMessage => {
                    Some(HandoffStatus::Initiated)
                }
                StateName::WithAgent => Some(HandoffStatus::Accepted),
                StateName::WithBot | StateName::WrapUp | StateName::Closed => None,
            };
            for step in &change.handoffs {
                open = match (step, open) {
                    (HandoffChange::Begin(_), None) => Some(HandoffStatus::Initiated),
                    (HandoffChange::Accept { .. }, Some(HandoffStatus::Initiated)) => {
                        Some(HandoffStatus::Accepted)
                    }
                    (HandoffChange::Reopen { .. }, Some(HandoffStatus::Accepted)) => {
                        Some(HandoffStatus::Initiated)
                    }
                    (HandoffChange::End { .. }, Some(_)) => None,
                    (step, open) => panic!("{name} from {from:?}: {step:?} with {open:?} open"),
                };
            }
            let wanted = match to {
                StateName::Queued | StateName::Offered | StateName::LeftMessage => {
                    Some(HandoffStatus::Initiated)
                }
                StateName::WithAgent => Some(HandoffStatus::Accepted),
                StateName::WithBot | StateName::WrapUp | StateName::Closed => None,
            };
            assert_eq!(open, wanted, "{name} from {from:?}");
        }
    }
}

/// Whoever takes control ends the bot's: an answer made under the old epoch is not sent.
#[test]
fn every_change_of_control_begins_a_new_epoch() {
    for (name, step, ways) in table() {
        for (from, to) in ways {
            let is_bot = |state: StateName| state == StateName::WithBot;
            let epoch = step(in_state(from)).unwrap().conversation.epoch;
            if is_bot(from) != is_bot(to) {
                assert!(epoch > 7, "{name} from {from:?} to {to:?} keeps the epoch");
            }
        }
    }
}

proptest! {
    /// Only exactly the offer that stands, only its agent, only the present epoch.
    #[test]
    fn somebody_elses_offer_agent_or_epoch_never_counts(suffix in "[a-z]{1,3}", epoch in 0_u64..20) {
        let other = OfferId::from_suffix(&suffix);
        let stranger = agent(&format!("x{suffix}"));
        let offered = || in_state(StateName::Offered);
        prop_assert!(offered().accept(&other, &agent("ana"), "Ana", NOW).is_err());
        prop_assert!(offered().accept(&offer(), &stranger, "X", NOW).is_err());
        prop_assert!(offered().turn_down(&other, Turned::Expired, NOW, minutes(2)).is_err());
        let held = || in_state(StateName::WithAgent);
        prop_assert!(held().resolve(&stranger, NOW).is_err());
        prop_assert!(held().lose_agent(&stranger, Lost::Connection, "X", NOW).is_err());
        let answer = NewEntry::message(Author::Bot, body("Yes."), NOW);
        let taken = in_state(StateName::WithBot).bot_answered(epoch, 1, answer);
        prop_assert_eq!(taken.is_ok(), epoch == 7);
    }

    /// An offer turned down keeps the place in the queue, whatever the way.
    #[test]
    fn an_offer_that_ends_keeps_the_place(way in 0_usize..3) {
        let offered = in_state(StateName::Offered);
        let since = offered.state.waiting_since();
        let how = [Turned::Declined, Turned::Expired, Turned::AgentLost][way];
        let change = offered.turn_down(&offer(), how, NOW, minutes(2)).unwrap();
        prop_assert_eq!(change.conversation.state.waiting_since(), since);
        let is_passed_over = change.conversation.excludes(&agent("ana"), NOW);
        prop_assert_eq!(is_passed_over, how != Turned::AgentLost);
        prop_assert!(!change.conversation.excludes(&agent("ana"), NOW.plus(minutes(2))));
    }
}

/// Drives a conversation into a state, through the flow, with Ana where somebody holds it.
async fn world_in(state: StateName) -> World {
    let mut world = World::start().await;
    world.agent("ana", AgentTraits { capacity: 1, ..AgentTraits::default() }).await;
    world.account("ben", AgentTraits::default()).await;
    if state == StateName::WithBot {
        world.says("eve", "Hello there").await.unwrap();
        world.round().await;
        return world;
    }
    world.asks("eve").await.unwrap();
    match state {
        StateName::Queued | StateName::WithBot => world.settle().await,
        StateName::LeftMessage => {
            world.leaves("eve", "eve@mail.example").await.unwrap();
        }
        StateName::Offered => world.round().await,
        StateName::WithAgent | StateName::WrapUp | StateName::Closed => {
            world.round().await;
            world.accepts("ana", "eve").await.unwrap();
            if state != StateName::WithAgent {
                world.resolves("ana", "eve").await.unwrap();
            }
            if state == StateName::Closed {
                world.wraps_up("ana", "eve", Disposition::Solved).await.unwrap();
            }
        }
    }
    assert_eq!(world.state("eve").await, state);
    world
}

/// One command of a visitor or an agent.
async fn command(world: &World, which: &str) -> Result<(), FlowError> {
    match which {
        "continues" => world.continues("eve").await.map(drop),
        "leaves" => world.leaves("eve", "eve@mail.example").await.map(drop),
        "ends" => world.ends("eve").await.map(drop),
        "accepts" => world.accepts("ana", "eve").await.map(drop),
        "declines" => world.declines("ana", "eve").await.map(drop),
        "takes" => world.takes("ana", "eve").await.map(drop),
        "tells" => world.tells("ana", "eve", "Hello").await.map(drop),
        "transfers" => world.transfers("ana", "eve", Destination::NextTier).await.map(drop),
        "hands back" => world.hands_back("ana", "eve").await.map(drop),
        "resolves" => world.resolves("ana", "eve").await.map(drop),
        "wraps up" => world.wraps_up("ana", "eve", Disposition::Other).await.map(drop),
        other => panic!("{other} is no command"),
    }
}

#[tokio::test]
async fn invariant_7_a_refused_command_changes_nothing_and_an_allowed_one_what_the_table_says() {
    use StateName::{LeftMessage, Offered, Queued, WithAgent, WithBot, WrapUp};
    let open = [WithBot, Queued, Offered, WithAgent, LeftMessage];
    let commands: &[(&str, &[StateName])] = &[
        ("continues", &[Queued, Offered]),
        ("leaves", &[Queued, Offered]),
        ("ends", &open),
        ("accepts", &[Offered]),
        ("declines", &[Offered]),
        ("takes", &[Queued, LeftMessage]),
        ("tells", &[WithAgent]),
        ("transfers", &[WithAgent]),
        ("hands back", &[WithAgent]),
        ("resolves", &[WithAgent]),
        // What is said after the time-out still counts.
        ("wraps up", &[WrapUp, StateName::Closed]),
    ];
    for state in StateName::ALL {
        for (name, allowed) in commands {
            let world = world_in(state).await;
            let (before, log) = (world.conversation("eve").await, world.log("eve").await);
            let handoffs = world.store().handoffs(&before.id).await.unwrap();
            let answer = command(&world, name).await;
            assert_eq!(answer.is_ok(), allowed.contains(&state), "{name} from {state:?}: {answer:?}");
            if let Err(error) = answer {
                assert!(
                    matches!(error.code(), "rejected" | "not_allowed"),
                    "{name} from {state:?}: {error:?}"
                );
                assert_eq!(world.conversation("eve").await, before, "{name} from {state:?}");
                assert_eq!(world.log("eve").await, log, "{name} from {state:?}");
                assert_eq!(world.store().handoffs(&before.id).await.unwrap(), handoffs);
            }
            world.finish().await;
        }
    }
}

/// Who comes back while nobody is there waits, after what they wrote, for whom they had before.
#[tokio::test]
async fn who_comes_back_is_offered_to_the_last_agent_first() {
    let mut world = World::start().await;
    world.agent("ben", AgentTraits::default()).await;
    world.asks("eve").await.unwrap();
    world.round().await;
    world.accepts("ben", "eve").await.unwrap();
    world.resolves("ben", "eve").await.unwrap();
    world.wraps_up("ben", "eve", Disposition::Solved).await.unwrap();
    world.flow.set_presence(&agent("ben"), Presence::Away).await.unwrap();
    world.says("eve", "It happened again").await.unwrap();
    world.settle().await;
    let kinds: Vec<&str> = world.log("eve").await.iter().rev().take(3).map(|e| e.kind.name()).collect();
    assert_eq!(kinds, ["decision", "notice", "message"], "first what was written, then what came of it");
    // Ana has waited for work all the while, and they are back in the same moment.
    world.agent("ana", AgentTraits::default()).await;
    world.flow.set_presence(&agent("ben"), Presence::Online).await.unwrap();
    world.round().await;
    assert_eq!(world.offer("eve").await.unwrap().0, agent("ben"));
    world.finish().await;
}

/// The state machine says no, and were it wrong, the database would.
#[tokio::test]
async fn invariant_5_a_second_escalation_is_refused_twice() {
    let world = world_in(StateName::Queued).await;
    let waiting = world.conversation("eve").await;
    let mut second = handoff("second");
    second.conversation = waiting.id.clone();
    let refused = waiting.clone().escalate(second.clone(), Vec::new()).unwrap_err();
    assert_eq!(refused.from, StateName::Queued);

    let mut forced = Change::of(waiting.clone());
    forced.handoffs.push(HandoffChange::Begin(Box::new(second)));
    let answer = world.store().commit(forced, None, world.now()).await;
    assert_eq!(answer, Err(StoreError::Conflict), "the index one_open_handoff_per_conversation");
    assert_eq!(world.conversation("eve").await, waiting);
    world.finish().await;
}
