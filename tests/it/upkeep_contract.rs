//! The contract of the Upkeep port, one test per promise, for every store there is. What
//! is told of a person is each store's own.

use crate::support::stored::{accept, at, cnv, escalate, get, key, offer, open, receipt};
use crate::support::stores::{EveryPort, on_every_store};
use crate::support::world::{agent, visitor};
use baton::domain::conversation::EntryKind;
use baton::domain::handoff::CountedWord;
use baton::domain::id::WidgetKey;
use baton::domain::outcome::{Csat, Disposition, MessageLabel, WrapUp};
use baton::domain::visitor::Profile;
use baton::flow::ports::directory::{SecretHash, Stamp, VisitorRecord};
use baton::flow::ports::{EraseError, Held, KeptCounts, Person, Place, Removed};

on_every_store! {
    what_is_closed_long_ago_goes_and_leaves_its_numbers,
    commands_that_nobody_tries_again_are_forgotten,
    visitors_without_a_conversation_are_forgotten,
    a_person_is_found_and_erased_and_what_is_counted_stays,
    nobody_is_erased_while_a_conversation_goes_on,
    a_person_is_found_by_what_is_known_and_told_in_numbers,
    nothing_is_written_about_somebody_who_was_erased,
    it_is_remembered_how_large_everything_was,
}

fn stamp(second: i64) -> Stamp {
    Stamp { by: None, at: at(second) }
}

async fn known(store: &dyn EveryPort, name: &str, email: &str, second: i64) {
    let profile = Profile { email: Some(email.to_owned()), ..Profile::default() };
    let record = VisitorRecord { id: visitor(name), widget: WidgetKey::from_suffix("shop"), profile };
    store.save_visitor(at(second), record, SecretHash(name.to_owned())).await.unwrap();
}

async fn end(store: &dyn EveryPort, name: &str, second: i64) {
    let ended = get(store, name).await.end(at(second)).unwrap();
    store.commit(ended, None, at(second)).await.unwrap();
}

async fn what_is_closed_long_ago_goes_and_leaves_its_numbers(store: &dyn EveryPort) {
    for (name, second) in [("a", 10), ("b", 20), ("c", 30)] {
        open(store, name, 0).await;
        store.receive(receipt(name, "c1", "Hello", 1)).await.unwrap();
        if name == "a" {
            escalate(store, name, 2).await;
            offer(store, name, "ana", 9, 3).await.unwrap();
            accept(store, name, "ana", 5).await;
            end(store, name, 9).await;
            let closed = get(store, name).await.close(at(second)).unwrap();
            store.commit(closed, None, at(second)).await.unwrap();
            store
                .record_csat(Csat { conversation: cnv(name), score: 4, comment: None }, at(9))
                .await
                .unwrap();
        } else {
            end(store, name, second).await;
        }
    }
    open(store, "open", 0).await;
    assert_eq!(store.remove_closed(at(9), 1_000).await.unwrap(), Removed::default());
    let first = store.remove_closed(at(29), 1).await.unwrap();
    assert_eq!(first.conversations, 1, "the oldest, whatever it holds");
    assert_eq!(store.conversation(&cnv("a")).await.unwrap(), None);
    assert!(store.entries(&cnv("a"), 0, 10).await.unwrap().is_empty());
    assert!(store.handoffs(&cnv("a")).await.unwrap().is_empty());
    let second = store.remove_closed(at(29), 1_000).await.unwrap();
    assert_eq!((second.conversations, second.entries), (1, 3), "and no more than are old");
    let wanted = KeptCounts {
        conversations: 2,
        visitor_messages: 4,
        handoffs: 1,
        answered: 1,
        waited_ms: 3_000,
        rated: 1,
        rating_sum: 4,
        ..KeptCounts::default()
    };
    assert_eq!(store.kept_counts().await.unwrap(), wanted);
}

async fn commands_that_nobody_tries_again_are_forgotten(store: &dyn EveryPort) {
    for name in ["a", "b"] {
        open(store, name, 0).await;
        for n in ["c1", "c2"] {
            store.receive(receipt(name, n, "Hello", 1)).await.unwrap();
        }
    }
    end(store, "a", 5).await;
    let none = store.forget_commands(at(0), Place::default(), 10).await.unwrap();
    assert_eq!((none.forgotten, none.next), (0, None), "not long enough ago");
    let first = store.forget_commands(at(9), Place::default(), 1).await.unwrap();
    assert_eq!((first.forgotten, first.next.clone()), (1, Some(Place("a".into(), "c1".into()))));
    let rest = store.forget_commands(at(9), first.next.unwrap(), 10).await.unwrap();
    assert_eq!((rest.forgotten, rest.next), (1, None), "those of a conversation that goes on stay");
    assert_eq!(store.answered(&key("a", "c2", 5)).await.unwrap(), None);
    assert!(store.answered(&key("b", "c2", 5)).await.unwrap().is_some());
    store.remove_closed(at(9), 100).await.unwrap();
}

async fn visitors_without_a_conversation_are_forgotten(store: &dyn EveryPort) {
    for (name, second) in [("a", 1), ("b", 1), ("new", 50)] {
        known(store, name, "x@mail.example", second).await;
    }
    open(store, "b", 2).await;
    let walked = store.forget_visitors(at(9), Place::default(), 2).await.unwrap();
    let next = Some(Place(visitor("b").to_string(), String::new()));
    assert_eq!((walked.forgotten, walked.next.clone()), (1, next));
    let rest = store.forget_visitors(at(9), walked.next.unwrap(), 2).await.unwrap();
    assert_eq!((rest.forgotten, rest.next), (0, None));
    assert!(store.visitor_by_secret(&SecretHash("a".into())).await.unwrap().is_none());
    assert!(store.visitor(&visitor("b")).await.unwrap().is_some());
}

async fn a_person_is_found_and_erased_and_what_is_counted_stays(store: &dyn EveryPort) {
    known(store, "eve", "Eve@mail.example", 1).await;
    open(store, "eve", 2).await;
    let mut said = receipt("eve", "c1", "I am Eve", 3);
    said.command.actor = visitor("eve").to_string();
    store.receive(said.clone()).await.unwrap();
    let label = MessageLabel { frustration: Some(true), ..MessageLabel::default() };
    store.label_message(stamp(4), cnv("eve"), 1, label).await.unwrap();
    let wrap_up = WrapUp { disposition: Disposition::Solved, label: None, note: Some("Eve called".into()) };
    store.record_wrap_up(&cnv("eve"), &agent("ana"), wrap_up).await.unwrap();
    end(store, "eve", 5).await;
    open(store, "tom", 2).await;
    let by_address = Person::Email("eve@mail.example".into());
    for person in [by_address.clone(), Person::Visitor(visitor("eve"))] {
        assert_eq!(store.visitors_of(&person).await.unwrap(), [visitor("eve")]);
    }
    assert!(store.held_of(&visitor("eve")).await.unwrap().contains("I am Eve"));
    let before = store.figures(at(0)).await.unwrap();
    let erased = store.erase(stamp(6), visitor("eve"), "fresh".into()).await.unwrap();
    assert_eq!((erased.conversations, erased.entries, erased.labels), (1, 2, 1));
    assert!(store.visitors_of(&by_address).await.unwrap().is_empty());
    assert!(store.visitor(&visitor("eve")).await.unwrap().is_none());
    let after = get(store, "eve").await;
    assert!(after.visitor.as_str().contains("nobody") && after.email.is_none());
    let entries = store.entries(&cnv("eve"), 0, 10).await.unwrap();
    assert_eq!(entries.len(), 3, "the log keeps its length");
    for entry in entries {
        if let EntryKind::Message { body, .. } = &entry.kind {
            assert_eq!((body.as_str(), entry.client_id), ("", None));
        }
    }
    let judged = store.judgement(&cnv("eve")).await.unwrap().wrap_up.unwrap();
    assert_eq!((judged.disposition, judged.note), (Disposition::Solved, None));
    assert_eq!(store.figures(at(0)).await.unwrap(), before);
    assert_eq!(store.answered(&said.command).await.unwrap(), None);
    let entry = store.audit(None, 1).await.unwrap().remove(0);
    assert_eq!((entry.action.as_str(), entry.target), ("person.erase", visitor("eve").to_string()));
    let again = store.erase(stamp(7), visitor("eve"), "fresh".into()).await;
    assert!(matches!(again, Err(EraseError::NotFound)));
}

async fn nobody_is_erased_while_a_conversation_goes_on(store: &dyn EveryPort) {
    open(store, "eve", 2).await;
    let refused = store.erase(stamp(6), visitor("eve"), "fresh".into()).await;
    assert!(matches!(refused, Err(EraseError::StillOpen(1))));
    assert_eq!(get(store, "eve").await.visitor, visitor("eve"));
    assert!(store.audit(None, 1).await.unwrap().is_empty());
}

async fn a_person_is_found_by_what_is_known_and_told_in_numbers(store: &dyn EveryPort) {
    known(store, "eve", "Eve@mail.example", 1).await;
    known(store, "tom", "tom_x@mail.example", 2).await;
    let profile = Profile {
        name: "Zo\u{eb} \"Q\" Quill".into(),
        attributes: [("order".to_owned(), "A-77".to_owned())].into(),
        ..Profile::default()
    };
    let record = VisitorRecord { id: visitor("zoe"), widget: WidgetKey::from_suffix("shop"), profile };
    store.save_visitor(at(3), record, SecretHash("zoe".into())).await.unwrap();
    open(store, "eve", 4).await;
    store.receive(receipt("eve", "c1", "I am Eve", 5)).await.unwrap();
    escalate(store, "eve", 6).await;
    let left = get(store, "eve").await.leave_message("kim@left.example".into(), at(90), at(7)).unwrap();
    store.commit(left, None, at(7)).await.unwrap();
    for (text, expected) in [
        ("MAIL.example", vec!["tom", "eve"]),
        ("tom_x", vec!["tom"]),
        ("tomax", vec![]),
        ("100%", vec![]),
        ("kim@left", vec!["eve"]),
        ("vis_zo", vec!["zoe"]),
        ("\u{eb} \"Q\"", vec!["zoe"]),
        ("a-77", vec!["zoe"]),
        ("order", vec![]),
        ("attributes", vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(visitor).collect();
        assert_eq!(store.find_visitors(text, &[], 10).await.unwrap(), expected, "{text}");
    }
    let also = store.find_visitors("kim@left", &[visitor("zoe"), visitor("none")], 10).await.unwrap();
    assert_eq!(also, [visitor("zoe"), visitor("eve")]);
    assert_eq!(store.find_visitors("vis_", &[], 2).await.unwrap(), [visitor("zoe"), visitor("tom")]);
    let eve = store.outline_of(&visitor("eve")).await.unwrap().unwrap();
    assert_eq!(eve.profile.email.as_deref(), Some("Eve@mail.example"));
    assert_eq!(eve.left_email.as_deref(), Some("kim@left.example"));
    assert_eq!((eve.known_since, eve.seen_at), (Some(at(1)), Some(at(5))));
    let held = Held { conversations: 1, unfinished: 1, messages: 2, handoffs: 1, ..Held::default() };
    assert_eq!(eve.held, held);
    let zoe = store.outline_of(&visitor("zoe")).await.unwrap().unwrap();
    assert_eq!((zoe.held, zoe.seen_at), (Held::default(), None));
    assert!(store.outline_of(&visitor("none")).await.unwrap().is_none());
    assert_eq!(store.unfinished_of(&visitor("eve")).await.unwrap(), [cnv("eve")]);
    assert_eq!(store.conversations_of(&visitor("eve"), 9).await.unwrap(), [get(store, "eve").await]);
    end(store, "eve", 8).await;
    assert!(store.unfinished_of(&visitor("eve")).await.unwrap().is_empty());
    assert_eq!(store.outline_of(&visitor("eve")).await.unwrap().unwrap().held.unfinished, 0);
    let judged = WrapUp { disposition: Disposition::Solved, label: None, note: None };
    store.record_wrap_up(&cnv("eve"), &agent("ana"), judged).await.unwrap();
    store.record_csat(Csat { conversation: cnv("eve"), score: 4, comment: None }, at(9)).await.unwrap();
    assert_eq!(store.outline_of(&visitor("eve")).await.unwrap().unwrap().held.ratings, 1);
    store.erase(stamp(10), visitor("eve"), "fresh".into()).await.unwrap();
    for text in ["MAIL.example", "kim@left", "nobody"] {
        assert!(!store.find_visitors(text, &[], 10).await.unwrap().contains(&visitor("eve")), "{text}");
    }
}

/// What was under way when they were erased comes too late.
async fn nothing_is_written_about_somebody_who_was_erased(store: &dyn EveryPort) {
    assert_eq!(store.n_erasures().await.unwrap(), 0);
    open(store, "eve", 0).await;
    escalate(store, "eve", 1).await;
    end(store, "eve", 2).await;
    let begun = store.handoffs(&cnv("eve")).await.unwrap().remove(0).id;
    store.erase(stamp(3), visitor("eve"), "fresh".into()).await.unwrap();
    assert_eq!(store.n_erasures().await.unwrap(), 1);
    let word = CountedWord { text: "platinum".into(), weight: 0.5, position: 1 };
    store.record_words(&begun, vec![word]).await.unwrap();
    assert!(store.handoffs(&cnv("eve")).await.unwrap()[0].words.is_empty());
    let wrap_up = WrapUp { disposition: Disposition::Solved, label: None, note: Some("Eve called".into()) };
    store.record_wrap_up(&cnv("eve"), &agent("ana"), wrap_up).await.unwrap();
    let judged = store.judgement(&cnv("eve")).await.unwrap().wrap_up.unwrap();
    assert_eq!((judged.disposition, judged.note), (Disposition::Solved, None), "what is counted is kept");
}

async fn it_is_remembered_how_large_everything_was(store: &dyn EveryPort) {
    open(store, "eve", 0).await;
    assert!(store.bytes().await.unwrap() > 0);
    let day = 86_400;
    for (n, bytes) in [(0, 10), (1, 20), (1, 99), (95, 30)] {
        store.note_bytes(at(n * day), bytes).await.unwrap();
    }
    assert_eq!(store.bytes_since(at(0)).await.unwrap(), [(at(95 * day), 30)], "a quarter of a year");
    store.note_bytes(at(95 * day + 1), 40).await.unwrap();
    assert_eq!(store.bytes_since(at(95 * day + 1)).await.unwrap(), [(at(95 * day + 1), 40)]);
}
