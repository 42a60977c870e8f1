//! The upkeep port: what happens to the data over the years.

use super::directory::audit;
use super::{Dialect, SqlStore, outline, person, retention, values};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, VisitorId};
use crate::domain::time::Timestamp;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{
    EraseError, Erased, KeptCounts, Outline, Person, Place, Removed, StoreError, Upkeep, Walked,
};
use async_trait::async_trait;

#[async_trait]
impl Upkeep for SqlStore {
    async fn remove_closed(&self, before: Timestamp, about_entries: u64) -> Result<Removed, StoreError> {
        self.write_long(move |sql| retention::remove_closed(sql, before, about_entries)).await
    }

    async fn forget_commands(
        &self,
        before: Timestamp,
        from: Place,
        n_rows: usize,
    ) -> Result<Walked, StoreError> {
        let (old, next) = self.read(move |sql| retention::old_commands(sql, before, &from, n_rows)).await?;
        let forgotten = match old.is_empty() {
            true => 0,
            false => self.write_long(move |sql| retention::forget_commands(sql, &old)).await?,
        };
        Ok(Walked { forgotten, next })
    }

    async fn forget_visitors(
        &self,
        before: Timestamp,
        from: Place,
        n_rows: usize,
    ) -> Result<Walked, StoreError> {
        let (idle, next) = self.read(move |sql| retention::idle_visitors(sql, before, &from, n_rows)).await?;
        let forgotten = match idle.is_empty() {
            true => 0,
            false => self.write_long(move |sql| retention::forget_visitors(sql, &idle)).await?,
        };
        Ok(Walked { forgotten, next })
    }

    async fn visitors_of(&self, person: &Person) -> Result<Vec<VisitorId>, StoreError> {
        let person = person.clone();
        self.read(move |sql| person::visitors_of(sql, &person)).await
    }

    async fn find_visitors(
        &self,
        text: &str,
        or: &[VisitorId],
        limit: usize,
    ) -> Result<Vec<VisitorId>, StoreError> {
        let (text, or) = (text.to_owned(), or.to_vec());
        self.read(move |sql| outline::find(sql, &text, &or, limit)).await
    }

    async fn outline_of(&self, visitor: &VisitorId) -> Result<Option<Outline>, StoreError> {
        let visitor = visitor.clone();
        self.read(move |sql| outline::outline(sql, &visitor)).await
    }

    async fn conversations_of(
        &self,
        visitor: &VisitorId,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError> {
        let visitor = visitor.clone();
        self.read(move |sql| outline::conversations_of(sql, &visitor, limit)).await
    }

    async fn unfinished_of(&self, visitor: &VisitorId) -> Result<Vec<ConversationId>, StoreError> {
        let visitor = visitor.clone();
        self.read(move |sql| outline::unfinished_of(sql, &visitor)).await
    }

    async fn held_of(&self, visitor: &VisitorId) -> Result<String, StoreError> {
        let visitor = visitor.clone();
        self.read(move |sql| person::held_of(sql, &visitor)).await
    }

    async fn note_export(&self, stamp: Stamp, visitor: VisitorId) -> Result<(), StoreError> {
        self.write(move |sql| audit(sql, &stamp, "person.export", visitor.as_str(), "")).await
    }

    async fn erase(&self, stamp: Stamp, visitor: VisitorId, fresh: String) -> Result<Erased, EraseError> {
        self.write_long(move |sql| person::erase(sql, &stamp, &visitor, &fresh)).await
    }

    async fn n_erasures(&self) -> Result<u64, StoreError> {
        self.read_here(person::n_erasures).await
    }

    async fn kept_counts(&self) -> Result<KeptCounts, StoreError> {
        self.read(retention::kept_counts).await
    }

    async fn bytes(&self) -> Result<u64, StoreError> {
        self.read(|sql| {
            let size = match sql.dialect() {
                Dialect::Sqlite => {
                    "select page_count * page_size from pragma_page_count(), pragma_page_size()"
                }
                Dialect::Postgres => "select pg_database_size(current_database())",
            };
            sql.one(size, &[], |row| row.get(0))
        })
        .await
    }

    async fn note_bytes(&self, at: Timestamp, bytes: u64) -> Result<(), StoreError> {
        self.write(move |sql| {
            // A quarter of a year is plenty to see how it grows.
            sql.run("delete from store_bytes where at < ?1", values![at.as_millis() - 90 * 86_400_000])?;
            sql.run(
                "insert into store_bytes (at, bytes) values (?1, ?2) on conflict (at) do nothing",
                values![at.as_millis(), bytes],
            )
            .map(|_| ())
        })
        .await
    }

    async fn bytes_since(&self, since: Timestamp) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        self.read(move |sql| {
            sql.all(
                "select at, bytes from store_bytes where at >= ?1 order by at",
                values![since.as_millis()],
                |row| Ok((row.time(0)?, row.get(1)?)),
            )
        })
        .await
    }
}
