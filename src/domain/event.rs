//! What happened, for those who count. Not what is stored: the store has its own words.

use std::time::Duration;

use super::id::QueueId;

/// Something that happened, with nothing of what people wrote and no ids but the queue's.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A message was stored.
    MessageStored {
        /// `visitor`, `bot` or `agent`.
        author: &'static str,
    },
    /// A message of a visitor was analyzed.
    MessageAnalyzed {
        /// `model` (within the budget), `words` (the model was absent, slow or broken), `late` (the model, after words
        /// had answered) or `phrase` (a request in so many words, decided on at once; the model's follows).
        by: &'static str,
        /// From asking to the answer.
        took: Duration,
    },
    /// The bot was asked.
    BotReplied {
        /// `answer`, `no_answer`, `hand_over` or `silent`.
        outcome: &'static str,
        /// From asking to the answer.
        took: Duration,
    },
    /// A conversation was handed to humans.
    Escalated {
        /// The code of the strongest reason.
        reason: String,
    },
    /// An offer was made, or ended.
    OfferMade,
    /// An offer ended.
    OfferEnded {
        /// `accepted`, `declined`, `expired` or `withdrawn`.
        outcome: &'static str,
    },
    /// A waiting visitor got an agent.
    Answered {
        /// Out of which queue.
        queue: QueueId,
        /// From the handoff to the accepted offer.
        waited: Duration,
    },
    /// A visitor left while waiting.
    Abandoned {
        /// Out of which queue.
        queue: QueueId,
    },
    /// A promise in time was not kept.
    SlaBreached {
        /// `answer`, `next_response` or `resolution`.
        target: &'static str,
    },
    /// A conversation was closed.
    Closed,
    /// A visitor rated the conversation.
    Rated {
        /// 1 to 5.
        score: u8,
    },
}
