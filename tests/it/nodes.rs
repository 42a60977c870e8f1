//! The contract of the Nodes port: leases, their fencing numbers, and who is connected to which node.

use crate::support::stored::{accept, escalate, get, offer, open};
use crate::support::stores::{EveryPort, on_every_store};
use baton::domain::agent::Role;
use baton::domain::conversation::{Absence, Author, Body, Change, Conversation, Lost, NewEntry};
use baton::domain::id::{AgentId, ConversationId, NodeId, VisitorId, WidgetKey};
use baton::domain::time::Timestamp;
use baton::flow::ports::directory::SecretHash;
use baton::flow::ports::nodes::{Company, Holder, Lease, LeaseError, Term};
use baton::flow::ports::{ReadMarks, StoreError};

on_every_store! {
    fencing_numbers_grow_with_every_taking_whoever_takes,
    a_node_that_was_taken_for_dead_is_refused_whatever_it_writes,
    an_agent_is_lost_when_no_node_has_a_connection_of_theirs,
    nothing_is_taken_from_an_agent_who_came_back_in_between,
    a_renewal_says_who_is_connected_and_makes_up_for_what_was_not_told,
    a_node_that_leaves_takes_its_connections_along,
    a_ticket_lets_one_in_on_whichever_node,
    marks_say_how_far_conversations_have_come_and_which_is_a_visitors_latest,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

fn term(now: i64) -> Term {
    Term { now: at(now), expires_at: at(now + 10) }
}

fn agent(name: &str) -> AgentId {
    AgentId::from_suffix(name)
}

async fn join(store: &dyn EveryPort, name: &str, now: i64) -> Lease {
    store.take(&NodeId::from_suffix(name), term(now), Company::Others).await.unwrap()
}

async fn lost_at(store: &dyn EveryPort, name: &str) -> Option<Timestamp> {
    store.attendance().await.unwrap()[&agent(name)].lost_at
}

async fn fencing_numbers_grow_with_every_taking_whoever_takes(store: &dyn EveryPort) {
    let (a, b) = (join(store, "a", 0).await, join(store, "b", 0).await);
    assert!(a.fence < b.fence);
    store.leave(&a, at(1)).await.unwrap();
    let again = join(store, "a", 2).await;
    assert!(again.fence > b.fence);
    let names: Vec<u64> = store.nodes().await.unwrap().iter().map(|node| node.lease.fence).collect();
    assert_eq!(names, [b.fence, again.fence]);
}

async fn a_node_that_was_taken_for_dead_is_refused_whatever_it_writes(store: &dyn EveryPort) {
    let (a, b) = (join(store, "a", 0).await, join(store, "b", 0).await);
    store.connected(&a, &agent("ana")).await.unwrap();
    store.renew(&b, &[], term(9)).await.unwrap();
    assert_eq!(store.end_expired(at(9)).await.unwrap(), []);
    assert_eq!(store.end_expired(at(10)).await.unwrap(), std::slice::from_ref(&a.node));
    assert_eq!(lost_at(store, "ana").await, Some(at(0)), "lost since the node was last heard of");
    assert_eq!(store.renew(&a, &[agent("ana")], term(11)).await, Err(LeaseError::Lost));
    assert_eq!(store.connected(&a, &agent("ana")).await, Err(LeaseError::Lost));
    assert_eq!(store.disconnected(&a, &agent("ana"), at(12)).await, Err(LeaseError::Lost));
    assert_eq!(lost_at(store, "ana").await, Some(at(0)), "a dead node brings nobody back");

    // The same node under a new fence may; what it wrote under the old one is refused still.
    let woken = join(store, "a", 13).await;
    assert_eq!(store.connected(&a, &agent("ana")).await, Err(LeaseError::Lost));
    store.connected(&woken, &agent("ana")).await.unwrap();
    assert_eq!(lost_at(store, "ana").await, None);
    assert_eq!(store.end_expired(at(10)).await.unwrap(), []);
}

async fn an_agent_is_lost_when_no_node_has_a_connection_of_theirs(store: &dyn EveryPort) {
    let (a, b) = (join(store, "a", 0).await, join(store, "b", 5).await);
    store.connected(&a, &agent("ana")).await.unwrap();
    store.connected(&b, &agent("ana")).await.unwrap();
    store.disconnected(&a, &agent("ana"), at(1)).await.unwrap();
    assert_eq!(lost_at(store, "ana").await, None, "she has another");
    store.connected(&a, &agent("ana")).await.unwrap();
    assert_eq!(store.end_expired(at(11)).await.unwrap(), [a.node]);
    assert_eq!(lost_at(store, "ana").await, None, "she has one on the node that lives");
    store.disconnected(&b, &agent("ana"), at(12)).await.unwrap();
    assert_eq!(lost_at(store, "ana").await, Some(at(12)));
}

/// A node may sleep between seeing that an agent is lost and giving back what they hold.
async fn nothing_is_taken_from_an_agent_who_came_back_in_between(store: &dyn EveryPort) {
    let (a, b) = (join(store, "a", 0).await, join(store, "b", 0).await);
    store.connected(&a, &agent("ana")).await.unwrap();
    open(store, "eve", 1).await;
    escalate(store, "eve", 2).await;
    offer(store, "eve", "ana", 3, 3).await.unwrap();
    accept(store, "eve", "ana", 4).await;
    let released = |from: Conversation, since: i64| {
        let change = from.lose_agent(&agent("ana"), Lost::Connection, "Ana", at(30)).unwrap();
        let absence = Some(Absence { agent: agent("ana"), since: at(since) });
        Change { absence, ..change }
    };
    store.disconnected(&a, &agent("ana"), at(5)).await.unwrap();
    let seen = get(store, "eve").await;
    // She is back at another node, and nothing else has changed.
    store.connected(&b, &agent("ana")).await.unwrap();
    let refused = store.commit(released(seen.clone(), 10), None, at(30)).await;
    assert_eq!(refused, Err(StoreError::Conflict), "taken from an agent who is back");
    // Gone again, and not for that long.
    store.disconnected(&b, &agent("ana"), at(12)).await.unwrap();
    let refused = store.commit(released(seen.clone(), 10), None, at(30)).await;
    assert_eq!(refused, Err(StoreError::Conflict), "taken within the grace");
    assert_eq!(get(store, "eve").await, seen);
    store.commit(released(seen, 12), None, at(30)).await.unwrap();
    assert_eq!(get(store, "eve").await.state.agent(), None);
}

async fn a_renewal_says_who_is_connected_and_makes_up_for_what_was_not_told(store: &dyn EveryPort) {
    let a = join(store, "a", 0).await;
    store.connected(&a, &agent("ana")).await.unwrap();
    store.renew(&a, &[agent("ben")], term(3)).await.unwrap();
    assert_eq!((lost_at(store, "ana").await, lost_at(store, "ben").await), (Some(at(3)), None));
    let nodes = store.nodes().await.unwrap();
    assert_eq!((nodes[0].agents, nodes[0].renewed_at, nodes[0].expires_at), (1, at(3), at(13)));
}

async fn a_node_that_leaves_takes_its_connections_along(store: &dyn EveryPort) {
    let a = join(store, "a", 0).await;
    store.connected(&a, &agent("ana")).await.unwrap();
    store.leave(&a, at(2)).await.unwrap();
    assert_eq!(lost_at(store, "ana").await, Some(at(2)));
    store.leave(&a, at(3)).await.unwrap();
    assert_eq!(lost_at(store, "ana").await, Some(at(2)), "once");
}

async fn a_ticket_lets_one_in_on_whichever_node(store: &dyn EveryPort) {
    let hash = |text: &str| SecretHash(text.to_owned());
    let ana = Holder::Agent { agent: agent("ana"), role: Role::Supervisor };
    let eve =
        Holder::Visitor { visitor: VisitorId::from_suffix("eve"), widget: WidgetKey::from_suffix("shop") };
    for (text, holder) in [("a", &ana), ("b", &eve), ("c", &ana), ("d", &eve)] {
        store.keep_ticket(hash(text), holder.clone(), at(30)).await.unwrap();
    }
    assert_eq!(store.take_ticket(&hash("a"), at(1)).await.unwrap(), Some(ana));
    assert_eq!(store.take_ticket(&hash("a"), at(1)).await.unwrap(), None, "once");
    assert_eq!(store.take_ticket(&hash("b"), at(1)).await.unwrap(), Some(eve));
    store.forget_tickets(&agent("ana")).await.unwrap();
    assert_eq!(store.take_ticket(&hash("c"), at(1)).await.unwrap(), None, "revoked");
    assert_eq!(store.take_ticket(&hash("d"), at(30)).await.unwrap(), None, "too old");
    assert_eq!(store.take_ticket(&hash("made up"), at(1)).await.unwrap(), None);
}

async fn marks_say_how_far_conversations_have_come_and_which_is_a_visitors_latest(store: &dyn EveryPort) {
    let (eve, max) = (VisitorId::from_suffix("eve"), VisitorId::from_suffix("max"));
    let cnv = |name: &str| ConversationId::from_suffix(name);
    for (name, visitor, second) in [("old", &eve, 0), ("new", &eve, 50), ("other", &max, 1)] {
        let conversation = Conversation::open(cnv(name), visitor.clone(), at(second));
        let text = NewEntry::message(Author::Visitor, Body::new("Hello").unwrap(), at(second));
        let mut change = Change { is_new: true, entries: vec![text], ..Change::of(conversation) };
        if name == "old" {
            store.commit(change, None, at(second)).await.unwrap();
            let found = store.conversation(&cnv("old")).await.unwrap().unwrap();
            change = found.end(at(second + 1)).unwrap();
        }
        store.commit(change, None, at(second)).await.unwrap();
    }
    store.record_read(&cnv("new"), ReadMarks { visitor: 1, agent: 0 }).await.unwrap();
    let marks = store.marks(&[cnv("other"), cnv("none")], std::slice::from_ref(&eve)).await.unwrap();
    let seen: Vec<_> =
        marks.iter().map(|m| (m.conversation.as_str(), m.last_position, m.marks.visitor)).collect();
    assert_eq!(seen, [("cnv_other", 1, 0), ("cnv_new", 1, 1)]);
    assert_eq!(marks[1].visitor, eve);
    assert_eq!(store.marks(&[], &[]).await.unwrap(), []);
}
