//! Any time: what time does. Nothing here is remembered between rounds: the store
//! says what is due, so a restart loses no deadline (invariant 7).

use super::{Flow, FlowError};
use crate::domain::conversation::{
    Absence, Author, Body, Change, ConversationState, EntryKind, Lost, Turned,
};
use crate::domain::escalation::ReasonCode;
use crate::domain::event::Event;
use crate::domain::id::{AgentId, ConversationId};
use crate::domain::time::Timestamp;
use crate::fault::{planted, point};
use crate::flow::ports::Overdue;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often time is looked at.
const ROUND: Duration = Duration::from_millis(250);
/// Conversations looked after in one round.
const AT_ONCE: usize = 500;
/// How long after its analysis budget an undecided message is taken up again: its task was lost with a crash.
const UNDECIDED_AFTER: Duration = Duration::from_secs(2);

impl Flow {
    pub(super) async fn keep_watching(&self) {
        loop {
            tokio::select! {
                biased;
                () = self.0.tracker.stopping() => return,
                () = self.0.ports.clock.sleep(ROUND) => {}
            }
            self.tick().await;
        }
    }

    /// One round of everything that time does.
    pub async fn tick(&self) {
        if let Err(error) = self.look_after_overdue().await {
            tracing::warn!(error.code = error.code(), "Overdue conversations were not looked after: {error}");
        }
        point("watch.between_rounds");
        if let Err(error) = self.end_dead_nodes().await {
            tracing::warn!(error.code = error.code(), "Dead nodes were not looked for: {error}");
        }
        if let Err(error) = self.look_after_lost_agents().await {
            tracing::warn!(
                error.code = error.code(),
                "Lost agents' conversations were not looked after: {error}"
            );
        }
    }

    async fn look_after_overdue(&self) -> Result<(), FlowError> {
        let (ports, policy) = (&self.0.ports, self.policy());
        let now = ports.clock.now();
        let before = Overdue {
            now,
            undecided_before: now.minus(self.0.settings.analysis_budget).minus(UNDECIDED_AFTER),
            idle_before: now.minus(policy.service.idle_timeout),
            gone_before: now.minus(policy.service.gone_timeout),
            wrap_up_before: now.minus(policy.service.wrap_up_timeout),
        };
        for id in ports.store.overdue(before, AT_ONCE).await? {
            match self.look_after(&id, before).await {
                // Somebody was faster, which is as good.
                Ok(()) | Err(FlowError::Rejected(_) | FlowError::Conflict) => {}
                Err(error) => self.note_failure(&id, "look after", &error),
            }
        }
        Ok(())
    }

    /// What time does to one conversation. What ends because its visitor is silent is placed: a message that comes in at
    /// the same moment wins.
    async fn look_after(&self, id: &ConversationId, before: Overdue) -> Result<(), FlowError> {
        let conversation = self.conversation(id).await?;
        let (now, policy) = (before.now, self.policy());
        if conversation.is_undecided()
            && conversation.visitor_seen_at <= before.undecided_before
            && !planted("undecided_not_taken_up")
        {
            self.take_up_undecided(id, conversation.last_visitor_position).await?;
            return Ok(());
        }
        let due_at = now.plus(policy.service.left_message_due);
        match &conversation.state {
            ConversationState::WithBot { answer_due_at: Some(due), .. } if *due <= now => {
                self.escalate_because(id, ReasonCode::BotSilent, None).await?;
            }
            ConversationState::WithBot { .. } if conversation.visitor_seen_at <= before.idle_before => {
                self.change(id, None, |conversation| {
                    if conversation.visitor_seen_at > before.idle_before {
                        return Ok(Change::of(conversation));
                    }
                    Ok(Change { is_placed: true, ..conversation.end(now)? })
                })
                .await?;
            }
            ConversationState::Offered { offer, expires_at, .. }
                if *expires_at <= now && !planted("expiry_not_watched") =>
            {
                self.change(id, None, |conversation| {
                    Ok(conversation.turn_down(offer, Turned::Expired, now, policy.service.pass_over)?)
                })
                .await?;
                self.observe(Event::OfferEnded { outcome: "expired" });
            }
            ConversationState::Queued { .. } | ConversationState::Offered { .. }
                if conversation.is_abandoned(policy.service.gone_timeout, now) =>
            {
                let email = self.profile(&conversation.visitor).await?.email;
                self.change(id, None, |mut conversation| {
                    if !conversation.is_abandoned(policy.service.gone_timeout, now) {
                        return Ok(Change::of(conversation));
                    }
                    conversation.email = conversation.email.or_else(|| email.clone());
                    Ok(Change { is_placed: true, ..conversation.abandon(due_at, now)? })
                })
                .await?;
            }
            ConversationState::LeftMessage { due_at, .. } if *due_at <= now => {
                self.change(id, None, |conversation| Ok(conversation.bring_back(now)?)).await?;
            }
            ConversationState::WrapUp { ended_at, .. } if *ended_at <= before.wrap_up_before => {
                self.change(id, None, |conversation| Ok(conversation.close(now)?)).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The task that should have decided is gone, most likely with a crash: another takes its place.
    async fn take_up_undecided(&self, id: &ConversationId, position: u64) -> Result<(), FlowError> {
        let entries = self.0.ports.store.entries(id, position.saturating_sub(1), 1).await?;
        let body = entries.into_iter().find_map(|entry| match (entry.kind, entry.author) {
            (EntryKind::Message { body, .. }, Author::Visitor) => Some(body),
            _ => None,
        });
        let text = body.as_ref().map_or("", Body::as_str);
        self.decide_on_words(id, position, text).await
    }

    async fn look_after_lost_agents(&self) -> Result<(), FlowError> {
        let ports = &self.0.ports;
        let lost_before = ports.clock.now().minus(self.0.settings.agent_grace);
        // In an order of their own, so that a run can be repeated.
        let attendance: BTreeMap<_, _> = ports.store.attendance().await?.into_iter().collect();
        for (agent, attendance) in attendance {
            let is_lost = attendance.lost_at.is_some_and(|lost_at| lost_at <= lost_before);
            if is_lost && attendance.held > 0 && !planted("stranded_after_agent_lost") {
                self.release(&agent, lost_before).await?;
            }
        }
        Ok(())
    }

    /// Everything a lost agent holds goes back: offers in their place, conversations to the front of their class. Each
    /// write asks again whether they are gone: this node may have slept since it saw that, and they may be at another.
    async fn release(&self, agent: &AgentId, lost_before: Timestamp) -> Result<(), FlowError> {
        let ports = &self.0.ports;
        let account = ports.directory.account(agent).await?;
        let name = account.map(|account| account.agent.name).unwrap_or_default();
        for held in ports.store.held_by(agent).await? {
            point("watch.before_release");
            let now = ports.clock.now();
            let released = self
                .change(&held.id, None, |conversation| {
                    let change = match conversation.state.clone() {
                        ConversationState::Offered { offer, agent: to, .. } if to == *agent => {
                            conversation.turn_down(&offer, Turned::AgentLost, now, Duration::ZERO)?
                        }
                        _ => conversation.lose_agent(agent, Lost::Connection, &name, now)?,
                    };
                    let absence = Some(Absence { agent: agent.clone(), since: lost_before });
                    Ok(Change { absence, ..change })
                })
                .await;
            if released.is_ok() && matches!(held.state, ConversationState::Offered { .. }) {
                self.observe(Event::OfferEnded { outcome: "withdrawn" });
            }
            match released {
                Ok(_) => tracing::info!(
                    conversation.id = %held.id, agent.id = %agent,
                    "Conversation {} waits again: agent {agent} is gone", held.id
                ),
                // In wrap-up, or somebody was faster, or the agent is back.
                Err(FlowError::Rejected(_) | FlowError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
