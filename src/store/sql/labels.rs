//! Labels: of messages, of conversations, and how many there are.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use async_trait::async_trait;

use super::directory::audit;
use super::rows::to_json;
use super::{Row, Sql, SqlStore, values};
use crate::domain::conversation::Body;
use crate::domain::escalation::Decision;
use crate::domain::id::{AgentId, ConversationId};
use crate::domain::outcome::{ConversationLabel, Label, LabelCounts, MessageLabel, Verdict};
use crate::domain::tuning::{Evidence, Source, hint_of_escalation, hint_of_place};
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{DirectoryError, Labels, LabelsOf, StoreError};

fn must_be_a_message(
    sql: &dyn Sql,
    conversation: &ConversationId,
    position: u64,
) -> Result<(), DirectoryError> {
    let is_there = sql.exists(
        "select 1 from entries where conversation = ?1 and position = ?2 and kind = 'message' and author = 'visitor'",
        values![conversation.as_str(), position],
    )?;
    if is_there { Ok(()) } else { Err(DirectoryError::NotFound("the visitor's message")) }
}

fn must_be_there(sql: &dyn Sql, conversation: &ConversationId) -> Result<(), DirectoryError> {
    let is_there = sql.exists("select 1 from conversations where id = ?1", values![conversation.as_str()])?;
    if is_there { Ok(()) } else { Err(DirectoryError::NotFound("the conversation")) }
}

fn by(stamp: &Stamp) -> Option<&str> {
    stamp.by.as_ref().map(AgentId::as_str)
}

fn verdict_in(row: &Row<'_>, (label, position): (usize, usize)) -> Result<ConversationLabel, StoreError> {
    Ok(ConversationLabel { verdict: row.word(label, Verdict::parse)?, position: row.get(position)? })
}

fn label_of_conversation(
    sql: &dyn Sql,
    id: &ConversationId,
) -> Result<Option<ConversationLabel>, StoreError> {
    sql.first(
        "select label, position from conversation_labels where conversation = ?1",
        values![id.as_str()],
        |row| verdict_in(row, (0, 1)),
    )
}

fn labels_of_messages(sql: &dyn Sql, id: &ConversationId) -> Result<BTreeMap<u64, MessageLabel>, StoreError> {
    sql.all(
        "select position, label from message_labels where conversation = ?1",
        values![id.as_str()],
        |row| Ok((row.get(0)?, row.json(1)?)),
    )
}

fn count(sql: &dyn Sql) -> Result<LabelCounts, StoreError> {
    let mut counts = LabelCounts::default();
    let labels: Vec<MessageLabel> = sql.all("select label from message_labels", &[], |row| row.json(0))?;
    labels.iter().for_each(|label| counts.add(label));
    counts.conversations = sql.one("select count(*) from conversation_labels", &[], |row| row.get(0))?;
    let escalations: Vec<(String, usize)> = sql.all(
        // Those of conversations that retention removed are kept as numbers.
        "select label, cast(sum(n) as bigint) from (\
         select label, count(*) as n from judgements where label is not null group by label \
         union all select label, conversations as n from kept_counts where label <> '') as counted group by label",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (word, n) in escalations {
        if let Some(place) = Label::ALL.iter().position(|label| label.as_str() == word) {
            counts.escalations[place] = n;
        }
    }
    Ok(counts)
}

/// The last decision that called a human because of a message, and that message's position.
fn escalation_of(
    sql: &dyn Sql,
    conversation: &ConversationId,
) -> Result<Option<(u64, Decision)>, StoreError> {
    let mut found = None;
    sql.each(
        "select data from entries where conversation = ?1 and kind = 'decision' order by position desc",
        values![conversation.as_str()],
        &mut |row| {
            let decision: Decision = row.json(0)?;
            let Some(about) = decision.about.filter(|_| decision.is_escalation()) else {
                return Ok(ControlFlow::Continue(()));
            };
            found = Some((about, decision));
            Ok(ControlFlow::Break(()))
        },
    )?;
    Ok(found)
}

/// What is said of whole conversations: by the supervisor, or else by the agent at wrap-up.
fn verdicts(sql: &dyn Sql) -> Result<Vec<(ConversationId, ConversationLabel)>, StoreError> {
    sql.all(
        "select conversation, label, position from conversation_labels
         union all
         select conversation, label, null from judgements
         where label is not null and conversation not in (select conversation from conversation_labels)
         order by conversation",
        &[],
        |row| Ok((row.parsed(0, ConversationId::parse)?, verdict_in(row, (1, 2))?)),
    )
}

fn text_at(sql: &dyn Sql, conversation: &ConversationId, position: u64) -> Result<Option<Body>, StoreError> {
    sql.first(
        "select body from entries where conversation = ?1 and position = ?2 and kind = 'message' \
         and author = 'visitor' and body <> ''",
        values![conversation.as_str(), position],
        |row| row.get(0).map(Body::stored),
    )
}

fn evidence(sql: &dyn Sql) -> Result<Vec<Evidence>, StoreError> {
    let said: BTreeMap<(ConversationId, u64), MessageLabel> =
        sql.all("select conversation, position, label from message_labels", &[], |row| {
            Ok(((row.parsed(0, ConversationId::parse)?, row.get(1)?), row.json(2)?))
        })?;
    let mut hints = Vec::new();
    for (conversation, label) in verdicts(sql)? {
        if let Some((position, decision)) = escalation_of(sql, &conversation)? {
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
        if let Some(text) = text_at(sql, &conversation, position)? {
            found.push(Evidence { conversation, position, text, label, source });
        }
    }
    Ok(found)
}

#[async_trait]
impl Labels for SqlStore {
    async fn label_message(
        &self,
        stamp: Stamp,
        conversation: ConversationId,
        position: u64,
        label: MessageLabel,
    ) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            must_be_a_message(tx, &conversation, position)?;
            tx.run(
                "insert into message_labels (conversation, position, label, by_agent, at)
                     values (?1, ?2, ?3, ?4, ?5)
                 on conflict (conversation, position) do update set label = excluded.label,
                     by_agent = excluded.by_agent, at = excluded.at",
                values![conversation.as_str(), position, &to_json(&label)?, by(&stamp), stamp.at.as_millis()],
            )?;
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
            let n_removed = tx.run(
                "delete from message_labels where conversation = ?1 and position = ?2",
                values![conversation.as_str(), position],
            )?;
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
            tx.run(
                "insert into conversation_labels (conversation, label, position, by_agent, at)
                     values (?1, ?2, ?3, ?4, ?5)
                 on conflict (conversation) do update set label = excluded.label, position = excluded.position,
                     by_agent = excluded.by_agent, at = excluded.at",
                values![
                    conversation.as_str(),
                    label.verdict.as_str(),
                    label.position,
                    by(&stamp),
                    stamp.at.as_millis()
                ],
            )?;
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
            let n_removed = tx.run(
                "delete from conversation_labels where conversation = ?1",
                values![conversation.as_str()],
            )?;
            if n_removed > 0 {
                audit(tx, &stamp, "label.conversation.remove", conversation.as_str(), "")?;
            }
            Ok(())
        })
        .await
    }

    async fn labels_of(&self, conversation: &ConversationId) -> Result<LabelsOf, StoreError> {
        let id = conversation.clone();
        self.read(move |sql| {
            Ok(LabelsOf {
                conversation: label_of_conversation(sql, &id)?,
                messages: labels_of_messages(sql, &id)?,
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
