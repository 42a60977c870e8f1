//! One connection to SQLite, and how it writes: group commit. The writer takes the jobs
//! that wait, commits once, and only then answers each. A job that fails takes nothing with it.

use super::log::Log;
use crate::fault::planted;
use crate::flow::ports::StoreError;
use crate::store::sql::points::{after_commit, before_commit, is_kept};
use crate::store::sql::{Alone, Cause, Cells, Dialect, Engine, Health, Row, Sql, Value, Work};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, ToSql, params_from_iter};
use rustix::fs::StatVfsMountFlags;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the size of the log beside the database is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A connection, and the most jobs that share one of its commits.
pub(super) struct SqliteEngine {
    at: Connected,
    group: usize,
    health: Arc<Health>,
    file: PathBuf,
    looked_at: Option<Instant>,
    log: Option<Log>,
}

/// A connection that remembers what went wrong with the disk under it.
pub(in crate::store) struct Connected {
    connection: Connection,
    /// Within a group of jobs: without its transaction nothing is run, because it would be written by itself.
    needs_transaction: Cell<bool>,
    trouble: RefCell<Option<(Cause, String)>>,
    n_failed: Cell<usize>,
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(number),
            Value::Real(number) => ValueRef::Real(number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Cells for rusqlite::Row<'_> {
    fn at(&self, index: usize) -> Option<Value<'_>> {
        Some(match self.get_ref(index).ok()? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).ok()?),
            ValueRef::Blob(bytes) => Value::Bytes(bytes),
        })
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.as_ref().column_index(name).ok()
    }
}

impl Connected {
    /// On a connection that is set up; nothing went wrong yet.
    pub(in crate::store) fn new(connection: Connection) -> Self {
        let (needs_transaction, n_failed) = (Cell::new(false), Cell::new(0));
        Self { connection, needs_transaction, trouble: RefCell::new(None), n_failed }
    }

    /// What an error means to the flow. One of the disk is remembered and told once, by the engine; any other is told
    /// here. Neither holds a text of anybody, because every value is bound.
    fn failed(&self, error: rusqlite::Error) -> StoreError {
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::ConstraintViolation => {
                return StoreError::Conflict;
            }
            rusqlite::Error::QueryReturnedNoRows => return StoreError::NotFound,
            rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
                return StoreError::Corrupt(error.to_string());
            }
            _ => {}
        }
        self.n_failed.set(self.n_failed.get() + 1);
        let cause = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Cause::DiskFull,
            Some(ErrorCode::ReadOnly) => Cause::ReadOnly,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Cause::Io,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Cause::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Cause::Damaged,
            _ => {
                tracing::error!(error = %error, "The database answered with an error: {error}");
                Cause::Other
            }
        };
        let code = error.sqlite_error().map_or(0, |error| error.extended_code);
        self.trouble.borrow_mut().get_or_insert_with(|| (cause, format!("{error} (SQLite's code {code})")));
        StoreError::Unavailable
    }

    /// SQLite rolls back by itself when the disk fails under a transaction.
    fn is_lost(&self) -> bool {
        self.needs_transaction.get() && self.connection.is_autocommit()
    }

    fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        if self.is_lost() {
            return Err(StoreError::Unavailable);
        }
        self.connection.prepare_cached(sql).map_err(|error| self.failed(error))
    }
}

impl Sql for Connected {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn run(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        tracing::trace!(sql, "A statement");
        let changed =
            self.statement(sql)?.execute(params_from_iter(values)).map_err(|error| self.failed(error))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        show: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        tracing::trace!(sql, "A statement");
        let failed = |error| self.failed(error);
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if show(&Row::new(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// There is one writer, and no other process writes.
    fn alone(&self, _: Alone<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl SqliteEngine {
    /// On a connection that is set up, to the database in this file.
    pub(super) fn new(
        connection: Connection,
        group: usize,
        file: &Path,
        health: &Arc<Health>,
    ) -> rusqlite::Result<Self> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection
            .create_scalar_function("greatest", 2, flags, |of| Ok(of.get::<i64>(0)?.max(of.get(1)?)))?;
        connection.create_scalar_function("least", 2, flags, |of| Ok(of.get::<i64>(0)?.min(of.get(1)?)))?;
        Ok(Self {
            at: Connected::new(connection),
            group,
            health: health.clone(),
            file: file.to_owned(),
            looked_at: None,
            log: None,
        })
    }

    /// With a log to look after: the writer's.
    pub(super) fn tending(self, log: Log) -> Self {
        Log::count(&self.at.connection);
        Self { log: Some(log), ..self }
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.at.run(sql, &[]).map(|_| ())
    }

    /// Begins a transaction. One that an earlier failure has left open is given up first.
    fn begin(&self) -> Result<(), StoreError> {
        self.give_up();
        self.execute("begin immediate")?;
        self.at.needs_transaction.set(true);
        Ok(())
    }

    fn give_up(&self) {
        self.at.needs_transaction.set(false);
        if !self.at.connection.is_autocommit() {
            // Where even this fails, `begin` is refused, and tries it again with the next jobs.
            let _ = self.execute("rollback");
        }
    }

    /// Begins a transaction and runs jobs in it, one after the other. A job that failed and had changed something is to be
    /// undone by itself: false where it could not be, because there are no savepoints.
    fn run_all(&self, jobs: &mut [Box<dyn Work>], has_savepoints: bool) -> Result<bool, StoreError> {
        self.begin()?;
        for job in jobs {
            if has_savepoints {
                self.execute("savepoint step")?;
            }
            let before = self.at.connection.total_changes();
            if !is_kept(job.run(&self.at)) && self.at.connection.total_changes() != before {
                if !has_savepoints {
                    return Ok(false);
                }
                self.execute("rollback to step")?;
            }
            if has_savepoints {
                self.execute("release step")?;
            }
            if self.at.is_lost() {
                return Err(StoreError::Unavailable);
            }
        }
        Ok(true)
    }

    /// Runs jobs in a transaction that is left open. SQLite keeps a copy of every page that is changed within a savepoint,
    /// and hardly a job fails once it has changed something: all are run without savepoints first.
    fn run_in_transaction(&self, jobs: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
        if !self.run_all(jobs, false)? {
            self.run_all(jobs, true)?;
        }
        Ok(())
    }

    /// Notes how the writing of so many jobs went.
    fn tell(&mut self, n_jobs: usize, written: &Result<(), StoreError>) {
        let n_failed = self.at.n_failed.take();
        let trouble = self.at.trouble.take();
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
}

impl Engine for SqliteEngine {
    fn most(&self) -> usize {
        self.group
    }

    fn write(&mut self, mut jobs: Vec<Box<dyn Work>>) {
        let n_jobs = jobs.len();
        // Without a transaction, or with a step half done, nothing of the group counts.
        let mut written = self.run_in_transaction(&mut jobs);
        if planted("acknowledge_before_commit") {
            jobs.drain(..).for_each(|job| job.answer(Ok(())));
        }
        before_commit();
        if written.is_ok() {
            written = self.execute("commit");
        }
        self.give_up();
        self.tell(n_jobs, &written);
        after_commit();
        for job in jobs {
            job.answer(written.clone());
        }
        if let Some(log) = self.log.as_mut().filter(|_| written.is_ok()) {
            log.tend(&self.at.connection);
        }
    }

    fn read(&mut self, mut job: Box<dyn Work>) {
        job.run(&self.at);
        if let Some((cause, detail)) = self.at.trouble.take() {
            self.health.unread(self.closer(cause), &detail);
        }
        job.answer(Ok(()));
    }
}
