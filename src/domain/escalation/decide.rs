//! The heart: whether a human is needed now.

use super::{EscalationPolicy, Reason, ReasonCode};
use crate::domain::analysis::{Analysis, Intent, OwnIntent};
use crate::domain::handoff::EscalationType;
use crate::domain::queue::Priority;
use crate::domain::score::{Fold, Score, Term};
use serde::{Deserialize, Serialize};

/// Everything a decision looks at.
#[derive(Debug, Clone, Copy)]
pub struct Signals<'a> {
    /// The conversation so far.
    pub fold: &'a Fold,
    /// The message that was just heard; none when the bot just failed.
    pub message: Option<(&'a str, &'a Analysis)>,
    /// Over the entering threshold before, and not below the leaving one since.
    pub is_raised: bool,
    /// Whether the last escalation is longer ago than the cooldown.
    pub has_cooled_down: bool,
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A human is needed.
    Escalate {
        /// Of which kind.
        #[serde(rename = "type")]
        kind: EscalationType,
        /// How urgent.
        priority: Priority,
    },
    /// The bot may keep it.
    Stay {
        /// The score is this far below the line; negative when only a rule of time or count held it back.
        distance: f64,
    },
}

/// A decision with all that explains it (invariants 9 and 15).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The score and its terms.
    #[serde(flatten)]
    pub score: Score,
    /// The entering threshold in force.
    pub line: f64,
    /// All reasons that hold, strongest first; empty when the bot keeps it.
    pub reasons: Vec<Reason>,
    /// The policy, as `name@version`.
    pub policy: String,
    /// Position of the message it is about, in a live conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<u64>,
}

impl Decision {
    /// Whether a human is needed.
    pub fn is_escalation(&self) -> bool {
        matches!(self.outcome, Outcome::Escalate { .. })
    }
}

/// Decides whether a human is needed now.
///
/// The same policy and signals always give the same decision, so a stored decision can be replayed and explained.
/// All reasons that hold are kept, strongest first: an agent wants to know all of them. Staying with the bot is a
/// decision too. A request for a person and the immediate intents ask nothing else: no score, count, cooldown or
/// opening hour stands in their way.
pub fn decide(policy: &EscalationPolicy, signals: Signals<'_>) -> Decision {
    let score = signals.fold.score(&policy.weights);
    let mut reasons = rules(policy, signals);
    let mut priority = raised_priority(policy, signals);
    let is_over = score.value >= policy.enter
        && signals.fold.messages() >= policy.min_messages
        && !signals.is_raised
        && signals.has_cooled_down;
    if is_over || !reasons.is_empty() {
        let mut shares = contributions_as_reasons(&score);
        // Where something else escalates, the score's terms are told only where they matter.
        let least = if is_over { 0.02 } else { 0.1 };
        shares.retain(|share| share.contribution.is_some_and(|value| value >= least));
        shares.retain(|share| reasons.iter().all(|reason| reason.code != share.code));
        reasons.extend(shares);
    }
    let outcome = match reasons.first() {
        Some(first) => {
            priority =
                reasons.iter().map(|reason| reason.code.priority()).max().unwrap_or_default().max(priority);
            if score.value >= policy.enter {
                priority = priority.max(Priority::High);
            }
            Outcome::Escalate { kind: first.code.kind(), priority }
        }
        None => Outcome::Stay { distance: round4(policy.enter - score.value) },
    };
    Decision { outcome, score, line: policy.enter, reasons, policy: policy.label(), about: None }
}

/// A decision that something outside the visitor's messages makes: the button, the bot's own word, its silence.
pub fn decide_trigger(policy: &EscalationPolicy, fold: &Fold, code: ReasonCode) -> Decision {
    let score = fold.score(&policy.weights);
    let mut reasons = vec![Reason::alone(code)];
    reasons.extend(
        contributions_as_reasons(&score).into_iter().filter(|r| r.contribution.is_some_and(|v| v >= 0.1)),
    );
    let mut priority = code.priority();
    if score.value >= policy.enter {
        priority = priority.max(Priority::High);
    }
    let outcome = Outcome::Escalate { kind: code.kind(), priority };
    Decision { outcome, score, line: policy.enter, reasons, policy: policy.label(), about: None }
}

fn rules(policy: &EscalationPolicy, signals: Signals<'_>) -> Vec<Reason> {
    let mut codes = Vec::new();
    let own = own_intents(policy, signals).map(|intent| Reason::own_intent(&intent.name));
    let mut own: Vec<Reason> = own.collect();
    if let Some((text, analysis)) = signals.message {
        if analysis.human_request >= policy.rules.human_request_at {
            codes.push(ReasonCode::AskedForHuman);
        }
        for intent in &policy.rules.immediate.intents {
            let Ok(intent) = intent.parse::<Intent>() else { continue };
            if analysis.probability(intent) >= policy.rules.immediate.at {
                codes.push(match intent {
                    Intent::Safety => ReasonCode::Safety,
                    Intent::LegalThreat => ReasonCode::LegalThreat,
                    _ => ReasonCode::Keyword,
                });
            }
        }
        if policy.rules.keywords.iter().any(|keyword| contains_phrase(text, &keyword.phrase)) {
            codes.push(ReasonCode::Keyword);
        }
        let asked = signals.fold.repeated() + 1;
        let is_repeated = policy.rules.same_question > 0 && asked >= policy.rules.same_question;
        if is_repeated && !signals.is_raised {
            codes.push(ReasonCode::RepeatedQuestion);
        }
    } else if policy.rules.bot_failures > 0 && signals.fold.failures_in_a_row() >= policy.rules.bot_failures {
        codes.push(ReasonCode::BotFailed);
    }
    codes.sort_unstable();
    codes.dedup();
    let score = signals.fold.score(&policy.weights);
    let mut reasons: Vec<Reason> = codes
        .into_iter()
        .map(|code| match code {
            ReasonCode::RepeatedQuestion => Reason::share(code, score.term(Term::RepeatedQuestion)),
            other => Reason::alone(other),
        })
        .collect();
    reasons.append(&mut own);
    // Stable: intents of the site's own stay in the order of the policy.
    reasons.sort_by_key(|reason| reason.code);
    reasons
}

/// The site's own intents that call a human for this message.
fn own_intents<'a>(
    policy: &'a EscalationPolicy,
    signals: Signals<'a>,
) -> impl Iterator<Item = &'a OwnIntent> + 'a {
    let found = signals.message.map(|(_, analysis)| &analysis.own_intents);
    policy.intents.iter().filter(move |intent| {
        intent.escalate_at.is_some_and(|at| found.is_some_and(|found| found.get(&intent.name) >= at))
    })
}

/// The priority that words and intents of the site's own say.
fn raised_priority(policy: &EscalationPolicy, signals: Signals<'_>) -> Priority {
    let Some((text, _)) = signals.message else { return Priority::default() };
    let keywords = policy.rules.keywords.iter().filter(|k| contains_phrase(text, &k.phrase));
    let own = own_intents(policy, signals).map(|intent| intent.priority);
    keywords.map(|keyword| keyword.priority).chain(own).max().unwrap_or_default()
}

/// Whether a phrase stands in a text, regardless of case, at word boundaries.
fn contains_phrase(text: &str, phrase: &str) -> bool {
    let words = |s: &str| -> Vec<String> {
        s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let (text, phrase) = (words(text), words(phrase));
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
}

fn contributions_as_reasons(score: &Score) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = score
        .contributions
        .iter()
        .filter(|contribution| contribution.value > 0.0)
        .filter_map(|c| Some(Reason::share(ReasonCode::of_term(c.code)?, c.value)))
        .collect();
    reasons.sort_by(|a, b| b.contribution.partial_cmp(&a.contribution).unwrap_or(std::cmp::Ordering::Equal));
    reasons
}

pub(super) fn round4(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
