//! Step 7b: on to another queue, agent or tier, or back to the bot.

use super::converse::holds;
use super::{Flow, FlowError, command};
use crate::domain::conversation::{Author, Body, Destination, EntryKind, NewEntry, Notice};
use crate::domain::escalation::{Reason, ReasonCode};
use crate::domain::handoff::EscalationType;
use crate::domain::id::{AgentId, ConversationId, VisitorId};
use crate::flow::ports::Ack;

/// The highest tier there is.
const TOP_TIER: u8 = 3;

impl Flow {
    /// Passes a conversation on, with a note for whoever comes next. The old handoff is completed and a new one begins:
    /// functional to a queue or agent, hierarchical to the next tier.
    ///
    /// # Errors
    ///
    /// `NotAllowed` unless the agent holds it; `NotFound` when the destination is not there; `Invalid` when nobody is
    /// above.
    pub async fn transfer(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
        to: Destination,
        note: Option<Body>,
    ) -> Result<Ack, FlowError> {
        let ports = &self.0.ports;
        let name = self.agent(agent).await?.name;
        let words = format!("{to:?}");
        let said = note.as_ref().map_or("", Body::as_str);
        let key =
            command::key(agent.as_str(), client_id, &["conversation.transfer", id.as_str(), &words, said]);
        let done = async {
            let conversation = self.conversation(id).await?;
            holds(&conversation, agent)?;
            let floor = self.floor().await?;
            let (queue, shown) = match &to {
                Destination::Queue(queue) => {
                    let queue =
                        floor.queues.iter().find(|q| q.id == *queue).ok_or(FlowError::NotFound("queue"))?;
                    (Some(queue.id.clone()), ("queue", queue.name.clone()))
                }
                Destination::Agent(other) => {
                    if other == agent {
                        return Err(FlowError::Invalid(
                            "a conversation cannot be transferred to the one who has it",
                        ));
                    }
                    let other = floor.candidate(other).ok_or(FlowError::NotFound("agent"))?;
                    (conversation.queue.clone(), ("agent", other.agent.name.clone()))
                }
                Destination::NextTier => {
                    if conversation.tier >= TOP_TIER {
                        return Err(FlowError::Invalid("there is no tier above"));
                    }
                    (conversation.queue.clone(), ("queue", floor.queue(conversation.queue.as_ref()).name))
                }
            };
            let reasons = vec![Reason::alone(ReasonCode::Transfer)];
            let mut handoff = floor.handoff(&conversation, queue, reasons, &self.policy(), &*ports.ids);
            handoff.from = Some(agent.clone());
            handoff.kind = EscalationType::Functional;
            if to == Destination::NextTier {
                handoff.kind = EscalationType::Hierarchical;
                handoff.tier = conversation.tier + 1;
            }
            let notice = NewEntry::notice(Notice::Transferred, &[shown], floor.now);
            let note = note.map(|body| NewEntry {
                author: Author::Agent { id: agent.clone(), name: name.clone() },
                kind: EntryKind::Note { body },
                at: floor.now,
            });
            self.change(id, Some(key.clone()), |conversation| {
                holds(&conversation, agent)?;
                let mut change = conversation.transfer(&to, handoff.clone(), notice.clone())?;
                change.entries.extend(note.clone());
                Ok(change)
            })
            .await
        };
        self.or_answered(&key, done.await).await
    }

    /// Gives a conversation back to the bot.
    ///
    /// # Errors
    ///
    /// `NotAllowed` unless the agent holds it.
    pub async fn hand_back(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
    ) -> Result<Ack, FlowError> {
        let key = command::key(agent.as_str(), client_id, &["conversation.hand_back", id.as_str()]);
        self.change(id, Some(key), |conversation| {
            holds(&conversation, agent)?;
            Ok(conversation.hand_back(self.0.ports.clock.now())?)
        })
        .await
    }

    /// The waiting visitor goes on with the bot.
    ///
    /// # Errors
    ///
    /// `Rejected` unless they wait.
    pub async fn continue_with_bot(&self, visitor: &VisitorId, client_id: &str) -> Result<Ack, FlowError> {
        let key = command::key(visitor.as_str(), client_id, &["bot.continue"]);
        let id = self.latest(visitor).await?.id;
        self.change(&id, Some(key), |conversation| {
            Ok(conversation.continue_with_bot(self.0.ports.clock.now())?)
        })
        .await
    }

    /// The visitor's latest conversation.
    pub(super) async fn latest(
        &self,
        visitor: &VisitorId,
    ) -> Result<crate::domain::conversation::Conversation, FlowError> {
        self.0.ports.store.latest_of(visitor).await?.ok_or(FlowError::NotFound("conversation"))
    }
}
