//! What supervisors set: thresholds, rules and weights, with a name and version.
//! Reading it from text is the configuration's work; here is what it means.

use crate::domain::analysis::{MOST_OWN_INTENTS, OwnIntent};
use crate::domain::score::Weights;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The intents that escalate by themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Immediate {
    /// Names of intents.
    pub intents: Vec<String>,
    /// From which probability.
    pub at: f64,
}

/// A word or phrase that escalates by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyword {
    /// Found regardless of case, at word boundaries.
    pub phrase: String,
    /// To which priority it raises the conversation.
    #[serde(default)]
    pub priority: crate::domain::queue::Priority,
}

/// The rules beside the score.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// From which probability a message asks for a person.
    pub human_request_at: f64,
    /// Intents that escalate at once.
    pub immediate: Immediate,
    /// After how many failures of the bot in a row; 0 never.
    pub bot_failures: u32,
    /// When the same question is asked this many times; 0 never.
    pub same_question: u32,
    /// Words that escalate at once.
    pub keywords: Vec<Keyword>,
}

/// Times that the handling of escalated conversations keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// How long an offer stands.
    pub offer_timeout: Duration,
    /// How long an agent is passed over after declining or not answering.
    pub pass_over: Duration,
    /// How long a wait raises a conversation by one class.
    pub priority_step: Duration,
    /// Within which a human should have answered, by priority: low, normal, high, urgent.
    pub answer: [Duration; 4],
    /// When a left message must have been taken.
    pub left_message_due: Duration,
    /// How long the agent may wrap up.
    pub wrap_up_timeout: Duration,
    /// Within which a visitor who writes again reopens the conversation.
    pub reopen_window: Duration,
    /// After which silence a conversation with the bot is closed.
    pub idle_timeout: Duration,
    /// How long a waiting visitor may be gone.
    pub gone_timeout: Duration,
}

impl Default for Service {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            offer_timeout: Duration::from_secs(30),
            pass_over: minutes(2),
            priority_step: minutes(10),
            answer: [minutes(30), minutes(5), minutes(2), minutes(1)],
            left_message_due: minutes(24 * 60),
            wrap_up_timeout: minutes(5),
            reopen_window: minutes(24 * 60),
            idle_timeout: minutes(60),
            gone_timeout: minutes(10),
        }
    }
}

/// When a conversation goes to a human.
#[derive(Debug, Clone, PartialEq)]
pub struct EscalationPolicy {
    /// Its name.
    pub name: String,
    /// Grows with every publication.
    pub version: u32,
    /// The score from which it escalates.
    pub enter: f64,
    /// The score below which it counts as calm again.
    pub leave: f64,
    /// Visitor's messages before the score may escalate.
    pub min_messages: u32,
    /// After an escalation the score alone escalates again only when this has passed.
    pub cooldown: Duration,
    /// How the score is made.
    pub weights: Weights,
    /// What escalates beside the score.
    pub rules: Rules,
    /// The site's own intents.
    pub intents: Vec<OwnIntent>,
    /// How escalated conversations are handled.
    pub service: Service,
}

/// One mistake in a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct InvalidPolicy {
    /// The key, dotted.
    pub key: String,
    /// What is wrong, and what is expected.
    pub problem: String,
}

impl Default for EscalationPolicy {
    fn default() -> Self {
        Self {
            name: "default".into(),
            version: 1,
            enter: 0.62,
            leave: 0.40,
            min_messages: 2,
            cooldown: Duration::from_secs(300),
            weights: Weights::default(),
            rules: Rules {
                human_request_at: 0.5,
                immediate: Immediate { intents: vec!["legal_threat".into(), "safety".into()], at: 0.7 },
                bot_failures: 2,
                same_question: 3,
                keywords: Vec::new(),
            },
            intents: Vec::new(),
            service: Service::default(),
        }
    }
}

impl EscalationPolicy {
    /// `name@version`, as decisions carry it.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Everything that is wrong with it.
    ///
    /// # Errors
    ///
    /// All problems found, not the first.
    pub fn check(&self) -> Result<(), Vec<InvalidPolicy>> {
        let mut problems = Vec::new();
        let mut expect = |is_right: bool, key: &str, problem: &str| {
            if !is_right {
                problems.push(InvalidPolicy { key: key.into(), problem: problem.into() });
            }
        };
        let share = |value: f64| (0.0..=1.0).contains(&value);
        expect(share(self.enter) && self.enter > 0.0, "escalate.enter", "must be above 0 and at most 1");
        expect(share(self.leave), "escalate.leave", "must be between 0 and 1");
        expect(self.leave <= self.enter, "escalate.leave", "must not be above escalate.enter");
        expect(self.min_messages >= 1, "escalate.min_messages", "must be at least 1");
        expect(share(self.rules.human_request_at), "rules.human_request_at", "must be between 0 and 1");
        expect(share(self.rules.immediate.at), "rules.immediate.at", "must be between 0 and 1");
        for intent in &self.rules.immediate.intents {
            let is_known = intent.parse::<crate::domain::analysis::Intent>().is_ok();
            expect(is_known, "rules.immediate.intents", &format!("`{intent}` is not an intent"));
        }
        expect(self.rules.same_question != 1, "rules.same_question", "must be 0 (never) or at least 2");
        for keyword in &self.rules.keywords {
            let length = keyword.phrase.trim().chars().count();
            expect((2..=100).contains(&length), "rules.keywords", "a phrase has 2 to 100 characters");
        }
        expect(self.rules.keywords.len() <= 200, "rules.keywords", "at most 200");
        expect(self.intents.len() <= MOST_OWN_INTENTS, "intents", "at most 20");
        for (place, key, problem) in OwnIntent::problems_of(&self.intents) {
            // Counted from 1, as people count the sections of a file.
            expect(false, &format!("intents.{}.{key}", place + 1), &problem);
        }
        let w = &self.weights;
        for (key, value) in [
            ("frustration", w.frustration),
            ("negative_sentiment", w.negative_sentiment),
            ("streak", w.streak),
            ("slope", w.slope),
            ("repeated_question", w.repeated_question),
            ("bot_failures", w.bot_failures),
            ("no_progress", w.no_progress),
            ("shouting", w.shouting),
            ("abuse", w.abuse),
            ("recovery", w.recovery),
        ] {
            expect(share(value), &format!("score.{key}"), "must be between 0 and 1");
        }
        expect((0.0..1.0).contains(&w.memory), "score.memory", "must be at least 0 and below 1");
        let s = &self.service;
        expect(s.offer_timeout >= Duration::from_secs(5), "service.offer_timeout", "must be at least 5s");
        expect(!s.priority_step.is_zero(), "service.priority_step", "must not be zero");
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_right_and_a_wrong_one_lists_all_mistakes() {
        assert_eq!(EscalationPolicy::default().check(), Ok(()));
        let mut wrong = EscalationPolicy { enter: 0.3, leave: 0.5, min_messages: 0, ..Default::default() };
        wrong.rules.immediate.intents.push("revolt".into());
        wrong.weights.memory = f64::NAN;
        assert_eq!(wrong.check().unwrap_err().len(), 4);
    }
}
