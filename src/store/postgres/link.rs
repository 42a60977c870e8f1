//! One connection to PostgreSQL: opened, set up and asserted to be safe; statements with
//! a deadline. Not when to begin again: that is `engine`'s.

use super::OpenError;
use super::settings::PostgresSettings;
use crate::flow::ports::StoreError;
use crate::store::sql::{Alone, Cause, Cells, Dialect, Row, Sql, Value};
use bytes::{BufMut as _, BytesMut};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement};

/// How long the server may take beyond its own time-out before the connection counts as lost.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Statements kept prepared. Their texts are fixed but for a search's conditions.
const MOST_STATEMENTS: usize = 256;

type BoxError = Box<dyn std::error::Error + Sync + Send>;

/// What stands in the way of writing a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Somebody else's write came in between: the same step may succeed when it is run again.
    Again,
    /// The database refused a statement, so nothing of the step can be written.
    Refused,
    /// The connection is gone.
    Lost,
    /// The server does not answer; to ask again at once would be no better.
    Silent,
}

/// A connection and the runtime that drives it, on the thread that uses it.
pub(super) struct Link {
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    trouble: Cell<Option<Trouble>>,
    /// What the database itself says is wrong with it.
    complaint: RefCell<Option<(Cause, String)>>,
    /// A transaction that begins together with its first statement.
    is_to_begin: Cell<bool>,
    patience: Duration,
    runtime: Runtime,
}

impl Link {
    /// Connects, sets the connection up, and asserts what a promise needs.
    pub(super) fn open(settings: &PostgresSettings, is_to_read: bool) -> Result<Self, OpenError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let patience = settings.timeout + GRACE;
        let (client, connection) = runtime.block_on(async {
            let connecting = settings.connect();
            tokio::time::timeout(patience, connecting).await.map_err(|_| OpenError::Silent(patience))?
        })?;
        runtime.spawn(connection);
        let link = Self {
            client,
            statements: RefCell::default(),
            trouble: Cell::default(),
            complaint: RefCell::default(),
            is_to_begin: Cell::default(),
            patience,
            runtime,
        };
        link.set_up(settings.timeout, is_to_read).map_err(|error| link.cannot(error))?;
        if !is_to_read {
            link.assert_safe()?;
        }
        Ok(link)
    }

    fn set_up(&self, timeout: Duration, is_to_read: bool) -> Result<(), StoreError> {
        let millis = timeout.as_millis();
        let read_only = if is_to_read { "on" } else { "off" };
        self.batch(&format!("set statement_timeout = {millis}; set lock_timeout = {}", millis / 2))?;
        // A node that stands still in the middle of a step must not hold its rows for longer than a statement may take.
        self.batch(&format!("set idle_in_transaction_session_timeout = {millis}"))?;
        self.batch(&format!("set default_transaction_read_only = {read_only}"))?;
        self.batch("set default_transaction_isolation = 'read committed'")?;
        self.batch("set client_min_messages = warning; set standard_conforming_strings = on")
    }

    /// What is acknowledged must be on the disk, and come back as it was.
    fn assert_safe(&self) -> Result<(), OpenError> {
        let settings = "select current_setting('synchronous_commit'), current_setting('fsync'), \
                        current_setting('server_encoding'), current_setting('transaction_read_only')";
        let read = |row: &Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
        let found: [String; 4] =
            (self as &dyn Sql).one(settings, &[], read).map_err(|error| self.cannot(error))?;
        let [synchronous_commit, fsync, server_encoding, transaction_read_only] = found;
        if synchronous_commit == "off" {
            return Err(OpenError::NotDurable { setting: "synchronous_commit", found: synchronous_commit });
        }
        if fsync == "off" {
            return Err(OpenError::NotDurable { setting: "fsync", found: fsync });
        }
        if server_encoding != "UTF8" {
            return Err(OpenError::Encoding(server_encoding));
        }
        if transaction_read_only == "on" {
            return Err(OpenError::ReadOnly);
        }
        Ok(())
    }

    /// Waits until nobody else holds the lock; it is given back with the transaction.
    pub(super) fn lock(&self, number: i64) -> Result<bool, StoreError> {
        (self as &dyn Sql).exists("select pg_advisory_xact_lock(?1)", &[Value::Int(number)])
    }

    pub(super) fn cannot(&self, error: StoreError) -> OpenError {
        OpenError::Refused(error.to_string())
    }

    /// Statements without values, one after another; not kept.
    pub(super) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.wait(self.client.batch_execute(sql))
    }

    /// What went wrong since the last time somebody asked.
    pub(super) fn take_trouble(&self) -> Option<Trouble> {
        self.trouble.take()
    }

    /// What the database said is wrong with it since the last time somebody asked.
    pub(super) fn take_complaint(&self) -> Option<(Cause, String)> {
        self.complaint.take()
    }

    /// The next statement begins a transaction.
    pub(super) fn begin(&self) {
        self.is_to_begin.set(true);
    }

    /// Ends the transaction, if a statement has begun it.
    pub(super) fn end(&self, how: &'static str) -> Result<(), StoreError> {
        if self.is_to_begin.take() { Ok(()) } else { self.batch(how) }
    }

    /// Waits for the server, but not for ever.
    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        match self.runtime.block_on(async { tokio::time::timeout(self.patience, answer).await }) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => {
                tracing::error!("The database does not answer; the connection is given up");
                Err(self.troubled(Trouble::Silent, StoreError::Unavailable))
            }
        }
    }

    fn troubled(&self, trouble: Trouble, error: StoreError) -> StoreError {
        // The first is the one that counts: what follows in a failed transaction is refused because of it.
        let is_end = |trouble| matches!(trouble, Trouble::Lost | Trouble::Silent);
        if self.trouble.get().is_none_or(|before| !is_end(before) && is_end(trouble)) {
            self.trouble.set(Some(trouble));
        }
        error
    }

    /// What an error means to the flow. The details go to the log; never a value that was bound.
    fn failed(&self, error: &tokio_postgres::Error) -> StoreError {
        let Some(error) = error.as_db_error() else {
            if !error.is_closed() {
                tracing::error!(error = %error, "The connection to the database is broken: {error}");
            }
            return self.troubled(Trouble::Lost, StoreError::Unavailable);
        };
        let code = error.code();
        if code.code().starts_with("23") {
            // The same command, sent to two nodes at once: the other has answered it.
            let is_answered = error.constraint() == Some("one_answer_per_command");
            let trouble = if is_answered { Trouble::Again } else { Trouble::Refused };
            return self.troubled(trouble, StoreError::Conflict);
        }
        if [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE].contains(code) {
            return self.troubled(Trouble::Again, StoreError::Conflict);
        }
        if *code == SqlState::FEATURE_NOT_SUPPORTED {
            // A newer node has changed a table under a statement that was prepared before.
            self.statements.borrow_mut().clear();
            return self.troubled(Trouble::Again, StoreError::Unavailable);
        }
        if is_end_of_link(error) {
            tracing::warn!(code = code.code(), "The database ended the connection: {}", error.message());
            return self.troubled(Trouble::Lost, StoreError::Unavailable);
        }
        let complaint = (cause_of(code.code()), format!("it answered with the error {}", code.code()));
        self.complaint.borrow_mut().get_or_insert(complaint);
        tracing::error!(
            code = code.code(),
            table = error.table(),
            column = error.column(),
            "The database answered with the error {}",
            code.code()
        );
        self.troubled(Trouble::Refused, StoreError::Unavailable)
    }

    fn prepared(&self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(&with_dollars(sql)))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= MOST_STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs a statement, together with the beginning of the transaction where one is to begin.
    fn ask<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        if !self.is_to_begin.take() {
            return self.wait(statement);
        }
        // Both travel at once, in this order.
        let (begun, answer) = self.wait(async {
            Ok(futures_util::future::join(self.client.batch_execute("begin"), statement).await)
        })?;
        if let Err(error) = begun {
            self.failed(&error);
            return Err(self.troubled(Trouble::Lost, StoreError::Unavailable));
        }
        answer.map_err(|error| self.failed(&error))
    }
}

impl Sql for Link {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn run(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        self.ask(self.client.execute(&statement, &bound(values)))
    }

    fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        show: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.prepared(sql)?;
        for row in self.ask(self.client.query(&statement, &bound(values)))? {
            if show(&Row::new(&row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn alone(&self, what: Alone<'_>) -> Result<(), StoreError> {
        let sql: &dyn Sql = self;
        match what {
            Alone::Directory => self.lock(super::DIRECTORY_LOCK)?,
            Alone::Audit => self.lock(super::AUDIT_LOCK)?,
            // Two agents whose names have the same hash wait for each other, which costs nothing else.
            Alone::Room(agent) => sql.exists(
                "select pg_advisory_xact_lock(hashtextextended(?1, ?2))",
                &[Value::Text(agent), Value::Int(super::ROOM_LOCKS)],
            )?,
        };
        Ok(())
    }
}

fn bound<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// PostgreSQL writes parameters with a dollar sign. No statement has a question mark for anything else.
fn with_dollars(sql: &str) -> String {
    sql.replace('?', "$")
}

/// What is wrong, by the code of an error: see "PostgreSQL Error Codes".
fn cause_of(code: &str) -> Cause {
    match code {
        "53100" => Cause::DiskFull,
        "58030" | "58P01" | "58P02" => Cause::Io,
        // A lock was not to be had, or a statement took too long.
        "55P03" | "57014" => Cause::Busy,
        _ if code.starts_with("XX") => Cause::Damaged,
        _ => Cause::Other,
    }
}

/// Whether the server is going, not there yet, has thrown this connection out, or takes no writes any more.
fn is_end_of_link(error: &DbError) -> bool {
    let code = error.code().code();
    code.starts_with("08") || code.starts_with("57P") || code == "25P03" || code == "25006"
}

impl ToSql for Value<'_> {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match (*self, wanted) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Int(number), &Type::INT8) => out.put_i64(number),
            (Value::Int(number), &Type::INT4) => out.put_i32(number.try_into()?),
            #[expect(clippy::cast_precision_loss, reason = "a column of reals may be given a whole number")]
            (Value::Int(number), &Type::FLOAT8) => out.put_f64(number as f64),
            (Value::Real(number), &Type::FLOAT8) => out.put_f64(number),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME) => {
                // Text in PostgreSQL cannot hold NUL; it is dropped, as from every message.
                let parts = text.split('\0');
                parts.for_each(|part| out.put_slice(part.as_bytes()));
            }
            (Value::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            (_, wanted) => return Err(format!("a value does not fit `{wanted}`").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(found: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(match *found {
            Type::INT8 => Value::Int(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => Value::Int(i32::from_be_bytes(raw.try_into()?).into()),
            Type::BOOL => Value::Int((raw != [0]).into()),
            Type::FLOAT8 => Value::Real(f64::from_be_bytes(raw.try_into()?)),
            Type::BYTEA => Value::Bytes(raw),
            Type::VOID => Value::Null,
            _ => Value::Text(std::str::from_utf8(raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Value::Null)
    }

    fn accepts(found: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::BOOL,
            Type::FLOAT8,
            Type::BYTEA,
            Type::VOID,
            Type::TEXT,
            Type::VARCHAR,
            Type::NAME,
        ]
        .contains(found)
    }
}

impl Cells for tokio_postgres::Row {
    fn at(&self, index: usize) -> Option<Value<'_>> {
        self.try_get(index).ok()
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.columns().iter().position(|column| column.name() == name)
    }
}
