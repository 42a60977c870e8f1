//! Live is replay, bit for bit, whatever is kept between the steps of a conversation;
//! and what is kept makes a message in a long conversation cost what it costs in a
//! short one.

use crate::support::scripted::{BotMode, When, about, angry, calm, human};
use crate::support::world::{AgentTraits, World, body, seconds, visitor};
use baton::domain::analysis::Intent;
use baton::domain::conversation::{Author, Change, Conversation, Entry, EntryKind, NewEntry};
use baton::domain::escalation::Decision;
use baton::domain::id::ConversationId;
use baton::domain::tuning::{Event, replay};
use baton::flow::events_of;
use baton::flow::ports::{Reply, Search};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;

const TEXTS: [&str; 6] = [
    "Where is my parcel?",
    "I asked where my parcel is",
    "USELESS USELESS",
    "Thanks a lot",
    "Hm.",
    "My lawyer",
];

/// Holds the last decision stored about each position against a replay of the whole log.
async fn check(world: &World, seed: u64) -> usize {
    let mut checked = 0;
    for conversation in world.store().search(Search { limit: 100, ..Search::default() }).await.unwrap() {
        let log = world.store().entries(&conversation.id, 0, 10_000).await.unwrap();
        let analyses = world.store().analyses(&conversation.id).await.unwrap();
        let is_next = |entry: &&Entry| {
            entry.author == Author::Visitor && entry.position > conversation.decided_position
        };
        let next = log.iter().find(is_next).map_or(u64::MAX, |entry| entry.position);
        let mut stored: BTreeMap<u64, &Decision> = BTreeMap::new();
        for entry in &log {
            if let EntryKind::Decision(decision) = &entry.kind
                && let Some(about) = decision.about
            {
                stored.insert(about, decision);
            }
        }
        let events: Vec<_> = events_of(&log, &analyses).into_iter().filter(|(at, _)| *at < next).collect();
        let bare: Vec<Event> = events.iter().map(|(_, event)| event.clone()).collect();
        for verdict in replay(world.policy(), &bare) {
            let about = events[verdict.event].0;
            let wanted = Decision { about: Some(about), ..verdict.decision };
            assert_eq!(stored.get(&about), Some(&&wanted), "seed {seed}: {} at {about}", conversation.id);
            checked += 1;
        }
    }
    checked
}

/// Messages in quick and slow order, analyses that come late and in any order, failures of the bot, agents, another
/// node, and restarts: the stored decisions are those of a replay after every step.
#[tokio::test]
async fn what_is_kept_between_the_steps_decides_as_a_replay_of_the_whole_log() {
    let cases: u64 = std::env::var("BATON_STANDINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let (mut checked, mut late) = (0, 0);
    for seed in 0..cases {
        let mut draw = StdRng::seed_from_u64(seed);
        let mut world = World::start().await;
        world.agent("ana", AgentTraits::default()).await;
        let found = [calm(), angry(0.6), angry(0.9), calm(), angry(0.3), about(Intent::LegalThreat, 0.9)];
        world.says("eve", "Hello there").await.unwrap();
        for _ in 0..60 {
            let n = draw.random_range(0..TEXTS.len());
            // What the model finds differs from what words find, and from what it found before.
            let finds = if draw.random_bool(0.02) { human(0.9) } else { found[n].clone() };
            let when = match draw.random_range(0..4) {
                0 => When::After(seconds(draw.random_range(1..40))),
                _ => When::Now,
            };
            late += u64::from(when != When::Now);
            let text = format!("{} {}", TEXTS[n], draw.random_range(0..3));
            world.analyzer().finds_differently(&text, finds, calm(), Some(when));
            match draw.random_range(0..12) {
                0 => world.bot().does(BotMode::AtOnce(Reply::NoAnswer(None))),
                1 => world.bot().does(BotMode::AtOnce(Reply::Answer("It is on its way.".to_owned()))),
                2 => world.advance(seconds(draw.random_range(1..60))).await,
                3 => {
                    world
                        .another_node()
                        .receive(&visitor("eve"), None, &world.command(), body(&text))
                        .await
                        .unwrap();
                }
                4 if draw.random_bool(0.2) => world.restart().await,
                5 if draw.random_bool(0.3) => drop(world.asks("eve").await),
                6 if world.offer("eve").await.is_some() => drop(world.accepts("ana", "eve").await),
                7 => drop(world.tells("ana", "eve", "I look into it").await),
                8 => drop(world.hands_back("ana", "eve").await),
                _ => {
                    world.says("eve", &text).await.unwrap();
                    if draw.random_bool(0.5) {
                        world.settle().await;
                    }
                }
            }
            if draw.random_bool(0.2) {
                world.settle().await;
                checked += check(&world, seed).await;
            }
        }
        world.advance(seconds(60)).await;
        checked += check(&world, seed).await;
        world.finish().await;
    }
    assert!(
        checked > 50 * usize::try_from(cases).unwrap() && late > 5 * cases,
        "{checked} decisions, {late} late"
    );
}

/// A conversation in which so much was said already, all of it decided on.
async fn talked(world: &World, name: &str, messages: u64) -> ConversationId {
    let id = ConversationId::from_suffix(name);
    let mut change = Change::of(Conversation::open(id.clone(), visitor(name), world.now()));
    change.is_new = true;
    let said: Vec<String> = (0..messages).map(|n| format!("Message{n}")).collect();
    let message = |text: &String| Event::Message { text: text.clone(), analysis: calm(), at: world.now() };
    let events: Vec<Event> = said.iter().flat_map(|text| [message(text), Event::Answered]).collect();
    for (verdict, (n, text)) in replay(world.policy(), &events).into_iter().zip((0..).zip(&said)) {
        let position = 3 * n + 1;
        let decision = Decision { about: Some(position), ..verdict.decision };
        change = change
            .with(NewEntry::message(Author::Visitor, body(text), world.now()))
            .with(NewEntry::decision(decision, world.now()))
            .with(NewEntry::message(Author::Bot, body("I see."), world.now()));
        change.analyses.push((position, calm()));
        change.conversation.decided_position = position;
    }
    world.store().commit(change, None, world.now()).await.unwrap();
    id
}

/// Rows of logs and analyses that each of the next messages reads.
async fn rows_per_message(world: &mut World, name: &str) -> u64 {
    // The first finds nothing kept and reads everything.
    world.says(name, "Hello").await.unwrap();
    world.settle().await;
    const MESSAGES: u64 = 20;
    let before = world.rows_read();
    for n in 0..MESSAGES {
        // One word each: a question that comes again would call a human, and that is explained from the whole log.
        let text = format!("Word{n}");
        let when = if n % 4 == 0 { When::After(seconds(2)) } else { When::Now };
        world.analyzer().finds_differently(&text, angry(0.1), calm(), Some(when));
        world.says(name, &text).await.unwrap();
        world.settle().await;
        world.advance(seconds(3)).await;
    }
    (world.rows_read() - before) / MESSAGES
}

/// Two thousand messages in, the next costs what the third does: counted in rows that are read, not in time.
#[tokio::test]
async fn a_message_costs_the_same_in_a_long_conversation() {
    let mut world = World::start().await;
    talked(&world, "short", 2).await;
    talked(&world, "long", 2_000).await;
    let short = rows_per_message(&mut world, "short").await;
    let long = rows_per_message(&mut world, "long").await;
    assert!(world.rows_read() > 2_000, "the first message reads the whole log, and that is counted");
    assert!(long <= short + 2, "{long} rows a message in a long one, {short} in a short one");
    assert!(long < 5, "{long} rows a message: this node knows what it has stored");
    world.finish().await;
}

/// A conversation can be open for days; where it stands is kept for some minutes, and read again when somebody speaks.
#[tokio::test]
async fn a_conversation_at_rest_is_not_kept_in_memory() {
    let mut world = World::start().await;
    talked(&world, "resting", 100).await;
    let (mut rows, mut reads) = (world.rows_read(), Vec::new());
    for pause in [3, 60, 60, 600, 3, 600] {
        world.says("resting", &format!("After{pause}Word{}", reads.len())).await.unwrap();
        world.settle().await;
        reads.push(world.rows_read() - rows);
        world.advance(seconds(pause)).await;
        // Others talk, and each time the oldest that nobody asked for goes.
        for n in 0..2 {
            world.says(&format!("other{}{n}", reads.len()), "Hello").await.unwrap();
            world.settle().await;
            world.advance(seconds(pause)).await;
        }
        rows = world.rows_read();
    }
    let is_whole: Vec<bool> = reads.iter().map(|rows| *rows >= 100).collect();
    assert_eq!(is_whole, [true, false, false, false, true, false], "{reads:?}");
    world.finish().await;
}
