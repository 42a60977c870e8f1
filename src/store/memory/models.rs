//! Adoptions of models on plain data.

use super::MemoryStore;
use super::rows::{ModelRow, Rows};
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::models::Adoption;
use crate::flow::ports::{DirectoryError, ModelVersion, ModelVersions, StoreError};
use async_trait::async_trait;

impl Rows {
    fn model_version(&self, index: usize, row: &ModelRow) -> ModelVersion {
        ModelVersion {
            number: number(index + 1),
            version: row.version.clone(),
            folder: row.folder.clone(),
            author: self.name_of(row.author.as_ref()),
            at: row.at,
            comment: row.comment.clone(),
            is_rollback: row.is_rollback,
        }
    }
}

/// A place in a list as a number.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[async_trait]
impl ModelVersions for MemoryStore {
    async fn model_versions(&self) -> Result<Vec<ModelVersion>, StoreError> {
        let rows = self.rows();
        Ok(rows.models.iter().enumerate().rev().map(|(index, row)| rows.model_version(index, row)).collect())
    }

    async fn adopt_model(
        &self,
        stamp: Stamp,
        adoption: Adoption,
        based_on: u32,
    ) -> Result<ModelVersion, DirectoryError> {
        let mut rows = self.rows();
        if number(rows.models.len()) != based_on {
            return Err(DirectoryError::Conflict);
        }
        let Adoption { version, folder, comment, is_rollback } = adoption;
        let action = if is_rollback { "model.rollback" } else { "model.adopt" };
        rows.audit(&stamp, action, &version, &comment);
        rows.models.push(ModelRow { version, folder, author: stamp.by, at: stamp.at, comment, is_rollback });
        let index = rows.models.len() - 1;
        Ok(rows.model_version(index, &rows.models[index]))
    }
}
