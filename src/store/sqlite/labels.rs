//! Labels in SQLite: of messages, of conversations, and how many there are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::directory::audit;
use super::{SqliteStore, read_json, to_json};
use crate::domain::id::{AgentId, ConversationId};
use crate::domain::outcome::{ConversationLabel, Label, LabelCounts, MessageLabel, Verdict};
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{DirectoryError, Labels, LabelsOf, StoreError};

fn must_be_a_message(
    connection: &Connection,
    conversation: &ConversationId,
    position: u64,
) -> Result<(), DirectoryError> {
    let is_there = connection
        .prepare_cached(
            "select 1 from entries where conversation = ? and position = ? and kind = 'message' and author = 'visitor'",
        )?
        .exists(params![conversation.as_str(), position])?;
    if is_there { Ok(()) } else { Err(DirectoryError::NotFound("the visitor's message")) }
}

fn must_be_there(connection: &Connection, conversation: &ConversationId) -> Result<(), DirectoryError> {
    let is_there = connection
        .prepare_cached("select 1 from conversations where id = ?")?
        .exists([conversation.as_str()])?;
    if is_there { Ok(()) } else { Err(DirectoryError::NotFound("the conversation")) }
}

fn by(stamp: &Stamp) -> Option<&str> {
    stamp.by.as_ref().map(AgentId::as_str)
}

fn verdict(word: &str) -> Result<Verdict, StoreError> {
    Verdict::parse(word).ok_or_else(|| StoreError::Corrupt("label of a conversation".to_owned()))
}

fn label_of_conversation(
    connection: &Connection,
    id: &ConversationId,
) -> Result<Option<ConversationLabel>, StoreError> {
    let row: Option<(String, Option<u64>)> = connection
        .prepare_cached("select label, position from conversation_labels where conversation = ?")?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    row.map(|(word, position)| Ok(ConversationLabel { verdict: verdict(&word)?, position })).transpose()
}

fn labels_of_messages(
    connection: &Connection,
    id: &ConversationId,
) -> Result<BTreeMap<u64, MessageLabel>, StoreError> {
    let mut statement =
        connection.prepare_cached("select position, label from message_labels where conversation = ?")?;
    let mut rows = statement.query([id.as_str()])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, read_json(&row.get::<_, String>(1)?)?);
    }
    Ok(found)
}

fn count(connection: &Connection) -> Result<LabelCounts, StoreError> {
    let mut counts = LabelCounts::default();
    let mut statement = connection.prepare_cached("select label from message_labels")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        counts.add(&read_json(&row.get::<_, String>(0)?)?);
    }
    counts.conversations = connection
        .prepare_cached("select count(*) from conversation_labels")?
        .query_row([], |row| row.get(0))?;
    let mut statement = connection
        .prepare_cached("select label, count(*) from judgements where label is not null group by label")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let word: String = row.get(0)?;
        if let Some(place) = Label::ALL.iter().position(|label| label.as_str() == word) {
            counts.escalations[place] = row.get(1)?;
        }
    }
    Ok(counts)
}

#[async_trait]
impl Labels for SqliteStore {
    async fn label_message(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        position: u64,
        label: MessageLabel,
    ) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            must_be_a_message(tx, &conversation, position)?;
            tx.prepare_cached(
                "insert or replace into message_labels (conversation, position, label, by_agent, at)
                     values (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                conversation.as_str(),
                position,
                to_json(&label)?,
                by(&stamp),
                stamp.at.as_millis()
            ])?;
            Ok(audit(tx, &stamp, "label.message", conversation.as_str(), &format!("at {position}"))?)
        })
        .await
    }

    async fn unlabel_message(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        position: u64,
    ) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            must_be_a_message(tx, &conversation, position)?;
            let n_removed = tx
                .prepare_cached("delete from message_labels where conversation = ? and position = ?")?
                .execute(params![conversation.as_str(), position])?;
            if n_removed > 0 {
                let detail = format!("at {position}");
                audit(tx, &stamp, "label.message.remove", conversation.as_str(), &detail)?;
            }
            Ok(())
        })
        .await
    }

    async fn label_conversation(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        label: ConversationLabel,
    ) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            must_be_there(tx, &conversation)?;
            if let Some(position) = label.position {
                must_be_a_message(tx, &conversation, position)?;
            }
            tx.prepare_cached(
                "insert or replace into conversation_labels (conversation, label, position, by_agent, at)
                     values (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                conversation.as_str(),
                label.verdict.as_str(),
                label.position,
                by(&stamp),
                stamp.at.as_millis()
            ])?;
            Ok(audit(tx, &stamp, "label.conversation", conversation.as_str(), label.verdict.as_str())?)
        })
        .await
    }

    async fn unlabel_conversation(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
    ) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            must_be_there(tx, &conversation)?;
            let n_removed = tx
                .prepare_cached("delete from conversation_labels where conversation = ?")?
                .execute([conversation.as_str()])?;
            if n_removed > 0 {
                audit(tx, &stamp, "label.conversation.remove", conversation.as_str(), "")?;
            }
            Ok(())
        })
        .await
    }

    async fn labels_of(&self, conversation: &ConversationId) -> Result<LabelsOf, StoreError> {
        let id = conversation.clone();
        self.read(move |connection| {
            Ok(LabelsOf {
                conversation: label_of_conversation(connection, &id)?,
                messages: labels_of_messages(connection, &id)?,
            })
        })
        .await
    }

    async fn count_labels(&self) -> Result<LabelCounts, StoreError> {
        self.read(count).await
    }
}
