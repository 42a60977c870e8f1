//! One connection to SQLite: how a statement is carried out on it, how a group of jobs
//! shares a transaction, and what its errors mean. Not when it is used: that is the engine's.

use super::OpenError;
use crate::flow::ports::StoreError;
use crate::store::sql::points::is_kept;
use crate::store::sql::{Alone, Cause, Cells, Dialect, Row, Sql, Value, Work, touch};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, ToSql, params_from_iter};
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

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
    ///
    /// # Errors
    ///
    /// When SQLite does not take the functions that both databases are to have.
    pub(in crate::store) fn new(connection: Connection) -> rusqlite::Result<Self> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection
            .create_scalar_function("greatest", 2, flags, |of| Ok(of.get::<i64>(0)?.max(of.get(1)?)))?;
        connection.create_scalar_function("least", 2, flags, |of| Ok(of.get::<i64>(0)?.min(of.get(1)?)))?;
        let (needs_transaction, n_failed) = (Cell::new(false), Cell::new(0));
        Ok(Self { connection, needs_transaction, trouble: RefCell::new(None), n_failed })
    }

    /// For what is not a job.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What went wrong since it was asked last, and how many statements failed.
    pub(super) fn take_trouble(&self) -> (Option<(Cause, String)>, usize) {
        (self.trouble.take(), self.n_failed.take())
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
        let cause = cause_of(&error);
        if cause == Cause::Other {
            tracing::error!(error = %error, "The database answered with an error: {error}");
        }
        self.trouble.borrow_mut().get_or_insert_with(|| (cause, in_words(&error)));
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

    pub(super) fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.run(sql, &[]).map(|_| ())
    }

    /// Begins a transaction. One that an earlier failure has left open is given up first.
    fn begin(&self) -> Result<(), StoreError> {
        self.give_up();
        self.execute("begin immediate")?;
        self.needs_transaction.set(true);
        Ok(())
    }

    /// Commits. What a failed commit wrote stands in the log that the system has in memory, and perhaps not on the disk:
    /// whoever opened the database now would take it for committed and write on behind it, where after a power cut there
    /// is a gap. Another commit takes its place.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        let committed = self.execute("commit");
        if committed.is_err() {
            let again = self.begin().and_then(|()| touch(self)).and_then(|()| self.execute("commit"));
            // Where this fails too, the next commit that goes through takes its place.
            drop(again);
        }
        committed
    }

    /// Gives up the transaction, if there is one.
    pub(super) fn give_up(&self) {
        self.needs_transaction.set(false);
        if !self.connection.is_autocommit() {
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
            let before = self.connection.total_changes();
            if !is_kept(job.run(self)) && self.connection.total_changes() != before {
                if !has_savepoints {
                    return Ok(false);
                }
                self.execute("rollback to step")?;
            }
            if has_savepoints {
                self.execute("release step")?;
            }
            if self.is_lost() {
                return Err(StoreError::Unavailable);
            }
        }
        Ok(true)
    }

    /// Runs jobs in a transaction that is left open. SQLite keeps a copy of every page that is changed within a savepoint,
    /// and hardly a job fails once it has changed something: all are run without savepoints first.
    pub(super) fn run_in_transaction(&self, jobs: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
        if !self.run_all(jobs, false)? {
            self.run_all(jobs, true)?;
        }
        Ok(())
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

/// What an error says of the disk.
fn cause_of(error: &rusqlite::Error) -> Cause {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Cause::DiskFull,
        Some(ErrorCode::ReadOnly) => Cause::ReadOnly,
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Cause::Io,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Cause::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Cause::Damaged,
        _ => Cause::Other,
    }
}

fn in_words(error: &rusqlite::Error) -> String {
    let code = error.sqlite_error().map_or(0, |error| error.extended_code);
    format!("{error} (SQLite's code {code})")
}

/// The same of a database that could not be opened.
pub(super) fn trouble_of(error: &OpenError) -> (Cause, String) {
    match error {
        OpenError::Sqlite(error) => (cause_of(error), in_words(error)),
        other => (Cause::Other, other.to_string()),
    }
}
