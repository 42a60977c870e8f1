//! The floor: queues, agents and who waits, as one look finds them, and how often there is one.

use super::{Flow, FlowError};
use crate::domain::agent::Attendance;
use crate::domain::conversation::{Conversation, Reservation};
use crate::domain::escalation::{EscalationPolicy, Reason};
use crate::domain::handoff::{EscalationType, Handoff, HandoffStatus};
use crate::domain::id::{AgentId, ConversationId, HandoffId, QueueId};
use crate::domain::queue::{Place, Queue, choose, compare};
use crate::domain::routing::{Candidate, serves};
use crate::domain::time::Timestamp;
use crate::flow::ports::IdSource;
use crate::flow::view::Listed;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a look is good for everybody who is shown what it found.
pub(super) const FRESH: Duration = Duration::from_millis(200);
/// Looks take about this part of the time at most, so that they leave room for everything else however many wait.
const LOOKING: u32 = 4;
/// Nobody waits longer for the next look to begin.
const REST: Duration = Duration::from_millis(50);

/// Queues, agents and who waits, at one moment.
pub(super) struct Floor {
    pub(super) queues: Vec<Queue>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) waiting: Vec<Place>,
    pub(super) now: Timestamp,
    places: OnceLock<HashMap<ConversationId, u32>>,
}

impl Floor {
    /// [`queue_of`] this floor.
    pub(super) fn queue(&self, id: Option<&QueueId>) -> Queue {
        queue_of(&self.queues, id)
    }

    /// The place of everybody who waits, from 1, each in their own queue.
    pub(super) fn places(&self, step: Duration) -> &HashMap<ConversationId, u32> {
        self.places.get_or_init(|| {
            let mut waiting: Vec<&Place> = self.waiting.iter().collect();
            waiting.sort_by(|a, b| compare(a, b, self.now, step));
            let mut ahead: HashMap<Option<&QueueId>, u32> = HashMap::new();
            let mut places = HashMap::with_capacity(waiting.len());
            for place in waiting {
                let n = ahead.entry(place.queue.as_ref()).or_default();
                *n += 1;
                places.insert(place.conversation.clone(), *n);
            }
            places
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

/// A queue by its id; the default, or a queue for everybody, when it is gone.
pub(super) fn queue_of(queues: &[Queue], id: Option<&QueueId>) -> Queue {
    let named = id.and_then(|id| queues.iter().find(|queue| queue.id == *id));
    named.or_else(|| choose(queues, "")).cloned().unwrap_or_else(|| Queue {
        id: QueueId::from_suffix("general"),
        name: "General".into(),
        skills: Vec::new(),
        tier: 1,
        hours: None,
        intents: Vec::new(),
        is_default: true,
    })
}

/// What many look at at the same moment: read once, shown to all who ask within it.
#[derive(Default)]
pub(super) struct Shown {
    floor: Mutex<Option<Look>>,
    pub(super) waiting: Mutex<Option<Listed>>,
    /// Grows with every change on this node, so that nobody is shown what was before it.
    generation: AtomicU64,
    /// Looks at the floor that have begun.
    begun: AtomicU64,
}

/// The floor as one look has found it.
struct Look {
    /// Which look it was.
    number: u64,
    /// The generation in which it began.
    generation: u64,
    floor: Arc<Floor>,
    /// What looks have taken of late.
    usual: Duration,
}

impl Look {
    /// What is left of the rest after it.
    fn rest_at(&self, now: Timestamp) -> Option<Duration> {
        let rest = (self.usual * (LOOKING - 1)).min(REST);
        rest.checked_sub(now.since(self.floor.now)).filter(|rest| !rest.is_zero())
    }
}

/// What looks take: a fourth of it is the last one, because the clock tells whole milliseconds and most take less.
fn usual(before: Duration, took: Duration) -> Duration {
    (before * 3 + took.min(REST)) / 4
}

impl Shown {
    /// What was read before now is not shown any more.
    pub(super) fn outdate(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
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

    /// [`queue_of`] all queues there are now.
    pub(super) async fn queue(&self, id: Option<&QueueId>) -> Result<Queue, FlowError> {
        Ok(queue_of(&self.0.ports.directory.queues().await?, id))
    }

    pub(super) async fn floor(&self) -> Result<Floor, FlowError> {
        let ports = &self.0.ports;
        Ok(Floor {
            queues: ports.directory.queues().await?,
            candidates: self.candidates().await?,
            waiting: ports.store.places().await?,
            now: ports.clock.now(),
            places: OnceLock::new(),
        })
    }

    /// The floor as it was at most a moment ago, and not before a change that was made here.
    pub(super) async fn shown_floor(&self) -> Result<Arc<Floor>, FlowError> {
        let generation = self.0.shown.generation();
        let now = self.0.ports.clock.now();
        let is_good = |look: &Look| {
            look.generation >= generation && now.since(look.floor.now) < FRESH && look.floor.now <= now
        };
        self.floor_if(is_good).await
    }

    /// The floor as it is now: read after this was asked. Who asks while another reads waits and shares the next look.
    pub(super) async fn floor_now(&self) -> Result<Arc<Floor>, FlowError> {
        self.floor_if(|_| false).await
    }

    /// The floor of a look that began after this was asked, or of an earlier one that is good enough.
    async fn floor_if(&self, is_good: impl Fn(&Look) -> bool) -> Result<Arc<Floor>, FlowError> {
        let shown = &self.0.shown;
        let asked = shown.begun.load(Ordering::Acquire);
        let mut last = shown.floor.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.number > asked || is_good(look)) {
            return Ok(look.floor.clone());
        }
        let clock = &self.0.ports.clock;
        if let Some(rest) = last.as_ref().and_then(|look| look.rest_at(clock.now())) {
            clock.sleep(rest).await;
        }
        let number = shown.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let generation = shown.generation();
        let began = clock.now();
        let floor = Arc::new(self.floor().await?);
        let usual = usual(last.as_ref().map_or(Duration::ZERO, |look| look.usual), floor.now.since(began));
        *last = Some(Look { number, generation, floor: floor.clone(), usual });
        Ok(floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn look(usual: Duration) -> Look {
        let (queues, candidates, waiting) = (Vec::new(), Vec::new(), Vec::new());
        let floor = Arc::new(Floor { queues, candidates, waiting, now: at(1_000), places: OnceLock::new() });
        Look { number: 1, generation: 0, floor, usual }
    }

    #[test]
    fn after_a_long_look_comes_a_rest_within_bounds() {
        let millis = Duration::from_millis;
        assert_eq!(look(millis(0)).rest_at(at(1_000)), None);
        assert_eq!(look(millis(5)).rest_at(at(1_000)), Some(millis(15)));
        assert_eq!(look(millis(5)).rest_at(at(1_010)), Some(millis(5)));
        assert_eq!(look(millis(5)).rest_at(at(1_015)), None);
        assert_eq!(look(millis(40)).rest_at(at(1_000)), Some(REST), "bounded");
        assert_eq!(look(millis(40)).rest_at(at(-1_000)), Some(REST), "the clock was put back");
    }

    #[test]
    fn a_store_that_stood_still_is_soon_forgotten() {
        let mut seen = usual(Duration::ZERO, Duration::from_secs(30));
        assert!(seen < REST);
        for _ in 0..20 {
            seen = usual(seen, Duration::ZERO);
        }
        assert!(seen < Duration::from_millis(1), "{seen:?}");
    }
}
