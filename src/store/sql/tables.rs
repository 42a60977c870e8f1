//! The tables of a database and their columns, as the database itself names them.

use super::{Dialect, FromValue, Sql, Value, values};
use crate::flow::ports::StoreError;

impl<'a> FromValue<'a> for Value<'a> {
    fn from_value(value: Value<'a>) -> Option<Self> {
        Some(value)
    }
}

/// The columns of a table, in their order.
pub(crate) fn columns(sql: &dyn Sql, table: &str) -> Result<Vec<String>, StoreError> {
    let listed = match sql.dialect() {
        Dialect::Sqlite => "select name from pragma_table_info(?1) order by cid",
        Dialect::Postgres => {
            "select column_name::text from information_schema.columns \
             where table_schema = current_schema() and table_name = ?1 order by ordinal_position"
        }
    };
    sql.all(listed, values![table], |row| row.get(0))
}
