//! How a connection to PostgreSQL carries out jobs: one transaction each, again where
//! somebody else came in between, on a new connection where the old one is gone. The
//! server lets transactions that commit together share a flush.

use super::link::{Link, Trouble};
use super::{OpenError, Place};
use crate::flow::ports::StoreError;
use crate::store::sql::points::{after_commit, before_commit, is_kept};
use crate::store::sql::{Cause, Engine, Work};
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
    /// Why the job at hand cannot be carried out.
    trouble: Option<Why>,
}

/// What is wrong with the database, and in more words.
type Why = (Cause, String);

/// When a database that was not there is tried again: one for all connections, so that the first that gets through
/// lets the others through.
#[derive(Default)]
pub(super) struct Pause(Mutex<Option<Resting>>);

struct Resting {
    end: Instant,
    length: Duration,
    why: Why,
}

impl Pause {
    /// Why it is left alone now; none when it may be tried.
    fn why(&self) -> Option<Why> {
        let pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pause.as_ref().filter(|resting| resting.end > Instant::now()).map(|resting| resting.why.clone())
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn begin(&self, why: Why) {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = pause.as_ref().map_or(FIRST_PAUSE, |resting| (resting.length * 2).min(LONGEST_PAUSE));
        *pause = Some(Resting { end: Instant::now() + length, length, why });
    }
}

impl PostgresEngine {
    /// Connects when the first job comes.
    pub(super) fn new(place: Arc<Place>, is_to_read: bool) -> Self {
        Self { place, is_to_read, link: None, trouble: None }
    }

    /// The connection, made where there is none. While the database is not there, jobs are refused at once and it is
    /// tried again after a pause.
    fn link(&mut self) -> Option<&Link> {
        if self.link.is_none() {
            if let Some(why) = self.place.pause.why() {
                self.trouble = Some(why);
                return None;
            }
            match self.open() {
                Ok(link) => {
                    self.link = Some(link);
                    self.place.pause.end();
                }
                Err(error) => {
                    // Told once for all who are refused, by what knows how the store fares.
                    tracing::debug!(error = %error, "The database is not available: {error}");
                    self.give_up((error.cause(), error.to_string()));
                }
            }
        }
        self.link.as_ref()
    }

    /// Leaves the database alone for a moment.
    fn give_up(&mut self, why: Why) {
        self.link = None;
        self.place.pause.begin(why.clone());
        self.trouble = Some(why);
    }

    /// The same for one that does not answer.
    fn give_up_silent(&mut self) {
        self.give_up((Cause::Silent, "it does not answer in time".to_owned()));
    }

    /// The connection is gone; another is made for the next attempt.
    fn lose(&mut self) {
        self.link = None;
        self.trouble = Some((Cause::Unreachable, "the connection was lost".to_owned()));
    }

    fn open(&self) -> Result<Link, OpenError> {
        let link = Link::open(&self.place.settings, self.is_to_read)?;
        self.place.must_be_the_same(&link)?;
        Ok(link)
    }

    /// Notes how writing went.
    fn tell(&mut self, result: &Result<(), StoreError>) {
        match (result, self.trouble.take()) {
            (_, Some((cause, detail))) => self.place.health.refused(cause, 1, &detail),
            (Ok(()), None) => self.place.health.written(),
            (Err(StoreError::Unavailable), None) => {
                self.place.health.refused(Cause::Other, 1, "the transaction was lost");
            }
            // Somebody else was faster, again and again: the database is well.
            (Err(_), None) => {}
        }
    }

    /// Runs the job in a transaction.
    fn attempt(&mut self, job: &mut dyn Work) -> Attempt {
        self.trouble = None;
        let Some(link) = self.link() else { return Attempt::Done(Err(StoreError::Unavailable)) };
        link.begin();
        let is_to_be_kept = is_kept(job.run(link));
        let (trouble, complaint) = (link.take_trouble(), link.take_complaint());
        if trouble == Some(Trouble::Silent) {
            self.give_up_silent();
            return Attempt::Done(Err(StoreError::Unavailable));
        }
        if trouble == Some(Trouble::Lost) {
            // Nothing was committed, so it may be run again.
            self.lose();
            return Attempt::Again(StoreError::Unavailable);
        }
        if trouble.is_none() && is_to_be_kept {
            before_commit();
            let committed = link.end("commit");
            match link.take_trouble() {
                None => return Attempt::Done(committed),
                Some(Trouble::Again) => return Attempt::Again(StoreError::Conflict),
                // Nobody knows whether it was written. Whoever asks again with the same client id will hear.
                Some(Trouble::Silent) => self.give_up_silent(),
                Some(Trouble::Lost | Trouble::Refused) => self.lose(),
            }
            return Attempt::Done(Err(StoreError::Unavailable));
        }
        if link.end("rollback").is_err() {
            self.link = None;
        }
        self.trouble = complaint;
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
            self.tell(&result);
            job.answer(result);
        }
    }

    fn read(&mut self, mut job: Box<dyn Work>) {
        let mut result = Err(StoreError::Unavailable);
        for _ in 0..MOST_ATTEMPTS {
            self.trouble = None;
            let Some(link) = self.link() else {
                result = Err(StoreError::Unavailable);
                break;
            };
            job.run(link);
            // What was refused is told where it was.
            drop(link.take_complaint());
            match link.take_trouble() {
                None | Some(Trouble::Refused) => {
                    result = Ok(());
                    break;
                }
                Some(Trouble::Again) => {}
                Some(Trouble::Lost) => self.lose(),
                Some(Trouble::Silent) => {
                    self.give_up_silent();
                    break;
                }
            }
        }
        if let Some((cause, detail)) = self.trouble.take().filter(|_| result.is_err()) {
            self.place.health.unread(cause, &detail);
        }
        job.answer(result);
    }
}
