//! Step 8: the end, and what everybody says of it.

use super::{Flow, FlowError, command};
use crate::domain::conversation::ConversationState;
use crate::domain::event::Event;
use crate::domain::id::{AgentId, ConversationId, VisitorId};
use crate::domain::outcome::{Csat, WrapUp};
use crate::fault::point;
use crate::flow::ports::Ack;

impl Flow {
    /// The visitor ends the conversation.
    ///
    /// # Errors
    ///
    /// `Rejected` when it is over already.
    pub async fn end(&self, visitor: &VisitorId, client_id: &str) -> Result<Ack, FlowError> {
        let key = command::key(visitor.as_str(), client_id, &["conversation.end"]);
        let id = self.latest(visitor).await?.id;
        self.change(&id, Some(key), |conversation| Ok(conversation.end(self.0.ports.clock.now())?)).await
    }

    /// The waiting visitor leaves an address.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is not an address; `Rejected` unless they wait.
    pub async fn leave_contact(
        &self,
        visitor: &VisitorId,
        client_id: &str,
        email: &str,
    ) -> Result<Ack, FlowError> {
        let email = crate::domain::account::Email::parse(email)
            .map_err(|_| FlowError::Invalid("not an e-mail address"))?;
        let key = command::key(visitor.as_str(), client_id, &["contact.leave", email.as_str()]);
        let id = self.latest(visitor).await?.id;
        self.change(&id, Some(key), |conversation| {
            let now = self.0.ports.clock.now();
            let due_at = now.plus(self.policy().service.left_message_due);
            Ok(conversation.leave_message(email.as_str().to_owned(), due_at, now)?)
        })
        .await
    }

    /// The visitor rates a conversation of theirs that is over.
    ///
    /// # Errors
    ///
    /// `Invalid` when the score is not 1 to 5; `NotFound` when it is not theirs; `NotAllowed` while it goes on.
    pub async fn rate(&self, visitor: &VisitorId, csat: Csat) -> Result<Ack, FlowError> {
        if !(1..=5).contains(&csat.score)
            || csat.comment.as_ref().is_some_and(|text| text.chars().count() > 2_000)
        {
            return Err(FlowError::Invalid("a rating is 1 to 5, with at most 2,000 characters"));
        }
        let ports = &self.0.ports;
        let conversation = self.conversation(&csat.conversation).await?;
        if conversation.visitor != *visitor {
            return Err(FlowError::NotFound("conversation"));
        }
        if conversation.state.is_open() {
            return Err(FlowError::NotAllowed("the conversation is not over"));
        }
        let now = ports.clock.now();
        let score = csat.score;
        ports.store.record_csat(csat, now).await?;
        self.observe(Event::Rated { score });
        Ok(Ack { conversation: conversation.id, position: None, visitor_seq: None, at: now })
    }

    /// The agent says it is done.
    ///
    /// # Errors
    ///
    /// `Rejected` unless they hold it.
    pub async fn resolve(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
    ) -> Result<Ack, FlowError> {
        let key = command::key(agent.as_str(), client_id, &["conversation.resolve", id.as_str()]);
        self.change(id, Some(key), |conversation| Ok(conversation.resolve(agent, self.0.ports.clock.now())?))
            .await
    }

    /// The agent says how it went.
    ///
    /// # Errors
    ///
    /// `NotAllowed` unless they wrap it up, or did.
    pub async fn wrap_up(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
        wrap_up: WrapUp,
    ) -> Result<Ack, FlowError> {
        let label = wrap_up.label.map_or("", crate::domain::outcome::Label::as_str);
        let note = wrap_up.note.clone().unwrap_or_default();
        let content = ["conversation.wrap_up", id.as_str(), wrap_up.disposition.as_str(), label, &note];
        let key = command::key(agent.as_str(), client_id, &content);
        // What was said first must not be said again over what was said since.
        if let Some(ack) = self.0.ports.store.answered(&key).await? {
            return Ok(ack);
        }
        let done = async {
            let conversation = self.conversation(id).await?;
            let is_theirs = match &conversation.state {
                ConversationState::WrapUp { agent: wrapping, .. } => wrapping == agent,
                // The time-out was faster; what they say still counts.
                ConversationState::Closed { .. } => conversation.last_agent.as_ref() == Some(agent),
                _ => false,
            };
            if !is_theirs {
                return Err(FlowError::NotAllowed("the conversation is not yours to wrap up"));
            }
            // What was said is stored before the state moves on: a crash in between leaves a wrap-up that time closes.
            self.0.ports.store.record_wrap_up(id, agent, wrap_up).await?;
            point("wrap_up.before_close");
            self.change(id, Some(key.clone()), |conversation| match conversation.state {
                ConversationState::Closed { .. } => Ok(crate::domain::conversation::Change::of(conversation)),
                _ => Ok(conversation.close(self.0.ports.clock.now())?),
            })
            .await
        };
        self.or_answered(&key, done.await).await
    }
}
