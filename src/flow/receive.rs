//! Step 1: a visitor's message.
//!
//! Reads   the visitor's latest conversation.
//! Writes  the message; a new conversation, or the reopening of the last, where none is open: one command.
//! Next    `analyze` and `decide`, after the acknowledgement.

use super::{ATTEMPTS, Flow, FlowError, command};
use crate::domain::conversation::{
    Author, Body, Change, Conversation, ConversationState, Entry, EntryKind, NewEntry,
};
use crate::domain::escalation::{Reason, ReasonCode};
use crate::domain::event::Event;
use crate::domain::id::{ConversationId, VisitorId, WidgetKey};
use crate::domain::time::Timestamp;
use crate::fault::point;
use crate::flow::ports::{Ack, CommandKey, Hint, Receipt, StoreError};

impl Flow {
    /// Stores a message and acknowledges it, before anything thinks about it (invariant 2). Opens a conversation where
    /// the visitor has none, and reopens one that a human closed a short while ago.
    ///
    /// # Errors
    ///
    /// `Conflict` when the client id was used for another message; `Store` when nothing was written.
    pub async fn receive(
        &self,
        visitor: &VisitorId,
        widget: Option<&WidgetKey>,
        client_id: &str,
        body: Body,
    ) -> Result<Ack, FlowError> {
        let ports = &self.0.ports;
        let key = command::key(visitor.as_str(), client_id, &["message", body.as_str()]);
        for _ in 0..ATTEMPTS {
            let now = ports.clock.now();
            let receipt =
                Receipt { visitor: visitor.clone(), body: body.clone(), at: now, command: key.clone() };
            let (result, is_waiting) = match ports.store.receive(receipt).await {
                // They have nothing open, or had not.
                Err(StoreError::Conflict) => self.begin_with(visitor, widget, &body, &key, now).await?,
                received => {
                    if received.as_ref().is_ok_and(|ack| !is_retry(ack, now)) {
                        self.observe(Event::MessageStored { author: "visitor" });
                    }
                    (received, false)
                }
            };
            match result {
                // It was closed, or opened, or the agent's last room was taken in between: look again.
                Err(StoreError::Conflict | StoreError::NoRoom) => {}
                other => {
                    let ack = other?;
                    point("receive.before_think");
                    if is_waiting {
                        self.tell_state(&ack.conversation, ack.position.unwrap_or(0));
                    }
                    // A retry of what was decided already asks nobody again.
                    if !is_retry(&ack, now) || self.conversation(&ack.conversation).await?.is_undecided() {
                        self.think_about(&ack, body);
                    }
                    return Ok(ack);
                }
            }
        }
        Err(FlowError::Conflict)
    }

    /// A message of a visitor who has nothing open: opens a conversation with it, or reopens the last; then somebody
    /// waits who did not.
    async fn begin_with(
        &self,
        visitor: &VisitorId,
        widget: Option<&WidgetKey>,
        body: &Body,
        key: &CommandKey,
        now: Timestamp,
    ) -> Result<(Result<Ack, StoreError>, bool), FlowError> {
        let (mut change, is_waiting) = match self.0.ports.store.latest_of(visitor).await? {
            Some(open) if open.state.is_open() => return Ok((Err(StoreError::Conflict), false)),
            Some(last) if self.may_reopen(&last) => (self.reopening(last).await?, true),
            last => (self.opening(visitor, widget, last.map(|last| last.id)), false),
        };
        change.entries.insert(0, NewEntry::message(Author::Visitor, body.clone(), now));
        Ok((self.commit(None, change, Some(key.clone())).await, is_waiting))
    }

    /// The visitor's open conversation, made where there is none.
    pub(super) async fn open_conversation(
        &self,
        visitor: &VisitorId,
        widget: Option<&WidgetKey>,
    ) -> Result<Conversation, FlowError> {
        let ports = &self.0.ports;
        for _ in 0..ATTEMPTS {
            let last = ports.store.latest_of(visitor).await?;
            match last {
                Some(open) if open.state.is_open() => return Ok(open),
                last => {
                    let change = self.opening(visitor, widget, last.map(|last| last.id));
                    match self.commit(None, change, None).await {
                        Ok(_) | Err(StoreError::Conflict) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        Err(FlowError::Conflict)
    }

    fn opening(
        &self,
        visitor: &VisitorId,
        widget: Option<&WidgetKey>,
        previous: Option<ConversationId>,
    ) -> Change {
        let ports = &self.0.ports;
        let id = ConversationId::from_suffix(&ports.ids.suffix());
        let mut conversation = Conversation::open(id, visitor.clone(), ports.clock.now());
        conversation.widget = widget.cloned();
        conversation.previous = previous;
        let mut change = Change::of(conversation);
        change.is_new = true;
        change
    }

    fn may_reopen(&self, last: &Conversation) -> bool {
        let window = self.policy().service.reopen_window;
        let ended_at = match &last.state {
            ConversationState::WrapUp { ended_at, .. } => *ended_at,
            ConversationState::Closed { closed_at } => *closed_at,
            _ => return false,
        };
        // What only the bot had begins anew: there is no human to come back to.
        last.last_agent.is_some() && self.0.ports.clock.now().since(ended_at) <= window
    }

    async fn reopening(&self, last: Conversation) -> Result<Change, FlowError> {
        let floor = self.floor().await?;
        let reasons = vec![Reason::alone(ReasonCode::Reopened)];
        let handoff = floor.handoff(&last, last.queue.clone(), reasons, &self.policy(), &*self.0.ports.ids);
        let with = last.last_agent.as_ref().and_then(|agent| floor.room_of(agent));
        Ok(last.reopen(handoff, with)?)
    }

    /// Goes on after the acknowledgement, in a task of its own.
    fn think_about(&self, ack: &Ack, body: Body) {
        let Some(position) = ack.position else { return };
        let (id, visitor_seq) = (ack.conversation.clone(), ack.visitor_seq.unwrap_or(u64::MAX));
        self.0.ports.bus.hint(Hint::Message { id, position, visitor_seq });
        let (flow, id) = (self.clone(), ack.conversation.clone());
        let said = Entry {
            position,
            visitor_seq: ack.visitor_seq,
            author: Author::Visitor,
            kind: EntryKind::Message { body, is_no_answer: false },
            at: ack.at,
            client_id: None,
        };
        self.0.tracker.spawn("think", async move { flow.think(&id, said).await });
    }
}

/// Whether this is the answer to an earlier command: it carries the time of then.
fn is_retry(ack: &Ack, now: Timestamp) -> bool {
    ack.at != now
}
