//! Steps 3 and 4: fold what was found into the score, decide, and store the
//! decision either way (invariants 9 and 15).
//!
//! Reads   the whole log and the analyses.
//! Writes  analysis, decision, and an escalation where one is due: one command.
//! Next    `reply` while the bot has it, `explain` after an escalation.
//!
//! The live path runs the same `replay` over the log that tuning runs over an
//! export, so the two cannot differ.

use super::reply::Asked;
use super::{ATTEMPTS, Flow, FlowError};
use crate::domain::analysis::{Analysis, By};
use crate::domain::conversation::{
    Author, Change, Conversation, ConversationState, Entry, EntryKind, NewEntry,
};
use crate::domain::escalation::{Counterfactual, Decision, EscalationPolicy, counterfactual};
use crate::domain::event::Event as Counted;
use crate::domain::id::ConversationId;
use crate::domain::tuning::{Event, Verdict, replay};
use crate::fault::{planted, point};
use crate::flow::ports::StoreError;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// Entries read at once.
const PAGE: usize = 1_000;

/// An event of the fold and the position of the entry it comes from.
pub type TurnEvent = (u64, Event);

/// What happened in a conversation, as far as decisions go. Messages without an analysis are left out.
pub fn events_of(entries: &[Entry], analyses: &BTreeMap<u64, Analysis>) -> Vec<TurnEvent> {
    let event = |entry: &Entry| match (&entry.kind, &entry.author) {
        (EntryKind::Message { body, .. }, Author::Visitor) => Some(Event::Message {
            text: body.as_str().to_owned(),
            analysis: analyses.get(&entry.position)?.clone(),
            at: entry.at,
        }),
        (EntryKind::Message { is_no_answer: true, .. }, _) => Some(Event::BotFailed { at: entry.at }),
        (EntryKind::Message { .. }, Author::Bot | Author::Agent { .. }) => Some(Event::Answered),
        _ => None,
    };
    entries.iter().filter_map(|entry| Some((entry.position, event(entry)?))).collect()
}

/// A conversation with all that decisions need of it.
pub(super) struct Known {
    pub(super) conversation: Conversation,
    pub(super) entries: Vec<Entry>,
    pub(super) analyses: BTreeMap<u64, Analysis>,
}

/// The verdicts over a conversation by the position they are about.
pub(super) struct Judged {
    pub(super) events: Vec<TurnEvent>,
    verdicts: Vec<Verdict>,
}

impl Judged {
    pub(super) fn of(policy: &EscalationPolicy, events: Vec<TurnEvent>) -> Self {
        let bare: Vec<Event> = events.iter().map(|(_, event)| event.clone()).collect();
        let verdicts = replay(policy, &bare);
        Self { events, verdicts }
    }

    /// The decisions about positions from `first` on, each with its position in it.
    pub(super) fn decisions_from(&self, first: u64) -> impl Iterator<Item = Decision> {
        self.verdicts.iter().filter_map(move |verdict| {
            let position = self.events[verdict.event].0;
            let mut decision = Decision { about: Some(position), ..verdict.decision.clone() };
            if planted("contributions_do_not_add_up") {
                decision.score.value = (decision.score.value + 0.01).min(1.0);
            }
            (position >= first).then_some(decision)
        })
    }

    pub(super) fn counterfactual(&self, policy: &EscalationPolicy, about: u64) -> Option<Counterfactual> {
        let at = self.events.iter().position(|(position, _)| *position == about)?;
        let bare: Vec<Event> = self.events.iter().map(|(_, event)| event.clone()).collect();
        counterfactual(policy, &bare, at)
    }
}

impl Known {
    /// The last decision stored about each position.
    fn decided(&self) -> BTreeMap<u64, &Decision> {
        let all = self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Decision(decision) => Some((decision.about?, &**decision)),
            _ => None,
        });
        all.collect()
    }

    /// Of these decisions, those that are not stored yet as they are.
    fn news(&self, decisions: impl Iterator<Item = Decision>) -> Vec<Decision> {
        let stored = self.decided();
        let is_new = |d: &Decision| d.about.and_then(|about| stored.get(&about)).is_none_or(|old| *old != d);
        decisions.filter(is_new).collect()
    }

    /// Everything that can be decided on when messages up to `position` are: failures of the bot behind it too, up to
    /// the next message, so that what is stored is what a replay of the log decides.
    fn events_up_to(&self, position: u64) -> Vec<TurnEvent> {
        let next = self.messages(position + 1, u64::MAX).next().map_or(u64::MAX, |(next, _)| next);
        let mut events = events_of(&self.entries, &self.analyses);
        events.retain(|(at, _)| *at < next);
        events
    }

    /// Visitor's messages in a range of positions.
    fn messages(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, &str)> {
        self.entries.iter().filter(move |entry| (from..=to).contains(&entry.position)).filter_map(|entry| {
            match (&entry.kind, &entry.author) {
                (EntryKind::Message { body, .. }, Author::Visitor) => Some((entry.position, body.as_str())),
                _ => None,
            }
        })
    }

    /// The last position at which a human was called.
    fn last_handoff_notice(&self) -> u64 {
        let is_escalation = |entry: &&Entry| match &entry.kind {
            EntryKind::Decision(decision) => decision.is_escalation(),
            _ => false,
        };
        self.entries.iter().rev().find(is_escalation).map_or(0, |entry| entry.position)
    }
}

impl Flow {
    /// Everything from the message at `position` to what follows from it. Errors end in the log; the message itself is
    /// stored, and `watch` comes back to what is not decided.
    pub(super) async fn think(&self, id: &ConversationId, position: u64, text: &str) {
        let analyzed = self.analyze(text).await;
        match self.decide_up_to(id, position, analyzed.analysis).await {
            Ok(asked) => self.go_on(id, asked),
            Err(error) => self.note_failure(id, "decide", &error),
        }
        if let Some(late) = analyzed.late {
            self.fold_in_late(id, position, late).await;
        }
    }

    /// Waits for what the model finds late, as long as the process lives. A model that hangs holds up nobody.
    async fn fold_in_late(&self, id: &ConversationId, position: u64, late: oneshot::Receiver<Analysis>) {
        let asked_at = self.0.ports.clock.now();
        let analysis = tokio::select! {
            biased;
            () = self.0.tracker.stopping() => return,
            found = late => match found {
                Ok(analysis) => analysis,
                Err(_) => return,
            },
        };
        let took = self.0.ports.clock.now().since(asked_at);
        self.observe(Counted::MessageAnalyzed { by: "late", took });
        match self.revise(id, position, analysis).await {
            Ok(asked) => self.go_on(id, asked),
            Err(error) => self.note_failure(id, "revise", &error),
        }
    }

    /// Decides about a message whose task is gone: on words and at once, because the visitor has waited long enough. What
    /// the model finds is folded in later.
    pub(super) async fn decide_on_words(
        &self,
        id: &ConversationId,
        position: u64,
        text: &str,
    ) -> Result<(), FlowError> {
        let words = self.0.ports.analyzer.words(text);
        let asked = self.decide_up_to(id, position, words).await?;
        self.go_on(id, asked);
        if let Some(late) = self.0.ports.analyzer.start(text) {
            let (flow, id) = (self.clone(), id.clone());
            self.0.tracker.spawn("think", async move { flow.fold_in_late(&id, position, late).await });
        }
        Ok(())
    }

    pub(super) fn note_failure(&self, id: &ConversationId, step: &'static str, error: &FlowError) {
        tracing::warn!(conversation.id = %id, step, error.code = error.code(), "Conversation {id}: {step} did not happen: {error}");
    }

    /// Starts what follows a decision: the bot is asked, or the words that counted are looked for.
    fn go_on(&self, id: &ConversationId, asked: Option<Asked>) {
        let (flow, id) = (self.clone(), id.clone());
        match asked {
            Some(Asked::Bot { question, epoch }) => {
                self.0.tracker.spawn("bot", async move { flow.ask_bot(&id, *question, epoch).await });
            }
            Some(Asked::Words { handoff }) => {
                self.0.tracker.spawn("explain", async move { flow.explain(&id, &handoff).await });
            }
            None => {}
        }
    }

    pub(super) async fn known(&self, id: &ConversationId) -> Result<Known, FlowError> {
        let store = &self.0.ports.store;
        let conversation = self.conversation(id).await?;
        let mut entries = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry: &Entry| entry.position);
            let page = store.entries(id, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            entries.extend(page);
            if is_last {
                break;
            }
        }
        Ok(Known { conversation, entries, analyses: store.analyses(id).await? })
    }

    /// Decides about every message up to `position` that is not decided yet. Earlier ones whose analysis has not come
    /// are decided on words now; the model's, when it comes, revises them.
    async fn decide_up_to(
        &self,
        id: &ConversationId,
        position: u64,
        analysis: Analysis,
    ) -> Result<Option<Asked>, FlowError> {
        let _lane = self.0.lanes.enter(id).await;
        for _ in 0..ATTEMPTS {
            let mut known = self.known(id).await?;
            let decided = known.conversation.decided_position;
            if decided >= position {
                drop(_lane);
                return Box::pin(self.revise(id, position, analysis)).await;
            }
            let mut new = vec![(position, analysis.clone())];
            for (earlier, text) in known.messages(decided + 1, position - 1) {
                if !known.analyses.contains_key(&earlier) {
                    new.push((earlier, self.0.ports.analyzer.words(text)));
                }
            }
            known.analyses.extend(new.iter().cloned());
            let judged = Judged::of(&self.policy(), known.events_up_to(position));
            let decisions = known.news(judged.decisions_from(decided + 1));
            let mut change = Change::of(known.conversation.clone());
            change.analyses = new;
            change.conversation.decided_position = position;
            match self.write_decisions(&known, change, &judged, decisions).await {
                Err(FlowError::Conflict) => {}
                other => return other,
            }
        }
        Err(FlowError::Conflict)
    }

    /// The model's analysis of a message that was decided on words: folded in at its place. It may still escalate.
    async fn revise(
        &self,
        id: &ConversationId,
        position: u64,
        analysis: Analysis,
    ) -> Result<Option<Asked>, FlowError> {
        if analysis.analyzer.by != By::Model || planted("late_analysis_dropped") {
            return Ok(None);
        }
        let _lane = self.0.lanes.enter(id).await;
        for _ in 0..ATTEMPTS {
            let mut known = self.known(id).await?;
            if known.analyses.get(&position).is_some_and(|stored| stored.analyzer.by == By::Model) {
                return Ok(None);
            }
            known.analyses.insert(position, analysis.clone());
            let decided = known.conversation.decided_position;
            let judged = Judged::of(&self.policy(), known.events_up_to(decided));
            let decisions = known.news(judged.decisions_from(position));
            let mut change = Change::of(known.conversation.clone());
            change.analyses = vec![(position, analysis.clone())];
            match self.write_decisions(&known, change, &judged, decisions).await {
                Err(FlowError::Conflict) => {}
                other => return other,
            }
        }
        Err(FlowError::Conflict)
    }

    /// Writes decisions with what follows from the first that calls a human, or asks the bot where none does.
    async fn write_decisions(
        &self,
        known: &Known,
        change: Change,
        judged: &Judged,
        decisions: Vec<Decision>,
    ) -> Result<Option<Asked>, FlowError> {
        let ports = &self.0.ports;
        let (id, now) = (change.conversation.id.clone(), ports.clock.now());
        let is_with_bot = matches!(change.conversation.state, ConversationState::WithBot { .. });
        let handed_over_at = known.last_handoff_notice();
        // A message that was said before the last handoff has had its effect, whatever is found in it later.
        let calls = |d: &&Decision| d.is_escalation() && d.about.is_some_and(|about| about > handed_over_at);
        let calling = decisions.iter().find(calls).filter(|_| is_with_bot).cloned();
        let mut change = change;
        change.conversation.score =
            judged.decisions_from(0).last().map(|d| d.score.value).or(change.conversation.score);
        change.entries.extend(decisions.iter().map(|decision| NewEntry::decision(decision.clone(), now)));
        let is_new_message = change.conversation.decided_position > known.conversation.decided_position;
        let asked;
        if let Some(decision) = calling {
            let about = decision.about.unwrap_or(0);
            let counterfactual = judged.counterfactual(&self.policy(), about);
            let intent = known.analyses.get(&about).map(Analysis::subject);
            let (handoff, notices) = self
                .begin(&change.conversation, &decision, counterfactual, intent.unwrap_or("other"))
                .await?;
            asked = Some(Asked::Words { handoff: Box::new(handoff.clone()) });
            change = change.then(|conversation| conversation.escalate(handoff, notices))?;
        } else if is_with_bot && is_new_message {
            let question = self.question(known, change.conversation.decided_position);
            let due_at = now.plus(ports.bot.deadline()).plus(super::reply::SILENCE_MARGIN);
            let epoch = change.conversation.epoch;
            change = change.then(|conversation| conversation.ask_bot(due_at))?;
            asked = Some(Asked::Bot { question: Box::new(question), epoch });
        } else if is_new_message && matches!(change.conversation.state, ConversationState::LeftMessage { .. })
        {
            // Its visitor is back and writes: it waits like any other.
            change = change.then(|conversation| conversation.bring_back(now))?;
            asked = None;
        } else {
            asked = None;
        }
        if planted("decision_not_stored") {
            change.entries.retain(|entry| !matches!(entry.kind, EntryKind::Decision(_)));
        }
        point("decide.before_write");
        let has_moved = change.conversation.state.name() != known.conversation.state.name();
        match self.commit(None, change, None).await {
            Ok(ack) => {
                let position = ack.position.unwrap_or(0);
                if has_moved {
                    self.tell_state(&id, position)
                } else {
                    self.tell(&id, position)
                }
                Ok(asked)
            }
            Err(StoreError::Conflict) => Err(FlowError::Conflict),
            Err(error) => Err(error.into()),
        }
    }
}
