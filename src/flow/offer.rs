//! Step 6: from the queue to an agent.
//!
//! Reads   who waits, who is there.
//! Writes  the offer and the room it takes: one command each; accepting is a compare-and-set (invariant 6).
//! Next    `converse`.

use super::floor::queue_of;
use super::{Flow, FlowError, command};
use crate::domain::agent::{Agent, Permission};
use crate::domain::conversation::{Conversation, ConversationState, Reservation, Turned};
use crate::domain::event::Event;
use crate::domain::id::{AgentId, ConversationId, OfferId};
use crate::domain::queue::{Place, compare};
use crate::domain::routing::{Candidate, NoRoute, route};
use crate::domain::time::Timestamp;
use crate::fault::point;
use crate::flow::ports::{Ack, Hint};
use std::time::Duration;

/// How long after a failed round the next one comes by itself.
const ROUND: Duration = Duration::from_secs(1);

/// Those of these conversations that wait, in the order in which they are served.
pub(super) fn in_order(
    conversations: Vec<Conversation>,
    now: Timestamp,
    step: Duration,
) -> impl Iterator<Item = Conversation> {
    let mut waiting: Vec<(Place, Conversation)> =
        conversations.into_iter().filter_map(|c| Some((c.place()?, c))).collect();
    waiting.sort_by(|(a, _), (b, _)| compare(a, b, now, step));
    waiting.into_iter().map(|(_, conversation)| conversation)
}

impl Flow {
    /// Offers whenever something changed, until the process stops.
    pub(super) async fn keep_offering(&self) {
        loop {
            tokio::select! {
                biased;
                () = self.0.tracker.stopping() => return,
                () = self.0.unmatched.notified() => {}
                () = self.0.ports.clock.sleep(ROUND) => {}
            }
            if let Err(error) = self.offer_waiting().await {
                tracing::warn!(error.code = error.code(), "Waiting conversations were not offered: {error}");
            }
        }
    }

    /// One round: everybody who waits, in order, to whoever is there and has room.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn offer_waiting(&self) -> Result<(), FlowError> {
        let mut candidates = self.candidates().await?;
        // Most rounds find nobody with room, and need not look at who waits.
        if !candidates.iter().any(Candidate::has_room) {
            return Ok(());
        }
        let ports = &self.0.ports;
        let queues = ports.directory.queues().await?;
        let mut waiting = ports.store.waiting().await?;
        waiting.retain(|conversation| matches!(conversation.state, ConversationState::Queued { .. }));
        let now = ports.clock.now();
        for conversation in in_order(waiting, now, self.policy().service.priority_step) {
            let queue = queue_of(&queues, conversation.queue.as_ref());
            let agent = match route(&conversation, &queue, &candidates, now) {
                Ok(agent) => agent.clone(),
                Err(NoRoute::NobodyThere | NoRoute::AllBusy) => continue,
            };
            match self.offer(&conversation, &agent).await {
                Ok(()) => count_offer(&mut candidates, &agent.id, now),
                // Somebody was faster; the next round sees it.
                Err(FlowError::Conflict | FlowError::NoRoom | FlowError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn offer(&self, conversation: &Conversation, agent: &Agent) -> Result<(), FlowError> {
        let ports = &self.0.ports;
        let _lane = self.0.lanes.enter(&conversation.id).await;
        let now = ports.clock.now();
        let to = Reservation { agent: agent.id.clone(), capacity: agent.capacity };
        let offer = OfferId::from_suffix(&ports.ids.suffix());
        let change = conversation.clone().offer(offer, to, now.plus(self.policy().service.offer_timeout))?;
        point("offer.before_write");
        self.commit(Some(conversation), change, None).await?;
        drop(_lane);
        point("offer.before_hint");
        self.tell_state(&conversation.id, conversation.last_position);
        self.0.ports.bus.hint(Hint::Offered { agent: agent.id.clone() });
        Ok(())
    }

    /// Takes an offer. Exactly one agent wins, also with one agent in two tabs.
    ///
    /// # Errors
    ///
    /// `Rejected` when the offer does not stand any more.
    pub async fn accept(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
        offer: &OfferId,
    ) -> Result<Ack, FlowError> {
        let name = self.agent(agent).await?.name;
        let key = command::key(agent.as_str(), client_id, &["offer.accept", id.as_str(), offer.as_str()]);
        point("accept.before_write");
        let ack = self
            .change(id, Some(key), |conversation| {
                let now = self.0.ports.clock.now();
                Ok(conversation.accept(offer, agent, &name, now)?)
            })
            .await?;
        tracing::info!(conversation.id = %id, agent.id = %agent, "Conversation {id} is accepted by agent {agent}");
        Ok(ack)
    }

    /// Says no to an offer; it goes on to somebody else.
    ///
    /// # Errors
    ///
    /// `Rejected` when the offer does not stand any more.
    pub async fn decline(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
        offer: &OfferId,
    ) -> Result<Ack, FlowError> {
        let key = command::key(agent.as_str(), client_id, &["offer.decline", id.as_str(), offer.as_str()]);
        let ack = self
            .change(id, Some(key), |conversation| {
                if conversation.state.agent() != Some(agent) {
                    return Err(FlowError::NotAllowed("the offer is somebody else's"));
                }
                Ok(conversation.turn_down(
                    offer,
                    Turned::Declined,
                    self.0.ports.clock.now(),
                    self.policy().service.pass_over,
                )?)
            })
            .await?;
        self.observe(Event::OfferEnded { outcome: "declined" });
        Ok(ack)
    }

    /// Takes a waiting conversation, or a left message, out of turn.
    ///
    /// # Errors
    ///
    /// `NotAllowed` when the agent does not serve its queue and does not supervise; `NoRoom` when they hold as much as
    /// they may; `Rejected` when it does not wait.
    pub async fn take(
        &self,
        agent: &AgentId,
        client_id: &str,
        id: &ConversationId,
    ) -> Result<Ack, FlowError> {
        let key = command::key(agent.as_str(), client_id, &["conversation.take", id.as_str()]);
        let done = async {
            let taker = self.agent(agent).await?;
            let conversation = self.conversation(id).await?;
            let queue = self.queue(conversation.queue.as_ref()).await?;
            let serves = crate::domain::routing::serves(&taker, &queue, conversation.tier);
            if !serves && !taker.role.may(Permission::Supervise) {
                return Err(FlowError::NotAllowed("the queue is not yours"));
            }
            self.change(id, Some(key.clone()), |conversation| {
                let by = Reservation { agent: agent.clone(), capacity: taker.capacity };
                Ok(conversation.take(by, &taker.name, self.0.ports.clock.now())?)
            })
            .await
        };
        self.or_answered(&key, done.await).await
    }

    /// The name of an agent, where it can be looked up now.
    pub async fn name_of(&self, id: &AgentId) -> Option<String> {
        self.agent(id).await.ok().map(|agent| agent.name)
    }

    /// What an admin has set for an agent.
    pub(super) async fn agent(&self, id: &AgentId) -> Result<Agent, FlowError> {
        let account = self.0.ports.directory.account(id).await?.filter(|account| !account.is_disabled);
        account.map(|account| account.agent).ok_or(FlowError::NotFound("agent"))
    }
}

fn count_offer(candidates: &mut [Candidate], agent: &AgentId, now: Timestamp) {
    if let Some(candidate) = candidates.iter_mut().find(|candidate| candidate.agent.id == *agent) {
        candidate.attendance.held += 1;
        candidate.attendance.last_offer_at = Some(now);
    }
}
