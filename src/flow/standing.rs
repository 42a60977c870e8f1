//! Where a conversation stands in its replay, kept between its steps, so that a
//! message costs the same in a long conversation as in a short one.
//!
//! Not a second truth: it counts only while the store has the conversation at the version that it was made of, and is
//! made again from the whole log otherwise (invariant 8). A decision that was made of it without a look at the store is
//! refused there when that version is not the last any more. Live and replay cannot differ, because both take the steps
//! of one [`Course`].

use super::decide::event_of;
use super::{Flow, FlowError};
use crate::domain::analysis::{Analysis, By};
use crate::domain::conversation::{Author, Change, Conversation, Entry, EntryKind, NewEntry};
use crate::domain::escalation::{Decision, EscalationPolicy};
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;
use crate::domain::tuning::{Course, Event};
use crate::fault::planted;
use crate::flow::ports::{Question, Speaker};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Entries read at first, and then at once.
const FEW: usize = 64;
const PAGE: usize = 1_000;
/// Turns that can be taken again without the log, because the model may find something late.
const KEPT: usize = 12;
/// Lines of the transcript that a bot is given.
const TRANSCRIPT: usize = 50;
/// Conversations of one generation, and how long it lasts; two are kept.
const GENERATION: usize = 1_000;
const LASTS: Duration = Duration::from_secs(300);

/// An event that was folded, and what it led to.
#[derive(Debug, Clone)]
struct Turn {
    position: u64,
    event: Event,
    before: Course,
    decision: Option<Decision>,
}

/// Where a conversation stands.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// The policy it was folded under.
    policy: Arc<EscalationPolicy>,
    /// The conversation it was made of, as it was left by the last step that is in here.
    conversation: Box<Conversation>,
    /// Entries up to here are in it.
    read_to: u64,
    /// Entries behind it that this node has written, while those before them are not read.
    known: BTreeMap<u64, Entry>,
    /// After the last turn.
    course: Course,
    /// The last turns, and all that are not decided on for good.
    turns: VecDeque<Turn>,
    /// The first message that is not decided on and everything behind it that counts, with the analysis if it has one.
    ahead: VecDeque<(Entry, Option<Analysis>)>,
    /// The decisions stored about the positions of `turns` and later ones.
    stored: BTreeMap<u64, Decision>,
    /// Position of the last decision that called a human.
    called_at: u64,
    /// The score of the last decision before `turns`.
    earlier_score: Option<f64>,
    /// What was said last, for the bot.
    lines: VecDeque<(u64, Speaker, String)>,
}

impl Standing {
    fn new(policy: Arc<EscalationPolicy>, conversation: Conversation) -> Self {
        Self {
            policy,
            conversation: Box::new(conversation),
            read_to: 0,
            known: BTreeMap::new(),
            course: Course::default(),
            turns: VecDeque::new(),
            ahead: VecDeque::new(),
            stored: BTreeMap::new(),
            called_at: 0,
            earlier_score: None,
            lines: VecDeque::new(),
        }
    }

    /// Takes in the entries that follow, with what is known of them.
    fn read(&mut self, entries: Vec<Entry>, analyses: &BTreeMap<u64, Analysis>) {
        for entry in entries {
            self.read_to = entry.position;
            match &entry.kind {
                EntryKind::Message { body, .. } => {
                    let speaker = match entry.author {
                        Author::Visitor => Speaker::Visitor,
                        Author::Agent { .. } => Speaker::Agent,
                        Author::Bot | Author::System => Speaker::Bot,
                    };
                    self.lines.push_back((entry.position, speaker, body.as_str().to_owned()));
                    let analysis = analyses.get(&entry.position).cloned();
                    self.ahead.push_back((entry, analysis));
                }
                EntryKind::Decision(decision) => {
                    if decision.is_escalation() {
                        self.called_at = entry.position;
                    }
                    if let Some(about) = decision.about {
                        self.stored.insert(about, (**decision).clone());
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes in messages that this node has stored, without a look at the log. False when something stands between
    /// what is known and them.
    fn hear(&mut self, said: &[Entry]) -> bool {
        self.learn(said.iter().cloned());
        said.last().is_some_and(|last| last.position <= self.read_to)
    }

    /// Takes in a step of this node that was written on the version it was made of; its first entry has this position.
    fn take_in(&mut self, step: Step, first: Option<u64>) {
        self.conversation = step.conversation;
        self.conversation.version += 1;
        let placed = (first.unwrap_or(0)..).zip(step.entries);
        self.learn(placed.map(|(position, NewEntry { author, kind, at })| Entry {
            position,
            visitor_seq: None,
            author,
            kind,
            at,
            client_id: None,
        }));
        // Else what an agent says would pile up until the visitor's next message.
        self.fold(self.conversation.decided_position, u64::MAX);
    }

    /// Reads entries that this node knows, each as soon as everything before it is read.
    fn learn(&mut self, entries: impl Iterator<Item = Entry>) {
        let read_to = self.read_to;
        let new = entries.filter(|entry| entry.position > read_to).map(|entry| (entry.position, entry));
        self.known.extend(new);
        while let Some(next) = self.known.remove(&(self.read_to + 1)) {
            self.read(vec![next], &BTreeMap::new());
        }
    }

    /// Folds everything up to the first message behind `decided`: failures of the bot between the two as well, so that
    /// what is stored is what a replay of the log decides. Turns from `keep_from` on can be taken again.
    fn fold(&mut self, decided: u64, keep_from: u64) {
        while let Some((entry, _)) = self.ahead.front() {
            if entry.author == Author::Visitor && entry.position > decided {
                break;
            }
            let Some((entry, analysis)) = self.ahead.pop_front() else { break };
            if let Some(event) = event_of(&entry, analysis.as_ref()) {
                self.take(entry.position, event);
            }
            self.forget(decided, keep_from);
        }
    }

    fn take(&mut self, position: u64, event: Event) {
        let before = self.course.clone();
        let decision = self.course.step(&self.policy, &event);
        let decision = decision.map(|decision| Decision { about: Some(position), ..decision });
        self.turns.push_back(Turn { position, event, before, decision });
    }

    /// Lets go of what nobody will ask for again.
    fn forget(&mut self, decided: u64, keep_from: u64) {
        let needed_from = keep_from.min(decided + 1);
        while self.turns.len() > KEPT && self.turns.front().is_some_and(|turn| turn.position < needed_from) {
            let gone = self.turns.pop_front().and_then(|turn| turn.decision);
            self.earlier_score = gone.map(|decision| decision.score.value).or(self.earlier_score);
        }
        let first = self.turns.front().map_or(needed_from, |turn| turn.position.min(needed_from));
        while self.stored.first_key_value().is_some_and(|(about, _)| *about < first) {
            self.stored.pop_first();
        }
        // One more than the transcript holds, so that the line behind the last is not counted into it.
        while self.lines.get(TRANSCRIPT).is_some_and(|(at, ..)| *at <= decided) {
            self.lines.pop_front();
        }
    }

    /// Messages that are not decided on, up to a position, without an analysis.
    pub(super) fn undecided(&self, up_to: u64) -> impl Iterator<Item = (u64, &str)> {
        self.ahead.iter().filter_map(move |(entry, analysis)| match (&entry.kind, &entry.author) {
            (EntryKind::Message { body, .. }, Author::Visitor)
                if entry.position <= up_to && analysis.is_none() =>
            {
                Some((entry.position, body.as_str()))
            }
            _ => None,
        })
    }

    /// Folds the messages up to `position`, whose analyses these are.
    pub(super) fn go_on_to(&mut self, position: u64, decided: u64, analyses: &[(u64, Analysis)]) {
        for (entry, known) in &mut self.ahead {
            if let Some((_, found)) = analyses.iter().find(|(at, _)| *at == entry.position) {
                *known = Some(found.clone());
            }
        }
        // What is decided with this step is kept until the step is written.
        self.fold(position, decided + 1);
    }

    /// The analysis of a message; none where it is not known here any more.
    pub(super) fn analysis(&self, position: u64) -> Option<&Analysis> {
        let turn = self.turns.iter().find(|turn| turn.position == position);
        match turn.map(|turn| &turn.event) {
            Some(Event::Message { analysis, .. }) => Some(analysis),
            _ => self.ahead.iter().find(|(entry, _)| entry.position == position)?.1.as_ref(),
        }
    }

    /// Puts another analysis in the place of one that is known here, and takes the turns from there on again.
    fn revise(&mut self, position: u64, found: &Analysis) -> bool {
        if let Some((_, known)) = self.ahead.iter_mut().find(|(entry, _)| entry.position == position) {
            *known = Some(found.clone());
            return true;
        }
        let Some(at) = self.turns.iter().position(|turn| turn.position == position) else { return false };
        let again = self.turns.split_off(at);
        let Some(first) = again.front() else { return false };
        self.course = first.before.clone();
        for mut turn in again {
            if let (true, Event::Message { analysis, .. }) = (turn.position == position, &mut turn.event) {
                *analysis = found.clone();
            }
            self.take(turn.position, turn.event);
        }
        true
    }

    /// Decisions about positions from `first` on that are not stored yet as they are.
    pub(super) fn news_from(&self, first: u64) -> Vec<Decision> {
        let decisions = self.turns.iter().filter(|turn| turn.position >= first);
        let decisions = decisions.filter_map(|turn| turn.decision.as_ref().map(|d| (turn.position, d)));
        let news = decisions.filter(|(about, decision)| self.stored.get(about) != Some(*decision));
        let mut news: Vec<Decision> = news.map(|(_, decision)| decision.clone()).collect();
        if planted("contributions_do_not_add_up") {
            for decision in &mut news {
                decision.score.value = (decision.score.value + 0.01).min(1.0);
            }
        }
        news
    }

    /// The score of the last decision.
    pub(super) fn score(&self) -> Option<f64> {
        let last = self.turns.iter().rev().find_map(|turn| turn.decision.as_ref());
        last.map(|decision| decision.score.value).or(self.earlier_score)
    }

    /// Where a human was called last. A message that was said before has had its effect, whatever is found in it later.
    pub(super) fn called_at(&self) -> u64 {
        self.called_at
    }

    /// The course after everything that can be decided on now: messages without an analysis are left out.
    pub(super) fn course(&self) -> Course {
        let mut course = self.course.clone();
        for (entry, analysis) in &self.ahead {
            if let Some(event) = event_of(entry, analysis.as_ref()) {
                course.step(&self.policy, &event);
            }
        }
        course
    }

    /// The policy that everything in here was folded under.
    pub(super) fn policy(&self) -> &Arc<EscalationPolicy> {
        &self.policy
    }

    /// What the bot is asked about the message at `position`.
    pub(super) fn question(&self, conversation: &Conversation, position: u64) -> Question {
        let said: Vec<_> = self.lines.iter().filter(|(at, ..)| *at <= position).collect();
        let text = said.iter().rev().find(|(at, ..)| *at == position).map(|(.., text)| text.clone());
        let skipped = said.len().saturating_sub(TRANSCRIPT);
        Question {
            conversation: conversation.id.clone(),
            visitor: conversation.visitor.clone(),
            position,
            text: text.unwrap_or_default(),
            analysis: self.analysis(position).cloned(),
            transcript: said.into_iter().skip(skipped).map(|(_, who, text)| (*who, text.clone())).collect(),
        }
    }
}

/// The standings of the conversations that moved last, for five minutes at least where there are fewer than a thousand.
/// Bounded: who is not in here is read again. One takes some 50 KB, and a conversation can be open for days.
#[derive(Debug, Default)]
pub(super) struct Standings(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<ConversationId, Standing>,
    old: HashMap<ConversationId, Standing>,
    /// When the young one began.
    since: Timestamp,
}

impl Standings {
    fn take(&self, id: &ConversationId) -> Option<Standing> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (young, old) = (all.young.remove(id), all.old.remove(id));
        young.or(old)
    }

    fn put(&self, id: &ConversationId, standing: Standing, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.young.len() >= GENERATION || now.since(all.since) >= LASTS {
            all.old = std::mem::take(&mut all.young);
            all.since = now;
        }
        all.young.insert(id.clone(), standing);
    }

    /// Lets go of one.
    pub(super) fn let_go(&self, id: &ConversationId) {
        drop(self.take(id));
    }

    /// Lets go of all of them.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }

    /// Whether something is known of a conversation.
    pub(super) fn has(&self, id: &ConversationId) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.young.contains_key(id) || all.old.contains_key(id)
    }

    /// A step of this node is written, which has analyzed nothing; its first entry has this position.
    pub(super) fn take_in(&self, step: Step, first: Option<u64>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, id) = (&mut *all, &step.conversation.id);
        if let Some(standing) = all.young.get_mut(id).or_else(|| all.old.get_mut(id))
            && standing.conversation.version == step.conversation.version
        {
            standing.take_in(step, first);
        }
    }
}

/// What a step has written: the conversation after it, still with the version before, and what went into the log.
pub(super) struct Step {
    conversation: Box<Conversation>,
    entries: Vec<NewEntry>,
}

impl Step {
    pub(super) fn of(change: &Change) -> Self {
        Self { conversation: Box::new(change.conversation.clone()), entries: change.entries.clone() }
    }
}

impl Flow {
    /// A conversation and where it stands behind messages that this node has stored, as far as this node knows: the
    /// store refuses what is made of it if there is more to know. None where something may have come in between.
    pub(super) fn stand_by_heart(
        &self,
        id: &ConversationId,
        said: &[Entry],
    ) -> Option<(Conversation, Standing)> {
        let mut standing = self.0.standings.take(id)?;
        if !Arc::ptr_eq(&standing.policy, &self.policy()) || !standing.hear(said) {
            self.0.standings.put(id, standing, self.0.ports.clock.now());
            return None;
        }
        let conversation = Conversation {
            last_position: standing.read_to,
            last_visitor_position: said.last()?.position.max(standing.conversation.last_visitor_position),
            ..(*standing.conversation).clone()
        };
        standing.fold(conversation.decided_position, u64::MAX);
        Some((conversation, standing))
    }

    /// A conversation and where it stands, as the store has it now. For whoever has its lane; to be given back with
    /// [`Flow::keep`] unless a write has failed.
    pub(super) async fn stand(&self, id: &ConversationId) -> Result<(Conversation, Standing), FlowError> {
        let conversation = self.conversation(id).await?;
        let kept = self.0.standings.take(id);
        let policy = self.policy();
        let is_true = |kept: &Standing| {
            kept.conversation.version == conversation.version && Arc::ptr_eq(&kept.policy, &policy)
        };
        let Some(mut standing) = kept.filter(is_true) else {
            let standing = self.stand_again(&conversation, conversation.decided_position + 1, None).await?;
            return Ok((conversation, standing));
        };
        // Since then nothing but messages of the visitor and steps of this node came in, which analyzed nothing.
        self.read_on(id, &mut standing, &BTreeMap::new()).await?;
        standing.fold(conversation.decided_position, u64::MAX);
        Ok((conversation, standing))
    }

    /// The same from the whole log, so that turns from `keep_from` on can be taken again; with an analysis that is not
    /// stored yet.
    async fn stand_again(
        &self,
        conversation: &Conversation,
        keep_from: u64,
        with: Option<(u64, &Analysis)>,
    ) -> Result<Standing, FlowError> {
        let mut standing = Standing::new(self.policy(), conversation.clone());
        let mut analyses = self.0.ports.store.analyses(&conversation.id).await?;
        analyses.extend(with.map(|(position, found)| (position, found.clone())));
        self.read_on(&conversation.id, &mut standing, &analyses).await?;
        standing.fold(conversation.decided_position, keep_from);
        Ok(standing)
    }

    async fn read_on(
        &self,
        id: &ConversationId,
        standing: &mut Standing,
        analyses: &BTreeMap<u64, Analysis>,
    ) -> Result<(), FlowError> {
        // Nearly always few are new, and few are read at once.
        let mut wanted = FEW;
        loop {
            let page = self.0.ports.store.entries(id, standing.read_to, wanted).await?;
            let is_last = page.len() < wanted;
            standing.read(page, analyses);
            if is_last {
                standing.known = standing.known.split_off(&(standing.read_to + 1));
                return Ok(());
            }
            wanted = PAGE;
        }
    }

    /// Puts the model's analysis in its place; none when one of the model is there already.
    pub(super) async fn stand_revised(
        &self,
        conversation: &Conversation,
        mut standing: Standing,
        position: u64,
        found: &Analysis,
    ) -> Result<Option<Standing>, FlowError> {
        let is_models = |known: &Analysis| known.analyzer.by == By::Model;
        if standing.analysis(position).is_some_and(is_models) {
            self.keep(standing);
            return Ok(None);
        }
        if standing.revise(position, found) {
            return Ok(Some(standing));
        }
        // Longer ago than what is kept.
        let analyses = self.0.ports.store.analyses(&conversation.id).await?;
        if analyses.get(&position).is_some_and(is_models) {
            self.keep(standing);
            return Ok(None);
        }
        self.stand_again(conversation, position, Some((position, found))).await.map(Some)
    }

    /// Keeps where a conversation stands for the next step.
    pub(super) fn keep(&self, mut standing: Standing) {
        if standing.conversation.state.is_open() {
            standing.forget(standing.conversation.decided_position, u64::MAX);
            let id = standing.conversation.id.clone();
            self.0.standings.put(&id, standing, self.0.ports.clock.now());
        }
    }

    /// The same after the step that was made of it is written; its first entry has this position.
    pub(super) fn keep_written(&self, mut standing: Standing, step: Step, first: Option<u64>) {
        standing.take_in(step, first);
        self.keep(standing);
    }
}
