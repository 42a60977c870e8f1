//! One token and one tracker: tell every task to stop, and wait until it has.
//!
//! The only place that may start a task. It does not decide when to stop: the
//! composition root does.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A task that is to be run to its end.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs tasks in place of tokio: a simulation that decides itself what goes on next.
pub trait Runs: Send + Sync {
    /// Takes a task under its name. It is not polled in here.
    fn run(&self, name: &'static str, task: Task);
}

/// Starts tasks by name, tells them to stop, and waits for them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tracker {
    token: CancellationToken,
    tasks: TaskTracker,
    /// Who runs the tasks; tokio, where nobody does.
    runs: Option<Arc<dyn Runs>>,
    /// How many tasks run under each name: what is printed when one will not end.
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Tracker {
    /// A tracker without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tracker whose tasks are not run by tokio.
    #[must_use]
    pub fn run_by(runs: Arc<dyn Runs>) -> Self {
        Self { runs: Some(runs), ..Self::default() }
    }

    /// The token that is cancelled once, when the process should stop.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Whether the process has been told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Resolves when the process should stop.
    pub async fn stopping(&self) {
        self.token.cancelled().await;
    }

    /// Starts a task that is waited for at the end. It must return soon after
    /// [`Tracker::stopping`] resolves, or after what it works on is gone.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts tasks")]
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let counted = Counted::new(name, Arc::clone(&self.running));
        let task = self.tasks.track_future(async move {
            let _counted = counted;
            future.await;
        });
        match &self.runs {
            Some(runs) => runs.run(name, Box::pin(task)),
            None => drop(tokio::spawn(task)),
        }
    }

    /// Tells every task to stop. Harmless when called again.
    pub fn stop(&self) {
        self.token.cancel();
        self.tasks.close();
    }

    /// Waits until every task has ended.
    ///
    /// # Errors
    ///
    /// The names of the tasks that were still running when `patience` was over.
    pub async fn wait(&self, patience: Duration) -> Result<(), Vec<&'static str>> {
        self.tasks.close();
        match tokio::time::timeout(patience, self.tasks.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.running()),
        }
    }

    /// The names of the tasks that run now.
    #[must_use]
    pub fn running(&self) -> Vec<&'static str> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}

/// Counts one running task for as long as it lives, also when it panics.
struct Counted {
    name: &'static str,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Counted {
    fn new(name: &'static str, running: Arc<Mutex<BTreeMap<&'static str, usize>>>) -> Self {
        *running.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(0) += 1;
        Self { name, running }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_listens_is_waited_for() {
        let tracker = Tracker::new();
        let token = tracker.token();
        tracker.spawn("listens", async move { token.cancelled().await });
        tracker.stop();
        assert_eq!(tracker.wait(Duration::from_secs(5)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_task_that_will_not_end_is_named() {
        let tracker = Tracker::new();
        tracker.spawn("stuck", std::future::pending::<()>());
        tracker.stop();
        assert_eq!(tracker.wait(Duration::from_millis(20)).await, Err(vec!["stuck"]));
    }
}
