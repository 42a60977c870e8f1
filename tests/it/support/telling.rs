//! What was seen in a world, told in the words of scenarios.

use super::world::{Happened, World, name_of};
use baton::domain::conversation::{Author, ConversationState as State, EntryKind};
use baton::domain::escalation::ReasonCode;
use baton::domain::handoff::Handoff;
use baton::domain::time::Timestamp;

/// What was seen, in the words of scenarios.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Whose conversation: the visitor's name.
    pub visitor: String,
    /// What kind of thing.
    pub kind: &'static str,
    /// Who or what it is about.
    pub main: String,
    /// What else is known of it.
    pub fields: Vec<(&'static str, String)>,
}

/// Everything seen, in the words of scenarios, in order of time.
pub async fn events_of(world: &World) -> Vec<Event> {
    let mut events = Vec::new();
    let mut conversations = Vec::new();
    for seen in world.journal() {
        match &seen.what {
            Happened::Logged(entry) => events.extend(logged(entry, &seen.visitor)),
            Happened::Moved { from, to, is_passed_over } => {
                if !conversations.contains(&to.id) {
                    conversations.push(to.id.clone());
                }
                let moves = moved(from.as_ref(), to, *is_passed_over, seen.at);
                events.extend(moves.into_iter().map(|(kind, main)| Event {
                    at: seen.at,
                    visitor: seen.visitor.clone(),
                    kind,
                    main,
                    fields: vec![
                        ("previous", if to.previous.is_some() { "yes" } else { "no" }.to_owned()),
                        ("tier", to.tier.to_string()),
                        ("priority", to.priority.as_str().to_owned()),
                    ],
                }));
            }
        }
    }
    for id in conversations {
        let conversation = world.store().conversation(&id).await.unwrap().unwrap();
        let name = name_of(conversation.visitor.as_str());
        for handoff in world.store().handoffs(&id).await.unwrap() {
            events.push(begun(&handoff, name));
        }
    }
    events.sort_by_key(|event| event.at);
    events
}

fn logged(entry: &baton::domain::conversation::Entry, visitor: &str) -> Option<Event> {
    let author = match &entry.author {
        Author::Visitor => "visitor".to_owned(),
        Author::Bot => "bot".to_owned(),
        Author::System => "baton".to_owned(),
        Author::Agent { id, .. } => name_of(id.as_str()).to_owned(),
    };
    let (kind, main, fields) = match &entry.kind {
        EntryKind::Message { body, .. } => ("says", author, vec![("text", body.as_str().to_owned())]),
        EntryKind::Note { body } => ("note", author, vec![("text", body.as_str().to_owned())]),
        EntryKind::Unsent { body } => ("unsent", author, vec![("text", body.as_str().to_owned())]),
        EntryKind::Notice { code, params } => {
            let params = params.iter().map(|(key, value)| {
                let key = match key.as_str() {
                    "queue" => "queue",
                    "agent" => "agent",
                    "opens_at" => "opens_at",
                    _ => "other",
                };
                (key, value.clone())
            });
            ("notice", code.as_str().to_owned(), params.collect())
        }
        EntryKind::Decision(decision) => {
            let word = if decision.is_escalation() { "escalate" } else { "stay" };
            let mut fields = vec![("score", decision.score.value.to_string())];
            fields.extend(decision.reasons.first().map(|reason| ("reason", reason.code.as_str().to_owned())));
            ("decided", word.to_owned(), fields)
        }
    };
    Some(Event { at: entry.at, visitor: visitor.to_owned(), kind, main, fields })
}

fn begun(handoff: &Handoff, visitor: &str) -> Event {
    let first = handoff.reasons.first().map(|reason| reason.code);
    let kind = match first {
        Some(ReasonCode::Transfer) => "transferred",
        Some(ReasonCode::Reopened) => "reopened",
        _ => "escalated",
    };
    let mut fields = vec![
        ("reason", first.map_or("none", ReasonCode::as_str).to_owned()),
        ("priority", handoff.priority.as_str().to_owned()),
        ("type", handoff.kind.as_str().to_owned()),
        ("queue", name_of(handoff.queue.as_str()).to_owned()),
        ("tier", handoff.tier.to_string()),
        ("score", handoff.score.to_string()),
        ("policy", handoff.policy.clone()),
        ("place", handoff.place_at_start.to_string()),
    ];
    fields.extend(handoff.reasons.iter().skip(1).map(|reason| ("also", reason.code.as_str().to_owned())));
    let main = handoff.from.as_ref().map_or("", |from| name_of(from.as_str())).to_owned();
    Event { at: handoff.at, visitor: visitor.to_owned(), kind, main, fields }
}

/// The words for a change of state: one, or several when more happened between two looks.
fn moved(
    from: Option<&State>,
    to: &baton::domain::conversation::Conversation,
    is_passed_over: bool,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let mut words = Vec::new();
    if from.is_none() {
        words.push(("opened", String::new()));
    }
    let agent = |state: &State| state.agent().map_or("", |id| name_of(id.as_str())).to_owned();
    let queue = to.queue.as_ref().map_or("", |id| name_of(id.as_str())).to_owned();
    let is_same_handoff = from.and_then(State::handoff).is_some_and(|old| to.state.handoff() == Some(old));
    if let Some(offered @ State::Offered { expires_at, .. }) = from {
        let is_taken = matches!(to.state, State::WithAgent { .. }) && agent(offered) == agent(&to.state);
        match &to.state {
            _ if is_taken => {}
            State::Queued { .. } | State::Offered { .. } if is_passed_over && *expires_at <= now => {
                words.push(("expired", agent(offered)));
            }
            State::Queued { .. } | State::Offered { .. } if is_passed_over => {
                words.push(("declined", agent(offered)));
            }
            State::Queued { .. } | State::Offered { .. } => words.push(("lost", agent(offered))),
            _ => words.push(("withdrawn", agent(offered))),
        }
    }
    match (from, &to.state) {
        (Some(State::Offered { .. }), State::Queued { .. }) if is_same_handoff => {}
        (Some(State::LeftMessage { .. }), State::Queued { .. }) => words.push(("brought_back", queue)),
        (Some(held @ State::WithAgent { .. }), State::Queued { .. }) if is_same_handoff => {
            words.push(("lost", agent(held)));
        }
        (_, State::Queued { .. }) => words.push(("queued", queue)),
        (_, State::Offered { .. }) => words.push(("offered", agent(&to.state))),
        (_, State::WithAgent { .. }) => words.push(("joined", agent(&to.state))),
        (Some(_), State::WithBot { .. }) if !matches!(from, Some(State::WithBot { .. })) => {
            words.push(("with_bot", String::new()));
        }
        (_, State::WithBot { .. }) => {}
        (_, State::LeftMessage { .. }) => words.push(("left_message", queue)),
        (_, State::WrapUp { .. }) => words.push(("wrap_up", agent(&to.state))),
        (_, State::Closed { .. }) => words.push(("closed", String::new())),
    }
    words
}
