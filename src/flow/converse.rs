//! Step 7: the conversation between visitor and human, and who is there.
//!
//! Typing is a hint and nothing else; how far somebody has read is stored.

use super::{Flow, FlowError, command};
use crate::domain::agent::{Permission, Presence};
use crate::domain::conversation::{
    Author, Body, Change, Conversation, ConversationState, EntryKind, NewEntry, Turned,
};
use crate::domain::event::Event;
use crate::domain::id::{AgentId, ConversationId, VisitorId};
use crate::flow::ports::{Ack, Hint, ReadMarks, Side};

impl Flow {
    /// An agent says something to the visitor.
    ///
    /// # Errors
    ///
    /// `NotAllowed` unless they hold the conversation.
    pub async fn say(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
        body: Body,
    ) -> Result<Ack, FlowError> {
        let author = Author::Agent { id: agent.clone(), name: self.agent(agent).await?.name };
        let key = command::key(agent.as_str(), client_id, &["message.send", id.as_str(), body.as_str()]);
        self.change(id, Some(key), |conversation| {
            holds(&conversation, agent)?;
            let entry = NewEntry::message(author.clone(), body.clone(), self.0.ports.clock.now());
            Ok(Change::of(conversation).with(entry))
        })
        .await
    }

    /// An agent writes a note that the visitor never sees.
    ///
    /// # Errors
    ///
    /// `NotAllowed` unless they may see the conversation.
    pub async fn note(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
        body: Body,
    ) -> Result<Ack, FlowError> {
        let key = command::key(agent.as_str(), client_id, &["note.add", id.as_str(), body.as_str()]);
        let done = async {
            self.may_see(agent, id).await?;
            let author = Author::Agent { id: agent.clone(), name: self.agent(agent).await?.name };
            self.change(id, Some(key.clone()), |conversation| {
                if conversation.visitor.is_nobody() {
                    return Err(FlowError::NotAllowed("what was stored about this visitor is erased"));
                }
                let kind = EntryKind::Note { body: body.clone() };
                let at = self.0.ports.clock.now();
                Ok(Change::of(conversation).with(NewEntry { author: author.clone(), kind, at }))
            })
            .await
        };
        self.or_answered(&key, done.await).await
    }

    /// Whether an agent may see a conversation: they hold or held it, it waits in a queue they serve, or they supervise.
    ///
    /// # Errors
    ///
    /// `NotAllowed`, or `NotFound` when there is none.
    pub async fn may_see(&self, agent: &AgentId, id: &ConversationId) -> Result<(), FlowError> {
        let account = self.agent(agent).await?;
        let conversation = self.conversation(id).await?;
        if account.role.may(Permission::Supervise)
            || conversation.state.agent() == Some(agent)
            || conversation.last_agent.as_ref() == Some(agent)
        {
            return Ok(());
        }
        let is_open_to_queue = matches!(
            conversation.state,
            ConversationState::Queued { .. }
                | ConversationState::Offered { .. }
                | ConversationState::LeftMessage { .. }
        );
        if is_open_to_queue {
            let queue = self.queue(conversation.queue.as_ref()).await?;
            if crate::domain::routing::serves(&account, &queue, conversation.tier) {
                return Ok(());
            }
        }
        Err(FlowError::NotAllowed("the conversation is not yours"))
    }

    /// An agent says whether they take offers. Going offline turns down what is offered to them.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn set_presence(&self, agent: &AgentId, presence: Presence) -> Result<(), FlowError> {
        let ports = &self.0.ports;
        ports.store.set_presence(agent, presence).await?;
        if presence != Presence::Online {
            for held in ports.store.held_by(agent).await? {
                if let ConversationState::Offered { offer, .. } = &held.state {
                    let now = ports.clock.now();
                    let turned = self
                        .change(&held.id, None, |conversation| {
                            let pass_over = self.policy().service.pass_over;
                            Ok(conversation.turn_down(offer, Turned::Declined, now, pass_over)?)
                        })
                        .await;
                    match turned {
                        Ok(_) => self.observe(Event::OfferEnded { outcome: "declined" }),
                        Err(FlowError::Rejected(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        self.presence_changed();
        Ok(())
    }

    pub(super) fn presence_changed(&self) {
        self.0.shown.outdate();
        self.0.ports.bus.hint(Hint::Queues);
        self.0.unmatched.notify_one();
    }

    /// An agent types or has stopped.
    ///
    /// # Errors
    ///
    /// `NotAllowed` unless they hold the conversation.
    pub async fn agent_typing(
        &self,
        agent: &AgentId,
        id: &ConversationId,
        is_typing: bool,
    ) -> Result<(), FlowError> {
        holds(&self.conversation(id).await?, agent)?;
        self.0.ports.bus.hint(Hint::Typing { id: id.clone(), who: Side::Agent(agent.clone()), is_typing });
        Ok(())
    }

    /// The agent who holds a conversation has seen everything up to a position.
    ///
    /// # Errors
    ///
    /// `NotAllowed` unless they hold it.
    pub async fn agent_read(
        &self,
        agent: &AgentId,
        id: &ConversationId,
        position: u64,
    ) -> Result<(), FlowError> {
        let store = &self.0.ports.store;
        holds(&self.conversation(id).await?, agent)?;
        let entries = store.entries(id, position.saturating_sub(1).saturating_sub(200), 201).await?;
        let seen = entries
            .iter()
            .rev()
            .filter(|entry| entry.position <= position)
            .find_map(|entry| entry.visitor_seq);
        let Some(visitor_seq) = seen else { return Ok(()) };
        if store.record_read(id, ReadMarks { agent: visitor_seq, visitor: 0 }).await? {
            let who = Side::Agent(agent.clone());
            self.0.ports.bus.hint(Hint::Read { id: id.clone(), who, visitor_seq });
        }
        Ok(())
    }

    /// The visitor has seen everything up to a visitor sequence.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn visitor_read(&self, visitor: &VisitorId, visitor_seq: u64) -> Result<(), FlowError> {
        let store = &self.0.ports.store;
        let Some(conversation) = store.latest_of(visitor).await? else { return Ok(()) };
        if store.record_read(&conversation.id, ReadMarks { visitor: visitor_seq, agent: 0 }).await? {
            let hint = Hint::Read { id: conversation.id, who: Side::Visitor, visitor_seq };
            self.0.ports.bus.hint(hint);
        }
        Ok(())
    }

    /// The visitor types or has stopped.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn visitor_typing(&self, visitor: &VisitorId, is_typing: bool) -> Result<(), FlowError> {
        if let Some(conversation) = self.0.ports.store.latest_of(visitor).await?.filter(|c| c.state.is_open())
        {
            self.0.ports.bus.hint(Hint::Typing { id: conversation.id, who: Side::Visitor, is_typing });
        }
        Ok(())
    }

    /// The visitor has a connection now. Called when one opens or closes, and now and then while one is open.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn visitor_here(&self, visitor: &VisitorId) -> Result<(), FlowError> {
        let ports = &self.0.ports;
        if let Some(conversation) = ports.store.latest_of(visitor).await?.filter(|c| c.state.is_open()) {
            ports.store.record_visitor_seen(&conversation.id, ports.clock.now()).await?;
        }
        Ok(())
    }
}

/// Whether this agent answers this conversation now.
pub(super) fn holds(conversation: &Conversation, agent: &AgentId) -> Result<(), FlowError> {
    match &conversation.state {
        ConversationState::WithAgent { agent: holder, .. } if holder == agent => Ok(()),
        _ => Err(FlowError::NotAllowed("the conversation is not yours")),
    }
}
