//! Looks at the store although no hint came, where other nodes write too: one question
//! for everything that sockets here follow, so that losing every hint costs a second or
//! two (invariant 8). Not what is new: sockets read that for themselves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::state::Gateway;
use crate::domain::id::ConversationId;
use crate::flow::ports::nodes::Mark;
use crate::flow::ports::{Hint, Hints, ReadMarks, StoreError};

/// How often the store is looked at. With what a socket needs to read, this keeps what is promised: two seconds.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Conversations or visitors asked for at once.
const AT_ONCE: usize = 500;

/// How far a conversation had come when sockets were told of it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Told {
    version: u64,
    last_position: u64,
    marks: ReadMarks,
}

impl From<&Mark> for Told {
    fn from(mark: &Mark) -> Self {
        Self { version: mark.version, last_position: mark.last_position, marks: mark.marks }
    }
}

/// What was told, by conversation. Only what is followed is kept.
#[derive(Debug, Default)]
struct Followed {
    told: HashMap<ConversationId, Told>,
}

impl Followed {
    /// Sockets were told this by a hint.
    fn hinted(&mut self, hint: &Hint) {
        if let Hint::Conversation { id, position }
        | Hint::Message { id, position, .. }
        | Hint::Inside { id, position } = hint
            && let Some(told) = self.told.get_mut(id)
        {
            told.last_position = told.last_position.max(*position);
        }
    }

    /// Conversations that were told and are nobody's here any more: erased, or their visitor has a newer one.
    fn gone(&self, marks: &[Mark]) -> Vec<ConversationId> {
        let there: HashSet<&ConversationId> = marks.iter().map(|mark| &mark.conversation).collect();
        self.told.keys().filter(|id| !there.contains(id)).cloned().collect()
    }

    /// Compares with what the store says now: by each row for itself, so that a write that is committed later than one
    /// that was begun after it is seen all the same. The conversations that moved.
    fn compare(&mut self, marks: &[Mark]) -> Vec<Mark> {
        let mut now = HashMap::with_capacity(marks.len());
        let mut moved = Vec::new();
        for mark in marks {
            let seen = Told::from(mark);
            let before = self.told.get(&mark.conversation);
            if before != Some(&seen) {
                moved.push(mark.clone());
            }
            now.insert(mark.conversation.clone(), seen);
        }
        self.told = now;
        moved
    }
}

/// Starts looking, unless this node is alone. Ends when the process stops.
pub fn start(gateway: &Gateway) {
    if gateway.flow().ports().bus.hints() == Hints::Local {
        return;
    }
    let looker = gateway.clone();
    let mut hints = gateway.flow().ports().bus.subscribe();
    gateway.tracker().spawn("gateway.follow", async move {
        let mut followed = Followed::default();
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = looker.tracker().stopping() => return,
                hint = hints.recv() => match hint {
                    Ok(hint) => followed.hinted(&hint),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = look.tick() => match marks(&looker).await {
                    Ok(marks) => {
                        followed.gone(&marks).iter().for_each(|id| looker.registry().look_at(id));
                        for mark in followed.compare(&marks) {
                            looker.registry().follow(&mark.conversation, &mark.visitor);
                            looker.registry().look_at(&mark.conversation);
                        }
                    }
                    Err(error) => warn!(error.code = error.code(), "What others wrote was not looked for: {error}"),
                },
            }
        }
    });
}

/// Everything that is followed here.
async fn marks(gateway: &Gateway) -> Result<Vec<Mark>, StoreError> {
    let (conversations, visitors) = gateway.registry().followed();
    let nodes = &gateway.flow().ports().nodes;
    let mut marks = Vec::with_capacity(conversations.len() + visitors.len());
    for some in conversations.chunks(AT_ONCE) {
        marks.extend(nodes.marks(some, &[]).await?);
    }
    for some in visitors.chunks(AT_ONCE) {
        marks.extend(nodes.marks(&[], some).await?);
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::VisitorId;

    fn mark(name: &str, version: u64, last_position: u64) -> Mark {
        Mark {
            conversation: ConversationId::from_suffix(name),
            visitor: VisitorId::from_suffix(name),
            version,
            last_position,
            marks: ReadMarks::default(),
        }
    }

    fn moved(followed: &mut Followed, marks: &[Mark]) -> Vec<String> {
        followed.compare(marks).iter().map(|mark| mark.conversation.to_string()).collect()
    }

    #[test]
    fn what_moved_is_told_once_and_what_was_hinted_is_not_told_again() {
        let mut followed = Followed::default();
        assert_eq!(moved(&mut followed, &[mark("a", 1, 1)]), ["cnv_a"]);
        assert!(moved(&mut followed, &[mark("a", 1, 1)]).is_empty());
        followed.hinted(&Hint::Conversation { id: ConversationId::from_suffix("a"), position: 2 });
        assert!(moved(&mut followed, &[mark("a", 1, 2)]).is_empty());
        assert_eq!(moved(&mut followed, &[mark("a", 2, 2)]), ["cnv_a"], "another state without an entry");
    }

    #[test]
    fn a_write_that_is_committed_late_is_not_passed_over() {
        let mut followed = Followed::default();
        followed.compare(&[mark("late", 3, 3), mark("early", 8, 8)]);
        // `late` was begun before `early` moved on and is committed after it: its numbers are the smaller ones.
        assert_eq!(moved(&mut followed, &[mark("late", 3, 3), mark("early", 9, 9)]), ["cnv_early"]);
        assert_eq!(moved(&mut followed, &[mark("late", 4, 4), mark("early", 9, 9)]), ["cnv_late"]);
    }

    #[test]
    fn what_is_not_followed_any_more_is_forgotten() {
        let mut followed = Followed::default();
        followed.compare(&[mark("a", 1, 1), mark("b", 1, 1)]);
        assert_eq!(followed.gone(&[mark("b", 1, 1)]), [ConversationId::from_suffix("a")]);
        followed.compare(&[mark("b", 1, 1)]);
        assert!(followed.gone(&[mark("b", 1, 1)]).is_empty(), "told once");
        assert_eq!(followed.told.len(), 1);
    }
}
