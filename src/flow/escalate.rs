//! Step 5: hand the conversation to humans.
//!
//! Reads   queues, who is there, who waits.
//! Writes  handoff, place in the queue, notices, new control epoch: one command, with the decision that called for it.
//! Next    `offer`.

use super::{Flow, FlowError, command};
use crate::domain::conversation::{Change, Conversation, ConversationState, NewEntry, Notice};
use crate::domain::escalation::{
    Counterfactual, Decision, EscalationPolicy, Outcome, ReasonCode, decide_trigger,
};
use crate::domain::handoff::Handoff;
use crate::domain::id::{ConversationId, VisitorId, WidgetKey};
use crate::domain::queue::{Priority, choose};
use crate::domain::time::Timestamp;
use crate::domain::tuning::{Event, replay_fold};
use crate::fault::point;
use crate::flow::decide::events_of;
use crate::flow::ports::Ack;
use std::sync::atomic::{AtomicBool, Ordering};

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
