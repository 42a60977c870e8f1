//! Any time: what is counted. Events are drawn from what is written, in one place, so
//! that no step can forget them and none is told of a step that did not happen.

use super::Flow;
use super::standing::Step;
use crate::domain::conversation::{
    Author, Change, Conversation, ConversationState, EntryKind, HandoffChange, Notice, StateName,
};
use crate::domain::event::Event;
use crate::domain::time::Timestamp;
use crate::fault::planted;
use crate::flow::ports::{Ack, CommandKey, Committed, StoreError};

impl Flow {
    /// Writes a step and, when it is written, tells the observer what happened.
    pub(super) async fn commit(
        &self,
        before: Option<&Conversation>,
        change: Change,
        key: Option<CommandKey>,
    ) -> Result<Ack, StoreError> {
        let now = self.0.ports.clock.now();
        let events = events_of_change(before, &change, now);
        let id = change.conversation.id.clone();
        let is_over = !change.conversation.state.is_open();
        let is_known = !change.is_new && change.analyses.is_empty() && self.0.standings.has(&id);
        let step = (is_known && !is_over).then(|| Step::of(&change));
        let Committed { ack, is_written } = self.0.ports.store.commit(change, key, now).await?;
        let is_written = is_written || planted("answer_taken_for_written");
        if is_over {
            // Nobody writes in it any more.
            self.0.standings.let_go(&id);
        } else if let Some(step) = step.filter(|_| is_written) {
            self.0.standings.take_in(step, ack.position);
        }
        if is_written {
            events.into_iter().for_each(|event| self.observe(event));
        }
        Ok(ack)
    }

    pub(super) fn observe(&self, event: Event) {
        self.0.ports.observer.observe(&event);
    }
}

/// What a step does, as far as it is counted. `before` is the conversation that the step
/// began from, where that can matter.
fn events_of_change(before: Option<&Conversation>, change: &Change, now: Timestamp) -> Vec<Event> {
    let mut events = Vec::new();
    for entry in &change.entries {
        if let EntryKind::Message { .. } = entry.kind {
            events.push(Event::MessageStored { author: author_word(&entry.author) });
        }
    }
    for handoff in &change.handoffs {
        if let HandoffChange::Begin(handoff) = handoff {
            let reason = handoff.reasons.first().map_or("", |reason| reason.code.as_str());
            events.push(Event::Escalated { reason: reason.to_owned() });
        }
    }
    let Some(before) = before else { return events };
    let (from, to) = (before.state.name(), change.conversation.state.name());
    if from == to {
        return events;
    }
    if to == StateName::Offered {
        events.push(Event::OfferMade);
    }
    if from == StateName::Offered && to == StateName::WithAgent {
        events.push(Event::OfferEnded { outcome: "accepted" });
    }
    if to == StateName::Closed {
        events.push(Event::Closed);
    }
    let is_answered = to == StateName::WithAgent;
    let is_abandoned = change
        .entries
        .iter()
        .any(|entry| matches!(entry.kind, EntryKind::Notice { code: Notice::Abandoned, .. }));
    if let (Some(since), Some(queue)) = (waiting_since(before), &before.queue) {
        if is_answered {
            events.push(Event::Answered { queue: queue.clone(), waited: now.since(since) });
        }
        if is_abandoned {
            events.push(Event::Abandoned { queue: queue.clone() });
        }
        if (is_answered || is_abandoned) && before.answer_due_at.is_some_and(|due| due < now) {
            events.push(Event::SlaBreached { target: "answer" });
        }
    }
    events
}

fn author_word(author: &Author) -> &'static str {
    match author {
        Author::Visitor => "visitor",
        Author::Bot => "bot",
        Author::Agent { .. } => "agent",
        Author::System => "system",
    }
}

/// Since when the visitor waits for a human; not while only a message is left.
fn waiting_since(conversation: &Conversation) -> Option<Timestamp> {
    match conversation.state {
        ConversationState::Queued { .. } | ConversationState::Offered { .. } => {
            conversation.state.waiting_since()
        }
        _ => None,
    }
}
