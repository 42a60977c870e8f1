//! Reading and writing what stands in columns: JSON, identifiers, instants, words.

use super::{Column, Row};
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;

/// JSON that stands in a column.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("{:?} at {}", error.classify(), error.column())))
}

/// Room for an analysis or a decision, so that writing one does not grow it again and again; in bytes.
const JSON_ROOM: usize = 768;

/// A value as JSON for a column.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    let mut json = Vec::with_capacity(JSON_ROOM);
    serde_json::to_writer(&mut json, value)
        .map_err(|error| StoreError::Corrupt(format!("{:?}", error.classify())))?;
    String::from_utf8(json).map_err(|_| StoreError::Corrupt("JSON that is no text".to_owned()))
}

/// A claim changes exactly one row, or somebody was faster.
pub(super) fn one(changed: u64) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

/// Reading a column as what it means.
impl Row<'_> {
    /// A column with a check of its own. What it holds is not told: it may be what somebody wrote.
    pub(super) fn parsed<T, E>(
        &self,
        column: impl Column,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        parse(self.get::<&str>(column)?).map_err(|_| StoreError::Corrupt(format!("column {column}")))
    }

    /// The same, where it may be empty.
    pub(super) fn parsed_if_any<T, E>(
        &self,
        column: impl Column,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        match self.get::<Option<&str>>(column)? {
            Some(_) => self.parsed(column, parse).map(Some),
            None => Ok(None),
        }
    }

    /// A column that holds one of a few words.
    pub(super) fn word<T>(
        &self,
        column: impl Column,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.parsed(column, |text| parse(text).ok_or(()))
    }

    /// A column that holds JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: impl Column) -> Result<T, StoreError> {
        read_json(self.get::<&str>(column)?)
    }

    /// A column that holds an instant.
    pub(super) fn time(&self, column: impl Column) -> Result<Timestamp, StoreError> {
        self.get(column).map(Timestamp::from_millis)
    }

    /// The same, where it may be empty.
    pub(super) fn time_if_any(&self, column: impl Column) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }
}
