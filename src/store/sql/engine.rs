//! What a statement needs of a database: values, rows and one connection. Not which
//! database it is: `sqlite` and `postgres` each bring an engine.
//!
//! Statements are written once for both. Parameters are `?1`, `?2`, … without a gap; `greatest` and `least` are there;
//! null-safe comparison is `is [not] distinct from`; what cannot be said the same way is a word of [`Dialect`].

use crate::flow::ports::StoreError;
use std::ops::ControlFlow;

/// A value on its way into a statement or out of a row. It borrows; nothing is copied to bind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// Whole numbers, truth as 0 and 1, and instants in milliseconds.
    Int(i64),
    /// Numbers with a fraction.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

macro_rules! from_whole_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Value<'_> {
            fn from(number: $number) -> Self {
                Self::Int(number.into())
            }
        }
    )*};
}
from_whole_numbers!(i64, i32, u32, u16, u8, bool);

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement, in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}
pub(crate) use values;

/// What can be read out of a column.
pub trait FromValue<'a>: Sized {
    /// Reads it; none when the column holds something else.
    fn from_value(value: Value<'a>) -> Option<Self>;
}

macro_rules! into_whole_numbers {
    ($($number:ty),*) => {$(
        impl FromValue<'_> for $number {
            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Int(number) => number.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}
into_whole_numbers!(i64, i32, u64, u32, u16, u8, usize);

impl FromValue<'_> for bool {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number != 0),
            _ => None,
        }
    }
}

impl FromValue<'_> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "a column of reals may hold a whole number")]
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Real(number) => Some(number),
            Value::Int(number) => Some(number as f64),
            _ => None,
        }
    }
}

impl<'a> FromValue<'a> for &'a str {
    fn from_value(value: Value<'a>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromValue<'_> for String {
    fn from_value(value: Value<'_>) -> Option<Self> {
        <&str>::from_value(value).map(str::to_owned)
    }
}

impl<'a> FromValue<'a> for &'a [u8] {
    fn from_value(value: Value<'a>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Option<T> {
    fn from_value(value: Value<'a>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A row, as the engine holds it.
pub trait Cells {
    /// The value at a place; none where there is no such place, or nothing that can be read.
    fn at(&self, index: usize) -> Option<Value<'_>>;

    /// Where a column stands.
    fn place_of(&self, name: &str) -> Option<usize>;
}

/// Which column: by its place, or by its name.
pub trait Column: Copy + std::fmt::Display {
    /// Where it stands in a row.
    fn place(self, cells: &dyn Cells) -> Option<usize>;
}

impl Column for usize {
    fn place(self, _: &dyn Cells) -> Option<usize> {
        Some(self)
    }
}

impl Column for &str {
    fn place(self, cells: &dyn Cells) -> Option<usize> {
        cells.place_of(self)
    }
}

/// One row of an answer.
pub struct Row<'r>(&'r dyn Cells);

impl<'r> Row<'r> {
    /// A row of an engine.
    pub fn new(cells: &'r dyn Cells) -> Self {
        Self(cells)
    }

    /// Reads a column.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it holds something else than was asked for.
    pub fn get<T: FromValue<'r>>(&self, column: impl Column) -> Result<T, StoreError> {
        let value = column.place(self.0).and_then(|place| self.0.at(place));
        value.and_then(T::from_value).ok_or_else(|| StoreError::Corrupt(format!("column {column}")))
    }
}

/// What the databases do not say the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// One writer: what a step has read still holds when it writes.
    Sqlite,
    /// Many writers, on many nodes: a step locks what it reads in order to write.
    Postgres,
}

impl Dialect {
    /// After a `select` of rows that the same step changes: nobody else changes them in between.
    pub fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update",
        }
    }

    /// The index that a count has to use; PostgreSQL finds it by itself.
    pub fn indexed_by(self, index: &str) -> String {
        match self {
            Self::Sqlite => format!(" indexed by {index}"),
            Self::Postgres => String::new(),
        }
    }

    /// Compares with a pattern; A to Z are as good as a to z, other letters are themselves.
    pub fn like(self) -> &'static str {
        match self {
            Self::Sqlite => "like",
            Self::Postgres => "ilike",
        }
    }

    /// An instant inside a column that holds JSON, in milliseconds.
    pub fn millis_in(self, column: &str, field: &str) -> String {
        match self {
            Self::Sqlite => format!("unixepoch({column} ->> '{field}', 'subsec') * 1000"),
            Self::Postgres => {
                format!("extract(epoch from ({column}::json ->> '{field}')::timestamptz) * 1000")
            }
        }
    }
}

/// What only one step at a time may do, on all nodes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alone<'a> {
    /// Changing what admins have set: rules between rows are checked before the first change.
    Directory,
    /// Numbering an entry of the audit log. A step does this last.
    Audit,
    /// Giving of an agent's room: what the agent holds is counted first.
    Room(&'a str),
}

/// One connection.
pub trait Sql {
    /// Which database it is.
    fn dialect(&self) -> Dialect;

    /// Runs a statement that gives no rows, and says how many it changed.
    ///
    /// # Errors
    ///
    /// `Conflict` when a constraint is broken, `Unavailable` when the database cannot.
    fn run(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError>;

    /// Shows each row of the answer, until told to stop.
    ///
    /// # Errors
    ///
    /// As [`Sql::run`], and whatever the reader of the row says.
    fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        show: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError>;

    /// Waits until no other step does the same; until this step is written, none will.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the database cannot.
    fn alone(&self, what: Alone<'_>) -> Result<(), StoreError>;
}

impl dyn Sql + '_ {
    /// Every row of the answer, read.
    ///
    /// # Errors
    ///
    /// As [`Sql::each`].
    pub fn all<T, C: FromIterator<T>>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<C, StoreError> {
        let mut found = Vec::new();
        self.each(sql, values, &mut |row| {
            found.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found.into_iter().collect())
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Sql::each`].
    pub fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.each(sql, values, &mut |row| {
            found = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The one row.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none; else as [`Sql::each`].
    pub fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.first(sql, values, read)?.ok_or(StoreError::NotFound)
    }

    /// Whether there is a row.
    ///
    /// # Errors
    ///
    /// As [`Sql::each`].
    pub fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        Ok(self.first(sql, values, |_| Ok(()))?.is_some())
    }
}
