//! Several people at the same instant, on several threads: exactly one wins, nobody
//! holds more than they may, and a retry changes nothing.

use crate::support::scripted::BotMode;
use crate::support::world::{AgentTraits, World, agent, body, minutes, seconds, visitor};
use baton::domain::conversation::{Author, Destination, EntryKind, Notice, StateName};
use baton::domain::escalation::EscalationPolicy;
use baton::domain::id::OfferId;
use baton::domain::outcome::{Disposition, WrapUp};
use baton::flow::ports::{Ack, Reply, Search};
use baton::flow::{Flow, FlowError};
use std::collections::BTreeSet;
use std::future::Future;
use tokio::task::JoinSet;

/// Runs all of these at the same time, each in a task of its own, and gives the answers in no order.
async fn at_once<T, F>(calls: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks: JoinSet<T> = calls.into_iter().collect();
    let mut answers = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        answers.push(answer.unwrap());
    }
    answers
}

/// Waits until no task of the flow is left, on several threads and nodes.
async fn quiet(world: &World) {
    while !world.is_at_rest() {
        world.settle().await;
    }
}

fn traits(capacity: u32) -> AgentTraits {
    AgentTraits { capacity, ..AgentTraits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_parallel_first_messages_open_one_conversation() {
    let world = World::start().await;
    let answers =
        at_once((0..64).map(|n| {
            let flow = world.flow.clone();
            async move {
                flow.receive(&visitor("eve"), None, &format!("c{n}"), body(&format!("message {n}"))).await
            }
        }))
        .await;
    let acks: Vec<Ack> = answers.into_iter().map(Result::unwrap).collect();
    let ids: BTreeSet<_> = acks.iter().map(|ack| ack.conversation.clone()).collect();
    assert_eq!(ids.len(), 1);
    let positions: BTreeSet<_> = acks.iter().map(|ack| ack.position).collect();
    assert_eq!(positions.len(), 64);
    quiet(&world).await;
    let all = world.store().search(Search { limit: 100, ..Search::default() }).await.unwrap();
    assert_eq!(all.len(), 1);
    let said: BTreeSet<_> = world
        .log("eve")
        .await
        .into_iter()
        .filter(|entry| entry.author == Author::Visitor)
        .map(|entry| match entry.kind {
            EntryKind::Message { body, .. } => body.as_str().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said.len(), 64);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_presses_of_the_button_begin_one_handoff() {
    let world = World::start().await;
    let node = world.another_node();
    let answers = at_once((0..16).map(|n| {
        let flow = if n % 2 == 0 { world.flow.clone() } else { node.clone() };
        async move { flow.ask_for_human(&visitor("eve"), None, &format!("c{n}")).await }
    }))
    .await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    quiet(&world).await;
    let id = world.conversation("eve").await.id;
    assert_eq!(world.store().handoffs(&id).await.unwrap().len(), 1);
    world.finish().await;
}

/// One offer, sixteen tasks: its agent in several tabs and on two nodes, and others who try the same offer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_6_accepting_has_exactly_one_winner() {
    for _ in 0..10 {
        let mut world = World::start().await;
        world.agent("ana", traits(1)).await;
        world.account("ben", traits(1)).await;
        world.asks("eve").await.unwrap();
        quiet(&world).await;
        world.flow.offer_waiting().await.unwrap();
        let id = world.conversation("eve").await.id;
        let (to, offer) = world.offer("eve").await.unwrap();
        assert_eq!(to, agent("ana"));
        let node = world.another_node();
        let answers = at_once((0..16).map(|n| {
            let flow = if n % 2 == 0 { world.flow.clone() } else { node.clone() };
            let who = if n % 4 == 3 { agent("ben") } else { agent("ana") };
            let (id, offer) = (id.clone(), offer.clone());
            async move { (who.clone(), flow.accept(&who, &format!("c{n}"), &id, &offer).await) }
        }))
        .await;
        let winners: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_ok()).collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        assert_eq!(winners[0].0, agent("ana"), "the offer was hers");
        let is_late = |answer: &Result<Ack, FlowError>| {
            matches!(answer, Ok(_) | Err(FlowError::Rejected(_) | FlowError::Conflict))
        };
        assert!(answers.iter().all(|(_, answer)| is_late(answer)), "{answers:?}");
        let joined = world
            .log("eve")
            .await
            .into_iter()
            .filter(|entry| matches!(&entry.kind, EntryKind::Notice { code: Notice::AgentJoined, .. }));
        assert_eq!(joined.count(), 1);
        quiet(&world).await;
        world.finish().await;
    }
}

/// Accepting, declining, ending and going on with the bot at the same instant: one of them happens, the rest are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_7_opposite_commands_at_once_leave_one_known_state() {
    for _ in 0..10 {
        let mut world = World::start().await;
        world.agent("ana", traits(1)).await;
        world.asks("eve").await.unwrap();
        quiet(&world).await;
        world.flow.offer_waiting().await.unwrap();
        let id = world.conversation("eve").await.id;
        let (_, offer) = world.offer("eve").await.unwrap();
        let act = |n: usize, flow: Flow| {
            let (id, offer) = (id.clone(), offer.clone());
            async move {
                match n {
                    0 => flow.accept(&agent("ana"), "a", &id, &offer).await,
                    1 => flow.decline(&agent("ana"), "b", &id, &offer).await,
                    2 => flow.continue_with_bot(&visitor("eve"), "c").await,
                    3 => flow.leave_contact(&visitor("eve"), "d", "eve@mail.example").await,
                    4 => flow.receive(&visitor("eve"), None, "e", body("Hello?")).await,
                    _ => flow.ask_for_human(&visitor("eve"), None, "f").await,
                }
            }
        };
        let node = world.another_node();
        let answers =
            at_once((0..6).map(|n| act(n, if n % 2 == 0 { world.flow.clone() } else { node.clone() }))).await;
        let is_answer = |answer: &Result<Ack, FlowError>| {
            matches!(
                answer,
                Ok(_) | Err(FlowError::Rejected(_) | FlowError::Conflict | FlowError::NotAllowed(_))
            )
        };
        assert!(answers.iter().all(is_answer), "{answers:?}");
        quiet(&world).await;
        world.finish().await;
    }
}

/// Two nodes offer, agents take, all at once: nobody ever holds more than they may.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_6_parallel_offers_and_takes_never_exceed_capacity() {
    let mut world = World::start().await;
    for (name, capacity) in [("ana", 1), ("ben", 2), ("cem", 3)] {
        world.agent(name, traits(capacity)).await;
    }
    let names: Vec<String> = (0..20).map(|n| format!("v{n}")).collect();
    for name in &names {
        world.asks(name).await.unwrap();
    }
    quiet(&world).await;
    let mut ids = Vec::new();
    for name in &names {
        ids.push(world.conversation(name).await.id);
    }
    let node = world.another_node();
    let answers = at_once((0..40).map(|n| {
        let flow = if n % 2 == 0 { world.flow.clone() } else { node.clone() };
        let id = ids[n % ids.len()].clone();
        let who = agent(["ana", "ben", "cem"][n % 3]);
        async move {
            match n % 4 {
                0 => flow.offer_waiting().await,
                _ => flow.take(&who, &format!("c{n}"), &id).await.map(drop),
            }
        }
    }))
    .await;
    for answer in &answers {
        let is_answer =
            matches!(answer, Ok(()) | Err(FlowError::NoRoom | FlowError::Rejected(_) | FlowError::Conflict));
        assert!(is_answer, "{answer:?}");
    }
    quiet(&world).await;
    world.flow.offer_waiting().await.unwrap();
    quiet(&world).await;
    world.check().await;
    let attendance = world.store().attendance().await.unwrap();
    let held: u32 = attendance.values().map(|attendance| attendance.held).sum();
    assert_eq!(held, 6, "and all the room there is, is used");
    quiet(&world).await;
    world.finish().await;
}

/// Every command, sent eight times at once with the same client id: one effect, one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_sent_again_changes_nothing() {
    let mut world = World::start().await;
    world.agent("ana", traits(1)).await;
    world.agent("ben", AgentTraits { tier: 2, ..AgentTraits::default() }).await;
    let eight =
        |make: &dyn Fn(Flow) -> std::pin::Pin<Box<dyn Future<Output = Result<Ack, FlowError>> + Send>>| {
            let node = world.another_node();
            let calls: Vec<_> =
                (0..8).map(|n| make(if n % 2 == 0 { world.flow.clone() } else { node.clone() })).collect();
            async move {
                let answers = at_once(calls).await;
                let acks: Vec<Ack> = answers.into_iter().map(Result::unwrap).collect();
                assert!(acks.iter().all(|ack| *ack == acks[0]), "{acks:?}");
            }
        };
    let eve = visitor("eve");
    eight(&|flow| {
        let eve = eve.clone();
        Box::pin(async move { flow.receive(&eve, None, "c1", body("Hello")).await })
    })
    .await;
    quiet(&world).await;
    eight(&|flow| {
        let eve = eve.clone();
        Box::pin(async move { flow.ask_for_human(&eve, None, "c2").await })
    })
    .await;
    quiet(&world).await;
    world.flow.offer_waiting().await.unwrap();
    let id = world.conversation("eve").await.id;
    let (ana, offer) = world.offer("eve").await.unwrap();
    let n_before = world.log("eve").await.len();
    eight(&|flow| {
        let (ana, id, offer) = (ana.clone(), id.clone(), offer.clone());
        Box::pin(async move { flow.accept(&ana, "c3", &id, &offer).await })
    })
    .await;
    eight(&|flow| {
        let (ana, id) = (ana.clone(), id.clone());
        Box::pin(async move { flow.say(&ana, "c4", &id, body("Hello Eve")).await })
    })
    .await;
    eight(&|flow| {
        let (ana, id) = (ana.clone(), id.clone());
        Box::pin(async move { flow.note(&ana, "c5", &id, body("nice")).await })
    })
    .await;
    eight(&|flow| {
        let (ana, id) = (ana.clone(), id.clone());
        Box::pin(async move { flow.resolve(&ana, "c6", &id).await })
    })
    .await;
    // joined, the words, the note, resolved.
    assert_eq!(world.log("eve").await.len(), n_before + 4);
    // The same id for other words is a conflict, and changes nothing.
    let other = world.flow.say(&ana, "c4", &id, body("Something else")).await;
    assert_eq!(other, Err(FlowError::Conflict));
    let other = world.flow.receive(&eve, None, "c1", body("Something else")).await;
    assert_eq!(other, Err(FlowError::Conflict));
    assert_eq!(world.log("eve").await.len(), n_before + 4);
    quiet(&world).await;
    world.finish().await;
}

/// A wrap-up under a client id that was used for another is refused before anything is kept of it.
#[tokio::test]
async fn a_wrap_up_under_a_used_client_id_keeps_the_first() {
    let mut world = World::start().await;
    world.agent("ana", traits(1)).await;
    world.asks("eve").await.unwrap();
    world.round().await;
    world.accepts("ana", "eve").await.unwrap();
    world.resolves("ana", "eve").await.unwrap();
    let id = world.conversation("eve").await.id;
    let wrap_up = |disposition| baton::domain::outcome::WrapUp { disposition, label: None, note: None };
    let ana = agent("ana");
    world.flow.wrap_up(&ana, "w", &id, wrap_up(Disposition::Solved)).await.unwrap();
    world.flow.wrap_up(&ana, "w", &id, wrap_up(Disposition::Solved)).await.unwrap();
    let other = world.flow.wrap_up(&ana, "w", &id, wrap_up(Disposition::Spam)).await;
    assert_eq!(other, Err(FlowError::Conflict));
    let judged = world.store().judgement(&id).await.unwrap().wrap_up.unwrap();
    assert_eq!(judged.disposition, Disposition::Solved);
    world.finish().await;
}

/// Everybody whom Ana helped before writes again at the same instant; she has room for one. No message is refused:
/// one is hers at once, the others wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coming_back_all_at_once_loses_no_message() {
    let mut world = World::start().await;
    world.agent("ana", traits(1)).await;
    let names: Vec<String> = (0..8).map(|n| format!("v{n}")).collect();
    for name in &names {
        world.asks(name).await.unwrap();
        quiet(&world).await;
        world.flow.offer_waiting().await.unwrap();
        world.accepts("ana", name).await.unwrap();
        world.resolves("ana", name).await.unwrap();
    }
    let answers = at_once(names.iter().map(|name| {
        let (flow, visitor) = (world.flow.clone(), visitor(name));
        async move { flow.receive(&visitor, None, "back", body("It happened again")).await }
    }))
    .await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    quiet(&world).await;
    let mut states = Vec::new();
    for name in &names {
        states.push(world.state(name).await);
    }
    assert_eq!(states.iter().filter(|state| **state == StateName::WithAgent).count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|state| **state == StateName::Queued).count(), 7, "{states:?}");
    world.finish().await;
}

/// The bot fails while messages pour in: each failure is decided about under its own number, as the replay in
/// `finish` shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failures_among_pouring_messages_keep_their_numbers() {
    // The bot keeps the conversation, however often it fails.
    let mut policy = EscalationPolicy { enter: 1.0, ..EscalationPolicy::default() };
    policy.rules.bot_failures = 0;
    policy.rules.same_question = 0;
    let world = World::builder().policy(policy).start().await;
    world.bot().does(BotMode::AtOnce(Reply::NoAnswer(None)));
    let pour = |task: usize| {
        let flow = world.flow.clone();
        async move {
            for n in 0..25 {
                let client_id = format!("c{task}x{n}");
                let ack = flow.receive(&visitor("eve"), None, &client_id, body(&client_id)).await.unwrap();
                // The next message comes when this one is decided: while the bot's failure is written.
                let store = flow.ports().store.clone();
                while Some(store.conversation(&ack.conversation).await.unwrap().unwrap().decided_position)
                    < ack.position
                {
                    tokio::task::yield_now().await;
                }
            }
        }
    };
    at_once((0..4).map(pour)).await;
    quiet(&world).await;
    for pair in world.log("eve").await.windows(2) {
        if let EntryKind::Message { is_no_answer: true, .. } = &pair[0].kind {
            let EntryKind::Decision(decision) = &pair[1].kind else { panic!("a failure is decided about") };
            assert_eq!(decision.about, Some(pair[0].position), "and under its own number");
        }
    }
    world.finish().await;
}

/// A visitor writes at the very moment at which their silence would end the conversation: they are heard. Either the
/// message was first and the conversation goes on, or the end was and a new one begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_at_the_moment_of_the_end_is_heard() {
    for is_waiting in [false, true] {
        let world = World::start().await;
        let names: Vec<String> = (0..40).map(|n| format!("v{n}")).collect();
        for name in &names {
            // Silent with the bot for an hour, or gone while waiting for ten minutes.
            match is_waiting {
                true => world.asks(name).await.unwrap(),
                false => world.says(name, "Hello").await.unwrap(),
            };
        }
        quiet(&world).await;
        world.clock().advance(minutes(if is_waiting { 10 } else { 60 }));
        let flow = world.flow.clone();
        let tick = JoinSet::from_iter([async move { flow.tick().await }]);
        let answers = at_once(names.iter().map(|name| {
            let (flow, visitor) = (world.flow.clone(), visitor(name));
            async move { flow.receive(&visitor, None, "back", body("I am here")).await }
        }))
        .await;
        tick.join_all().await;
        quiet(&world).await;
        for answer in answers {
            let id = answer.unwrap().conversation;
            let state = world.store().conversation(&id).await.unwrap().unwrap().state;
            assert!(matches!(state.name(), StateName::WithBot | StateName::Queued), "{id}: {state:?}");
        }
        world.finish().await;
    }
}

/// A renewal tells the store of all who are connected at once. Written after a coming it did not know of, it would take
/// who is there for lost: no offer would reach them, and what they hold would be taken from them.
#[tokio::test]
async fn invariant_7_who_comes_while_the_lease_is_renewed_is_there() {
    let mut world = World::start().await;
    world.account("ana", traits(1)).await;
    let (flow, ana) = (world.flow.clone(), agent("ana"));
    world.renews_after(async move { flow.agent_connected(&ana).await }).await;
    assert_eq!(world.lost_at("ana").await, None);
    world.finish().await;
}

/// And written after a going it did not know of, it would take who is gone for there: a node that is alone renews only
/// when it was mistaken, and what they hold would stay theirs for ever.
#[tokio::test]
async fn invariant_7_who_goes_while_the_lease_is_renewed_is_gone() {
    let mut world = World::start().await;
    world.agent("ana", traits(1)).await;
    world.is_taken_for_dead().await;
    world.comes_back("ana").await.unwrap();
    let (flow, ana, now) = (world.flow.clone(), agent("ana"), world.now());
    world.renews_after(async move { flow.agent_disconnected(&ana, now).await }).await;
    assert_eq!(world.lost_at("ana").await, Some(now));
    world.finish().await;
}

/// One wish for a human that reached two nodes: one writes it, the other has the same answer, and has written nothing.
/// It would go on with a handoff that nobody knows, over the one that is stored.
#[tokio::test]
async fn invariant_7_what_another_node_has_written_is_not_taken_for_ones_own() {
    let mut world = World::start().await;
    world.agent("ana", traits(1)).await;
    world.says("eve", "Where is my parcel?").await.unwrap();
    quiet(&world).await;
    let late = world.gate.hold(0);
    let asks = |flow: Flow| async move { flow.ask_for_human(&visitor("eve"), None, "again").await };
    let (mut both, other) = (JoinSet::new(), world.another_node());
    both.spawn(asks(world.flow.clone()));
    world.settle().await;
    let first = asks(other).await.unwrap();
    drop(late);
    assert_eq!(both.join_next().await.unwrap().unwrap().unwrap(), first);
    world.says("eve", "Is anybody there?").await.unwrap();
    quiet(&world).await;
    world.round().await;
    world.accepts("ana", "eve").await.unwrap();
    world.finish().await;
}

/// An offer that has run out cannot be accepted, however late the acceptance was sent.
#[tokio::test]
async fn an_offer_that_has_run_out_is_nobodys() {
    let mut world = World::start().await;
    world.agent("ana", traits(1)).await;
    world.asks("eve").await.unwrap();
    world.round().await;
    let id = world.conversation("eve").await.id;
    let (ana, offer) = world.offer("eve").await.unwrap();
    world.advance(seconds(31)).await;
    let late = world.flow.accept(&ana, "late", &id, &offer).await;
    assert!(matches!(late, Err(FlowError::Rejected(_))), "{late:?}");
    let unknown = world.flow.accept(&ana, "x", &id, &OfferId::from_suffix("none")).await;
    assert!(matches!(unknown, Err(FlowError::Rejected(_))), "{unknown:?}");
    world.finish().await;
}

/// Who may do something is asked of who does it, not of who lost the answer and asks again: their note, their taking
/// and their last word were once refused when the conversation had moved on since.
#[tokio::test]
async fn a_retry_has_its_answer_when_the_conversation_has_moved_on() {
    let mut world = World::start().await;
    for name in ["ana", "ben"] {
        world.account(name, traits(1)).await;
    }
    world.account("zoe", AgentTraits { tier: 2, ..traits(1) }).await;
    world.asks("eve").await.unwrap();
    world.settle().await;
    let id = world.conversation("eve").await.id;
    let (ana, ben) = (agent("ana"), agent("ben"));
    let note = || world.flow.note(&ben, "note", &id, body("Careful"));
    let take = || world.flow.take(&ana, "take", &id);
    let (noted, taken) = (note().await.unwrap(), take().await.unwrap());
    assert_eq!(note().await, Ok(noted));
    world.transfers("ana", "eve", Destination::NextTier).await.unwrap();
    assert_eq!(take().await, Ok(taken), "she does not serve the next tier");

    world.takes("zoe", "eve").await.unwrap();
    world.resolves("zoe", "eve").await.unwrap();
    let last_word = async || {
        let wrap_up = WrapUp { disposition: Disposition::Solved, label: None, note: None };
        world.flow.wrap_up(&agent("zoe"), "wrap", &id, wrap_up).await
    };
    let wrapped_up = last_word().await;
    world.says("eve", "One more thing").await.unwrap();
    assert_ne!(world.state("eve").await, StateName::Closed);
    assert_eq!(last_word().await, wrapped_up);
    world.finish().await;
}
