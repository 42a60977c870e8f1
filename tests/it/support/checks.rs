//! What must hold in a world at every instant, whatever has happened in it: seen from
//! the store and from what people are shown.

use super::world::{World, agent, name_of, seconds};
use baton::domain::conversation::{Author, Conversation, ConversationState, Entry, EntryKind, StateName};
use baton::domain::escalation::{Decision, EscalationPolicy, Service};
use baton::domain::handoff::HandoffStatus;
use baton::domain::id::{AgentId, QueueId};
use baton::domain::time::Timestamp;
use baton::domain::tuning::{Turn, TurnSpeaker, decisions_of_turns};
use baton::flow::Settings;
use baton::flow::ports::{Search, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

impl World {
    /// The file of the store.
    pub fn database(&self) -> PathBuf {
        self.file.as_ref().unwrap().path()
    }

    /// Rows of logs and analyses that the flow has read so far.
    pub fn rows_read(&self) -> u64 {
        self.gate.rows_read()
    }

    /// Asserts what must hold at every instant, seen from the store (invariants 5, 6, 7, 14 and 15).
    pub async fn check(&self) {
        let store = self.store();
        let mut all = store.search(Search { limit: 100_000, ..Search::default() }).await.unwrap();
        all.reverse();
        let mut open_of = BTreeSet::new();
        let mut held: BTreeMap<AgentId, u32> = BTreeMap::new();
        for conversation in &all {
            let id = &conversation.id;
            check_state(store, conversation).await;
            self.check_row(conversation).await;
            check_log(store, conversation).await;
            if conversation.state.is_open() {
                let is_first = open_of.insert(conversation.visitor.clone());
                assert!(is_first, "{id}: {} has another open conversation", conversation.visitor);
            }
            let takes_room = matches!(conversation.state.name(), StateName::Offered | StateName::WithAgent);
            if let Some(agent) = conversation.state.agent().filter(|_| takes_room) {
                *held.entry(agent.clone()).or_default() += 1;
            }
        }
        for (agent, held) in held {
            let capacity = self.agents[name_of(agent.as_str())].capacity;
            assert!(held <= capacity, "invariant 6: {agent} holds {held} of {capacity}");
        }
        if let Some(file) = &self.file {
            let count = "select count(*) from conversations";
            let n_rows: usize = file.sql().query_row(count, [], |row| row.get(0)).unwrap();
            assert_eq!(n_rows, all.len(), "a conversation is in no known state");
        }
    }

    /// Asserts that nothing is overdue after a round: whatever time should have done, it has done (invariant 7).
    pub async fn check_deadlines(&self) {
        check_deadlines(self.store(), &self.policy.service, self.now()).await;
    }

    /// Asserts that whoever waits in a queue is told a place of their own, from 1 without gaps, and that agents are
    /// shown as much as they hold.
    pub async fn check_views(&self) {
        let mut places: BTreeMap<QueueId, Vec<u32>> = BTreeMap::new();
        for waiting in self.store().waiting().await.unwrap() {
            let status = self.flow.visitor_status(&waiting.visitor).await.unwrap();
            let place = status.position.unwrap_or_else(|| panic!("{} waits without a place", waiting.id));
            places.entry(waiting.queue.unwrap()).or_default().push(place);
        }
        for (queue, mut places) in places {
            places.sort_unstable();
            let n = u32::try_from(places.len()).unwrap();
            assert_eq!(places, (1..=n).collect::<Vec<_>>(), "the places in {queue}");
        }
        for name in self.agents.keys() {
            let overview = self.flow.overview(&agent(name)).await.unwrap();
            let is_room = |state: StateName| matches!(state, StateName::Offered | StateName::WithAgent);
            let held = overview.mine.iter().filter(|card| is_room(card.conversation.state.name())).count();
            assert_eq!(usize::try_from(overview.used).unwrap(), held, "{name} is shown what they hold");
            assert!(overview.used <= overview.max, "invariant 6: {name}");
        }
    }

    /// Asserts that what is stored of each conversation, written as turns and read again, is decided again exactly as it
    /// was decided (invariants 9 and 15).
    pub async fn check_decisions(&self) {
        check_decisions(self.store(), &self.policy).await;
    }

    /// What indexes see is what the state says.
    async fn check_row(&self, conversation: &Conversation) {
        let (id, state) = (&conversation.id, &conversation.state);
        let Some(file) = &self.file else { return };
        let (word, agent): (String, Option<String>) = file
            .sql()
            .query_row("select state, agent from conversations where id = ?1", [id.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(word, state.name().as_str(), "{id}: the repeated state differs");
        assert_eq!(agent.as_deref(), state.agent().map(AgentId::as_str), "{id}: the repeated agent differs");
    }
}

/// Asserts that nothing is overdue after a round: whatever time should have done, it has done (invariant 7).
pub async fn check_deadlines(store: &dyn Store, service: &Service, now: Timestamp) {
    let settings = Settings::default();
    let attendance = store.attendance().await.unwrap();
    for conversation in store.search(Search { limit: 100_000, ..Search::default() }).await.unwrap() {
        let (id, state) = (&conversation.id, &conversation.state);
        assert!(state.due_at().is_none_or(|due| due > now), "invariant 7: {id} is overdue: {state:?}");
        assert!(!conversation.is_abandoned(service.gone_timeout, now), "invariant 7: {id}: visitor gone");
        let seen = conversation.visitor_seen_at;
        if conversation.is_undecided() {
            let due = seen.plus(settings.analysis_budget + seconds(2));
            assert!(due > now, "invariant 7: {id} has a message that nobody decides about");
        }
        match state {
            ConversationState::WithBot { .. } => {
                assert!(seen.plus(service.idle_timeout) > now, "invariant 7: {id} is idle");
            }
            ConversationState::WrapUp { ended_at, .. } => {
                assert!(ended_at.plus(service.wrap_up_timeout) > now, "invariant 7: {id} wraps up");
            }
            ConversationState::Offered { agent, .. } | ConversationState::WithAgent { agent, .. } => {
                let lost_at = attendance.get(agent).and_then(|attendance| attendance.lost_at);
                let is_lost = lost_at.is_some_and(|at| at.plus(settings.agent_grace) <= now);
                assert!(!is_lost, "invariant 7: {id} is held by {agent}, who is gone");
            }
            _ => {}
        }
    }
}

/// Asserts that what is stored of each conversation, written as turns and read again, is decided again exactly as it
/// was decided (invariants 9 and 15). What no message made, such as the button, no message can replay.
pub async fn check_decisions(store: &dyn Store, policy: &EscalationPolicy) {
    for conversation in store.search(Search { limit: 100_000, ..Search::default() }).await.unwrap() {
        let id = &conversation.id;
        let analyses = store.analyses(id).await.unwrap();
        let (mut turns, mut positions) = (Vec::new(), Vec::new());
        let mut stored = BTreeMap::new();
        let mut is_open_ended = false;
        for entry in store.entries(id, 0, 100_000).await.unwrap() {
            match entry.kind {
                EntryKind::Decision(decision) => {
                    stored.extend(decision.about.map(|about| (about, *decision)));
                }
                EntryKind::Message { body, is_no_answer } if !is_open_ended => {
                    let analysis = analyses.get(&entry.position).cloned();
                    // A message that is not decided yet ends what can be replayed.
                    is_open_ended = entry.author == Author::Visitor && analysis.is_none();
                    if is_open_ended {
                        continue;
                    }
                    let speaker = match entry.author {
                        Author::Visitor => TurnSpeaker::Visitor,
                        Author::Agent { .. } => TurnSpeaker::Agent,
                        Author::Bot | Author::System => TurnSpeaker::Bot,
                    };
                    let text = body.as_str().to_owned();
                    let at = Some(entry.at);
                    turns.push(Turn { speaker, text, at, analysis, no_answer: is_no_answer });
                    positions.push(entry.position);
                }
                _ => {}
            }
        }
        let written = serde_json::to_string(&turns).unwrap();
        let read: Vec<Turn> = serde_json::from_str(&written).unwrap();
        let mut n_replayed = 0;
        for replayed in decisions_of_turns(policy, &read) {
            let about = positions[replayed.turn];
            let stored = stored.get(&about).unwrap_or_else(|| panic!("{id}: nothing decided at {about}"));
            n_replayed += 1;
            // Decided under an earlier policy: only that can replay it.
            if stored.policy != policy.label() {
                continue;
            }
            let stored = Decision { about: None, ..stored.clone() };
            assert_eq!(stored, replayed.decision, "invariant 9: {id} at {about}");
        }
        if !is_open_ended {
            let decided: Vec<_> = stored.keys().collect();
            assert_eq!(decided.len(), n_replayed, "invariant 9: {id} has decisions about {decided:?}");
        }
    }
}

/// Asserts that state and handoffs agree (invariants 5 and 7).
pub async fn check_state(store: &dyn Store, conversation: &Conversation) {
    let (id, state) = (&conversation.id, &conversation.state);
    let handoffs = store.handoffs(id).await.unwrap();
    let open: Vec<_> = handoffs
        .iter()
        .filter(|h| matches!(h.status, HandoffStatus::Initiated | HandoffStatus::Accepted))
        .collect();
    assert!(open.len() <= 1, "invariant 5: {id} has {} open handoffs", open.len());
    let wanted = match state.name() {
        StateName::Queued | StateName::Offered | StateName::LeftMessage => Some(HandoffStatus::Initiated),
        StateName::WithAgent => Some(HandoffStatus::Accepted),
        StateName::WithBot | StateName::WrapUp | StateName::Closed => None,
    };
    let found = open.first().map(|handoff| handoff.status);
    assert_eq!(found, wanted, "invariant 7: {id} is {state:?} and its open handoff is {found:?}");
    if let Some(handoff) = open.first() {
        assert_eq!(Some(&handoff.id), state.handoff(), "invariant 7: {id} waits in another handoff");
        assert_eq!(conversation.queue.as_ref(), Some(&handoff.queue), "invariant 7: {id} has a queue");
    }
    if let ConversationState::WithAgent { agent, .. } = state {
        assert_eq!(open[0].agent.as_ref(), Some(agent), "invariant 7: {id} is held by another agent");
    }
}

/// Asserts that the log is whole, and that what is in it adds up (invariants 9, 14 and 15).
pub async fn check_log(store: &dyn Store, conversation: &Conversation) {
    let id = &conversation.id;
    let entries = store.entries(id, 0, 100_000).await.unwrap();
    let (mut position, mut visitor_seq, mut last_of_visitor) = (0, 0, 0);
    for entry in &entries {
        position += 1;
        assert_eq!(entry.position, position, "{id}: positions are 1 to n");
        let is_visible = entry.kind.is_for_visitor();
        visitor_seq += u64::from(is_visible);
        let wanted = is_visible.then_some(visitor_seq);
        assert_eq!(entry.visitor_seq, wanted, "invariant 14: {id} at {position}: the visitor's sequence");
        if entry.author == Author::Visitor && matches!(entry.kind, EntryKind::Message { .. }) {
            last_of_visitor = position;
        }
        if let EntryKind::Decision(decision) = &entry.kind {
            let score = &decision.score;
            let sum: f64 = score.contributions.iter().map(|c| c.value).sum();
            assert!((0.0..=1.0).contains(&score.value), "invariant 15: {id} at {position}: {score:?}");
            assert!((sum - score.value).abs() < 1e-9, "invariant 15: {id} at {position}: {score:?}");
            assert!(!decision.policy.is_empty(), "invariant 9: {id} at {position} names no policy");
            assert_eq!(decision.is_escalation(), !decision.reasons.is_empty(), "{id} at {position}");
        }
    }
    let counted =
        (conversation.last_position, conversation.last_visitor_seq, conversation.last_visitor_position);
    assert_eq!(counted, (position, visitor_seq, last_of_visitor), "{id}: the counters of the row");
    let visible = store.visible_entries(id, 0.into(), 100_000).await.unwrap();
    assert!(
        visible.iter().map(|entry| entry.visitor_seq).eq((1..=visitor_seq).map(Some)),
        "invariant 14: {id}: what the visitor may see is gap-free"
    );
}

/// What somebody wrote in an entry.
pub fn said(entry: &Entry) -> Option<&str> {
    match &entry.kind {
        EntryKind::Message { body, .. } | EntryKind::Note { body } | EntryKind::Unsent { body } => {
            Some(body.as_str())
        }
        EntryKind::Notice { .. } | EntryKind::Decision(_) => None,
    }
}
