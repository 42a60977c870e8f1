//! Who is next: class, then the front of the class, then the deadline, then arrival.

use super::Priority;
use crate::domain::id::{ConversationId, QueueId};
use crate::domain::time::Timestamp;
use std::cmp::Ordering;
use std::time::Duration;

/// Where one waiting conversation stands: all that decides the order, and who sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose.
    pub conversation: ConversationId,
    /// Where it waits.
    pub queue: Option<QueueId>,
    /// The level of support it needs.
    pub tier: u8,
    /// Its class before waiting raised it.
    pub priority: Priority,
    /// Ahead of its class: its agent was lost, or its visitor came back.
    pub is_front: bool,
    /// When it should have been answered.
    pub answer_due_at: Option<Timestamp>,
    /// Since when it waits.
    pub since: Timestamp,
}

/// The order of two waiting conversations at `now`; `Less` goes first. Total, so that a
/// queue has one order whoever asks. `step` is how long a wait raises the class by one.
pub fn compare(a: &Place, b: &Place, now: Timestamp, step: Duration) -> Ordering {
    let class = |place: &Place| place.priority.raised_by(now.since(place.since), step);
    let due = |place: &Place| place.answer_due_at.map_or(i64::MAX, Timestamp::as_millis);
    class(b)
        .cmp(&class(a))
        .then(b.is_front.cmp(&a.is_front))
        .then(due(a).cmp(&due(b)))
        .then(a.since.cmp(&b.since))
        .then_with(|| a.conversation.cmp(&b.conversation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, priority: Priority, since_s: i64) -> Place {
        Place {
            conversation: ConversationId::from_suffix(id),
            queue: None,
            tier: 1,
            priority,
            is_front: false,
            answer_due_at: None,
            since: Timestamp::from_millis(since_s * 1000),
        }
    }

    fn order(mut places: Vec<Place>, now_s: i64) -> Vec<String> {
        let step = Duration::from_secs(600);
        places.sort_by(|a, b| compare(a, b, Timestamp::from_millis(now_s * 1000), step));
        places.iter().map(|place| place.conversation.as_str().trim_start_matches("cnv_").to_owned()).collect()
    }

    #[test]
    fn equal_conversations_are_served_in_order_of_arrival() {
        let places = vec![place("b", Priority::Normal, 20), place("a", Priority::Normal, 10)];
        assert_eq!(order(places, 30), ["a", "b"]);
    }

    #[test]
    fn a_lost_agents_conversation_goes_to_the_front_of_its_class_only() {
        let mut lost = place("lost", Priority::Normal, 25);
        lost.is_front = true;
        let places = vec![place("a", Priority::Normal, 10), lost, place("high", Priority::High, 29)];
        assert_eq!(order(places, 30), ["high", "lost", "a"]);
    }

    #[test]
    fn waiting_raises_the_class_but_never_to_urgent() {
        let places = vec![
            place("low", Priority::Low, 0),
            place("urgent", Priority::Urgent, 4999),
            place("new", Priority::Normal, 4990),
        ];
        assert_eq!(order(places, 5000), ["urgent", "low", "new"]);
    }
}
