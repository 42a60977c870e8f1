//! The tables of a database, their columns and keys, as the database itself names them.

use super::{Dialect, FromValue, Sql, Value, values};
use crate::flow::ports::StoreError;

impl<'a> FromValue<'a> for Value<'a> {
    fn from_value(value: Value<'a>) -> Option<Self> {
        Some(value)
    }
}

/// The tables, but for those of the database itself.
pub(crate) fn tables(sql: &dyn Sql) -> Result<Vec<String>, StoreError> {
    let listed = match sql.dialect() {
        Dialect::Sqlite => {
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name"
        }
        Dialect::Postgres => {
            "select table_name::text from information_schema.tables \
             where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1"
        }
    };
    sql.all(listed, &[], |row| row.get(0))
}

/// The columns of a table, in their order.
pub(crate) fn columns(sql: &dyn Sql, table: &str) -> Result<Vec<String>, StoreError> {
    let listed = match sql.dialect() {
        Dialect::Sqlite => "select name from pragma_table_info(?1) order by cid",
        Dialect::Postgres => {
            "select column_name::text from information_schema.columns \
             where table_schema = current_schema() and table_name::text = ?1 order by ordinal_position"
        }
    };
    sql.all(listed, values![table], |row| row.get(0))
}

/// The columns that name a row, in their order.
pub(crate) fn keys(sql: &dyn Sql, table: &str) -> Result<Vec<String>, StoreError> {
    let listed = match sql.dialect() {
        Dialect::Sqlite => "select name from pragma_table_info(?1) where pk > 0 order by pk",
        Dialect::Postgres => {
            "select key_column_usage.column_name::text from information_schema.table_constraints \
             join information_schema.key_column_usage using (constraint_schema, constraint_name) \
             where constraint_type = 'PRIMARY KEY' and table_constraints.table_schema = current_schema() \
             and table_constraints.table_name::text = ?1 order by ordinal_position"
        }
    };
    sql.all(listed, values![table], |row| row.get(0))
}
