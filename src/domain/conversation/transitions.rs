//! Every way from one state to another. Each is a method that takes the
//! conversation as read and gives the change to write, or says that it is not
//! possible from here. Nothing else changes a state (invariant 7).

use super::{
    Change, Conversation, ConversationState as State, EntryKind, Exclusion, HandoffChange, InvalidTransition,
    NewEntry, Notice, Reservation,
};
use crate::domain::handoff::{Handoff, HandoffOutcome};
use crate::domain::id::{AgentId, OfferId, QueueId};
use crate::domain::time::Timestamp;
use std::time::Duration;

/// How an offer ended without being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// The agent said no.
    Declined,
    /// The agent said nothing.
    Expired,
    /// The agent went away.
    AgentLost,
}

/// Where a transfer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Another queue.
    Queue(QueueId),
    /// One agent, in the present queue.
    Agent(AgentId),
    /// The next tier, in the present queue.
    NextTier,
}

/// Why a conversation left its human without being finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Every connection of the agent has been gone longer than the grace.
    Connection,
}

type Transition = Result<Change, InvalidTransition>;

impl Conversation {
    /// The bot was asked: from now on its silence has an end.
    ///
    /// # Errors
    ///
    /// Unless the bot holds it.
    pub fn ask_bot(mut self, due_at: Timestamp) -> Transition {
        match self.state {
            State::WithBot { since, .. } => {
                self.state = State::WithBot { since, answer_due_at: Some(due_at) };
                Ok(Change::of(self))
            }
            other => Err(other.cannot("ask the bot")),
        }
    }

    /// The bot answered, under the control epoch `epoch`, the message at `position`. While a later one waits for its
    /// answer, that one's silence still has an end.
    ///
    /// # Errors
    ///
    /// When the bot has lost control since: the answer is kept as not sent.
    pub fn bot_answered(mut self, epoch: u64, position: u64, answer: NewEntry) -> Transition {
        match self.state {
            State::WithBot { since, answer_due_at } if self.epoch == epoch => {
                let answer_due_at = answer_due_at.filter(|_| self.decided_position > position);
                self.state = State::WithBot { since, answer_due_at };
                Ok(Change::of(self).with(answer))
            }
            other => Err(other.cannot("take an answer of the bot")),
        }
    }

    /// From the bot to the queue: handoff, entry in the queue, notices and the end of the bot's control in one.
    ///
    /// # Errors
    ///
    /// Unless the bot holds it. A second escalation is the caller's mistake, not a second handoff (invariant 5).
    pub fn escalate(mut self, handoff: Handoff, notices: Vec<NewEntry>) -> Transition {
        if !matches!(self.state, State::WithBot { .. }) {
            return Err(self.state.cannot("escalate"));
        }
        self.state = State::Queued { handoff: handoff.id.clone(), since: handoff.at };
        self.epoch += 1;
        self.queue = Some(handoff.queue.clone());
        self.priority = handoff.priority;
        self.tier = handoff.tier;
        self.answer_due_at = handoff.answer_due_at;
        self.is_front = false;
        self.excluded.clear();
        self.wanted_agent = None;
        let mut change = Change::of(self);
        change.entries = notices;
        change.handoffs.push(HandoffChange::Begin(Box::new(handoff)));
        Ok(change)
    }

    /// Shows it to one agent and takes the room for it.
    ///
    /// # Errors
    ///
    /// Unless it is queued.
    pub fn offer(mut self, offer: OfferId, to: Reservation, expires_at: Timestamp) -> Transition {
        match self.state {
            State::Queued { handoff, since } => {
                self.state = State::Offered { handoff, offer, agent: to.agent.clone(), since, expires_at };
                let mut change = Change::of(self);
                change.reservation = Some(to);
                Ok(change)
            }
            other => Err(other.cannot("be offered")),
        }
    }

    /// The agent takes the offer.
    ///
    /// # Errors
    ///
    /// Unless exactly this offer to exactly this agent stands.
    pub fn accept(mut self, offer: &OfferId, agent: &AgentId, name: &str, at: Timestamp) -> Transition {
        match self.state {
            State::Offered { handoff, offer: ref standing, agent: ref holder, .. }
                if standing == offer && holder == agent =>
            {
                self.state = State::WithAgent { handoff: handoff.clone(), agent: agent.clone(), since: at };
                Ok(self.joined(handoff, agent, name, at))
            }
            other => Err(other.cannot("be accepted")),
        }
    }

    /// An agent takes it out of turn: from the queue, or a message that was left.
    ///
    /// # Errors
    ///
    /// Unless it is queued or a left message.
    pub fn take(mut self, by: Reservation, name: &str, at: Timestamp) -> Transition {
        match self.state {
            State::Queued { handoff, .. } | State::LeftMessage { handoff, .. } => {
                self.state =
                    State::WithAgent { handoff: handoff.clone(), agent: by.agent.clone(), since: at };
                let mut change = self.joined(handoff, &by.agent, name, at);
                change.reservation = Some(by);
                Ok(change)
            }
            other => Err(other.cannot("be taken")),
        }
    }

    fn joined(
        mut self,
        handoff: crate::domain::id::HandoffId,
        agent: &AgentId,
        name: &str,
        at: Timestamp,
    ) -> Change {
        self.epoch += 1;
        self.last_agent = Some(agent.clone());
        self.is_front = false;
        self.excluded.clear();
        self.wanted_agent = None;
        self.answer_due_at = None;
        let mut change =
            Change::of(self).with(NewEntry::notice(Notice::AgentJoined, &[("agent", name.to_owned())], at));
        change.handoffs.push(HandoffChange::Accept { handoff, agent: agent.clone(), at });
        change
    }

    /// The offer ended without being taken: it waits on in its place, and that agent is passed over for a while.
    ///
    /// # Errors
    ///
    /// Unless this offer stands.
    pub fn turn_down(
        mut self,
        offer: &OfferId,
        how: Turned,
        at: Timestamp,
        pass_over: Duration,
    ) -> Transition {
        match self.state {
            State::Offered { handoff, offer: ref standing, agent, since, .. } if standing == offer => {
                self.state = State::Queued { handoff, since };
                self.excluded.retain(|exclusion| exclusion.until > at && exclusion.agent != agent);
                if how != Turned::AgentLost {
                    self.excluded.push(Exclusion { agent: agent.clone(), until: at.plus(pass_over) });
                }
                if self.wanted_agent.as_ref() == Some(&agent) {
                    self.wanted_agent = None;
                }
                Ok(Change::of(self))
            }
            other => Err(other.cannot("be turned down")),
        }
    }

    /// Its human is gone beyond the grace: back to the front of its class, and the visitor is told.
    ///
    /// # Errors
    ///
    /// Unless this agent holds it.
    pub fn lose_agent(mut self, lost: &AgentId, _why: Lost, name: &str, at: Timestamp) -> Transition {
        match self.state {
            State::WithAgent { handoff, ref agent, .. } if agent == lost => {
                self.state = State::Queued { handoff: handoff.clone(), since: at };
                self.epoch += 1;
                self.is_front = true;
                let mut change = Change::of(self).with(NewEntry::notice(
                    Notice::AgentLeft,
                    &[("agent", name.to_owned())],
                    at,
                ));
                change.handoffs.push(HandoffChange::Reopen { handoff });
                Ok(change)
            }
            other => Err(other.cannot("lose its agent")),
        }
    }

    /// To another queue, agent or tier: the old handoff is completed and a new one begins.
    ///
    /// # Errors
    ///
    /// Unless a human holds it.
    pub fn transfer(mut self, to: &Destination, handoff: Handoff, notice: NewEntry) -> Transition {
        match self.state {
            State::WithAgent { handoff: old, agent, .. } => {
                let at = handoff.at;
                self.state = State::Queued { handoff: handoff.id.clone(), since: at };
                self.epoch += 1;
                self.queue = Some(handoff.queue.clone());
                self.priority = handoff.priority;
                self.tier = handoff.tier;
                self.answer_due_at = handoff.answer_due_at;
                self.is_front = false;
                // Whoever passes it on is not asked again at once.
                self.excluded = vec![Exclusion { agent, until: at.plus(Duration::from_secs(600)) }];
                self.wanted_agent = match to {
                    Destination::Agent(agent) => Some(agent.clone()),
                    Destination::Queue(_) | Destination::NextTier => None,
                };
                let mut change = Change::of(self).with(notice);
                change.handoffs.push(HandoffChange::End {
                    handoff: old,
                    outcome: HandoffOutcome::Completed,
                    at,
                });
                change.handoffs.push(HandoffChange::Begin(Box::new(handoff)));
                Ok(change)
            }
            other => Err(other.cannot("be transferred")),
        }
    }

    /// Back to the bot, by its agent: a new control epoch.
    ///
    /// # Errors
    ///
    /// Unless a human holds it.
    pub fn hand_back(mut self, at: Timestamp) -> Transition {
        match self.state {
            State::WithAgent { handoff, .. } => {
                self.state = State::WithBot { since: at, answer_due_at: None };
                Ok(self.given_to_bot(handoff, HandoffOutcome::Completed, at))
            }
            other => Err(other.cannot("be handed back")),
        }
    }

    /// The waiting visitor goes on with the bot.
    ///
    /// # Errors
    ///
    /// Unless it waits, or an offer of it stands.
    pub fn continue_with_bot(mut self, at: Timestamp) -> Transition {
        match self.state {
            State::Queued { handoff, .. } | State::Offered { handoff, .. } => {
                self.state = State::WithBot { since: at, answer_due_at: None };
                Ok(self.given_to_bot(handoff, HandoffOutcome::Withdrawn, at))
            }
            other => Err(other.cannot("go on with the bot")),
        }
    }

    fn given_to_bot(
        mut self,
        handoff: crate::domain::id::HandoffId,
        outcome: HandoffOutcome,
        at: Timestamp,
    ) -> Change {
        self.epoch += 1;
        self.is_front = false;
        self.answer_due_at = None;
        self.excluded.clear();
        self.wanted_agent = None;
        let mut change = Change::of(self).with(NewEntry::notice(Notice::BackToBot, &[], at));
        change.handoffs.push(HandoffChange::End { handoff, outcome, at });
        change
    }

    /// The waiting visitor leaves an address, or is gone and had left one before.
    ///
    /// # Errors
    ///
    /// Unless it waits, or an offer of it stands.
    pub fn leave_message(mut self, email: String, due_at: Timestamp, at: Timestamp) -> Transition {
        match self.state {
            State::Queued { handoff, .. } | State::Offered { handoff, .. } => {
                self.state = State::LeftMessage { handoff, due_at };
                self.email = Some(email);
                self.answer_due_at = None;
                Ok(Change::of(self).with(NewEntry::notice(Notice::LeftMessage, &[], at)))
            }
            other => Err(other.cannot("leave a message")),
        }
    }

    /// A left message falls due, or its visitor is back: it waits like any other.
    ///
    /// # Errors
    ///
    /// Unless it is a left message.
    pub fn bring_back(mut self, at: Timestamp) -> Transition {
        match self.state {
            State::LeftMessage { handoff, .. } => {
                self.state = State::Queued { handoff, since: at };
                Ok(Change::of(self).with(NewEntry::notice(Notice::Queued, &[], at)))
            }
            other => Err(other.cannot("be queued again")),
        }
    }

    /// Nobody came and the visitor is gone: left as a message when an address is known, else closed as abandoned.
    ///
    /// # Errors
    ///
    /// Unless it waits, or an offer of it stands.
    pub fn abandon(mut self, due_at: Timestamp, at: Timestamp) -> Transition {
        if let Some(email) = self.email.clone() {
            return self.leave_message(email, due_at, at);
        }
        match self.state {
            State::Queued { handoff, .. } | State::Offered { handoff, .. } => {
                self.state = State::Closed { closed_at: at };
                self.epoch += 1;
                let mut change = Change::of(self).with(NewEntry::notice(Notice::Abandoned, &[], at));
                change.handoffs.push(HandoffChange::End { handoff, outcome: HandoffOutcome::Abandoned, at });
                Ok(change)
            }
            other => Err(other.cannot("be abandoned")),
        }
    }

    /// The visitor ends it, or it ends by itself while the bot has it.
    ///
    /// # Errors
    ///
    /// When it is over already.
    pub fn end(mut self, at: Timestamp) -> Transition {
        let ended = NewEntry::notice(Notice::Ended, &[], at);
        self.epoch += 1;
        match self.state {
            State::WithBot { .. } => {
                self.state = State::Closed { closed_at: at };
                Ok(Change::of(self).with(ended))
            }
            State::Queued { handoff, .. }
            | State::Offered { handoff, .. }
            | State::LeftMessage { handoff, .. } => {
                self.state = State::Closed { closed_at: at };
                let mut change = Change::of(self).with(ended);
                change.handoffs.push(HandoffChange::End { handoff, outcome: HandoffOutcome::Withdrawn, at });
                Ok(change)
            }
            State::WithAgent { handoff, agent, .. } => {
                self.state = State::WrapUp { handoff: handoff.clone(), agent, ended_at: at };
                let mut change = Change::of(self).with(ended);
                change.handoffs.push(HandoffChange::End { handoff, outcome: HandoffOutcome::Completed, at });
                Ok(change)
            }
            other => Err(other.cannot("end")),
        }
    }

    /// What is stored about its visitor is erased: it ends at once, whoever has it, and says why. A wrap-up is not waited
    /// for.
    ///
    /// # Errors
    ///
    /// When it is closed already.
    pub fn end_erased(self, at: Timestamp) -> Transition {
        if matches!(self.state, State::WrapUp { .. }) {
            return self.close(at);
        }
        let mut change = self.end(at)?;
        for entry in &mut change.entries {
            if let EntryKind::Notice { params, .. } = &mut entry.kind {
                params.insert("reason".to_owned(), "erased".to_owned());
            }
        }
        match change.conversation.state {
            State::WrapUp { .. } => change.then(|conversation| conversation.close(at)),
            _ => Ok(change),
        }
    }

    /// The agent says it is done.
    ///
    /// # Errors
    ///
    /// Unless this agent holds it.
    pub fn resolve(mut self, by: &AgentId, at: Timestamp) -> Transition {
        match self.state {
            State::WithAgent { handoff, ref agent, .. } if agent == by => {
                self.state = State::WrapUp { handoff: handoff.clone(), agent: by.clone(), ended_at: at };
                self.epoch += 1;
                let mut change = Change::of(self).with(NewEntry::notice(Notice::Resolved, &[], at));
                change.handoffs.push(HandoffChange::End { handoff, outcome: HandoffOutcome::Completed, at });
                Ok(change)
            }
            other => Err(other.cannot("be resolved")),
        }
    }

    /// The agent has said how it went, or has taken too long to.
    ///
    /// # Errors
    ///
    /// Unless it is being wrapped up.
    pub fn close(mut self, at: Timestamp) -> Transition {
        match self.state {
            State::WrapUp { .. } => {
                self.state = State::Closed { closed_at: at };
                Ok(Change::of(self))
            }
            other => Err(other.cannot("be closed")),
        }
    }

    /// The visitor writes again within the reopen window: the same agent has it again when they are free, else it
    /// waits in front and asks for them first.
    ///
    /// # Errors
    ///
    /// Unless it is over or being wrapped up.
    pub fn reopen(mut self, handoff: Handoff, with: Option<(Reservation, String)>) -> Transition {
        if self.state.is_open() {
            return Err(self.state.cannot("be reopened"));
        }
        let (at, id, queue) = (handoff.at, handoff.id.clone(), handoff.queue_name.clone());
        self.epoch += 1;
        self.queue = Some(handoff.queue.clone());
        self.priority = handoff.priority;
        self.excluded.clear();
        let mut change = match with {
            Some((reservation, name)) => {
                self.state =
                    State::WithAgent { handoff: id.clone(), agent: reservation.agent.clone(), since: at };
                let mut change = self.joined(id, &reservation.agent, &name, at);
                change.reservation = Some(reservation);
                change
            }
            None => {
                self.state = State::Queued { handoff: id, since: at };
                self.is_front = true;
                self.wanted_agent = self.last_agent.clone();
                self.answer_due_at = handoff.answer_due_at;
                Change::of(self).with(NewEntry::notice(Notice::Queued, &[("queue", queue)], at))
            }
        };
        change.handoffs.insert(0, HandoffChange::Begin(Box::new(handoff)));
        Ok(change)
    }
}
