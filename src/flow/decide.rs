//! Steps 3 and 4: fold what was found into the score, decide, and store the
//! decision either way (invariants 9 and 15).
//!
//! Reads   what is new in the log; all of it for an escalation, which is explained.
//! Writes  analysis, decision, and an escalation where one is due: one command.
//! Next    `reply` while the bot has it, `explain` after an escalation.
//!
//! The live path takes the same steps over the log that tuning takes over an export, so
//! the two cannot differ. It goes on from where it stood: see `standing`.

use super::analyze::{Analyzed, Late};
use super::found::Found;
use super::reply::Asked;
use super::standing::{Standing, Step};
use super::{ATTEMPTS, Flow, FlowError};
use crate::domain::analysis::{Analysis, By};
use crate::domain::conversation::{
    Author, Change, Conversation, ConversationState, Entry, EntryKind, NewEntry,
};
use crate::domain::escalation::{Counterfactual, Decision, EscalationPolicy, counterfactual};
use crate::domain::event::Event as Counted;
use crate::domain::id::ConversationId;
use crate::domain::tuning::Event;
use crate::fault::{planted, point};
use crate::flow::ports::StoreError;
use std::collections::BTreeMap;

/// An event of the fold and the position of the entry it comes from.
pub type TurnEvent = (u64, Event);

/// What an entry means for decisions; nothing, for most kinds and for a message without an analysis.
pub(super) fn event_of(entry: &Entry, analysis: Option<&Analysis>) -> Option<Event> {
    match (&entry.kind, &entry.author) {
        (EntryKind::Message { body, .. }, Author::Visitor) => {
            Some(Event::Message { text: body.as_str().to_owned(), analysis: analysis?.clone(), at: entry.at })
        }
        (EntryKind::Message { is_no_answer: true, .. }, _) => Some(Event::BotFailed { at: entry.at }),
        (EntryKind::Message { .. }, Author::Bot | Author::Agent { .. }) => Some(Event::Answered),
        _ => None,
    }
}

/// What happened in a conversation, as far as decisions go. Messages without an analysis are left out.
pub fn events_of(entries: &[Entry], analyses: &BTreeMap<u64, Analysis>) -> Vec<TurnEvent> {
    let event = |entry: &Entry| event_of(entry, analyses.get(&entry.position));
    entries.iter().filter_map(|entry| Some((entry.position, event(entry)?))).collect()
}

/// A conversation with its whole log: what an explanation needs, and no message by itself.
pub(super) struct Known {
    pub(super) conversation: Conversation,
    pub(super) entries: Vec<Entry>,
    pub(super) analyses: BTreeMap<u64, Analysis>,
}

/// What would have kept the decision about a position from calling a human.
pub(super) fn counterfactual_at(
    policy: &EscalationPolicy,
    events: &[TurnEvent],
    about: u64,
) -> Option<Counterfactual> {
    let at = events.iter().position(|(position, _)| *position == about)?;
    let bare: Vec<Event> = events.iter().map(|(_, event)| event.clone()).collect();
    counterfactual(policy, &bare, at)
}

impl Known {
    /// Everything that can be decided on when messages up to `position` are: failures of the bot behind it too, up to
    /// the next message, so that what is stored is what a replay of the log decides.
    fn events_up_to(&self, position: u64) -> Vec<TurnEvent> {
        let is_next = |entry: &&Entry| {
            let is_message = matches!(entry.kind, EntryKind::Message { .. });
            entry.position > position && entry.author == Author::Visitor && is_message
        };
        let next = self.entries.iter().find(is_next).map_or(u64::MAX, |next| next.position);
        let mut events = events_of(&self.entries, &self.analyses);
        events.retain(|(at, _)| *at < next);
        events
    }
}

impl Flow {
    /// Everything from a message that was stored to what follows from it. Errors end in the log; the message itself is
    /// stored, and `watch` comes back to what is not decided.
    pub(super) async fn think(&self, id: &ConversationId, said: Entry) {
        let Analyzed { analysis, late } = self.analyze(said.text()).await;
        let findings = &self.0.findings;
        if !findings.add(id, Found { said, analysis, late }) {
            return;
        }
        let Some(turn) = findings.turn().await else { return };
        let (mut found, mut messages, mut awaited) = (Vec::new(), Vec::new(), Vec::new());
        for one in findings.take(id) {
            let position = one.said.position;
            found.push((position, one.analysis));
            messages.push(one.said);
            awaited.extend(one.late.map(|late| (position, late)));
        }
        if let Err(error) = self.decide_on(id, found, &messages).await {
            self.note_failure(id, "decide", &error);
        }
        drop(turn);
        for (position, late) in awaited {
            self.await_late(id, position, late);
        }
    }

    fn await_late(&self, id: &ConversationId, position: u64, late: Late) {
        let (flow, id) = (self.clone(), id.clone());
        self.0.tracker.spawn("think", async move { flow.fold_in_late(&id, position, late).await });
    }

    /// Waits for what the model finds late, as long as the process lives. A model that hangs holds up nobody.
    async fn fold_in_late(&self, id: &ConversationId, position: u64, late: Late) {
        let analysis = tokio::select! {
            biased;
            () = self.0.tracker.stopping() => return,
            found = late.found => match found {
                Ok(analysis) => analysis,
                Err(_) => return,
            },
        };
        let took = self.0.ports.clock.now().since(late.asked_at);
        let by = if took <= self.0.settings.analysis_budget { "model" } else { "late" };
        self.observe(Counted::MessageAnalyzed { by, took });
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
        self.decide_on(id, vec![(position, words)], &[]).await?;
        let asked_at = self.0.ports.clock.now();
        if let Some(found) = self.0.ports.analyzer.start(text) {
            self.await_late(id, position, Late { asked_at, found });
        }
        Ok(())
    }

    pub(super) fn note_failure(&self, id: &ConversationId, step: &'static str, error: &FlowError) {
        let code = error.code();
        // Of a store that is not available the store itself has told, once for all.
        if *error == FlowError::Store(StoreError::Unavailable) {
            tracing::debug!(conversation.id = %id, step, error.code = code, "Conversation {id}: {step} did not happen: {error}");
        } else {
            tracing::warn!(conversation.id = %id, step, error.code = code, "Conversation {id}: {step} did not happen: {error}");
        }
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
        Ok(Known { conversation, entries: store.log(id).await?, analyses: store.analyses(id).await? })
    }

    /// Decides on what was found, in the order of the log, and on every message before it that is not decided yet:
    /// earlier ones whose analysis has not come are decided on words now; the model's, when it comes, revises them. `said`
    /// are the messages themselves, where this node has stored them.
    async fn decide_on(
        &self,
        id: &ConversationId,
        found: Vec<(u64, Analysis)>,
        said: &[Entry],
    ) -> Result<(), FlowError> {
        let was_decided = {
            let _lane = self.0.lanes.enter(id).await;
            let mut attempt = 0;
            loop {
                match self.decide_once(id, &found, said).await {
                    Err(FlowError::Conflict) if attempt + 1 < ATTEMPTS => attempt += 1,
                    other => {
                        let (was_decided, asked) = other?;
                        self.go_on(id, asked);
                        break was_decided;
                    }
                }
            }
        };
        for (position, analysis) in found.into_iter().filter(|(position, _)| *position <= was_decided) {
            let asked = self.revise(id, position, analysis).await?;
            self.go_on(id, asked);
        }
        Ok(())
    }

    /// Up to where everything was decided before, and what follows from what is decided now.
    async fn decide_once(
        &self,
        id: &ConversationId,
        found: &[(u64, Analysis)],
        said: &[Entry],
    ) -> Result<(u64, Option<Asked>), FlowError> {
        let (conversation, mut standing) = match self.stand_by_heart(id, said) {
            Some(known) => known,
            None => self.stand(id).await?,
        };
        let decided = conversation.decided_position;
        let Some((position, _)) = found.last().filter(|(position, _)| *position > decided) else {
            self.keep(standing);
            return Ok((decided, None));
        };
        let is_found = |at: u64| found.iter().any(|(position, _)| *position == at);
        let mut new: Vec<(u64, Analysis)> = found.iter().filter(|(at, _)| *at > decided).cloned().collect();
        let earlier = standing.undecided(position - 1).filter(|(at, _)| !is_found(*at));
        new.extend(earlier.map(|(earlier, text)| (earlier, self.0.ports.analyzer.words(text))));
        standing.go_on_to(*position, decided, &new);
        let decisions = standing.news_from(decided + 1);
        let mut change = Change::of(conversation.clone());
        change.analyses = new;
        change.conversation.decided_position = *position;
        let asked = self.write_decisions(&conversation, standing, change, decisions).await?;
        Ok((decided, asked))
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
            let (conversation, standing) = self.stand(id).await?;
            let revised = self.stand_revised(&conversation, standing, position, &analysis).await?;
            let Some(standing) = revised else { return Ok(None) };
            let decisions = standing.news_from(position);
            let mut change = Change::of(conversation.clone());
            change.analyses = vec![(position, analysis.clone())];
            match self.write_decisions(&conversation, standing, change, decisions).await {
                Err(FlowError::Conflict) => {}
                other => return other,
            }
        }
        Err(FlowError::Conflict)
    }

    /// Writes decisions with what follows from the first that calls a human, or asks the bot where none does.
    async fn write_decisions(
        &self,
        before: &Conversation,
        standing: Standing,
        change: Change,
        decisions: Vec<Decision>,
    ) -> Result<Option<Asked>, FlowError> {
        let ports = &self.0.ports;
        let (id, now) = (change.conversation.id.clone(), ports.clock.now());
        let is_with_bot = matches!(change.conversation.state, ConversationState::WithBot { .. });
        let called_at = standing.called_at();
        let calls = |d: &&Decision| d.is_escalation() && d.about.is_some_and(|about| about > called_at);
        let calling = decisions.iter().find(calls).filter(|_| is_with_bot).cloned();
        let mut change = change;
        change.conversation.score = standing.score().or(change.conversation.score);
        change.entries.extend(decisions.into_iter().map(|decision| NewEntry::decision(decision, now)));
        let decided = change.conversation.decided_position;
        let is_new_message = decided > before.decided_position;
        let asked;
        if let Some(decision) = calling {
            let about = decision.about.unwrap_or(0);
            // An escalation is explained, and that takes the whole conversation.
            let mut known = self.known(&id).await?;
            known.analyses.extend(change.analyses.iter().cloned());
            let events = known.events_up_to(decided);
            let counterfactual = counterfactual_at(standing.policy(), &events, about);
            let intent = known.analyses.get(&about).map(Analysis::subject);
            let (handoff, notices) = self
                .begin(&change.conversation, &decision, counterfactual, intent.unwrap_or("other"))
                .await?;
            asked = Some(Asked::Words { handoff: Box::new(handoff.clone()) });
            change = change.then(|conversation| conversation.escalate(handoff, notices))?;
        } else if is_with_bot && is_new_message {
            let question = standing.question(&change.conversation, decided);
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
        let has_moved = change.conversation.state.name() != before.state.name();
        let step = Step::of(&change);
        match self.commit(None, change, None).await {
            Ok(ack) => {
                self.keep_written(standing, step, ack.position);
                let position = ack.position.unwrap_or(0);
                if has_moved {
                    self.tell_state(&id, position)
                } else {
                    self.tell_inside(&id, position)
                }
                Ok(asked)
            }
            Err(StoreError::Conflict) => Err(FlowError::Conflict),
            Err(error) => Err(error.into()),
        }
    }
}
