//! Any time: what is old goes, in small batches beside the traffic; how large the
//! database is and how fast it grows. One person's data: `person`.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Flow;
use super::ports::{Clock, Disk, IdSource, KeptCounts, Place, Store, StoreError, Upkeep};
use crate::domain::time::Timestamp;

/// How often old data are looked for.
const ROUND: Duration = Duration::from_secs(600);
/// When the tables of commands and visitors are walked through for the first time after a start, and how often then.
const FIRST_WALK: Duration = Duration::from_secs(3600);
const WALK: Duration = Duration::from_secs(86_400);
/// How often the size is written down.
const SAMPLE: Duration = Duration::from_secs(3600);
/// A pause after each batch, in which nothing but traffic is written.
const BREATH: Duration = Duration::from_millis(100);
/// Entries that are removed in one write.
const ENTRIES_AT_ONCE: u64 = 500;
/// Rows that are looked at in one step of a walk.
const ROWS_AT_ONCE: usize = 1_000;
/// Growth is measured over this span, and not told before the least of it is known.
const GROWTH_SPAN: Duration = Duration::from_secs(14 * 86_400);
const GROWTH_LEAST: Duration = Duration::from_secs(86_400);
const DAY_MS: f64 = 86_400_000.0;

/// What an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// How long closed conversations are kept; none: for ever.
    pub closed: Option<Duration>,
    /// How long answers to commands are kept for clients that try again.
    pub commands: Duration,
    /// Least free bytes of the disk; 0: nobody is warned.
    pub least_free: u64,
}

/// How large the database is, and how much room is left.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DiskState {
    /// Of the database.
    pub bytes: u64,
    /// Of the disk, where the database is in files of ours.
    pub free: Option<u64>,
    /// How many bytes it grows in a day; none while a day was not measured.
    pub growth_per_day: Option<f64>,
    /// Days until the disk is full, if it goes on so; none where it is not known, or does not grow.
    pub days_left: Option<f64>,
    /// Less is free than there should be.
    pub is_low: bool,
}

/// Keeps the data in order. Cheap to clone.
#[derive(Clone)]
pub struct Housekeeping(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Arc<dyn Store>,
    pub(super) upkeep: Arc<dyn Upkeep>,
    disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    /// Who serves with these data in this process, if somebody does.
    pub(super) flow: OnceLock<Flow>,
    keeping: Keeping,
    /// Whether the last look found too little room, so that it is said once and not every time.
    was_low: Mutex<bool>,
}

impl Housekeeping {
    /// The duties, with what they work on.
    pub fn new(
        store: Arc<dyn Store>,
        upkeep: Arc<dyn Upkeep>,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        keeping: Keeping,
    ) -> Self {
        let (flow, was_low) = (OnceLock::new(), Mutex::new(false));
        Self(Arc::new(Inner { store, upkeep, disk, clock, ids, flow, keeping, was_low }))
    }

    /// From now on this flow is told what became of its conversations. Once.
    pub fn serves(&self, flow: Flow) {
        drop(self.0.flow.set(flow));
    }

    /// What is kept for how long.
    pub fn keeping(&self) -> Keeping {
        self.0.keeping
    }

    /// Looks after the data until told to stop.
    pub async fn keep_up(&self, stopping: CancellationToken) {
        let mut sampled_at: Option<Timestamp> = None;
        let mut walk_at = self.0.clock.now().plus(FIRST_WALK);
        while !stopping.is_cancelled() {
            let now = self.0.clock.now();
            if sampled_at.is_none_or(|at| now.since(at) >= SAMPLE) {
                match self.note_size(now).await {
                    Ok(()) => sampled_at = Some(now),
                    Err(error) => {
                        tracing::warn!(
                            error.code = error.code(),
                            "The size of the database was not noted: {error}"
                        );
                    }
                }
            }
            if let Err(error) = self.remove_closed(now, &stopping).await {
                tracing::warn!(error.code = error.code(), "Old conversations were not looked for: {error}");
            }
            if now >= walk_at {
                walk_at = now.plus(WALK);
                if let Err(error) = self.walk(now, &stopping).await {
                    tracing::warn!(
                        error.code = error.code(),
                        "Old commands and visitors were not looked for: {error}"
                    );
                }
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.0.clock.sleep(ROUND) => {}
            }
        }
    }

    /// Removes conversations that are older than they are kept, batch by batch. Gives how many that were.
    async fn remove_closed(&self, now: Timestamp, stopping: &CancellationToken) -> Result<u64, StoreError> {
        let Some(kept) = self.0.keeping.closed else { return Ok(0) };
        let mut n_conversations = 0;
        loop {
            let removed = self.0.upkeep.remove_closed(now.minus(kept), ENTRIES_AT_ONCE).await?;
            n_conversations += removed.conversations;
            if removed.conversations == 0 || self.is_over(stopping).await {
                break;
            }
        }
        if n_conversations > 0 {
            tracing::info!(
                conversations = n_conversations,
                "{n_conversations} conversations were older than they are kept, and were removed"
            );
        }
        Ok(n_conversations)
    }

    /// Walks once through the tables of commands and visitors, and forgets what nobody needs any more.
    async fn walk(&self, now: Timestamp, stopping: &CancellationToken) -> Result<(), StoreError> {
        let Inner { upkeep, keeping, .. } = &*self.0;
        let (mut place, mut n_visitors) = (keeping.closed.map(|_| Place::default()), 0);
        let before = now.minus(keeping.closed.unwrap_or_default());
        while let Some(from) = place.take() {
            let walked = upkeep.forget_visitors(before, from, ROWS_AT_ONCE).await?;
            n_visitors += walked.forgotten;
            place = walked.next;
            if self.is_over(stopping).await {
                return Ok(());
            }
        }
        let before = now.minus(keeping.commands);
        let (mut place, mut n_commands) = (Some(Place::default()), 0);
        while let Some(from) = place.take() {
            let walked = upkeep.forget_commands(before, from, ROWS_AT_ONCE).await?;
            n_commands += walked.forgotten;
            place = walked.next;
            if self.is_over(stopping).await {
                return Ok(());
            }
        }
        if n_visitors + n_commands > 0 {
            tracing::info!(
                visitors = n_visitors,
                commands = n_commands,
                "{n_visitors} visitors without a conversation and {n_commands} answers to commands were forgotten"
            );
        }
        Ok(())
    }

    /// Lets others write for a while; true when the service stops.
    async fn is_over(&self, stopping: &CancellationToken) -> bool {
        tokio::select! {
            () = stopping.cancelled() => true,
            () = self.0.clock.sleep(BREATH) => stopping.is_cancelled(),
        }
    }

    async fn note_size(&self, now: Timestamp) -> Result<(), StoreError> {
        let bytes = self.bytes().await?;
        self.0.upkeep.note_bytes(now, bytes).await?;
        self.state().await.map(|_| ())
    }

    pub(super) async fn bytes(&self) -> Result<u64, StoreError> {
        match self.0.disk.used() {
            Some(bytes) => Ok(bytes),
            None => self.0.upkeep.bytes().await,
        }
    }

    /// How large it is and how much room is left. Says so in the log when that becomes too little, and when it is
    /// enough again.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn state(&self) -> Result<DiskState, StoreError> {
        let now = self.0.clock.now();
        let (bytes, free) = (self.bytes().await?, self.0.disk.free());
        let samples = self.0.upkeep.bytes_since(now.minus(GROWTH_SPAN)).await?;
        let growth_per_day = growth(&samples, now, bytes);
        let days_left = growth_per_day
            .filter(|growth| *growth > 0.0)
            .zip(free)
            .map(|(growth, free)| free as f64 / growth);
        let state = DiskState { bytes, free, growth_per_day, days_left, is_low: self.is_low(free) };
        Ok(state)
    }

    /// Whether less is free than there should be, without asking the store.
    pub fn has_little_room(&self) -> Option<(u64, u64)> {
        let free = self.0.disk.free();
        self.is_low(free).then(|| (free.unwrap_or(0), self.0.keeping.least_free))
    }

    fn is_low(&self, free: Option<u64>) -> bool {
        let least = self.0.keeping.least_free;
        let is_low = free.is_some_and(|free| free < least);
        let mut was_low = self.0.was_low.lock().unwrap_or_else(PoisonError::into_inner);
        if is_low != *was_low {
            *was_low = is_low;
            let free = free.unwrap_or(0);
            if is_low {
                tracing::warn!(
                    disk.free = free,
                    disk.least = least,
                    "The disk has {free} bytes left, less than store.least_free: make room before writes are refused"
                );
            } else {
                tracing::info!(disk.free = free, "The disk has room again: {free} bytes");
            }
        }
        is_low
    }

    /// Writes the database anew on a thread that may wait.
    pub(super) async fn compact(&self) -> bool {
        let disk = Arc::clone(&self.0.disk);
        match tokio::task::spawn_blocking(move || disk.compact()).await {
            Ok(Ok(is_compact)) => is_compact,
            Ok(Err(why)) => {
                tracing::warn!("The database was not written anew after an erasure: {why}");
                false
            }
            Err(_) => false,
        }
    }

    /// The numbers of what was removed.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn kept_counts(&self) -> Result<KeptCounts, StoreError> {
        self.0.upkeep.kept_counts().await
    }
}

/// Bytes a day, from the oldest sample to now; none while that is less than a day.
fn growth(samples: &[(Timestamp, u64)], now: Timestamp, bytes: u64) -> Option<f64> {
    let (at, before) = samples.first()?;
    let span = now.since(*at);
    if span < GROWTH_LEAST {
        return None;
    }
    Some((bytes as f64 - *before as f64) / (span.as_millis() as f64 / DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_not_told_before_a_day_was_measured() {
        let at = |hours: i64| Timestamp::from_millis(hours * 3_600_000);
        assert_eq!(growth(&[], at(30), 9), None);
        assert_eq!(growth(&[(at(0), 1_000)], at(23), 9_000), None);
        assert_eq!(growth(&[(at(0), 1_000), (at(24), 2_000)], at(48), 5_000), Some(2_000.0));
        assert_eq!(growth(&[(at(0), 1_000)], at(24), 500), Some(-500.0), "retention makes it smaller");
    }
}
