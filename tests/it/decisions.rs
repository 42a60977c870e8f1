//! Scores, decisions and what explains them, through the public surface: the same
//! again on replay, true when they say what would have been different, and never in
//! the way of a message.

use crate::support::scripted::{BotMode, When, about, angry, calm, human};
use crate::support::world::{AgentTraits, World, seconds};
use baton::domain::analysis::{Analysis, Intent, OwnIntent, OwnIntents};
use baton::domain::conversation::{EntryKind, StateName};
use baton::domain::escalation::{Counterfactual, Decision, EscalationPolicy, ReasonCode, counterfactual};
use baton::domain::queue::Priority;
use baton::domain::time::Timestamp;
use baton::domain::tuning::{Event, Verdict, replay};
use baton::flow::events_of;
use baton::flow::ports::Reply;
use proptest::prelude::*;

/// Anything that a model may find.
fn analyses() -> impl Strategy<Value = Analysis> {
    let share = || (0_u32..=20).prop_map(|n| f64::from(n) / 20.0);
    (share(), share(), share(), 0_usize..Intent::SCORED, share(), prop::bool::weighted(0.1)).prop_map(
        |(frustration, negative, offensive, intent, probability, asks)| {
            let mut analysis = angry(negative);
            analysis.frustration = frustration;
            analysis.offensive = offensive;
            analysis.human_request = if asks { 0.9 } else { 0.1 };
            analysis.intents = analysis.intents.with(Intent::ALL[intent], probability);
            analysis.own_intents =
                OwnIntents::new([("own_0".to_owned(), offensive), ("own_2".to_owned(), 0.9)]);
            analysis.rounded()
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let texts = [
        "Where is my parcel?",
        "I asked where my parcel is",
        "WHERE IS MY PARCEL NOW",
        "Do you sell gift cards?",
        "ok",
        "The gas smell is back",
    ];
    let message = (0..texts.len(), analyses()).prop_map(move |(text, analysis)| Event::Message {
        text: texts[text].to_owned(),
        analysis,
        at: Timestamp::default(),
    });
    let event = prop_oneof![
        4 => message,
        1 => Just(Event::Answered),
        1 => Just(Event::BotFailed { at: Timestamp::default() }),
    ];
    prop::collection::vec((event, 0_u64..200), 1..20).prop_map(|events| {
        let mut now = Timestamp::from_millis(0);
        let timed = events.into_iter().map(|(mut event, after)| {
            now = now.plus(seconds(after));
            match &mut event {
                Event::Message { at, .. } | Event::BotFailed { at } => *at = now,
                Event::Answered => {}
            }
            event
        });
        timed.collect()
    })
}

fn policies() -> impl Strategy<Value = EscalationPolicy> {
    (3_u32..=18, 0_u32..=3, 1_u32..=3, 0_u64..=400, 0_u32..=4).prop_map(
        |(enter, failures, min_messages, cooldown, same)| {
            let mut policy = EscalationPolicy::default();
            policy.enter = f64::from(enter) / 20.0;
            policy.leave = policy.enter / 2.0;
            policy.min_messages = min_messages;
            policy.cooldown = seconds(cooldown);
            policy.rules.bot_failures = failures;
            policy.rules.same_question = if same == 1 { 0 } else { same };
            // Some sites have an intent of their own, which some messages have.
            policy.intents = (0..failures).map(|n| own_intent(&format!("own_{n}"), 0.7)).collect();
            policy
        },
    )
}

fn own_intent(name: &str, escalate_at: f64) -> OwnIntent {
    let examples = (0..5).map(|n| format!("example {n} of {name}")).collect();
    let priority = Priority::High;
    OwnIntent { name: name.to_owned(), examples, escalate_at: Some(escalate_at), priority }
}

fn last_verdict(policy: &EscalationPolicy, events: &[Event]) -> Option<Decision> {
    let last = events.len().checked_sub(1)?;
    replay(policy, events).into_iter().find(|verdict| verdict.event == last).map(|verdict| verdict.decision)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The same again, whatever comes after, and through JSON.
    #[test]
    fn invariant_9_the_same_policy_and_events_decide_the_same(policy in policies(), events in events()) {
        let verdicts = replay(&policy, &events);
        prop_assert_eq!(&verdicts, &replay(&policy, &events));
        for n in 0..events.len() {
            let shorter = replay(&policy, &events[..n]);
            let wanted: Vec<Verdict> = verdicts.iter().filter(|verdict| verdict.event < n).cloned().collect();
            prop_assert_eq!(shorter, wanted, "what comes later changes nothing before it");
        }
        for Verdict { decision, .. } in verdicts {
            let written = serde_json::to_string(&decision).unwrap();
            let read: Decision = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(read, decision);
        }
    }

    /// Every number adds up, every escalation has a reason, every reason its share.
    #[test]
    fn invariant_15_contributions_add_up_in_every_decision(policy in policies(), events in events()) {
        for Verdict { decision, .. } in replay(&policy, &events) {
            let score = &decision.score;
            let sum: f64 = score.contributions.iter().map(|c| c.value).sum();
            prop_assert!((sum - score.value).abs() < 1e-9 && (0.0..=1.0).contains(&score.value), "{decision:?}");
            prop_assert_eq!(decision.is_escalation(), !decision.reasons.is_empty());
            for reason in &decision.reasons {
                prop_assert_eq!(reason.name.is_some(), reason.code == ReasonCode::OwnIntent);
            }
            for reason in decision.reasons.iter().filter(|reason| reason.contribution.is_some()) {
                let is_term = score.contributions.iter().any(|c| {
                    ReasonCode::of_term(c.code) == Some(reason.code) && Some(c.value) == reason.contribution
                });
                prop_assert!(is_term || reason.contribution == Some(0.0), "{reason:?} in {decision:?}");
            }
            prop_assert!(decision.policy == policy.label() && decision.line == policy.enter);
        }
    }

    /// A request and the immediate intents escalate whatever score, count, cooldown or state say.
    #[test]
    fn a_request_escalates_over_every_obstacle(policy in policies(), mut events in events(), frustration in 0_u32..=20) {
        let mut analysis = angry(f64::from(frustration) / 20.0);
        analysis.human_request = 0.5;
        let at = events.iter().rev().find_map(|event| match event {
            Event::Message { at, .. } | Event::BotFailed { at } => Some(*at),
            Event::Answered => None,
        });
        events.push(Event::Message { text: "somebody please".into(), analysis, at: at.unwrap_or_default() });
        let decision = last_verdict(&policy, &events).unwrap();
        prop_assert!(decision.is_escalation());
        prop_assert!(decision.reasons.iter().any(|reason| reason.code == ReasonCode::AskedForHuman));
    }

    /// Whatever is said to have been able to keep the bot in control, would have.
    #[test]
    fn counterfactuals_are_true(policy in policies(), events in events()) {
        for Verdict { event, decision } in replay(&policy, &events) {
            let told = counterfactual(&policy, &events, event);
            if !decision.is_escalation() {
                prop_assert_eq!(told, None);
                continue;
            }
            match told {
                None => {}
                Some(Counterfactual::WithoutReason { code, name, score, would_stay }) => {
                    prop_assert_eq!(code, decision.reasons[0].code);
                    let mut milder = policy.clone();
                    match code {
                        ReasonCode::AskedForHuman => milder.rules.human_request_at = 2.0,
                        ReasonCode::LegalThreat | ReasonCode::Safety => milder.rules.immediate.at = 2.0,
                        ReasonCode::OwnIntent => milder.intents.retain(|own| Some(&own.name) != name.as_ref()),
                        _ => milder.rules.keywords.clear(),
                    }
                    let other = last_verdict(&milder, &events[..=event]).unwrap();
                    prop_assert_eq!((other.score.value, !other.is_escalation()), (score, would_stay));
                }
                Some(Counterfactual::WithoutMessage { event: left_out, score }) => {
                    prop_assert!(left_out < event && events[left_out].is_message());
                    let mut without = events[..=event].to_vec();
                    without.remove(left_out);
                    let other = last_verdict(&policy, &without).unwrap();
                    prop_assert_eq!((other.score.value, other.is_escalation()), (score, false));
                }
                Some(Counterfactual::WithLine { line, score }) => {
                    prop_assert_eq!(score, decision.score.value);
                    let with = |enter: f64| EscalationPolicy { enter, ..policy.clone() };
                    let other = last_verdict(&with(line), &events[..=event]).unwrap();
                    prop_assert!(!other.is_escalation(), "the line {line} would have kept it");
                }
            }
        }
    }
}

/// The decisions in a visitor's log, in order.
async fn decisions(world: &World, name: &str) -> Vec<Decision> {
    let log = world.log(name).await;
    log.into_iter()
        .filter_map(|entry| match entry.kind {
            EntryKind::Decision(decision) => Some(*decision),
            _ => None,
        })
        .collect()
}

/// The whole way of one conversation, with everything that decisions are made of. `finish` replays it.
#[tokio::test]
async fn invariant_9_what_is_stored_replays_bit_for_bit() {
    let mut world = World::start().await;
    world.agent("ana", AgentTraits::default()).await;
    world.bot().does(BotMode::AtOnce(Reply::NoAnswer(None)));
    world.analyzer().finds_differently("So?", angry(0.7), angry(0.123_4), Some(When::After(seconds(3))));
    world.analyzer().finds("WHERE IS MY PARCEL", angry(0.456_7));
    for text in ["Hello", "So?", "WHERE IS MY PARCEL", "Where is my parcel, please?", "thanks"] {
        world.says("eve", text).await.unwrap();
        world.advance(seconds(7)).await;
    }
    world.bot().does(BotMode::AtOnce(Reply::Answer("Here.".into())));
    world.accepts("ana", "eve").await.unwrap();
    world.tells("ana", "eve", "Hello").await.unwrap();
    world.says("eve", "So?").await.unwrap();
    world.advance(seconds(7)).await;
    world.hands_back("ana", "eve").await.unwrap();
    world.says("eve", "WHERE IS MY PARCEL").await.unwrap();
    world.advance(seconds(7)).await;
    assert!(decisions(&world, "eve").await.len() >= 9);
    world.finish().await;
}

/// A published policy decides from the next message on; what was decided before keeps the label of its own.
#[tokio::test]
async fn a_new_policy_decides_from_the_next_message_on() {
    let mut world = World::start().await;
    for text in ["Hm.", "Hm hm.", "Hm hm hm."] {
        world.analyzer().finds(text, angry(0.5));
    }
    for text in ["Hm.", "Hm hm."] {
        world.says("eve", text).await.unwrap();
        world.settle().await;
    }
    world.publish(EscalationPolicy { version: 2, enter: 0.3, leave: 0.1, ..EscalationPolicy::default() });
    assert_eq!(world.state("eve").await, StateName::WithBot, "nothing is decided twice");
    world.says("eve", "Hm hm hm.").await.unwrap();
    world.settle().await;
    let labels: Vec<String> = decisions(&world, "eve").await.into_iter().map(|d| d.policy).collect();
    assert_eq!(labels, ["default@1", "default@1", "default@2"]);
    world.finish().await;
}

/// What the handoff tells an agent is what a replay of the store tells.
#[tokio::test]
async fn a_stored_counterfactual_is_the_recomputed_one() {
    let mut world = World::start().await;
    world.agent("ana", AgentTraits::default()).await;
    for (text, found) in [("Bad.", angry(0.9)), ("Worse.", angry(0.9)), ("Give me a person", human(0.9))] {
        world.analyzer().finds(text, found);
    }
    world.says("eve", "Bad.").await.unwrap();
    world.settle().await;
    world.says("eve", "Worse.").await.unwrap();
    world.settle().await;
    world.says("tom", "Give me a person").await.unwrap();
    world.settle().await;
    for name in ["eve", "tom"] {
        let id = world.conversation(name).await.id;
        let handoff = world.store().handoffs(&id).await.unwrap().remove(0);
        let analyses = world.store().analyses(&id).await.unwrap();
        let events: Vec<Event> = events_of(&world.log(name).await, &analyses)
            .into_iter()
            .map(|(_, event)| event)
            .filter(Event::is_message)
            .collect();
        let told = counterfactual(world.policy(), &events, events.len() - 1);
        assert!(told.is_some());
        assert_eq!(handoff.counterfactual, told, "{name}");
        assert!(!handoff.words.is_empty(), "{name}: the words that counted are stored after the escalation");
    }
    world.finish().await;
}

/// What the model finds later replaces what words found, at its place in the conversation, and may escalate: once.
#[tokio::test]
async fn a_late_analysis_revises_and_may_escalate_once() {
    let mut world = World::start().await;
    world.agent("ana", AgentTraits::default()).await;
    world.analyzer().answers(When::After(seconds(5)));
    for text in ["How droll.", "How very droll.", "Droll indeed."] {
        world.analyzer().finds_differently(text, angry(0.95), angry(0.1), None);
        world.says("eve", text).await.unwrap();
        world.advance(seconds(1)).await;
    }
    assert_eq!(world.state("eve").await, StateName::WithBot, "on words nothing happens");
    let on_words = decisions(&world, "eve").await;
    assert!(on_words.iter().all(|decision| !decision.is_escalation() && decision.score.value < 0.2));
    world.advance(seconds(10)).await;
    assert_eq!(world.state("eve").await, StateName::Offered);
    let id = world.conversation("eve").await.id;
    assert_eq!(world.store().handoffs(&id).await.unwrap().len(), 1, "once");
    let (version, n_decisions) =
        (world.conversation("eve").await.version, decisions(&world, "eve").await.len());
    world.advance(seconds(10)).await;
    assert_eq!(world.conversation("eve").await.version, version, "and then there is peace");
    assert_eq!(decisions(&world, "eve").await.len(), n_decisions);
    world.finish().await;
}

/// Words called a human; the model, later, is calm. The visitor keeps the place: nothing is taken back, nothing loops.
#[tokio::test]
async fn a_late_analysis_never_takes_an_escalation_back() {
    let mut world = World::start().await;
    world.analyzer().answers(When::After(seconds(5)));
    for text in ["Bad.", "Very bad."] {
        world.analyzer().finds_differently(text, calm(), angry(0.95), None);
        world.says("eve", text).await.unwrap();
        world.advance(seconds(1)).await;
    }
    assert_eq!(world.state("eve").await, StateName::Queued);
    world.advance(seconds(20)).await;
    assert_eq!(world.state("eve").await, StateName::Queued);
    let last = decisions(&world, "eve").await.pop().unwrap();
    assert!(!last.is_escalation() && last.score.value < 0.2, "the curve tells what the model found");
    let id = world.conversation("eve").await.id;
    assert_eq!(world.store().handoffs(&id).await.unwrap().len(), 1);
    world.finish().await;
}

/// A message that was late and has had its effect does not call a human again when the bot has the conversation back.
#[tokio::test]
async fn a_late_analysis_of_what_had_its_effect_calls_nobody_again() {
    let mut world = World::start().await;
    world.analyzer().finds_differently("Bad.", angry(0.95), angry(0.9), Some(When::After(seconds(30))));
    world.analyzer().finds_differently("Very bad.", angry(0.95), angry(0.95), Some(When::After(seconds(30))));
    world.says("eve", "Bad.").await.unwrap();
    world.advance(seconds(1)).await;
    world.says("eve", "Very bad.").await.unwrap();
    world.advance(seconds(1)).await;
    assert_eq!(world.state("eve").await, StateName::Queued);
    world.continues("eve").await.unwrap();
    world.advance(seconds(60)).await;
    assert_eq!(world.state("eve").await, StateName::WithBot);
    world.finish().await;
}

/// The model hangs: acknowledging, agents and requests wait for nothing; only the bot waits, and only for the budget.
#[tokio::test]
async fn invariant_3_a_stalled_model_delays_nothing_but_the_bot() {
    let mut world = World::start().await;
    world.agent("ana", AgentTraits::default()).await;
    world.analyzer().answers(When::Never);
    world.says("eve", "Where is my parcel?").await.unwrap();
    world.settle().await;
    assert_eq!(world.bot().n_asked(), 0, "the bot waits for the budget");
    let before = world.now();
    world.says("tom", "get me a human").await.unwrap();
    world.round().await;
    assert_eq!((world.state("tom").await, world.now()), (StateName::Offered, before), "at once");
    world.accepts("ana", "tom").await.unwrap();
    world.says("tom", "Hello Ana").await.unwrap();
    world.tells("ana", "tom", "Hello Tom").await.unwrap();
    world.asks("eve").await.unwrap();
    world.round().await;
    assert_eq!((world.state("eve").await, world.now()), (StateName::Offered, before), "at once");
    world.continues("eve").await.unwrap();
    world.says("eve", "So?").await.unwrap();
    world.advance(seconds(1)).await;
    // About each message, or about the last of both: they are decided in the same instant.
    assert!((1..=2).contains(&world.bot().n_asked()), "words answered within the budget");
    let log = world.log("eve").await;
    let n_analyzed = world.store().analyses(&world.conversation("eve").await.id).await.unwrap().len();
    let is_said = |entry: &&baton::domain::conversation::Entry| {
        entry.author == baton::domain::conversation::Author::Visitor
    };
    assert_eq!(n_analyzed, log.iter().filter(is_said).count(), "every message is decided");
    world.finish().await;
}

/// The process died before a message was decided, and the model hangs in the next: words decide, and time goes on.
#[tokio::test]
async fn invariant_3_a_stalled_model_does_not_stop_the_watch() {
    let mut world = World::start().await;
    world.agent("ana", AgentTraits::default()).await;
    world.analyzer().answers(When::Never);
    world.says("eve", "Where is my parcel?").await.unwrap();
    world.asks("tom").await.unwrap();
    world.restart().await;
    world.comes_back("ana").await.unwrap();
    world.round().await;
    assert_eq!(world.state("tom").await, StateName::Offered);
    world.advance(seconds(5)).await;
    assert_eq!(world.bot().n_asked(), 1, "the message is decided on words");
    world.advance(seconds(30)).await;
    assert_eq!(world.state("tom").await, StateName::Queued, "the offer has run out as ever");
    world.finish().await;
}

/// A model that never answers does not hold up the end of the process.
#[tokio::test]
async fn a_stalled_model_does_not_hold_up_the_end() {
    let mut world = World::start().await;
    world.analyzer().answers(When::Never);
    world.says("eve", "Where is my parcel?").await.unwrap();
    world.advance(seconds(2)).await;
    world.tracker().stop();
    assert_eq!(world.tracker().wait(seconds(5)).await, Ok(()));
    world.finish().await;
}

/// The first message, without any anger, on a policy that would wait for three: the immediate intents wait for none.
#[tokio::test]
async fn immediate_intents_ask_nothing_else() {
    for (intent, code) in
        [(Intent::LegalThreat, ReasonCode::LegalThreat), (Intent::Safety, ReasonCode::Safety)]
    {
        let policy = EscalationPolicy { min_messages: 3, ..EscalationPolicy::default() };
        let world = World::builder().policy(policy).start().await;
        world.analyzer().finds("It says so on the label", about(intent, 0.7));
        world.says("eve", "It says so on the label").await.unwrap();
        world.settle().await;
        let decision = decisions(&world, "eve").await.remove(0);
        assert_eq!(decision.reasons[0].code, code);
        assert_eq!(world.bot().n_asked(), 0);
        world.finish().await;
    }
}

/// The bot fails while the next message is still being looked at: both are decided as they stand in the log.
#[tokio::test]
async fn a_failure_before_an_undecided_message_is_decided_in_order() {
    let mut world = World::start().await;
    world.agent("ana", AgentTraits::default()).await;
    world.bot().does(BotMode::WhenTold);
    world.says("eve", "Can I pay in shells?").await.unwrap();
    world.settle().await;
    world.analyzer().finds_differently("Hello??", angry(0.8), angry(0.3), Some(When::After(seconds(3))));
    world.says("eve", "Hello??").await.unwrap();
    world.settle().await;
    assert!(world.bot().replies(Reply::NoAnswer(None)));
    world.settle().await;
    world.advance(seconds(1)).await;
    world.advance(seconds(5)).await;
    let conversation = world.conversation("eve").await;
    let last = decisions(&world, "eve").await;
    assert_eq!(conversation.score, last.iter().max_by_key(|d| d.about).map(|d| d.score.value));
    world.finish().await;
}
