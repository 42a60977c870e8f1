//! How a connection to PostgreSQL carries out jobs: one transaction each, again where
//! somebody else came in between, on a new connection where the old one is gone. The
//! server lets transactions that commit together share a flush.

use super::link::{Link, Trouble};
use super::{OpenError, Place};
use crate::flow::ports::StoreError;
use crate::store::sql::points::{after_commit, before_commit, is_kept};
use crate::store::sql::{Engine, Work};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a step is run before whoever asked is told that somebody else was faster.
const MOST_ATTEMPTS: usize = 8;

/// Between attempts to reach a database that is not there: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection, made again when it is lost.
pub(super) struct PostgresEngine {
    place: Arc<Place>,
    is_to_read: bool,
    link: Option<Link>,
}

/// When a database that was not there is tried again: one for all connections, so that the first that gets through
/// lets the others through.
#[derive(Default)]
pub(super) struct Pause(Mutex<Option<(Instant, Duration)>>);

impl Pause {
    fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|(end, _)| end <= Instant::now())
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn begin(&self) {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = pause.map_or(FIRST_PAUSE, |(_, length)| (length * 2).min(LONGEST_PAUSE));
        *pause = Some((Instant::now() + length, length));
    }
}

impl PostgresEngine {
    /// Connects when the first job comes.
    pub(super) fn new(place: Arc<Place>, is_to_read: bool) -> Self {
        Self { place, is_to_read, link: None }
    }

    /// The connection, made where there is none. While the database is not there, jobs are refused at once and it is
    /// tried again after a pause.
    fn link(&mut self) -> Option<&Link> {
        if self.link.is_none() {
            if !self.place.pause.is_over() {
                return None;
            }
            match self.open() {
                Ok(link) => {
                    self.link = Some(link);
                    self.place.pause.end();
                }
                Err(error) => {
                    tracing::error!(error = %error, "The database is not available: {error}");
                    self.give_up();
                }
            }
        }
        self.link.as_ref()
    }

    /// Leaves the database alone for a moment.
    fn give_up(&mut self) {
        self.link = None;
        self.place.pause.begin();
    }

    fn open(&self) -> Result<Link, OpenError> {
        let link = Link::open(&self.place.settings, self.is_to_read)?;
        self.place.must_be_the_same(&link)?;
        Ok(link)
    }

    /// Runs the job in a transaction.
    fn attempt(&mut self, job: &mut dyn Work) -> Attempt {
        let Some(link) = self.link() else { return Attempt::Done(Err(StoreError::Unavailable)) };
        link.begin();
        let is_to_be_kept = is_kept(job.run(link));
        let trouble = link.take_trouble();
        if trouble == Some(Trouble::Silent) {
            self.give_up();
            return Attempt::Done(Err(StoreError::Unavailable));
        }
        if trouble == Some(Trouble::Lost) {
            // Nothing was committed, so it may be run again.
            self.link = None;
            return Attempt::Again(StoreError::Unavailable);
        }
        if trouble.is_none() && is_to_be_kept {
            before_commit();
            let committed = link.end("commit");
            match link.take_trouble() {
                None => return Attempt::Done(committed),
                Some(Trouble::Again) => return Attempt::Again(StoreError::Conflict),
                // Nobody knows whether it was written. Whoever asks again with the same client id will hear.
                Some(Trouble::Silent) => self.give_up(),
                Some(Trouble::Lost | Trouble::Refused) => self.link = None,
            }
            return Attempt::Done(Err(StoreError::Unavailable));
        }
        if link.end("rollback").is_err() {
            self.link = None;
        }
        match trouble {
            Some(Trouble::Again) => Attempt::Again(StoreError::Conflict),
            // A statement was refused and the job went on: PostgreSQL keeps nothing of such a transaction.
            Some(_) if is_to_be_kept => Attempt::Done(Err(StoreError::Unavailable)),
            _ => Attempt::Done(Ok(())),
        }
    }
}

/// How running a job once went.
enum Attempt {
    /// It is over; the job's own result stands where this is `Ok`.
    Done(Result<(), StoreError>),
    /// It may be run again; what to say when it may not.
    Again(StoreError),
}

impl Engine for PostgresEngine {
    fn most(&self) -> usize {
        1
    }

    fn write(&mut self, jobs: Vec<Box<dyn Work>>) {
        for mut job in jobs {
            let mut result = Err(StoreError::Unavailable);
            for _ in 0..MOST_ATTEMPTS {
                match self.attempt(&mut *job) {
                    Attempt::Done(done) => {
                        result = done;
                        break;
                    }
                    Attempt::Again(refusal) => result = Err(refusal),
                }
            }
            after_commit();
            job.answer(result);
        }
    }

    fn read(&mut self, mut job: Box<dyn Work>) {
        let mut result = Err(StoreError::Unavailable);
        for _ in 0..MOST_ATTEMPTS {
            let Some(link) = self.link() else {
                result = Err(StoreError::Unavailable);
                break;
            };
            job.run(link);
            match link.take_trouble() {
                None | Some(Trouble::Refused) => {
                    result = Ok(());
                    break;
                }
                Some(Trouble::Again) => {}
                Some(Trouble::Lost) => self.link = None,
                Some(Trouble::Silent) => {
                    self.give_up();
                    break;
                }
            }
        }
        job.answer(result);
    }
}
