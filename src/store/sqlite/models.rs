//! Adoptions of models in SQLite.

use async_trait::async_trait;
use rusqlite::{Row, params};

use super::SqliteStore;
use super::directory::audit;
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::models::Adoption;
use crate::flow::ports::{DirectoryError, ModelVersion, ModelVersions, StoreError};

const COLUMNS: &str =
    "select number, version, folder, coalesce(account.name, '') as author_name, at, comment,
        is_rollback
     from model_versions left join account on account.id = model_versions.author";

fn read(row: &Row<'_>) -> rusqlite::Result<ModelVersion> {
    Ok(ModelVersion {
        number: row.get("number")?,
        version: row.get("version")?,
        folder: row.get("folder")?,
        author: row.get("author_name")?,
        at: row.get("at").map(Timestamp::from_millis)?,
        comment: row.get("comment")?,
        is_rollback: row.get("is_rollback")?,
    })
}

#[async_trait]
impl ModelVersions for SqliteStore {
    async fn model_versions(&self) -> Result<Vec<ModelVersion>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{COLUMNS} order by number desc"))?;
            Ok(statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn adopt_model(
        &self,
        stamp: Stamp,
        adoption: Adoption,
        based_on: u32,
    ) -> Result<ModelVersion, DirectoryError> {
        self.write(move |tx| {
            let newest: u32 = tx
                .prepare_cached("select coalesce(max(number), 0) from model_versions")?
                .query_row([], |row| row.get(0))?;
            if newest != based_on {
                return Err(DirectoryError::Conflict);
            }
            let Adoption { version, folder, comment, is_rollback } = adoption;
            tx.prepare_cached(
                "insert into model_versions (number, version, folder, author, at, comment, is_rollback)
                     values (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                newest + 1,
                version,
                folder,
                stamp.by.as_ref().map(AgentId::as_str),
                stamp.at.as_millis(),
                comment,
                is_rollback
            ])?;
            let action = if is_rollback { "model.rollback" } else { "model.adopt" };
            audit(tx, &stamp, action, &version, &comment)?;
            Ok(tx.prepare_cached(&format!("{COLUMNS} where number = ?"))?.query_row([newest + 1], read)?)
        })
        .await
    }
}
