//! The fold: one message at a time, newest weighs most. Nothing in here reads a
//! clock or a store, so a stored conversation always folds to the same scores.

use super::{Score, Term, Weights, Words, are_alike, is_shouting};
use crate::domain::analysis::{Analysis, Intent};
use std::collections::VecDeque;
use std::sync::Arc;

/// A visitor's message as the fold hears it.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// What was written.
    pub text: &'a str,
    /// What was found in it.
    pub analysis: &'a Analysis,
}

/// Messages that a later one is compared with. Bounds the memory of a long conversation.
const REMEMBERED: usize = 12;
/// From here on a message counts as frustrated.
const FRUSTRATED: f64 = 0.5;
/// From here on two messages ask the same.
const SAME_QUESTION: f64 = 0.6;
/// Messages that are normal before anything is gained.
const PATIENCE: u32 = 6;

/// The state of the fold after some messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fold {
    messages: u32,
    frustration: f64,
    negative: f64,
    abuse: f64,
    peak: f64,
    recent: VecDeque<f64>,
    streak: u32,
    /// Shared, because a fold is copied at every step and these are nearly all of it.
    asked: VecDeque<Arc<Words>>,
    repeated: u32,
    failures: f64,
    failures_in_a_row: u32,
    unanswered: bool,
    without_progress: u32,
    shouted: bool,
    relief: f64,
}

impl Fold {
    /// The visitor's messages so far.
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// How often the last question was asked before.
    pub fn repeated(&self) -> u32 {
        self.repeated
    }

    /// How often in a row the bot could not answer.
    pub fn failures_in_a_row(&self) -> u32 {
        self.failures_in_a_row
    }

    /// Messages since something was gained.
    pub fn without_progress(&self) -> u32 {
        self.without_progress
    }

    /// The bot could not answer.
    pub fn bot_failed(&mut self) {
        self.failures_in_a_row += 1;
        self.failures = (self.failures + 1.0).min(4.0);
        self.unanswered = true;
    }

    /// The bot, or a human, answered.
    pub fn answered(&mut self) {
        self.failures_in_a_row = 0;
        self.unanswered = false;
    }

    /// A human was called: the bot's failures up to here have had their effect, and must not call one again by
    /// themselves when the visitor goes on with the bot.
    pub fn handed_over(&mut self) {
        self.failures_in_a_row = 0;
    }

    /// The visitor wrote.
    pub fn hear(&mut self, heard: Heard<'_>, weights: &Weights) {
        let analysis = heard.analysis;
        let (now, keep) = (analysis.frustration, weights.memory);
        self.messages += 1;
        // Sadness and fear are negative without being anger at the service: sentiment counts as far as frustration does.
        let about_us = (2.0 * now).min(1.0);
        let negative = (analysis.sentiment.negative - analysis.sentiment.positive).max(0.0) * about_us;
        let blend =
            |old: f64, new: f64| if self.messages == 1 { new } else { keep * old + (1.0 - keep) * new };
        self.frustration = blend(self.frustration, now);
        self.negative = blend(self.negative, negative);
        self.abuse = blend(self.abuse, analysis.offensive * about_us.max(0.5));
        self.streak = if now >= FRUSTRATED { self.streak + 1 } else { 0 };
        self.shouted = now >= 0.3 && is_shouting(heard.text);
        self.recent.push_back(now);
        if self.recent.len() > 4 {
            self.recent.pop_front();
        }
        self.hear_question(heard.text);
        self.hear_progress(analysis);
    }

    fn hear_question(&mut self, text: &str) {
        let words = Words::of(text);
        if !words.is_substantial() {
            return;
        }
        let times =
            self.asked.iter().filter(|earlier| are_alike(earlier, &words, SAME_QUESTION)).count() as u32;
        self.repeated = times;
        self.asked.push_back(Arc::new(words));
        if self.asked.len() > REMEMBERED {
            self.asked.pop_front();
        }
    }

    fn hear_progress(&mut self, analysis: &Analysis) {
        let is_calm = analysis.frustration < 0.3;
        let is_glad = analysis.probability(Intent::Thanks) >= 0.5 || analysis.sentiment.positive >= 0.6;
        self.peak = (self.peak * 0.8).max(analysis.frustration);
        if is_calm && is_glad {
            self.relief = self.peak;
            self.without_progress = 0;
            self.repeated = 0;
            self.failures = 0.0;
        } else {
            self.relief = if is_calm { self.relief * 0.5 } else { 0.0 };
            self.without_progress += 1;
            if !self.unanswered {
                self.failures *= 0.6;
            }
        }
    }

    /// The score after the last message.
    pub fn score(&self, weights: &Weights) -> Score {
        let slope = match self.recent.make_halves() {
            Some((earlier, later)) => (later - earlier).max(0.0),
            None => 0.0,
        };
        let steps = |n: u32, most: u32| f64::from(n.min(most));
        Score::of([
            (Term::Frustration, weights.frustration * self.frustration),
            (Term::NegativeSentiment, weights.negative_sentiment * self.negative),
            (Term::Streak, weights.streak * steps(self.streak.saturating_sub(1), 3)),
            (Term::Slope, weights.slope * slope),
            (Term::RepeatedQuestion, weights.repeated_question * steps(self.repeated, 2)),
            (Term::BotFailures, weights.bot_failures * self.failures.min(3.0)),
            (
                Term::NoProgress,
                weights.no_progress * steps(self.without_progress.saturating_sub(PATIENCE), 6),
            ),
            (Term::Shouting, if self.shouted { weights.shouting } else { 0.0 }),
            (Term::Abuse, weights.abuse * self.abuse),
            (Term::Recovery, -weights.recovery * self.relief),
        ])
    }
}

/// The mean of the earlier and of the later half.
trait Halves {
    fn make_halves(&self) -> Option<(f64, f64)>;
}

impl Halves for VecDeque<f64> {
    fn make_halves(&self) -> Option<(f64, f64)> {
        if self.len() < 2 {
            return None;
        }
        let middle = self.len() / 2;
        let mean = |values: &mut dyn Iterator<Item = &f64>, n: usize| values.sum::<f64>() / n as f64;
        Some((
            mean(&mut self.iter().take(middle), middle),
            mean(&mut self.iter().skip(middle), self.len() - middle),
        ))
    }
}
