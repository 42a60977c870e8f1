//! The order of execution: holds every task, and polls whichever the dice say among
//! those that can go on. One thread, no time of its own.

use super::dice::Dice;
use baton::shutdown::{Runs, Task};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

#[derive(Default)]
struct Waiting {
    /// Started, and not taken in yet.
    new: Vec<(&'static str, Task)>,
    /// Can go on.
    ready: BTreeSet<u64>,
}

/// Where tasks are handed in and woken. Cheap to clone.
#[derive(Clone, Default)]
pub struct Door(Arc<Mutex<Waiting>>);

impl Runs for Door {
    fn run(&self, name: &'static str, task: Task) {
        self.0.lock().unwrap().new.push((name, task));
    }
}

impl Door {
    /// Starts a task.
    pub fn start(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.run(name, Box::pin(task));
    }
}

struct Woken {
    id: u64,
    door: Door,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.door.0.lock().unwrap().ready.insert(self.id);
    }
}

/// All tasks of a process.
#[derive(Default)]
pub struct Order {
    door: Door,
    last_id: u64,
    tasks: BTreeMap<u64, (&'static str, Task)>,
}

impl Order {
    /// Where tasks come in.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    fn take_in(&mut self) {
        let mut waiting = self.door.0.lock().unwrap();
        for (name, task) in std::mem::take(&mut waiting.new) {
            self.last_id += 1;
            self.tasks.insert(self.last_id, (name, task));
            waiting.ready.insert(self.last_id);
        }
        let tasks = &self.tasks;
        waiting.ready.retain(|id| tasks.contains_key(id));
    }

    /// Polls one task that can go on, and says which; none when all of them wait.
    pub fn step(&mut self, dice: &Dice) -> Option<(u64, &'static str)> {
        self.take_in();
        let id = {
            let mut waiting = self.door.0.lock().unwrap();
            let ready = waiting.ready.len();
            if ready == 0 {
                return None;
            }
            let id = *waiting.ready.iter().nth(dice.below(ready))?;
            waiting.ready.remove(&id);
            id
        };
        let (name, task) = self.tasks.get_mut(&id)?;
        let name = *name;
        let waker = Waker::from(Arc::new(Woken { id, door: self.door.clone() }));
        if let Poll::Ready(()) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
            // Dropped outside of the lock: what it held may wake others.
            drop(self.tasks.remove(&id));
        }
        Some((id, name))
    }

    /// The process ends here and now: every task is dropped where it stands. What they wake, or start, in dropping is
    /// dropped too.
    pub fn crash(&mut self) {
        self.take_in();
        drop(std::mem::take(&mut self.tasks));
        let started = std::mem::take(&mut *self.door.0.lock().unwrap());
        drop(started);
    }
}

/// Lets the others go first, once.
pub async fn step_aside() {
    let mut is_first = true;
    std::future::poll_fn(move |context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}
