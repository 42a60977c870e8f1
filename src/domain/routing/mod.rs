//! Which agent a waiting conversation is offered to.

use super::agent::{Agent, Attendance};
use super::conversation::Conversation;
use super::queue::Queue;
use super::time::Timestamp;

/// An agent and whether they are there.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Who.
    pub agent: Agent,
    /// Where they are.
    pub attendance: Attendance,
}

impl Candidate {
    /// Whether they are there and hold less than they may.
    pub fn has_room(&self) -> bool {
        self.attendance.is_reachable() && self.attendance.held < self.agent.capacity
    }
}

/// Why nobody was chosen; the first that holds for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoute {
    /// Nobody who serves the queue is online.
    NobodyThere,
    /// Those who are online have no room, or were asked just now.
    AllBusy,
}

/// Whether this agent could ever serve the queue at this tier.
pub fn serves(agent: &Agent, queue: &Queue, tier: u8) -> bool {
    let is_member = agent.queues.is_empty() || agent.queues.contains(&queue.id);
    is_member
        && agent.tier >= tier.max(queue.tier)
        && queue.skills.iter().all(|skill| agent.skills.contains(skill))
}

/// Chooses an agent: among those who serve the queue, are reachable and have room, the wanted one, else the one
/// with the least load, then the one who has waited longest for work. The same input always gives the same answer.
///
/// # Errors
///
/// [`NoRoute`] says why nobody can be asked.
pub fn route<'a>(
    conversation: &Conversation,
    queue: &Queue,
    candidates: &'a [Candidate],
    now: Timestamp,
) -> Result<&'a Agent, NoRoute> {
    let reachable = |candidate: &&Candidate| candidate.attendance.is_reachable();
    let is_free = |candidate: &&Candidate| {
        candidate.attendance.held < candidate.agent.capacity
            && !conversation.excludes(&candidate.agent.id, now)
    };
    if let Some(wanted) = &conversation.wanted_agent {
        let named = candidates.iter().find(|candidate| candidate.agent.id == *wanted).filter(reachable);
        match named {
            Some(candidate) if is_free(&candidate) => return Ok(&candidate.agent),
            // They are there and busy: the conversation was meant for them and waits for them.
            Some(candidate) if !conversation.excludes(&candidate.agent.id, now) && !conversation.is_front => {
                return Err(NoRoute::AllBusy);
            }
            _ => {}
        }
    }
    let mut there =
        candidates.iter().filter(|c| serves(&c.agent, queue, conversation.tier)).filter(reachable).peekable();
    if there.peek().is_none() {
        return Err(NoRoute::NobodyThere);
    }
    there
        .filter(is_free)
        .min_by(|a, b| {
            // a.held / a.capacity < b.held / b.capacity, without division.
            let load = |c: &Candidate, other: &Candidate| {
                u64::from(c.attendance.held) * u64::from(other.agent.capacity)
            };
            load(a, b)
                .cmp(&load(b, a))
                .then(a.attendance.last_offer_at.cmp(&b.attendance.last_offer_at))
                .then_with(|| a.agent.id.cmp(&b.agent.id))
        })
        .map(|candidate| &candidate.agent)
        .ok_or(NoRoute::AllBusy)
}
