//! Moving everything from one database into another that is empty: table by table, by
//! the names of the columns, and compared row by row before it counts.

use super::tables::{columns, keys, tables};
use super::{Dialect, Sql, Value, values};
use crate::flow::ports::StoreError;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Rows that are read, and written, at once.
const AT_ONCE: usize = 200;

/// Rows of these are there before their first use.
const NEVER_EMPTY: [&str; 2] = ["meta", "revision"];

/// Others point to these, so they go first.
const FIRST: [&str; 3] = ["account", "conversations", "visitor"];

/// What each database says of itself.
const OF_THE_DATABASE: &str = "schema";

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is something in the database that should be empty.
    #[error("the database is not empty: `{0}` has rows")]
    NotEmpty(String),
    /// It cannot take what the other holds.
    #[error("the database has no {0}: it was made by another version")]
    NoSuchPlace(String),
    /// A text that it cannot hold.
    #[error("a row of `{0}` has a character that PostgreSQL cannot hold (U+0000)")]
    NulInText(String),
    /// What was read back is not what was written.
    #[error("`{0}` reads otherwise in the new database; nothing was moved")]
    Different(String),
    /// A database did not answer.
    #[error("a database did not take part: {0}; nothing was moved")]
    Store(#[from] StoreError),
}

/// What was moved of one table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Moved {
    /// How many rows.
    pub rows: u64,
    /// Of all of them, in the order of their keys; the same on both sides.
    pub sha256: String,
}

/// A value that outlives its row.
#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Owned {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Int(number),
            Value::Real(number) => Self::Real(number),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_owned()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }

    fn digest(&self, sha: &mut Sha256) {
        let (kind, bytes): (u8, &[u8]) = match self {
            Self::Null => (0, &[]),
            Self::Int(number) => (1, &number.to_be_bytes()),
            Self::Real(number) => (2, &number.to_bits().to_be_bytes()),
            Self::Text(text) => (3, text.as_bytes()),
            Self::Bytes(bytes) => (4, bytes),
        };
        sha.update([kind]);
        sha.update((bytes.len() as u64).to_be_bytes());
        sha.update(bytes);
    }
}

/// One table as both databases have it.
struct Table {
    name: String,
    columns: Vec<String>,
    keys: Vec<String>,
}

impl Table {
    /// A page of rows after a row, in the order of the keys.
    fn page(&self, sql: &dyn Sql, after: Option<&[Owned]>) -> Result<Vec<Vec<Owned>>, StoreError> {
        let (list, order) = (quoted(&self.columns), quoted(&self.keys));
        let mut bound: Vec<Value<'_>> = Vec::new();
        let mut condition = String::from("1 = 1");
        if self.name == "meta" {
            condition = format!("\"key\" not like '{OF_THE_DATABASE}%'");
        }
        if let Some(row) = after {
            let places = (1..=self.keys.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
            condition += &format!(" and ({order}) > ({places})");
            for key in &self.keys {
                let place = self.columns.iter().position(|column| column == key);
                bound.push(place.map_or(Value::Null, |place| row[place].value()));
            }
        }
        let name = &self.name;
        sql.all(
            &format!("select {list} from \"{name}\" where {condition} order by {order} limit {AT_ONCE}"),
            &bound,
            |row| (0..self.columns.len()).map(|place| row.get(place).map(Owned::of)).collect(),
        )
    }

    /// Shows every row, a page at a time, in the order of the keys.
    fn each_page<E: From<StoreError>>(
        &self,
        sql: &dyn Sql,
        mut show: impl FnMut(&[Vec<Owned>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut last: Option<Vec<Owned>> = None;
        loop {
            let page = self.page(sql, last.as_deref())?;
            if page.is_empty() {
                return Ok(());
            }
            show(&page)?;
            let is_last = page.len() < AT_ONCE;
            last = page.into_iter().next_back();
            if is_last {
                return Ok(());
            }
        }
    }

    fn put(&self, sql: &dyn Sql, rows: &[Vec<Owned>]) -> Result<(), StoreError> {
        let width = self.columns.len();
        let places = (0..rows.len())
            .map(|row| {
                let places: Vec<String> =
                    (1..=width).map(|place| format!("?{}", row * width + place)).collect();
                format!("({})", places.join(", "))
            })
            .collect::<Vec<_>>()
            .join(", ");
        let bound: Vec<Value<'_>> = rows.iter().flatten().map(Owned::value).collect();
        let statement = format!("insert into \"{}\" ({}) values {places}", self.name, quoted(&self.columns));
        sql.run(&statement, &bound).map(|_| ())
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// Moves every row of every table, and reads both sides again. To be run in one transaction of the target: with an
/// error nothing must be kept.
///
/// # Errors
///
/// [`CopyError`] says why.
pub fn copy(
    from: &dyn Sql,
    to: &dyn Sql,
    tell: &dyn Fn(&str, u64),
) -> Result<BTreeMap<String, Moved>, CopyError> {
    let there = tables(to)?;
    for table in &there {
        let name = format!("select 1 from \"{table}\" limit 1");
        if !NEVER_EMPTY.contains(&table.as_str()) && to.exists(&name, &[])? {
            return Err(CopyError::NotEmpty(table.clone()));
        }
    }
    let mut names = tables(from)?;
    names.sort_by_key(|name| (!FIRST.contains(&name.as_str()), name.clone()));
    let mut moved = BTreeMap::new();
    for name in names {
        let columns_there = columns(to, &name)?;
        let table = Table { columns: columns(from, &name)?, keys: keys(from, &name)?, name };
        if let Some(missing) = table.columns.iter().find(|column| !columns_there.contains(column)) {
            return Err(CopyError::NoSuchPlace(format!("place for `{}.{missing}`", table.name)));
        }
        if NEVER_EMPTY.contains(&table.name.as_str()) {
            let all_but = format!(
                "delete from \"{}\"{}",
                table.name,
                if table.name == "meta" {
                    format!(" where \"key\" not like '{OF_THE_DATABASE}%'")
                } else {
                    String::new()
                }
            );
            to.run(&all_but, &[])?;
        }
        let (mut rows, mut sha) = (0, Sha256::new());
        table.each_page(from, |page| {
            if to.dialect() == Dialect::Postgres && page.iter().flatten().any(has_nul) {
                return Err(CopyError::NulInText(table.name.clone()));
            }
            table.put(to, page)?;
            page.iter().flatten().for_each(|value| value.digest(&mut sha));
            rows += page.len() as u64;
            tell(&table.name, rows);
            Ok(())
        })?;
        go_on_counting(to, &table)?;
        if to.dialect() == Dialect::Postgres {
            // Without it the new rows count as few, and each page would be found by reading all of them.
            to.run(&format!("analyze \"{}\"", table.name), &[])?;
        }
        let (mut rows_there, mut sha_there) = (0, Sha256::new());
        table.each_page::<CopyError>(to, |page| {
            page.iter().flatten().for_each(|value| value.digest(&mut sha_there));
            rows_there += page.len() as u64;
            Ok(())
        })?;
        let sha256 = hex(&sha.finalize());
        if rows_there != rows || hex(&sha_there.finalize()) != sha256 {
            return Err(CopyError::Different(table.name));
        }
        moved.insert(table.name, Moved { rows, sha256 });
    }
    Ok(moved)
}

fn has_nul(value: &Owned) -> bool {
    matches!(value, Owned::Text(text) if text.contains('\0'))
}

/// Numbers that the database gives by itself go on after the greatest that came with the rows.
fn go_on_counting(to: &dyn Sql, table: &Table) -> Result<(), StoreError> {
    let [key] = &table.keys[..] else { return Ok(()) };
    if to.dialect() != Dialect::Postgres || key != "number" {
        return Ok(());
    }
    let gives = "select 1 from information_schema.columns where table_schema = current_schema() \
        and table_name::text = ?1 and column_name::text = ?2 and is_identity = 'YES'";
    if to.exists(gives, values![&table.name, key])? {
        let next: i64 = to.one(
            &format!("select cast(coalesce(max(\"{key}\"), 0) + 1 as bigint) from \"{}\"", table.name),
            &[],
            |row| row.get(0),
        )?;
        to.run(&format!("alter table \"{}\" alter column \"{key}\" restart with {next}", table.name), &[])?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
