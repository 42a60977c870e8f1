//! How a connection writes: group commit. The writer takes the jobs that wait, commits
//! once, and only then answers each. A job that fails takes nothing with it.

use super::connected::trouble_of;
use super::log::Log;
use super::slots::{Slot, Slots};
use crate::fault::planted;
use crate::flow::ports::StoreError;
use crate::store::sql::points::{after_commit, before_commit};
use crate::store::sql::{Cause, Engine, Health, Work};
use rustix::fs::StatVfsMountFlags;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the size of the log beside the database is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The place of a connection, and the most jobs that share one of its commits.
pub(super) struct SqliteEngine {
    slot: Arc<Slot>,
    group: usize,
    health: Arc<Health>,
    file: PathBuf,
    looked_at: Option<Instant>,
    tends: Option<(Log, Slots)>,
}

impl SqliteEngine {
    /// On a place for a connection to the database in this file.
    pub(super) fn new(slot: Arc<Slot>, group: usize, file: &Path, health: &Arc<Health>) -> Self {
        Self { slot, group, health: health.clone(), file: file.to_owned(), looked_at: None, tends: None }
    }

    /// With a log to look after, and all connections of the store: the writer's.
    pub(super) fn tending(self, mut log: Log, slots: Slots) -> Self {
        if let Some(at) = &*self.slot.hold() {
            log.count_anew(at.connection());
        }
        Self { tends: Some((log, slots)), ..self }
    }

    /// Notes how the writing of so many jobs went.
    fn tell(&mut self, n_jobs: usize, (trouble, n_failed): Trouble, written: &Result<(), StoreError>) {
        match (trouble, written) {
            (None, Ok(())) => self.health.written(),
            (Some((cause, detail)), Ok(())) => self.health.refused(self.closer(cause), n_failed, &detail),
            (Some((cause, detail)), Err(_)) => self.health.refused(self.closer(cause), n_jobs, &detail),
            (None, Err(_)) => self.health.refused(Cause::Other, n_jobs, "the transaction was lost"),
        }
        if self.looked_at.is_none_or(|looked| looked.elapsed() >= LOOK) {
            self.looked_at = Some(Instant::now());
            let mut log = self.file.clone().into_os_string();
            log.push("-wal");
            self.health.log(std::fs::metadata(log).map_or(0, |log| log.len()));
        }
    }

    /// SQLite says "disk I/O error" to much that the system can name.
    fn closer(&self, cause: Cause) -> Cause {
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        match rustix::fs::statvfs(folder.unwrap_or(Path::new("."))) {
            Ok(disk) if cause == Cause::Io && disk.f_flag.contains(StatVfsMountFlags::RDONLY) => {
                Cause::ReadOnly
            }
            Ok(disk) if cause == Cause::Io && disk.f_bavail == 0 => Cause::DiskFull,
            _ => cause,
        }
    }

    /// Looks after the log, once a commit went through.
    fn tend(&mut self) {
        let Some((log, _)) = &mut self.tends else { return };
        let is_sound = self.slot.hold().as_ref().is_none_or(|at| log.tend(at.connection()));
        if !is_sound {
            tracing::warn!(
                "A sync of the database failed: all connections to it are closed, and all of its log is carried over"
            );
            let _ = self.renew();
        }
    }

    /// Closes all connections and opens them anew. What was in the way otherwise.
    fn renew(&mut self) -> Result<(), (Cause, String)> {
        let Some((log, slots)) = &mut self.tends else { return Ok(()) };
        slots.renew().map_err(|error| trouble_of(&error))?;
        if let Some(at) = &*self.slot.hold() {
            log.count_anew(at.connection());
        }
        Ok(())
    }

    /// Refuses jobs, because there is no connection to write on.
    fn refuse(&mut self, jobs: Vec<Box<dyn Work>>, trouble: (Cause, String)) {
        let refused = Err(StoreError::Unavailable);
        self.tell(jobs.len(), (Some(trouble), 0), &refused);
        jobs.into_iter().for_each(|job| job.answer(refused.clone()));
    }
}

/// What went wrong, and for how many.
type Trouble = (Option<(Cause, String)>, usize);

impl Engine for SqliteEngine {
    fn most(&self) -> usize {
        self.group
    }

    fn write(&mut self, mut jobs: Vec<Box<dyn Work>>) {
        let is_closed = self.slot.hold().is_none();
        if is_closed && let Err(trouble) = self.renew() {
            return self.refuse(jobs, trouble);
        }
        let slot = self.slot.clone();
        let held = slot.hold();
        let Some(at) = &*held else { return };
        let n_jobs = jobs.len();
        // Without a transaction, or with a step half done, nothing of the group counts.
        let mut written = at.run_in_transaction(&mut jobs);
        if planted("acknowledge_before_commit") {
            jobs.drain(..).for_each(|job| job.answer(Ok(())));
        }
        before_commit();
        if written.is_ok() {
            written = at.commit();
        }
        at.give_up();
        let trouble = at.take_trouble();
        drop(held);
        self.tell(n_jobs, trouble, &written);
        after_commit();
        for job in jobs {
            job.answer(written.clone());
        }
        if written.is_ok() {
            self.tend();
        }
    }

    fn read(&mut self, mut job: Box<dyn Work>) {
        let held = self.slot.hold();
        let Some(at) = &*held else { return job.answer(Err(StoreError::Unavailable)) };
        job.run(at);
        if let (Some((cause, detail)), _) = at.take_trouble() {
            self.health.unread(self.closer(cause), &detail);
        }
        job.answer(Ok(()));
    }
}
