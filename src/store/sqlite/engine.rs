//! One connection to SQLite, and how it writes: group commit. The writer takes the jobs
//! that wait, gives each a savepoint, commits once, and only then answers each. A job
//! that fails takes nothing with it.

use super::failed;
use crate::fault::planted;
use crate::flow::ports::StoreError;
use crate::store::sql::points::{after_commit, before_commit, is_kept};
use crate::store::sql::{Alone, Cells, Dialect, Engine, Row, Sql, Value, Work};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use std::ops::ControlFlow;

/// A connection, and the most jobs that share one of its commits.
pub(super) struct SqliteEngine {
    connection: Connection,
    group: usize,
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

impl Sql for Connection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn run(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        tracing::trace!(sql, "A statement");
        let mut statement = self.prepare_cached(sql).map_err(failed)?;
        let changed = statement.execute(params_from_iter(values)).map_err(failed)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        show: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        tracing::trace!(sql, "A statement");
        let mut statement = self.prepare_cached(sql).map_err(failed)?;
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
    /// On a connection that is set up.
    pub(super) fn new(connection: Connection, group: usize) -> rusqlite::Result<Self> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection
            .create_scalar_function("greatest", 2, flags, |of| Ok(of.get::<i64>(0)?.max(of.get(1)?)))?;
        connection.create_scalar_function("least", 2, flags, |of| Ok(of.get::<i64>(0)?.min(of.get(1)?)))?;
        Ok(Self { connection, group })
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.run(sql, &[]).map(|_| ())
    }

    /// Runs a job in a savepoint of its own. An error here is the savepoint's, not the job's.
    fn in_savepoint(&self, job: &mut dyn Work) -> Result<(), StoreError> {
        self.execute("savepoint step")?;
        if !is_kept(job.run(&self.connection)) {
            self.execute("rollback to step")?;
        }
        self.execute("release step")
    }
}

impl Engine for SqliteEngine {
    fn most(&self) -> usize {
        self.group
    }

    fn write(&mut self, jobs: Vec<Box<dyn Work>>) {
        if self.execute("begin immediate").is_err() {
            // Nothing was begun, so the savepoints of these jobs would commit by themselves: they are not run.
            tracing::error!(
                jobs = jobs.len(),
                "The database does not take writes; {} were refused",
                jobs.len()
            );
            return;
        }
        let mut ran = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let savepoint = self.in_savepoint(&mut *job);
            ran.push((job, savepoint));
            if self.connection.is_autocommit() {
                // SQLite itself rolled back everything, as it does on a full disk.
                break;
            }
        }
        if planted("acknowledge_before_commit") {
            ran.drain(..).for_each(|(job, savepoint)| job.answer(savepoint));
        }
        before_commit();
        let committed = if self.connection.is_autocommit() {
            Err(StoreError::Unavailable)
        } else {
            self.execute("commit").inspect_err(|_| {
                let _ = self.execute("rollback");
            })
        };
        if committed.is_err() {
            tracing::error!(jobs = ran.len(), "A commit failed; {} writes were refused", ran.len());
        }
        after_commit();
        for (job, savepoint) in ran {
            job.answer(savepoint.and(committed.clone()));
        }
    }

    fn read(&mut self, mut job: Box<dyn Work>) {
        job.run(&self.connection);
        job.answer(Ok(()));
    }
}
