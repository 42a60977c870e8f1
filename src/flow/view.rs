//! What visitors and agents are shown: plain values, made from the store. The wire
//! is the gateway's business.

use super::floor::{FRESH, Floor};
use super::offer::in_order;
use super::{Flow, FlowError};
use crate::domain::agent::{Attendance, Permission, Presence};
use crate::domain::conversation::{Author, Conversation, ConversationState, Entry, EntryKind};
use crate::domain::escalation::EscalationPolicy;
use crate::domain::handoff::Handoff;
use crate::domain::id::{AgentId, ConversationId, QueueId, VisitorId};
use crate::domain::queue::{Estimate, Place, Queue, compare, estimate};
use crate::domain::routing::serves;
use crate::domain::time::Timestamp;
use crate::domain::visitor::Profile;
use crate::flow::ports::{Glance, ReadMarks};
use std::sync::Arc;
use std::time::Duration;

/// Most waiting conversations that are listed.
const LISTED: usize = 100;
/// Measured waits behind an estimate: at most so many, of at most a day.
const MEASURED: usize = 30;
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// Whether a human could come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    /// Somebody who serves the queue is there.
    Available,
    /// The queue is open and nobody is there.
    Nobody,
    /// The queue is closed.
    Closed,
}

/// Where a visitor stands.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitorStatus {
    /// Their latest conversation, open or over.
    pub conversation: Option<Conversation>,
    /// Their place in the queue, from 1, while they wait.
    pub position: Option<u32>,
    /// The rest of the wait, from measured waits; none when nobody can tell yet.
    pub estimate: Option<Estimate>,
    /// The human's name.
    pub agent: Option<String>,
    /// Whether a human could come.
    pub people: People,
    /// When the queue opens, when it is closed.
    pub opens_at: Option<Timestamp>,
    /// Whether they may rate the conversation that is over.
    pub may_rate: bool,
    /// How far each side has read.
    pub marks: ReadMarks,
}

/// How a conversation sounds, for a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Far below the lines.
    Calm,
    /// Below the leaving line.
    Uneasy,
    /// Between the lines.
    Annoyed,
    /// Over the entering line.
    Furious,
}

impl Mood {
    fn of(score: Option<f64>, policy: &EscalationPolicy) -> Self {
        match score {
            Some(score) if score >= policy.enter => Self::Furious,
            Some(score) if score >= policy.leave => Self::Annoyed,
            Some(score) if score >= policy.leave / 2.0 => Self::Uneasy,
            _ => Self::Calm,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Uneasy => "uneasy",
            Self::Annoyed => "annoyed",
            Self::Furious => "furious",
        }
    }
}

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The conversation.
    pub conversation: Conversation,
    /// What to call the visitor.
    pub visitor_name: String,
    /// Where to write to them.
    pub email: Option<String>,
    /// The queue's name.
    pub queue: Option<(QueueId, String)>,
    /// Who has it, or is offered it.
    pub agent: Option<(AgentId, String)>,
    /// How it sounds.
    pub mood: Mood,
    /// The last message, first reason, and who has read what.
    pub glance: Glance,
}

impl Card {
    /// Visible entries that no agent has seen, when the last word is the visitor's.
    pub fn unread(&self) -> u64 {
        match &self.glance.last {
            Some(Entry { author: Author::Visitor, visitor_seq: Some(seq), .. }) => {
                seq.saturating_sub(self.glance.marks.agent)
            }
            _ => 0,
        }
    }
}

/// An agent in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Colleague {
    /// Who.
    pub id: AgentId,
    /// Their name.
    pub name: String,
    /// Offline when no connection of theirs is left.
    pub presence: Presence,
    /// Conversations they hold or are offered.
    pub used: u32,
    /// How many they may.
    pub max: u32,
}

/// A queue in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueLoad {
    /// Which.
    pub id: QueueId,
    /// Its name.
    pub name: String,
    /// How many wait in it, offers included.
    pub waiting: u32,
    /// Since when the first of them waits.
    pub oldest_at: Option<Timestamp>,
}

/// What an agent sees at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// What they chose.
    pub presence: Presence,
    /// How much they hold.
    pub used: u32,
    /// How much they may.
    pub max: u32,
    /// Who waits in their queues, next first; at most a hundred.
    pub waiting: Vec<Card>,
    /// How many wait in their queues.
    pub waiting_total: usize,
    /// What they hold, are offered, or wrap up.
    pub mine: Vec<Card>,
    /// Left messages in their queues.
    pub left: Vec<Card>,
    /// Conversations of theirs that ended since midnight UTC.
    pub done_today: u64,
    /// Everybody.
    pub agents: Vec<Colleague>,
    /// Every queue.
    pub queues: Vec<QueueLoad>,
}

/// Something the bot tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// What it was asked.
    pub question: String,
    /// What it said.
    pub answer: String,
    /// It said that it does not know.
    pub is_no_answer: bool,
    /// When.
    pub at: Timestamp,
}

/// Why a human is here: everything beside the transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// The conversation.
    pub card: Card,
    /// The entering line.
    pub enter: f64,
    /// The leaving line.
    pub leave: f64,
    /// Position, time and score of each decided message.
    pub scores: Vec<(u64, Timestamp, f64)>,
    /// The latest handoff.
    pub handoff: Option<Handoff>,
    /// What the bot tried before it.
    pub tried: Vec<Tried>,
    /// What the site and the visitor said of them.
    pub profile: Profile,
    /// Their conversations before: which, when it ended, how, and why a human had it.
    pub earlier: Vec<Earlier>,
}

/// A conversation before this one: which, when it ended, how, and why a human had it.
pub type Earlier = (ConversationId, Option<Timestamp>, Option<String>, Option<String>);

/// The waiting as they were at a generation and an instant.
pub(super) type Listed = (u64, Timestamp, Arc<Vec<Card>>);

impl Flow {
    /// Where a visitor stands.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn visitor_status(&self, visitor: &VisitorId) -> Result<VisitorStatus, FlowError> {
        self.status_of(self.0.ports.store.latest_of(visitor).await?).await
    }

    /// Where the visitor stands whose latest conversation this is.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn status_of(&self, conversation: Option<Conversation>) -> Result<VisitorStatus, FlowError> {
        let ports = &self.0.ports;
        let floor = self.shown_floor().await?;
        let queue = floor.queue(conversation.as_ref().and_then(|c| c.queue.as_ref()));
        let tier = conversation.as_ref().map_or(1, |c| c.tier);
        let (people, opens_at) = match &queue.hours {
            Some(hours) if !hours.is_open(floor.now) => (People::Closed, hours.opens_at(floor.now)),
            _ if floor.is_attended(&queue, tier) => (People::Available, None),
            _ => (People::Nobody, None),
        };
        let mut status = VisitorStatus {
            position: None,
            estimate: None,
            agent: None,
            people,
            opens_at,
            may_rate: false,
            marks: ReadMarks::default(),
            conversation: None,
        };
        let Some(conversation) = conversation else { return Ok(status) };
        status.marks = ports.store.read_marks(&conversation.id).await?;
        match &conversation.state {
            ConversationState::Queued { .. } | ConversationState::Offered { .. } => {
                status.position = self.place_in(&floor, &conversation, &queue.id);
                if let Some(place) = status.position {
                    let since = floor.now.minus(A_DAY);
                    let measured = ports.store.measured_waits(&queue.id, since, MEASURED).await?;
                    status.estimate = estimate(place, &measured);
                }
            }
            ConversationState::WithAgent { agent, .. } => {
                status.agent = floor.candidate(agent).map(|candidate| candidate.agent.name.clone());
            }
            ConversationState::WrapUp { .. } | ConversationState::Closed { .. } => {
                status.may_rate = ports.store.judgement(&conversation.id).await?.csat.is_none();
            }
            _ => {}
        }
        status.conversation = Some(conversation);
        Ok(status)
    }

    fn place_in(&self, floor: &Floor, conversation: &Conversation, queue: &QueueId) -> Option<u32> {
        let step = self.policy().service.priority_step;
        if let Some(place) = floor.places(step).get(&conversation.id) {
            return Some(*place);
        }
        // It has come or changed since.
        let own = conversation.place()?;
        let is_ahead = |other: &&Place| {
            other.queue.as_ref() == Some(queue) && compare(other, &own, floor.now, step).is_lt()
        };
        u32::try_from(floor.waiting.iter().filter(is_ahead).count() + 1).ok()
    }

    /// Cards of these conversations.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn cards(&self, conversations: Vec<Conversation>) -> Result<Vec<Card>, FlowError> {
        if conversations.is_empty() {
            return Ok(Vec::new());
        }
        let ports = &self.0.ports;
        let (queues, accounts) = (ports.directory.queues().await?, ports.directory.accounts().await?);
        let ids: Vec<ConversationId> = conversations.iter().map(|c| c.id.clone()).collect();
        let mut glances = ports.store.glances(&ids).await?;
        let policy = self.policy();
        let mut cards = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            let profile = self.profile(&conversation.visitor).await?;
            let queue_name =
                |id: &QueueId| queues.iter().find(|queue| queue.id == *id).map(|queue| queue.name.clone());
            let agent_name =
                |id: &AgentId| accounts.iter().find(|a| a.agent.id == *id).map(|a| a.agent.name.clone());
            cards.push(Card {
                visitor_name: profile.shown_name(&conversation.visitor),
                email: conversation.email.clone().or(profile.email),
                queue: conversation.queue.clone().map(|id| (id.clone(), queue_name(&id).unwrap_or_default())),
                agent: conversation.state.agent().map(|id| (id.clone(), agent_name(id).unwrap_or_default())),
                mood: Mood::of(conversation.score, &policy),
                glance: glances.remove(&conversation.id).unwrap_or_default(),
                conversation,
            });
        }
        Ok(cards)
    }

    /// The card of one conversation.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    pub async fn card(&self, id: &ConversationId) -> Result<Card, FlowError> {
        let conversation = self.conversation(id).await?;
        self.cards(vec![conversation]).await?.pop().ok_or(FlowError::NotFound("conversation"))
    }

    pub(super) async fn profile(&self, visitor: &VisitorId) -> Result<Profile, FlowError> {
        Ok(self.0.ports.directory.visitor(visitor).await?.map(|record| record.profile).unwrap_or_default())
    }

    /// Everybody who waits, next first, as cards; the same for everybody who asks within a moment.
    async fn waiting_cards(&self, floor: &Floor) -> Result<Arc<Vec<Card>>, FlowError> {
        let mut cache = self.0.shown.waiting.lock().await;
        let generation = self.0.shown.generation();
        if let Some((made_in, at, cards)) = &*cache
            && *made_in == generation
            && floor.now.since(*at) < FRESH
            && *at <= floor.now
        {
            return Ok(cards.clone());
        }
        let step = self.policy().service.priority_step;
        let waiting = in_order(self.0.ports.store.waiting().await?, floor.now, step);
        let cards = Arc::new(self.cards(waiting.take(LISTED * 5).collect()).await?);
        *cache = Some((generation, floor.now, cards.clone()));
        Ok(cards)
    }

    /// What an agent sees at a glance.
    ///
    /// # Errors
    ///
    /// `NotFound` when the account is gone.
    pub async fn overview(&self, agent: &AgentId) -> Result<Overview, FlowError> {
        let ports = &self.0.ports;
        let own = self.agent(agent).await?;
        let floor = self.shown_floor().await?;
        let is_theirs = |queue: Option<&QueueId>, tier: u8| {
            own.role.may(Permission::Supervise) || serves(&own, &floor.queue(queue), tier)
        };
        let is_their_own = |c: &Conversation| is_theirs(c.queue.as_ref(), c.tier);
        let all = self.waiting_cards(&floor).await?;
        let waiting: Vec<Card> =
            all.iter().filter(|card| is_their_own(&card.conversation)).take(LISTED).cloned().collect();
        let waiting_total = floor.waiting.iter().filter(|p| is_theirs(p.queue.as_ref(), p.tier)).count();
        let left = ports.store.left_messages().await?.into_iter().filter(is_their_own).take(LISTED).collect();
        let attendance =
            floor.candidate(agent).map_or_else(Attendance::default, |candidate| candidate.attendance);
        let midnight = floor.now.as_millis().div_euclid(86_400_000) * 86_400_000;
        let agents = floor.candidates.iter().map(|candidate| Colleague {
            id: candidate.agent.id.clone(),
            name: candidate.agent.name.clone(),
            presence: if candidate.attendance.lost_at.is_none() && candidate.attendance.is_known {
                candidate.attendance.presence
            } else {
                Presence::Offline
            },
            used: candidate.attendance.held,
            max: candidate.agent.capacity,
        });
        Ok(Overview {
            presence: attendance.presence,
            used: attendance.held,
            max: own.capacity,
            waiting,
            waiting_total,
            mine: self.cards(ports.store.held_by(agent).await?).await?,
            left: self.cards(left).await?,
            done_today: ports.store.closed_by_since(agent, Timestamp::from_millis(midnight)).await?,
            agents: agents.collect(),
            queues: floor.queues.iter().map(|queue| load(queue, &floor.waiting)).collect(),
        })
    }

    /// Why a human is here. Who may see it is checked first.
    ///
    /// # Errors
    ///
    /// `NotAllowed` or `NotFound`.
    pub async fn packet(&self, agent: &AgentId, id: &ConversationId) -> Result<Packet, FlowError> {
        self.may_see(agent, id).await?;
        let ports = &self.0.ports;
        let known = self.known(id).await?;
        let policy = self.policy();
        let handoff = ports.store.handoffs(id).await?.pop();
        let mut scores: Vec<(u64, Timestamp, f64)> = Vec::new();
        for entry in &known.entries {
            if let EntryKind::Decision(decision) = &entry.kind {
                let about = decision.about.unwrap_or(entry.position);
                // A later decision about the same message replaces the earlier one.
                scores.retain(|(position, ..)| *position != about);
                scores.push((about, entry.at, decision.score.value));
            }
        }
        scores.sort_by_key(|(position, ..)| *position);
        let visitor = known.conversation.visitor.clone();
        let mut earlier = Vec::new();
        for other in ports.store.earlier_of(&visitor, id).await? {
            let ended_at = match &other.state {
                ConversationState::Closed { closed_at } => Some(*closed_at),
                ConversationState::WrapUp { ended_at, .. } => Some(*ended_at),
                _ => None,
            };
            let judged =
                ports.store.judgement(&other.id).await?.wrap_up.map(|w| w.disposition.as_str().to_owned());
            let reason = ports.store.glances(std::slice::from_ref(&other.id)).await?.remove(&other.id);
            earlier.push((other.id, ended_at, judged, reason.and_then(|glance| glance.reason)));
        }
        Ok(Packet {
            card: self.card(id).await?,
            enter: policy.enter,
            leave: policy.leave,
            scores,
            tried: tried(&known.entries),
            handoff,
            profile: self.profile(&visitor).await?,
            earlier,
        })
    }
}

/// What the bot answered to what.
fn tried(entries: &[Entry]) -> Vec<Tried> {
    let mut question = String::new();
    let mut tried = Vec::new();
    for entry in entries {
        if let EntryKind::Message { body, is_no_answer } = &entry.kind {
            match entry.author {
                Author::Visitor => question = body.as_str().to_owned(),
                Author::Bot => tried.push(Tried {
                    question: question.clone(),
                    answer: body.as_str().to_owned(),
                    is_no_answer: *is_no_answer,
                    at: entry.at,
                }),
                Author::Agent { .. } | Author::System => {}
            }
        }
    }
    tried
}

fn load(queue: &Queue, waiting: &[Place]) -> QueueLoad {
    let own = || waiting.iter().filter(|place| place.queue.as_ref() == Some(&queue.id));
    QueueLoad {
        id: queue.id.clone(),
        name: queue.name.clone(),
        waiting: u32::try_from(own().count()).unwrap_or(u32::MAX),
        oldest_at: own().map(|place| place.since).min(),
    }
}
