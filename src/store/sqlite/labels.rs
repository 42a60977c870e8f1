//! Labels in SQLite: of messages, of conversations, and how many there are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::directory::audit;
use super::{SqliteStore, read_json, to_json};
use crate::domain::conversation::Body;
use crate::domain::escalation::Decision;
use crate::domain::id::{AgentId, ConversationId};
use crate::domain::outcome::{ConversationLabel, Label, LabelCounts, MessageLabel, Verdict};
use crate::domain::tuning::{Evidence, Source, hint_of_escalation, hint_of_place};
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

/// The last decision that called a human because of a message, and that message's position.
fn escalation_of(
    connection: &Connection,
    conversation: &ConversationId,
) -> Result<Option<(u64, Decision)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "select data from entries where conversation = ? and kind = 'decision' order by position desc",
    )?;
    let mut rows = statement.query([conversation.as_str()])?;
    while let Some(row) = rows.next()? {
        let decision: Decision = read_json(&row.get::<_, String>(0)?)?;
        if let Some(about) = decision.about.filter(|_| decision.is_escalation()) {
            return Ok(Some((about, decision)));
        }
    }
    Ok(None)
}

/// What is said of whole conversations: by the supervisor, or else by the agent at wrap-up.
fn verdicts(connection: &Connection) -> Result<Vec<(ConversationId, ConversationLabel)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "select conversation, label, position from conversation_labels
         union all
         select conversation, label, null from judgements
         where label is not null and conversation not in (select conversation from conversation_labels)
         order by conversation",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let label = ConversationLabel { verdict: verdict(&row.get::<_, String>(1)?)?, position: row.get(2)? };
        found.push((conversation_id(&row.get::<_, String>(0)?)?, label));
    }
    Ok(found)
}

fn conversation_id(text: &str) -> Result<ConversationId, StoreError> {
    ConversationId::parse(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn text_at(
    connection: &Connection,
    conversation: &ConversationId,
    position: u64,
) -> Result<Option<Body>, StoreError> {
    Ok(connection
        .prepare_cached(
            "select body from entries where conversation = ? and position = ? and kind = 'message' and author = 'visitor'",
        )?
        .query_row(params![conversation.as_str(), position], |row| row.get(0).map(Body::stored))
        .optional()?)
}

fn evidence(connection: &Connection) -> Result<Vec<Evidence>, StoreError> {
    let mut said: BTreeMap<(ConversationId, u64), MessageLabel> = BTreeMap::new();
    let mut statement =
        connection.prepare_cached("select conversation, position, label from message_labels")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place = (conversation_id(&row.get::<_, String>(0)?)?, row.get(1)?);
        said.insert(place, read_json(&row.get::<_, String>(2)?)?);
    }
    let mut hints = Vec::new();
    for (conversation, label) in verdicts(connection)? {
        if let Some((position, decision)) = escalation_of(connection, &conversation)? {
            let hint = hint_of_escalation(&decision, label.verdict);
            hints.extend(hint.map(|hint| ((conversation.clone(), position), hint)));
        }
        if let Some(position) = label.position {
            hints.extend(hint_of_place(label.verdict).map(|hint| ((conversation, position), hint)));
        }
    }
    let nothing = MessageLabel::default();
    let hints = hints.into_iter().filter_map(|(place, hint)| {
        let rest = hint.beyond(said.get(&place).unwrap_or(&nothing))?;
        Some((place, rest, Source::Hinted))
    });
    let all: Vec<_> = hints.collect();
    let all = said.into_iter().map(|(place, label)| (place, label, Source::Said)).chain(all);
    let mut found = Vec::new();
    for ((conversation, position), label, source) in all {
        if let Some(text) = text_at(connection, &conversation, position)? {
            found.push(Evidence { conversation, position, text, label, source });
        }
    }
    Ok(found)
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

    async fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        self.read(evidence).await
    }
}
