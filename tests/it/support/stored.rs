//! Steps that tests of stores take by hand, without the flow.

use super::world::{agent, body, queue, visitor};
use baton::domain::conversation::{Author, Change, Conversation, NewEntry, Notice, Reservation};
use baton::domain::escalation::{Reason, ReasonCode};
use baton::domain::handoff::{EscalationType, Handoff, HandoffStatus};
use baton::domain::id::{ConversationId, HandoffId, OfferId};
use baton::domain::queue::Priority;
use baton::domain::time::Timestamp;
use baton::flow::ports::{CommandKey, Committed, Receipt, Store, StoreError};

/// So many seconds after the beginning.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

/// The id of a conversation by name.
pub fn cnv(name: &str) -> ConversationId {
    ConversationId::from_suffix(name)
}

/// A command of an actor.
pub fn key(actor: &str, client_id: &str, content: u8) -> CommandKey {
    CommandKey { actor: actor.to_owned(), client_id: client_id.to_owned(), digest: [content; 16] }
}

/// A message of the visitor.
pub fn says(text: &str, second: i64) -> NewEntry {
    NewEntry::message(Author::Visitor, body(text), at(second))
}

/// A message into the conversation of the visitor of the same name.
pub fn receipt(name: &str, client_id: &str, text: &str, second: i64) -> Receipt {
    Receipt {
        visitor: visitor(name),
        body: body(text),
        at: at(second),
        command: key(name, client_id, u8::try_from(text.len()).unwrap()),
    }
}

/// Opens a conversation of the visitor of the same name with one message.
pub async fn open(store: &dyn Store, name: &str, second: i64) -> Conversation {
    let mut change = Change::of(Conversation::open(cnv(name), visitor(name), at(second)));
    change.is_new = true;
    store.commit(change.with(says("Hello", second)), None, at(second)).await.unwrap();
    get(store, name).await
}

/// A conversation that is there.
pub async fn get(store: &dyn Store, name: &str) -> Conversation {
    store.conversation(&cnv(name)).await.unwrap().unwrap()
}

/// A handoff of a conversation.
pub fn handoff(name: &str, second: i64) -> Handoff {
    Handoff {
        id: HandoffId::from_suffix(&format!("{name}{second}")),
        conversation: cnv(name),
        kind: EscalationType::CustomerInitiated,
        reasons: vec![Reason::alone(ReasonCode::AskedForHuman)],
        counterfactual: None,
        words: Vec::new(),
        policy: "default@1".into(),
        score: 0.25,
        queue: queue("general"),
        queue_name: "General".into(),
        tier: 2,
        priority: Priority::High,
        place_at_start: 3,
        at: at(second),
        answer_due_at: Some(at(second + 60)),
        from: Some(agent("zoe")),
        status: HandoffStatus::Initiated,
        agent: None,
        accepted_at: None,
        ended_at: None,
    }
}

/// Hands it to humans.
pub async fn escalate(store: &dyn Store, name: &str, second: i64) -> Conversation {
    let notice = NewEntry::notice(Notice::Queued, &[("queue", "General".into())], at(second));
    let change = get(store, name).await.escalate(handoff(name, second), vec![notice]).unwrap();
    store.commit(change, None, at(second)).await.unwrap();
    get(store, name).await
}

/// Offers it to somebody with so much room.
pub async fn offer(
    store: &dyn Store,
    name: &str,
    to: &str,
    capacity: u32,
    second: i64,
) -> Result<Committed, StoreError> {
    let to = Reservation { agent: agent(to), capacity };
    let change = get(store, name).await.offer(OfferId::from_suffix(name), to, at(second + 30)).unwrap();
    store.commit(change, None, at(second)).await
}

/// Somebody takes the offer.
pub async fn accept(store: &dyn Store, name: &str, who: &str, second: i64) {
    let offer = OfferId::from_suffix(name);
    let change = get(store, name).await.accept(&offer, &agent(who), who, at(second)).unwrap();
    store.commit(change, None, at(second)).await.unwrap();
}
