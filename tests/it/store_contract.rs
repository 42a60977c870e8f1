//! The contract of the Store port, one test per promise, for every store there is.
//! Not what the flow makes of it, and not what only one engine does.

use crate::support::scripted::calm;
use crate::support::stored::{accept, at, cnv, escalate, get, handoff, key, offer, open, receipt, says};
use crate::support::stores::{EveryPort, on_every_store};
use crate::support::world::{agent, body, minutes, queue, seconds, visitor};
use baton::domain::agent::Presence;
use baton::domain::conversation::{
    Author, Change, Conversation, EntryKind, HandoffChange, Lost, NewEntry, Notice, Reservation, StateName,
    Turned,
};
use baton::domain::escalation::{EscalationPolicy, ReasonCode, decide_trigger};
use baton::domain::handoff::{CountedWord, HandoffOutcome, HandoffStatus};
use baton::domain::id::{HandoffId, NodeId, OfferId, WidgetKey};
use baton::domain::outcome::{Csat, Disposition, Label, WrapUp};
use baton::domain::queue::Priority;
use baton::domain::score::Fold;
use baton::flow::ports::{
    Ack, Committed, Company, Judgement, Overdue, ReadMarks, Search, Seen, StoreError, Term,
};

on_every_store! {
    receive_numbers_messages_and_waits_for_no_version,
    receive_refuses_who_has_nothing_open,
    a_retry_has_the_first_answer_and_changes_nothing,
    a_client_id_used_for_something_else_is_refused,
    a_change_made_from_an_older_version_is_refused_whole,
    a_placed_change_is_refused_when_the_log_has_grown,
    a_visitor_has_one_open_conversation,
    a_conversation_comes_back_as_it_was_written,
    entries_come_back_in_order_and_visitors_see_theirs,
    only_the_senders_own_entry_carries_the_client_id,
    analyses_come_back_bit_for_bit_and_are_replaced,
    a_handoff_is_written_followed_and_ended_once,
    invariant_5_one_open_handoff_for_a_conversation,
    invariant_6_room_is_checked_in_the_write_that_takes_it,
    attendance_keeps_what_agents_choose_and_since_when_they_are_lost,
    whoever_holds_something_is_connected_or_lost,
    judgements_of_agent_and_visitor_stand_beside_each_other,
    read_marks_never_go_back_or_past_the_end,
    seen_never_goes_back,
    waiting_and_left_messages_are_listed,
    overdue_names_what_time_has_to_look_at,
    overdue_leaves_a_message_that_was_brought_back_in_the_queue,
    measured_waits_are_of_a_queue_since_an_instant_latest_first,
    a_wait_is_measured_to_the_first_answer,
    search_finds_by_state_agent_words_and_time,
    glances_show_the_last_message_the_reason_and_the_marks,
    opened_between_goes_through_all_once_oldest_first,
    figures_count_states_and_reasons,
    many_writers_get_each_number_once,
}

fn everything(limit: usize) -> Search {
    Search { limit, ..Search::default() }
}

async fn receive_numbers_messages_and_waits_for_no_version(store: &dyn EveryPort) {
    let before = open(store, "eve", 0).await;
    let ack = store.receive(receipt("eve", "c1", "Where is it?", 5)).await.unwrap();
    let wanted = Ack { conversation: cnv("eve"), position: Some(2), visitor_seq: Some(2), at: at(5) };
    assert_eq!(ack, wanted);
    // A step decided before the message came in is not refused because of it, and loses no number.
    let notice = NewEntry::notice(Notice::Ended, &[], at(6));
    store.commit(Change::of(before).with(notice), None, at(6)).await.unwrap();
    let after = get(store, "eve").await;
    assert_eq!((after.last_position, after.last_visitor_seq, after.last_visitor_position), (3, 3, 2));
    assert_eq!(after.visitor_seen_at, at(5));
}

async fn receive_refuses_who_has_nothing_open(store: &dyn EveryPort) {
    let opened = open(store, "eve", 0).await;
    assert_eq!(store.receive(receipt("mallory", "c1", "It is me", 1)).await, Err(StoreError::Conflict));
    store.commit(opened.end(at(2)).unwrap(), None, at(2)).await.unwrap();
    assert_eq!(store.receive(receipt("eve", "c2", "Hello?", 3)).await, Err(StoreError::Conflict));
    assert_eq!(store.receive(receipt("nobody", "c3", "Hello?", 3)).await, Err(StoreError::Conflict));
}

async fn a_retry_has_the_first_answer_and_changes_nothing(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    let first = store.receive(receipt("eve", "c1", "Where is it?", 5)).await.unwrap();
    let again = store.receive(receipt("eve", "c1", "Where is it?", 99)).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(store.entries(&cnv("eve"), 0, 10).await.unwrap().len(), 2);
    assert_eq!(store.answered(&key("eve", "c1", 12)).await.unwrap(), Some(first));
    assert_eq!(store.answered(&key("eve", "c2", 12)).await.unwrap(), None);
    assert_eq!(store.answered(&key("tom", "c1", 12)).await.unwrap(), None, "client ids are each actor's own");

    let change = || async { get(store, "eve").await.end(at(7)).unwrap() };
    let ended = store.commit(change().await, Some(key("eve", "c3", 1)), at(7)).await.unwrap();
    let stale = Change::of(Conversation::open(cnv("eve"), visitor("eve"), at(0)));
    assert!(ended.is_written);
    let again = store.commit(stale, Some(key("eve", "c3", 1)), at(8)).await;
    assert_eq!(again, Ok(Committed { is_written: false, ..ended }));
}

async fn a_client_id_used_for_something_else_is_refused(store: &dyn EveryPort) {
    let opened = open(store, "eve", 0).await;
    store.receive(receipt("eve", "c1", "Where is it?", 5)).await.unwrap();
    assert_eq!(store.receive(receipt("eve", "c1", "Another thing", 6)).await, Err(StoreError::ClientId));
    assert_eq!(store.answered(&key("eve", "c1", 99)).await, Err(StoreError::ClientId));
    let refused = store.commit(Change::of(opened), Some(key("eve", "c1", 99)), at(7)).await;
    assert_eq!(refused, Err(StoreError::ClientId));
}

async fn a_change_made_from_an_older_version_is_refused_whole(store: &dyn EveryPort) {
    let read = open(store, "eve", 0).await;
    store.commit(Change::of(read.clone()).with(says("first", 1)), None, at(1)).await.unwrap();
    let stale = read.escalate(handoff("eve", 2), vec![says("second", 2)]).unwrap();
    assert_eq!(store.commit(stale, None, at(2)).await, Err(StoreError::Conflict));
    assert_eq!(store.entries(&cnv("eve"), 0, 10).await.unwrap().len(), 2);
    assert!(store.handoffs(&cnv("eve")).await.unwrap().is_empty());
    assert_eq!(get(store, "eve").await.version, 2);
    let unknown = Change::of(Conversation::open(cnv("tom"), visitor("tom"), at(0)));
    assert_eq!(store.commit(unknown, None, at(2)).await, Err(StoreError::NotFound));
}

/// A change that names positions of its own entries is refused when a message came in before it.
async fn a_placed_change_is_refused_when_the_log_has_grown(store: &dyn EveryPort) {
    let read = open(store, "eve", 0).await;
    let mut placed = Change::of(read).with(NewEntry::notice(Notice::Ended, &[], at(2)));
    placed.is_placed = true;
    store.receive(receipt("eve", "c1", "Wait!", 1)).await.unwrap();
    assert_eq!(store.commit(placed.clone(), None, at(2)).await, Err(StoreError::Conflict));
    placed.conversation = get(store, "eve").await;
    assert_eq!(store.commit(placed, None, at(3)).await.unwrap().ack.position, Some(3));
}

async fn a_visitor_has_one_open_conversation(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    let mut second = Change::of(Conversation::open(cnv("other"), visitor("eve"), at(1)));
    second.is_new = true;
    assert_eq!(store.commit(second.clone(), None, at(1)).await, Err(StoreError::Conflict));
    let ended = get(store, "eve").await.end(at(2)).unwrap();
    store.commit(ended, None, at(2)).await.unwrap();
    store.commit(second, None, at(3)).await.unwrap();
    assert_eq!(store.latest_of(&visitor("eve")).await.unwrap().unwrap().id, cnv("other"));
    assert_eq!(store.latest_of(&visitor("tom")).await.unwrap(), None);
    let earlier = store.earlier_of(&visitor("eve"), &cnv("other")).await.unwrap();
    assert_eq!(earlier.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [cnv("eve")]);
    assert!(store.earlier_of(&visitor("eve"), &cnv("eve")).await.unwrap().is_empty());
}

async fn a_conversation_comes_back_as_it_was_written(store: &dyn EveryPort) {
    let mut conversation = Conversation::open(cnv("eve"), visitor("eve"), at(0));
    conversation.widget = Some(WidgetKey::from_suffix("shop"));
    conversation.email = Some("eve@mail.example".into());
    conversation.previous = Some(cnv("before"));
    conversation.score = Some(0.1234);
    conversation.tier = 3;
    conversation.priority = Priority::Urgent;
    let mut change = Change::of(conversation.clone());
    change.is_new = true;
    store.commit(change, None, at(0)).await.unwrap();
    let mut read = get(store, "eve").await;
    assert_eq!(read.version, 1);
    read.version = 0;
    assert_eq!(read, conversation);
    assert_eq!(store.conversation(&cnv("nobody")).await.unwrap(), None);

    for name in ["a", "b"] {
        open(store, name, 1).await;
        escalate(store, name, 2).await;
    }
    offer(store, "a", "ana", 1, 3).await.unwrap();
    let expired = get(store, "a").await;
    let offer_id = OfferId::from_suffix("a");
    let change = expired.turn_down(&offer_id, Turned::Expired, at(33), minutes(2)).unwrap();
    let wanted = Conversation { version: change.conversation.version + 1, ..change.conversation.clone() };
    store.commit(change, None, at(33)).await.unwrap();
    assert_eq!(get(store, "a").await, wanted);
}

async fn entries_come_back_in_order_and_visitors_see_theirs(store: &dyn EveryPort) {
    let opened = open(store, "eve", 0).await;
    let decision = decide_trigger(&EscalationPolicy::default(), &Fold::default(), ReasonCode::BotSilent);
    let ana = Author::Agent { id: agent("ana"), name: "Ana".into() };
    let written = [
        NewEntry {
            author: Author::Bot,
            kind: EntryKind::Message { body: body("?"), is_no_answer: true },
            at: at(1),
        },
        NewEntry { author: ana.clone(), kind: EntryKind::Note { body: body("careful") }, at: at(2) },
        NewEntry::decision(decision, at(3)),
        NewEntry::notice(Notice::AgentJoined, &[("agent", "Ana".into())], at(4)),
        NewEntry { author: Author::Bot, kind: EntryKind::Unsent { body: body("late") }, at: at(5) },
        NewEntry::message(ana, body("Hello 🦀\u{2028}"), at(6)),
    ];
    let mut change = Change::of(opened);
    change.entries = written.to_vec();
    store.commit(change, None, at(6)).await.unwrap();
    let all = store.entries(&cnv("eve"), 1, 10).await.unwrap();
    for (index, (entry, wanted)) in all.iter().zip(&written).enumerate() {
        assert_eq!(entry.position, index as u64 + 2);
        assert_eq!((&entry.author, &entry.kind, entry.at), (&wanted.author, &wanted.kind, wanted.at));
    }
    let seqs: Vec<_> = all.iter().map(|entry| entry.visitor_seq).collect();
    assert_eq!(seqs, [Some(2), None, None, Some(3), None, Some(4)], "invariant 14");
    let visible = store.visible_entries(&cnv("eve"), 1.into(), 2).await.unwrap();
    assert_eq!(visible.iter().map(|entry| entry.position).collect::<Vec<_>>(), [2, 5]);
    // Who knows where the second of them stands finds the same as who knows only its number.
    for position in 2..=4 {
        let seen = Seen { seq: 2, position };
        let visible = store.visible_entries(&cnv("eve"), seen, 2).await.unwrap();
        assert_eq!(visible.iter().map(|entry| entry.position).collect::<Vec<_>>(), [5, 7], "{seen:?}");
    }
    assert_eq!(store.entries(&cnv("eve"), 3, 2).await.unwrap()[0].position, 4);
    assert!(store.entries(&cnv("nobody"), 0, 10).await.unwrap().is_empty());
}

async fn only_the_senders_own_entry_carries_the_client_id(store: &dyn EveryPort) {
    let opened = open(store, "eve", 0).await;
    let change = Change::of(opened).with(says("mine", 1)).with(NewEntry::notice(Notice::Queued, &[], at(1)));
    let ack = store.commit(change, Some(key("eve", "c9", 1)), at(1)).await.unwrap().ack;
    assert_eq!(
        (ack.position, ack.visitor_seq),
        (Some(2), Some(2)),
        "the first entry is the one acknowledged"
    );
    let ids: Vec<_> =
        store.entries(&cnv("eve"), 1, 10).await.unwrap().into_iter().map(|entry| entry.client_id).collect();
    assert_eq!(ids, [Some("c9".to_owned()), None]);
}

async fn analyses_come_back_bit_for_bit_and_are_replaced(store: &dyn EveryPort) {
    let opened = open(store, "eve", 0).await;
    let mut analysis = calm();
    analysis.frustration = 0.3333;
    let mut change = Change::of(opened);
    change.analyses = vec![(1, analysis.clone())];
    store.commit(change, None, at(1)).await.unwrap();
    assert_eq!(store.analyses(&cnv("eve")).await.unwrap().get(&1), Some(&analysis));
    analysis.frustration = 0.1;
    let mut change = Change::of(get(store, "eve").await);
    change.analyses = vec![(1, analysis.clone())];
    store.commit(change, None, at(2)).await.unwrap();
    let all = store.analyses(&cnv("eve")).await.unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [(1, analysis)]);
}

async fn a_handoff_is_written_followed_and_ended_once(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    escalate(store, "eve", 10).await;
    let begun = store.handoffs(&cnv("eve")).await.unwrap();
    assert_eq!(begun, [handoff("eve", 10)]);

    let word = CountedWord { text: "human".into(), weight: 1.5, position: 1 };
    store.record_words(&begun[0].id, vec![word.clone()]).await.unwrap();
    assert_eq!(store.handoffs(&cnv("eve")).await.unwrap()[0].words, [word]);
    let nobody = HandoffId::from_suffix("nobody");
    assert_eq!(store.record_words(&nobody, Vec::new()).await, Err(StoreError::NotFound));

    offer(store, "eve", "ana", 1, 20).await.unwrap();
    accept(store, "eve", "ana", 25).await;
    let accepted = &store.handoffs(&cnv("eve")).await.unwrap()[0];
    assert_eq!((accepted.status, accepted.accepted_at), (HandoffStatus::Accepted, Some(at(25))));
    assert_eq!(accepted.agent, Some(agent("ana")));

    let done = get(store, "eve").await.resolve(&agent("ana"), at(40)).unwrap();
    store.commit(done, None, at(40)).await.unwrap();
    let ended = &store.handoffs(&cnv("eve")).await.unwrap()[0];
    assert_eq!((ended.status, ended.ended_at), (HandoffStatus::Completed, Some(at(40))));

    // What has ended cannot end, or be accepted, again.
    let id = ended.id.clone();
    for step in [
        HandoffChange::End { handoff: id.clone(), outcome: HandoffOutcome::Abandoned, at: at(50) },
        HandoffChange::Accept { handoff: id.clone(), agent: agent("ben"), at: at(50) },
        HandoffChange::Reopen { handoff: id },
    ] {
        let mut forced = Change::of(get(store, "eve").await);
        forced.handoffs.push(step);
        assert_eq!(store.commit(forced, None, at(50)).await, Err(StoreError::Conflict));
    }
}

async fn invariant_5_one_open_handoff_for_a_conversation(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    let waiting = escalate(store, "eve", 10).await;
    let mut forced = Change::of(waiting);
    forced.handoffs.push(HandoffChange::Begin(Box::new(handoff("eve", 11))));
    assert_eq!(store.commit(forced, None, at(11)).await, Err(StoreError::Conflict));
    assert_eq!(store.handoffs(&cnv("eve")).await.unwrap().len(), 1);
}

async fn invariant_6_room_is_checked_in_the_write_that_takes_it(store: &dyn EveryPort) {
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        open(store, name, index as i64).await;
        escalate(store, name, 10).await;
    }
    offer(store, "a", "ana", 2, 20).await.unwrap();
    offer(store, "b", "ana", 2, 21).await.unwrap();
    assert_eq!(offer(store, "c", "ana", 2, 22).await, Err(StoreError::NoRoom));
    assert_eq!(get(store, "c").await.state.name(), StateName::Queued);
    accept(store, "a", "ana", 23).await;
    assert_eq!(offer(store, "c", "ana", 2, 24).await, Err(StoreError::NoRoom), "held counts like offered");
    let done = get(store, "a").await.resolve(&agent("ana"), at(25)).unwrap();
    store.commit(done, None, at(25)).await.unwrap();
    offer(store, "c", "ana", 2, 26).await.unwrap();

    let ana = store.attendance().await.unwrap()[&agent("ana")];
    assert_eq!((ana.held, ana.last_offer_at), (2, Some(at(26))));
    let held: Vec<_> = store.held_by(&agent("ana")).await.unwrap().into_iter().map(|c| c.id).collect();
    assert_eq!(held, [cnv("a"), cnv("b"), cnv("c")], "wrap-up is hers too");
    assert_eq!(store.closed_by_since(&agent("ana"), at(25)).await.unwrap(), 1);
    assert_eq!(store.closed_by_since(&agent("ana"), at(26)).await.unwrap(), 0);
}

async fn attendance_keeps_what_agents_choose_and_since_when_they_are_lost(store: &dyn EveryPort) {
    let (ana, ben) = (agent("ana"), agent("ben"));
    store.set_presence(&ana, Presence::Online).await.unwrap();
    assert!(!store.attendance().await.unwrap()[&ana].is_reachable(), "never connected yet");
    let until = |now: i64| Term { now: at(now), expires_at: at(now + 100) };
    let lease = store.take(&NodeId::from_suffix("one"), until(0), Company::Alone).await.unwrap();
    store.connected(&lease, &ana).await.unwrap();
    store.connected(&lease, &ben).await.unwrap();
    store.disconnected(&lease, &ben, at(1)).await.unwrap();
    assert!(store.attendance().await.unwrap()[&ana].is_reachable());
    let lease = store.take(&NodeId::from_suffix("two"), until(9), Company::Alone).await.unwrap();
    let all = store.attendance().await.unwrap();
    assert_eq!(all[&ana].lost_at, Some(at(9)));
    assert_eq!(all[&ben].lost_at, Some(at(1)), "whoever was lost stays lost since then");
    assert_eq!(all[&ana].presence, Presence::Online);
    store.set_presence(&ana, Presence::Away).await.unwrap();
    store.connected(&lease, &ana).await.unwrap();
    assert!(!store.attendance().await.unwrap()[&ana].is_reachable());
}

/// Somebody whose coming could not be written takes a conversation: whatever happens next, they are missed like others.
async fn whoever_holds_something_is_connected_or_lost(store: &dyn EveryPort) {
    let until = |now: i64| Term { now: at(now), expires_at: at(now + 100) };
    let lease = store.take(&NodeId::from_suffix("one"), until(0), Company::Alone).await.unwrap();
    store.connected(&lease, &agent("ana")).await.unwrap();
    // Ben has chosen something before; of Cem nothing is known.
    store.set_presence(&agent("ben"), Presence::Away).await.unwrap();
    for (name, by) in [("a", "ana"), ("b", "ben"), ("c", "cem")] {
        open(store, name, 10).await;
        let waiting = escalate(store, name, 11).await;
        let reservation = Reservation { agent: agent(by), capacity: 1 };
        store.commit(waiting.take(reservation, by, at(12)).unwrap(), None, at(12)).await.unwrap();
    }
    let seen = async || {
        let all = store.attendance().await.unwrap();
        ["ana", "ben", "cem"].map(|name| (all[&agent(name)].held, all[&agent(name)].lost_at))
    };
    assert_eq!(seen().await, [(1, None), (1, Some(at(12))), (1, Some(at(12)))]);
    store.renew(&lease, &[agent("ana"), agent("ben")], until(13)).await.unwrap();
    assert_eq!(seen().await, [(1, None), (1, None), (1, Some(at(12)))], "Ben was there all the time");
    store.take(&NodeId::from_suffix("two"), until(20), Company::Alone).await.unwrap();
    assert_eq!(seen().await, [(1, Some(at(20))), (1, Some(at(20))), (1, Some(at(12)))]);
}

async fn judgements_of_agent_and_visitor_stand_beside_each_other(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    assert_eq!(store.judgement(&cnv("eve")).await.unwrap(), Judgement::default());
    let csat = Csat { conversation: cnv("eve"), score: 4, comment: Some("fine".into()) };
    store.record_csat(csat, at(5)).await.unwrap();
    let wrap_up =
        WrapUp { disposition: Disposition::Unsolved, label: Some(Label::Early), note: Some("call".into()) };
    store.record_wrap_up(&cnv("eve"), &agent("ana"), wrap_up.clone()).await.unwrap();
    let judged = store.judgement(&cnv("eve")).await.unwrap();
    assert_eq!(judged.csat, Some((4, Some("fine".into()))));
    assert_eq!(judged.wrap_up, Some(wrap_up));
}

async fn read_marks_never_go_back_or_past_the_end(store: &dyn EveryPort) {
    let opened = open(store, "eve", 0).await;
    store.commit(Change::of(opened).with(says("two", 1)), None, at(1)).await.unwrap();
    let id = cnv("eve");
    let mark = |visitor, agent| ReadMarks { visitor, agent };
    assert!(store.record_read(&id, mark(1, 0)).await.unwrap());
    assert!(!store.record_read(&id, mark(1, 0)).await.unwrap(), "nothing moved");
    assert!(store.record_read(&id, mark(0, 2)).await.unwrap());
    assert!(store.record_read(&id, mark(99, 0)).await.unwrap());
    assert_eq!(store.read_marks(&id).await.unwrap(), mark(2, 2), "not past the end");
    assert!(!store.record_read(&id, mark(1, 1)).await.unwrap());
    assert_eq!(store.read_marks(&id).await.unwrap(), mark(2, 2));
}

async fn seen_never_goes_back(store: &dyn EveryPort) {
    let version = open(store, "eve", 10).await.version;
    store.record_visitor_seen(&cnv("eve"), at(20)).await.unwrap();
    store.record_visitor_seen(&cnv("eve"), at(15)).await.unwrap();
    let after = get(store, "eve").await;
    assert_eq!((after.visitor_seen_at, after.version), (at(20), version), "and is no step");
}

async fn waiting_and_left_messages_are_listed(store: &dyn EveryPort) {
    for name in ["a", "b", "c", "d"] {
        open(store, name, 0).await;
    }
    for name in ["a", "b", "c"] {
        escalate(store, name, 1).await;
    }
    offer(store, "b", "ana", 1, 2).await.unwrap();
    let left = get(store, "c").await.leave_message("c@mail.example".into(), at(99), at(3)).unwrap();
    store.commit(left, None, at(3)).await.unwrap();
    let mut waiting = store.waiting().await.unwrap();
    waiting.sort_by_key(|c| c.id.clone());
    assert_eq!(waiting.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [cnv("a"), cnv("b")]);
    let mut places = store.places().await.unwrap();
    places.sort_by_key(|place| place.conversation.clone());
    assert_eq!(places, waiting.iter().filter_map(Conversation::place).collect::<Vec<_>>());
    let left: Vec<_> = store.left_messages().await.unwrap().into_iter().map(|c| c.id).collect();
    assert_eq!(left, [cnv("c")]);
}

/// What time has to look at, and nothing else.
async fn overdue_names_what_time_has_to_look_at(store: &dyn EveryPort) {
    let before = |second: i64| Overdue {
        now: at(second),
        undecided_before: at(second - 3),
        idle_before: at(second - 3600),
        gone_before: at(second - 600),
        wrap_up_before: at(second - 300),
    };
    let names = |second: i64| async move {
        let mut names = store.overdue(before(second), 100).await.unwrap();
        names.sort();
        names
    };
    // `new` has an undecided message; the rest are decided.
    open(store, "new", 0).await;
    for name in ["idle", "offered", "gone", "left", "done", "held"] {
        let mut opened = open(store, name, 0).await;
        opened.decided_position = 1;
        store.commit(Change::of(opened), None, at(0)).await.unwrap();
    }
    assert!(names(2).await.is_empty(), "all are fresh");
    assert_eq!(names(3).await, [cnv("new")], "undecided");
    for name in ["offered", "gone", "left", "done", "held"] {
        escalate(store, name, 4).await;
    }
    offer(store, "offered", "ana", 9, 4).await.unwrap();
    let left = get(store, "left").await.leave_message("l@mail.example".into(), at(100), at(4)).unwrap();
    store.commit(left, None, at(4)).await.unwrap();
    for name in ["done", "held"] {
        offer(store, name, "ana", 9, 4).await.unwrap();
        accept(store, name, "ana", 5).await;
    }
    let done = get(store, "done").await.resolve(&agent("ana"), at(5)).unwrap();
    store.commit(done, None, at(5)).await.unwrap();
    let mut decided = get(store, "new").await;
    decided.decided_position = 1;
    store
        .commit(Change::of(decided).with(NewEntry::notice(Notice::Ended, &[], at(5))), None, at(5))
        .await
        .unwrap();

    assert!(names(33).await.is_empty());
    assert_eq!(names(34).await, [cnv("offered")], "the offer has ended");
    assert_eq!(names(100).await, [cnv("left"), cnv("offered")], "the message is due");
    assert_eq!(names(305).await, [cnv("done"), cnv("left"), cnv("offered")], "wrapped up long enough");
    let gone = [cnv("done"), cnv("gone"), cnv("left"), cnv("offered")];
    assert_eq!(names(604).await, gone, "gone while waiting, counted from when it began to wait");
    let all = [cnv("done"), cnv("gone"), cnv("idle"), cnv("left"), cnv("new"), cnv("offered")];
    assert_eq!(names(3600).await, all, "silent with the bot; held by an agent is nobody's business");
    assert_eq!(store.overdue(before(3600), 2).await.unwrap().len(), 2);
}

/// A left message that fell due is not abandoned because its visitor is gone: that is why they left an address.
async fn overdue_leaves_a_message_that_was_brought_back_in_the_queue(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    let mut waiting = escalate(store, "eve", 1).await;
    waiting.decided_position = 1;
    let left = waiting.leave_message("eve@mail.example".into(), at(86_400), at(2)).unwrap();
    store.commit(left, None, at(2)).await.unwrap();
    let back = get(store, "eve").await.bring_back(at(86_400)).unwrap();
    store.commit(back, None, at(86_400)).await.unwrap();
    let overdue = Overdue {
        now: at(200_000),
        undecided_before: at(199_997),
        idle_before: at(196_400),
        gone_before: at(199_400),
        wrap_up_before: at(199_700),
    };
    assert!(store.overdue(overdue, 10).await.unwrap().is_empty());
}

async fn measured_waits_are_of_a_queue_since_an_instant_latest_first(store: &dyn EveryPort) {
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        open(store, name, 0).await;
        escalate(store, name, 10).await;
        offer(store, name, "ana", 9, 11).await.unwrap();
        accept(store, name, "ana", 20 + index as i64 * 10).await;
    }
    let waits = store.measured_waits(&queue("general"), at(25), 10).await.unwrap();
    let spans: Vec<_> = waits.iter().map(|wait| (wait.wait, wait.place_at_start)).collect();
    assert_eq!(spans, [(seconds(30), 3), (seconds(20), 3)]);
    assert_eq!(store.measured_waits(&queue("general"), at(0), 1).await.unwrap().len(), 1);
    assert!(store.measured_waits(&queue("other"), at(0), 9).await.unwrap().is_empty());
}

/// An agent who is lost later does not make the wait before them any longer.
async fn a_wait_is_measured_to_the_first_answer(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    escalate(store, "eve", 10).await;
    offer(store, "eve", "ana", 1, 11).await.unwrap();
    accept(store, "eve", "ana", 20).await;
    let lost = get(store, "eve").await;
    let lost = lost.lose_agent(&agent("ana"), Lost::Connection, "ana", at(500)).unwrap();
    store.commit(lost, None, at(500)).await.unwrap();
    offer(store, "eve", "ben", 1, 501).await.unwrap();
    accept(store, "eve", "ben", 510).await;
    let waits = store.measured_waits(&queue("general"), at(0), 10).await.unwrap();
    assert_eq!(waits.iter().map(|wait| wait.wait).collect::<Vec<_>>(), [seconds(10)]);
    assert_eq!(store.handoffs(&cnv("eve")).await.unwrap()[0].agent, Some(agent("ben")));
}

async fn search_finds_by_state_agent_words_and_time(store: &dyn EveryPort) {
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        open(store, name, index as i64 * 10).await;
    }
    store.receive(receipt("b", "c1", "My 100% wool_coat shrank", 30)).await.unwrap();
    escalate(store, "c", 40).await;
    offer(store, "c", "ana", 1, 41).await.unwrap();
    let find = |search: Search| async move {
        let found = store.search(Search { limit: 10, ..search }).await.unwrap();
        found.into_iter().map(|c| c.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find(everything(10)).await, ["cnv_c", "cnv_b", "cnv_a"], "latest first");
    let states = vec![StateName::Offered];
    assert_eq!(find(Search { states, ..Search::default() }).await, ["cnv_c"]);
    let by = Search { agent: Some(agent("ana")), ..Search::default() };
    assert_eq!(find(by).await, ["cnv_c"]);
    let words = |text: &str| Search { text: text.to_owned(), ..Search::default() };
    assert_eq!(find(words("100% WOOL")).await, ["cnv_b"]);
    assert!(find(words("100_ wool")).await.is_empty(), "what people write is no pattern");
    assert!(find(words("wool%shrank")).await.is_empty());
    assert_eq!(find(words("cnv_a")).await, ["cnv_a"]);
    let before = Search { before: Some(at(20)), ..Search::default() };
    assert_eq!(find(before).await, ["cnv_b", "cnv_a"]);
    assert_eq!(store.search(everything(1)).await.unwrap().len(), 1);
}

async fn glances_show_the_last_message_the_reason_and_the_marks(store: &dyn EveryPort) {
    open(store, "a", 0).await;
    open(store, "b", 0).await;
    escalate(store, "a", 1).await;
    store.record_read(&cnv("a"), ReadMarks { visitor: 1, agent: 0 }).await.unwrap();
    let glances = store.glances(&[cnv("a"), cnv("b")]).await.unwrap();
    let a = &glances[&cnv("a")];
    assert_eq!(a.last.as_ref().map(|entry| entry.position), Some(1), "a notice is no message");
    assert_eq!(a.reason.as_deref(), Some("asked_for_human"));
    assert_eq!(a.marks, ReadMarks { visitor: 1, agent: 0 });
    assert_eq!(glances[&cnv("b")].reason, None);
}

async fn opened_between_goes_through_all_once_oldest_first(store: &dyn EveryPort) {
    for (name, second) in [("a", 1), ("c", 2), ("b", 2), ("d", 3)] {
        open(store, name, second).await;
    }
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = store.opened_between(None, None, after.clone(), 1).await.unwrap();
        let Some(next) = page.into_iter().next() else { break };
        seen.push(next.id.as_str().to_owned());
        after = Some(next.id);
    }
    assert_eq!(seen, ["cnv_a", "cnv_b", "cnv_c", "cnv_d"]);
    let some = store.opened_between(Some(at(2)), Some(at(3)), None, 10).await.unwrap();
    assert_eq!(some.len(), 2, "from inclusive, until exclusive");
}

async fn figures_count_states_and_reasons(store: &dyn EveryPort) {
    for name in ["a", "b", "c"] {
        open(store, name, 0).await;
    }
    escalate(store, "a", 1).await;
    escalate(store, "b", 50).await;
    let figures = store.figures(at(10)).await.unwrap();
    assert_eq!(figures.by_state.get("with_bot"), Some(&1));
    assert_eq!(figures.by_state.get("queued"), Some(&2));
    assert_eq!(figures.by_reason.get("asked_for_human"), Some(&1), "only since then");
}

/// A thousand messages at once: every one acknowledged once, no number twice.
async fn many_writers_get_each_number_once(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    let calls = (0..500).map(|n| async move {
        store.receive(receipt("eve", &format!("c{n}"), "again", 1)).await.unwrap().position
    });
    let mut positions: Vec<_> = futures_util::future::join_all(calls).await.into_iter().flatten().collect();
    positions.sort_unstable();
    assert_eq!(positions, (2..=501).collect::<Vec<u64>>());
}
