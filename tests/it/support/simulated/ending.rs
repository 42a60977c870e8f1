//! How a run ends: all is well again, everybody comes, and what must hold is looked at,
//! so that nobody can have been left behind.

use super::people::{AGENTS, VISITORS, What, Who, agent_of, visitor_of};
use super::run::{Run, now};
use crate::support::checks;
use baton::domain::agent::Presence;
use baton::domain::conversation::{ConversationState as State, StateName};
use baton::flow::ports::{Clock, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl Run {
    /// So many things happen; then all is well again, everybody is there, and nobody may be left behind.
    pub fn play(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
        }
        self.settle();
        self.check_all();
        let sum = format!("{:?}", self.all());
        self.say(&sum);
    }

    // --- the end --------------------------------------------------------------------

    /// All is well again: who was not answered asks again, and time goes on.
    fn settle(&mut self) {
        self.say("all is well");
        self.heal();
        while self.nodes.iter().any(|node| node.serving().is_none()) {
            self.start_all();
            self.come_to_rest();
        }
        self.come_to_rest();
        self.ask_again();
        let of_visitors: Vec<_> =
            self.open.values().filter(|command| matches!(command.who, Who::Visitor(_))).collect();
        assert!(of_visitors.is_empty(), "nobody answers {of_visitors:?}");
        // Where there are several nodes, their leases stand meanwhile.
        let (span, rounds) = if self.nodes.len() == 1 { (10, 12) } else { (4, 30) };
        self.pass(Duration::from_secs(span), rounds);
        self.check_deadlines();
        self.check_holders();
        // The agents come and work through all that waits.
        for n in 0..AGENTS.len() {
            if self.desks[n].at.is_none() {
                self.comes(n);
            }
            self.choose(n, Presence::Online);
        }
        self.come_to_rest();
        self.ask_again();
        assert!(self.open.is_empty(), "nobody answers {:?}", self.open);
        for _ in 0..120 {
            self.pass(Duration::from_secs(5), 2);
            self.work();
            if self.all().iter().all(|c| matches!(c.state.name(), StateName::WithBot | StateName::Closed)) {
                break;
            }
        }
        let waiting: Vec<_> = self
            .all()
            .into_iter()
            .filter(|c| c.state.waiting_since().is_some())
            .map(|c| (c.id, c.state))
            .collect();
        assert!(waiting.is_empty(), "invariant 7: everybody is there, and these still wait: {waiting:?}");
        for n in 0..VISITORS.len() {
            for _ in 0..200 {
                let before = self.pages[n].shown.values().map(Vec::len).sum::<usize>();
                self.read_on(n);
                self.come_to_rest();
                if self.pages[n].shown.values().map(Vec::len).sum::<usize>() == before {
                    break;
                }
            }
        }
    }

    /// Who was not answered asks again.
    fn ask_again(&mut self) {
        for command in self.open.values().cloned().collect::<Vec<_>>() {
            self.send(command);
        }
        self.come_to_rest();
        // A look at the floor may rest after slow ones, 50 ms at most; nobody is kept longer than a few of these.
        for _ in 0..10 {
            if self.open.is_empty() {
                break;
            }
            self.clock.move_to(self.clock.now().plus(Duration::from_millis(50)));
            self.come_to_rest();
        }
    }

    /// Time passes in rounds of the watch.
    fn pass(&mut self, span: Duration, rounds: usize) {
        for _ in 0..rounds {
            self.clock.move_to(self.clock.now().plus(span));
            self.come_to_rest();
            self.clock.move_to(self.clock.now().plus(Duration::from_millis(1_001)));
            self.come_to_rest();
        }
    }

    /// Agents do at once what is theirs to do.
    fn work(&mut self) {
        for n in 0..AGENTS.len() {
            for held in now(self.data.held_by(&agent_of(n))).unwrap() {
                let id = held.id.clone();
                let what = match &held.state {
                    State::Offered { offer, .. } => What::Accepts(id, offer.clone()),
                    State::WrapUp { .. } => What::WrapsUp(id),
                    _ => What::Resolves(id),
                };
                self.ask(Who::Agent(n), what);
            }
        }
        self.come_to_rest();
    }

    // --- what must hold -------------------------------------------------------------

    pub(super) fn check_state(&self) {
        let all = self.all();
        let (mut open, mut held) = (BTreeSet::new(), BTreeMap::<_, u32>::new());
        for conversation in &all {
            now(checks::check_state(&self.data, conversation));
            if conversation.state.is_open() {
                let is_first = open.insert(conversation.visitor.clone());
                assert!(is_first, "{} has two open conversations", conversation.visitor);
            }
            if matches!(conversation.state.name(), StateName::Offered | StateName::WithAgent) {
                *held.entry(conversation.state.agent().unwrap().clone()).or_default() += 1;
            }
        }
        for (n, (name, capacity)) in AGENTS.into_iter().enumerate() {
            let held = held.get(&agent_of(n)).copied().unwrap_or(0);
            assert!(held <= capacity, "invariant 6: {name} holds {held} of {capacity}");
        }
    }

    fn check_deadlines(&self) {
        let clock = self.clock.now();
        now(checks::check_deadlines(&self.data, &self.policy.service, clock));
    }

    /// Whoever holds a conversation is there, seen from the desks and not from what the store believes.
    fn check_holders(&self) {
        for conversation in self.all() {
            if let State::Offered { agent, .. } | State::WithAgent { agent, .. } = &conversation.state {
                let is_here = (0..AGENTS.len()).any(|n| agent_of(n) == *agent && self.desks[n].at.is_some());
                assert!(is_here, "invariant 7: {} is held by {agent}, who is not there", conversation.id);
            }
        }
    }

    fn check_all(&self) {
        self.check_state();
        self.check_deadlines();
        let (mut said, mut names) = (BTreeSet::new(), BTreeSet::new());
        for conversation in self.all() {
            now(checks::check_log(&self.data, &conversation));
            for entry in now(self.data.entries(&conversation.id, 0, 100_000)).unwrap() {
                if let Some(text) = checks::said(&entry).filter(|text| text.contains('#')) {
                    assert!(said.insert(text.to_owned()), "said once and stored twice: {text}");
                }
                if let Some(name) = entry.client_id {
                    assert!(names.insert(name.clone()), "one command was carried out twice: {name}");
                }
            }
        }
        now(checks::check_decisions(&self.data, &self.policy));
        for (command, ack) in self.acked.values() {
            self.check_ack(command, ack);
        }
        for (n, page) in self.pages.iter().enumerate() {
            if let Some(latest) = now(self.data.latest_of(&visitor_of(n))).unwrap() {
                let shown = page.shown.get(&latest.id).map_or(0, Vec::len) as u64;
                assert_eq!(shown, latest.last_visitor_seq, "invariant 8: {} is behind", VISITORS[n]);
            }
        }
    }
}
