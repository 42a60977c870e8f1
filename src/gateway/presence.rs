//! Whether somebody has a socket here: told to the flow once for each arrival and
//! each departure, in their order, however many tabs come and go meanwhile.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::Mutex;

/// A change of whether somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Their first socket is open.
    Came,
    /// Their last one is closed.
    Went,
}

/// What the flow was told of each holder. Only those who are here are kept.
#[derive(Debug)]
pub struct Attendance<K: Eq + Hash> {
    told: DashMap<K, Arc<Mutex<Told>>>,
}

/// What was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Here,
    Gone,
}

impl<K: Eq + Hash + Clone> Attendance<K> {
    /// Nobody is here.
    #[must_use]
    pub fn new() -> Self {
        Self { told: DashMap::new() }
    }

    /// Tells the change, if there is one. `is_here` is asked when it is this call's turn: two calls of one holder
    /// never overlap, so that a late goodbye cannot undo the greeting of its successor.
    pub async fn settle(&self, holder: &K, is_here: impl Fn() -> bool, tell: impl AsyncFnOnce(Arrival)) {
        let turn =
            Arc::clone(&self.told.entry(holder.clone()).or_insert_with(|| Arc::new(Mutex::new(Told::Gone))));
        let mut told = turn.lock().await;
        match (*told, is_here()) {
            (Told::Gone, true) => {
                *told = Told::Here;
                tell(Arrival::Came).await;
            }
            (Told::Here, false) => {
                *told = Told::Gone;
                tell(Arrival::Went).await;
            }
            _ => {}
        }
        let is_gone = *told == Told::Gone;
        drop(told);
        if is_gone {
            // Two: the map's and this call's. A third belongs to somebody who waits for their turn.
            self.told.remove_if(holder, |_, turn| Arc::strong_count(turn) <= 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    #[tokio::test]
    async fn each_arrival_and_departure_is_told_once_and_in_order() {
        let attendance = Attendance::new();
        let (is_here, told) = (Cell::new(false), RefCell::new(Vec::new()));
        let settle =
            || attendance.settle(&"ana", || is_here.get(), async |arrival| told.borrow_mut().push(arrival));
        settle().await;
        for here in [true, true, false, false, true] {
            is_here.set(here);
            settle().await;
        }
        assert_eq!(*told.borrow(), [Arrival::Came, Arrival::Went, Arrival::Came]);
        is_here.set(false);
        settle().await;
        assert!(attendance.told.is_empty(), "nothing is kept of those who are gone");
    }

    #[tokio::test]
    async fn a_late_goodbye_does_not_undo_a_new_greeting() {
        let attendance = Attendance::new();
        let (is_here, told) = (Cell::new(true), RefCell::new(Vec::new()));
        let slowly = || {
            attendance.settle(
                &"ana",
                || is_here.get(),
                async |arrival| {
                    tokio::task::yield_now().await;
                    told.borrow_mut().push(arrival);
                },
            )
        };
        // The first tab's goodbye and the second tab's greeting, at once: she is here, and nothing else is told.
        tokio::join!(slowly(), slowly());
        assert_eq!(*told.borrow(), [Arrival::Came]);
    }
}
