//! Step 5: hand the conversation to humans.
//!
//! Reads   queues, who is there, who waits.
//! Writes  handoff, place in the queue, notices, new control epoch: one command, with the decision that called for it.
//! Next    `offer`.

use super::offer::place_of;
use super::{Flow, FlowError, command};
use crate::domain::agent::Attendance;
use crate::domain::conversation::{Change, Conversation, ConversationState, NewEntry, Notice, Reservation};
use crate::domain::escalation::{
    Counterfactual, Decision, EscalationPolicy, Outcome, Reason, ReasonCode, decide_trigger,
};
use crate::domain::handoff::{EscalationType, Handoff, HandoffStatus};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId, VisitorId, WidgetKey};
use crate::domain::queue::{Place, Priority, Queue, choose, compare};
use crate::domain::routing::{Candidate, serves};
use crate::domain::time::Timestamp;
use crate::domain::tuning::{Event, replay_fold};
use crate::fault::point;
use crate::flow::decide::events_of;
use crate::flow::ports::{Ack, IdSource};
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Queues, agents and who waits, at one moment.
pub(super) struct Floor {
    pub(super) queues: Vec<Queue>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) waiting: Vec<Conversation>,
    pub(super) now: Timestamp,
    places: OnceLock<HashMap<ConversationId, u32>>,
}

impl Floor {
    /// A queue by its id; the default, or a queue for everybody, when it is gone.
    pub(super) fn queue(&self, id: Option<&QueueId>) -> Queue {
        let named = id.and_then(|id| self.queues.iter().find(|queue| queue.id == *id));
        named.or_else(|| choose(&self.queues, "")).cloned().unwrap_or_else(|| Queue {
            id: QueueId::from_suffix("general"),
            name: "General".into(),
            skills: Vec::new(),
            tier: 1,
            hours: None,
            intents: Vec::new(),
            is_default: true,
        })
    }

    /// The place of everybody who waits, from 1, each in their own queue.
    pub(super) fn places(&self, step: Duration) -> &HashMap<ConversationId, u32> {
        self.places.get_or_init(|| {
            let mut waiting: Vec<_> =
                self.waiting.iter().filter_map(|c| Some((place_of(c)?, c.queue.as_ref()))).collect();
            waiting.sort_by(|(a, _), (b, _)| compare(a, b, self.now, step));
            let mut ahead: HashMap<_, u32> = HashMap::new();
            let count = |(place, queue): (Place, _)| {
                let n = ahead.entry(queue).or_default();
                *n += 1;
                (place.conversation, *n)
            };
            waiting.into_iter().map(count).collect()
        })
    }

    pub(super) fn candidate(&self, agent: &AgentId) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.agent.id == *agent)
    }

    /// A reservation with this agent and their name, when they are there and have room.
    pub(super) fn room_of(&self, agent: &AgentId) -> Option<(Reservation, String)> {
        let candidate = self.candidate(agent)?;
        let reservation = Reservation { agent: agent.clone(), capacity: candidate.agent.capacity };
        candidate.has_room().then(|| (reservation, candidate.agent.name.clone()))
    }

    /// Whether anybody who serves the queue is there.
    pub(super) fn is_attended(&self, queue: &Queue, tier: u8) -> bool {
        self.candidates.iter().any(|c| c.attendance.is_reachable() && serves(&c.agent, queue, tier))
    }

    /// A new handoff of this conversation, of the kind its first reason makes.
    pub(super) fn handoff(
        &self,
        conversation: &Conversation,
        queue: Option<QueueId>,
        reasons: Vec<Reason>,
        policy: &EscalationPolicy,
        ids: &dyn IdSource,
    ) -> Handoff {
        let queue = self.queue(queue.as_ref());
        let kind = reasons.first().map_or(EscalationType::Automatic, |reason| reason.code.kind());
        let ahead = self.waiting.iter().filter(|other| other.queue.as_ref() == Some(&queue.id)).count();
        let mut handoff = Handoff {
            id: HandoffId::from_suffix(&ids.suffix()),
            conversation: conversation.id.clone(),
            kind,
            reasons,
            counterfactual: None,
            words: Vec::new(),
            policy: policy.label(),
            score: conversation.score.unwrap_or(0.0),
            tier: conversation.tier.max(queue.tier),
            queue: queue.id,
            queue_name: queue.name,
            priority: conversation.priority,
            place_at_start: u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1),
            at: self.now,
            answer_due_at: None,
            from: None,
            status: HandoffStatus::Initiated,
            agent: None,
            accepted_at: None,
            ended_at: None,
        };
        handoff.set_priority(conversation.priority, policy, self.now);
        handoff
    }
}

impl Handoff {
    /// Sets the priority, and with it the promise of an answer.
    pub(super) fn set_priority(&mut self, priority: Priority, policy: &EscalationPolicy, now: Timestamp) {
        self.priority = priority;
        let promise = match priority {
            Priority::Low => policy.service.answer[0],
            Priority::Normal => policy.service.answer[1],
            Priority::High => policy.service.answer[2],
            Priority::Urgent => policy.service.answer[3],
        };
        self.answer_due_at = Some(now.plus(promise));
    }
}

impl Flow {
    /// Every agent, and where they are.
    pub(super) async fn candidates(&self) -> Result<Vec<Candidate>, FlowError> {
        let ports = &self.0.ports;
        let attendance = ports.store.attendance().await?;
        let candidates = ports.directory.accounts().await?.into_iter().filter(|account| !account.is_disabled);
        let candidates = candidates.map(|account| Candidate {
            attendance: attendance.get(&account.agent.id).copied().unwrap_or_else(Attendance::default),
            agent: account.agent,
        });
        Ok(candidates.collect())
    }

    pub(super) async fn floor(&self) -> Result<Floor, FlowError> {
        let ports = &self.0.ports;
        Ok(Floor {
            queues: ports.directory.queues().await?,
            candidates: self.candidates().await?,
            waiting: ports.store.waiting().await?,
            now: ports.clock.now(),
            places: OnceLock::new(),
        })
    }

    /// The handoff that a decision calls for, and what visitor and agents are told with it.
    pub(super) async fn begin(
        &self,
        conversation: &Conversation,
        decision: &Decision,
        counterfactual: Option<Counterfactual>,
        intent: &str,
    ) -> Result<(Handoff, Vec<NewEntry>), FlowError> {
        let (floor, policy) = (self.floor_now().await?, self.policy());
        let queue = choose(&floor.queues, intent).map(|queue| queue.id.clone());
        let mut handoff =
            floor.handoff(conversation, queue, decision.reasons.clone(), &policy, &*self.0.ports.ids);
        if let Outcome::Escalate { kind, priority } = decision.outcome {
            handoff.kind = kind;
            handoff.set_priority(priority, &policy, floor.now);
        }
        handoff.counterfactual = counterfactual;
        handoff.score = decision.score.value;
        let queue = floor.queue(Some(&handoff.queue));
        let now = floor.now;
        let mut notices = vec![NewEntry::notice(Notice::Queued, &[("queue", queue.name.clone())], now)];
        match &queue.hours {
            Some(hours) if !hours.is_open(now) => {
                let opens_at = hours.opens_at(now).map(|at| ("opens_at", at.to_string()));
                let params: Vec<_> = opens_at.into_iter().collect();
                notices.push(NewEntry::notice(Notice::OutOfHours, &params, now));
            }
            _ if !floor.is_attended(&queue, handoff.tier) => {
                notices.push(NewEntry::notice(Notice::NobodyThere, &[], now));
            }
            _ => {}
        }
        tracing::info!(
            conversation.id = %conversation.id,
            handoff.reason = decision.reasons.first().map_or("", |reason| reason.code.as_str()),
            queue.name = %queue.name,
            "Conversation {} is handed over to `{}`", conversation.id, queue.name
        );
        Ok((handoff, notices))
    }

    /// The button "talk to a person": escalates at once, whatever score, cooldown, load or hours say. When humans have
    /// the conversation already there is nothing to do, and that is the answer.
    ///
    /// # Errors
    ///
    /// `Conflict` when the client id was used for something else.
    pub async fn ask_for_human(
        &self,
        visitor: &VisitorId,
        widget: Option<&WidgetKey>,
        client_id: &str,
    ) -> Result<Ack, FlowError> {
        let key = command::key(visitor.as_str(), client_id, &["human.request"]);
        if let Some(ack) = self.0.ports.store.answered(&key).await? {
            return Ok(ack);
        }
        let id = self.open_conversation(visitor, widget).await?.id;
        self.escalate_because(&id, ReasonCode::AskedForHuman, Some(key)).await
    }

    /// Escalates because of something outside the visitor's messages. Nothing happens where the bot does not have it,
    /// but that a left message whose visitor asks again waits again.
    pub(super) async fn escalate_because(
        &self,
        id: &ConversationId,
        code: ReasonCode,
        key: Option<crate::flow::ports::CommandKey>,
    ) -> Result<Ack, FlowError> {
        let _lane = self.0.lanes.enter(id).await;
        let known = self.known(id).await?;
        let policy = self.policy();
        let events: Vec<Event> =
            events_of(&known.entries, &known.analyses).into_iter().map(|(_, event)| event).collect();
        let decision = decide_trigger(&policy, &replay_fold(&policy, &events).1, code);
        let intent = known.analyses.last_key_value().map_or("other", |(_, analysis)| analysis.subject());
        let (handoff, notices) = self.begin(&known.conversation, &decision, None, intent).await?;
        let now = self.0.ports.clock.now();
        let has_begun = AtomicBool::new(false);
        let ack = self
            .change_in_lane(id, key, |conversation| {
                has_begun.store(false, Ordering::Relaxed);
                match &conversation.state {
                    // The bot was faster after all.
                    ConversationState::WithBot { answer_due_at, .. }
                        if code == ReasonCode::BotSilent && answer_due_at.is_none_or(|due| due > now) =>
                    {
                        return Ok(Change::of(conversation));
                    }
                    ConversationState::WithBot { .. } => {}
                    ConversationState::LeftMessage { .. } if code == ReasonCode::AskedForHuman => {
                        return Ok(conversation.bring_back(now)?);
                    }
                    _ => return Ok(Change::of(conversation)),
                }
                has_begun.store(true, Ordering::Relaxed);
                let change = Change::of(conversation).with(NewEntry::decision(decision.clone(), now));
                Ok(change.then(|conversation| conversation.escalate(handoff.clone(), notices.clone()))?)
            })
            .await?;
        drop(_lane);
        point("escalate.before_hint");
        self.tell_state(id, ack.position.unwrap_or(0));
        if has_begun.into_inner() {
            let (flow, id) = (self.clone(), id.clone());
            self.0.tracker.spawn("explain", async move { flow.explain(&id, &handoff).await });
        }
        Ok(ack)
    }
}
