//! Step 4b: the bot keeps it.
//!
//! The bot is asked outside the conversation's lane: a visitor who asks for a person meanwhile waits for nobody.
//! Its answer counts only under the control epoch it was asked in; later it is kept as not sent.

use super::decide::{counterfactual_at, events_of};
use super::{ATTEMPTS, Flow, FlowError};
use crate::domain::conversation::{Author, Body, Change, Conversation, EntryKind, NewEntry};
use crate::domain::escalation::{Decision, ReasonCode, decide_trigger};
use crate::domain::event::Event as Counted;
use crate::domain::handoff::Handoff;
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;
use crate::domain::tuning::Event;
use crate::fault::{planted, point};
use crate::flow::ports::{Hint, Question, Reply, Side, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// How much later than the bot's own deadline its silence is noticed by the watch.
pub(super) const SILENCE_MARGIN: Duration = Duration::from_secs(3);
/// How long a bot may think before it is seen to type.
const TYPES_AFTER: Duration = Duration::from_millis(250);
/// What a bot without words of its own says when it does not know.
const NO_ANSWER: &str = "I could not find an answer to that.";

/// What follows a decision.
pub(super) enum Asked {
    /// The bot is to answer.
    Bot { question: Box<Question>, epoch: u64 },
    /// The words that counted are to be found.
    Words { handoff: Box<Handoff> },
}

impl Flow {
    pub(super) async fn ask_bot(&self, id: &ConversationId, question: Question, epoch: u64) {
        let bus = &self.0.ports.bus;
        let typing = |is_typing| Hint::Typing { id: id.clone(), who: Side::Bot, is_typing };
        let begun = self.0.ports.clock.now();
        let asked = question.position;
        let mut replying = self.0.ports.bot.reply(question);
        let soon = tokio::select! {
            biased;
            reply = &mut replying => Some(reply),
            () = self.0.ports.clock.sleep(TYPES_AFTER) => None,
        };
        let reply = match soon {
            Some(reply) => reply,
            None => {
                bus.hint(typing(true));
                let reply = replying.await;
                bus.hint(typing(false));
                reply
            }
        };
        let outcome = match &reply {
            Reply::Answer(_) => "answer",
            Reply::NoAnswer(_) => "no_answer",
            Reply::HandOver(_) => "hand_over",
            Reply::Silent => "silent",
        };
        self.observe(Counted::BotReplied { outcome, took: self.0.ports.clock.now().since(begun) });
        point("reply.before_write");
        if let Err(error) = self.take_reply(id, epoch, asked, reply).await {
            self.note_failure(id, "take the bot's answer", &error);
        }
    }

    /// Takes what the bot said to the message at `asked`: an answer, a failure that may call a human, or its own wish
    /// for one.
    pub(super) async fn take_reply(
        &self,
        id: &ConversationId,
        epoch: u64,
        asked: u64,
        reply: Reply,
    ) -> Result<(), FlowError> {
        let handoff = {
            let _lane = self.0.lanes.enter(id).await;
            let mut outcome = Err(FlowError::Conflict);
            for _ in 0..ATTEMPTS {
                outcome = self.take_reply_once(id, epoch, asked, &reply).await;
                if outcome != Err(FlowError::Conflict) {
                    break;
                }
            }
            outcome?
        };
        if let Some(handoff) = handoff {
            let (flow, id) = (self.clone(), id.clone());
            self.0.tracker.spawn("explain", async move { flow.explain(&id, &handoff).await });
        }
        Ok(())
    }

    async fn take_reply_once(
        &self,
        id: &ConversationId,
        epoch: u64,
        asked: u64,
        reply: &Reply,
    ) -> Result<Option<Handoff>, FlowError> {
        let ports = &self.0.ports;
        let (conversation, now) = (self.conversation(id).await?, ports.clock.now());
        // Whoever it was with is erased: nothing more is written about them.
        if conversation.visitor.is_nobody() {
            return Ok(None);
        }
        let body = |text: &str| Body::new(text).ok();
        let says = |body: Body, is_no_answer: bool| NewEntry {
            author: Author::Bot,
            kind: EntryKind::Message { body, is_no_answer },
            at: now,
        };
        let (said, is_failure) = match reply {
            Reply::Answer(text) => (body(text), false),
            Reply::NoAnswer(text) => (body(text.as_deref().unwrap_or(NO_ANSWER)), true),
            Reply::HandOver(text) => (text.as_deref().and_then(body), false),
            Reply::Silent => (None, false),
        };
        let trigger = match reply {
            Reply::HandOver(_) => Some(ReasonCode::BotHandedOver),
            Reply::Silent => Some(ReasonCode::BotSilent),
            // An answer that is blank or too long is none.
            Reply::Answer(_) | Reply::NoAnswer(_) => said.is_none().then_some(ReasonCode::BotSilent),
        };
        let has_control = (conversation.epoch == epoch || planted("epoch_ignored"))
            && matches!(conversation.state, crate::domain::conversation::ConversationState::WithBot { .. });
        if !has_control {
            let Some(body) = said else { return Ok(None) };
            let unsent = NewEntry { author: Author::Bot, kind: EntryKind::Unsent { body }, at: now };
            return self.write(Change::of(conversation).with(unsent)).await.map(|()| None);
        }
        let position = conversation.last_position + 1;
        let decision = match trigger.is_some() || is_failure {
            true => Some(self.decide_on_reply(&conversation, trigger, now).await?),
            false => None,
        };
        let mut change = match said {
            Some(body) => conversation.bot_answered(epoch, asked, says(body, is_failure))?,
            None => Change::of(conversation),
        };
        // The decision names the failure by its position: no message may have come in before it.
        change.is_placed = is_failure;
        let mut begun = None;
        if let Some(decision) = decision {
            change.entries.push(NewEntry::decision(decision.clone(), now));
            if decision.is_escalation() {
                let known = self.known(id).await?;
                let mut events = events_of(&known.entries, &known.analyses);
                events.retain(|(at, _)| *at < position);
                events.push((position, Event::BotFailed { at: now }));
                let about = decision.about;
                let counterfactual =
                    about.and_then(|about| counterfactual_at(&self.policy(), &events, about));
                let last = known.analyses.last_key_value().map(|(_, analysis)| analysis.intent().as_str());
                let (handoff, notices) = self
                    .begin(&change.conversation, &decision, counterfactual, last.unwrap_or("other"))
                    .await?;
                begun = Some(handoff.clone());
                change = change.then(|conversation| conversation.escalate(handoff, notices))?;
            }
        }
        self.write(change).await.map(|()| begun)
    }

    /// What follows from an answer that is none: the bot's own wish for a human, or one more failure.
    async fn decide_on_reply(
        &self,
        seen: &Conversation,
        trigger: Option<ReasonCode>,
        now: Timestamp,
    ) -> Result<Decision, FlowError> {
        let (conversation, standing) = self.stand(&seen.id).await?;
        let (mut course, policy) = (standing.course(), Arc::clone(standing.policy()));
        self.keep(standing);
        if conversation.version != seen.version || conversation.last_position != seen.last_position {
            return Err(FlowError::Conflict);
        }
        if let Some(code) = trigger {
            return Ok(decide_trigger(&policy, course.fold(), code));
        }
        let decision = course.step(&policy, &Event::BotFailed { at: now });
        let decision = decision.ok_or(FlowError::Conflict)?;
        Ok(Decision { about: Some(seen.last_position + 1), ..decision })
    }

    async fn write(&self, change: Change) -> Result<(), FlowError> {
        let (id, has_begun) = (change.conversation.id.clone(), !change.handoffs.is_empty());
        match self.commit(None, change, None).await {
            Ok(ack) => {
                let position = ack.position.unwrap_or(0);
                if has_begun {
                    self.tell_state(&id, position)
                } else {
                    self.tell(&id, position)
                }
                Ok(())
            }
            Err(StoreError::Conflict) => Err(FlowError::Conflict),
            Err(error) => Err(error.into()),
        }
    }
}
