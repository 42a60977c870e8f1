//! Adoptions of models.

use async_trait::async_trait;

use super::directory::audit;
use super::{Alone, Row, SqlStore, values};
use crate::domain::id::AgentId;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::models::Adoption;
use crate::flow::ports::{DirectoryError, ModelVersion, ModelVersions, StoreError};

const COLUMNS: &str =
    "select number, version, folder, coalesce(account.name, '') as author_name, at, comment,
        is_rollback
     from model_versions left join account on account.id = model_versions.author";

fn read(row: &Row<'_>) -> Result<ModelVersion, StoreError> {
    Ok(ModelVersion {
        number: row.get("number")?,
        version: row.get("version")?,
        folder: row.get("folder")?,
        author: row.get("author_name")?,
        at: row.time("at")?,
        comment: row.get("comment")?,
        is_rollback: row.get("is_rollback")?,
    })
}

#[async_trait]
impl ModelVersions for SqlStore {
    async fn model_versions(&self) -> Result<Vec<ModelVersion>, StoreError> {
        self.read(|sql| sql.all(&format!("{COLUMNS} order by number desc"), &[], read)).await
    }

    async fn adopt_model(
        &self,
        stamp: Stamp,
        adoption: Adoption,
        based_on: u32,
    ) -> Result<ModelVersion, DirectoryError> {
        self.write(move |sql| {
            sql.alone(Alone::Directory)?;
            let newest: u32 =
                sql.one("select coalesce(max(number), 0) from model_versions", &[], |row| row.get(0))?;
            if newest != based_on {
                return Err(DirectoryError::Conflict);
            }
            let Adoption { version, folder, comment, is_rollback } = &adoption;
            sql.run(
                "insert into model_versions (number, version, folder, author, at, comment, is_rollback)
                     values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                values![
                    newest + 1,
                    version,
                    folder,
                    stamp.by.as_ref().map(AgentId::as_str),
                    stamp.at.as_millis(),
                    comment,
                    *is_rollback
                ],
            )?;
            let action = if *is_rollback { "model.rollback" } else { "model.adopt" };
            audit(sql, &stamp, action, version, comment)?;
            Ok(sql.one(&format!("{COLUMNS} where number = ?1"), values![newest + 1], read)?)
        })
        .await
    }
}
