//! Looking for a person: whom a text names, and what is stored about them in numbers. Not
//! what it is: that is `person`.

use super::{Sql, Value, conversations, values};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, VisitorId};
use crate::domain::visitor::Profile;
use crate::flow::ports::{Held, Outline, StoreError};

/// Rows of the conversations of a visitor, who is `?1`.
const OF_THEIRS: &str = "conversation in (select id from conversations where visitor = ?1)";

/// A pattern for `like` that finds a text anywhere.
fn anywhere(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

pub(super) fn find(
    sql: &dyn Sql,
    text: &str,
    or: &[VisitorId],
    limit: usize,
) -> Result<Vec<VisitorId>, StoreError> {
    let like = sql.dialect().like();
    // In the profile a text stands as JSON writes it.
    let written = serde_json::Value::from(text).to_string();
    let pattern = anywhere(text);
    let in_profile = anywhere(written.trim_matches('"'));
    let mut wanted: Vec<Value<'_>> = vec![(&pattern).into(), (&in_profile).into()];
    let mut ids = String::new();
    for id in or {
        wanted.push(id.as_str().into());
        ids.push_str(&format!(" or id = ?{}", wanted.len()));
    }
    // Whoever left an address in a conversation is known by that too; nobody is no one.
    let statement = format!(
        "select id, profile from visitor where id {like} ?1 escape '\\' or profile {like} ?2 escape '\\' \
         or id in (select visitor from conversations where email {like} ?1 escape '\\'){ids} \
         order by created_at desc, id desc"
    );
    let found: Vec<(VisitorId, Profile)> =
        sql.all(&statement, &wanted, |row| Ok((row.parsed(0, VisitorId::parse)?, row.json(1)?)))?;
    let left: Vec<VisitorId> = sql.all(
        &format!("select distinct visitor from conversations where email {like} ?1 escape '\\'"),
        values![&pattern],
        |row| row.parsed(0, VisitorId::parse),
    )?;
    let lower = text.to_lowercase();
    let has = |part: &str| part.to_lowercase().contains(&lower);
    // A pattern also finds the names of fields and attributes, which are nobody's.
    let is_meant = |id: &VisitorId, profile: &Profile| {
        has(id.as_str())
            || has(&profile.name)
            || profile.email.as_deref().is_some_and(has)
            || profile.attributes.values().any(|value| has(value))
            || or.contains(id)
            || left.contains(id)
    };
    let meant = found.into_iter().filter(|(id, profile)| is_meant(id, profile)).map(|(id, _)| id);
    Ok(meant.take(limit).collect())
}

pub(super) fn outline(sql: &dyn Sql, visitor: &VisitorId) -> Result<Option<Outline>, StoreError> {
    let id = values![visitor.as_str()];
    let known: Option<(Profile, _)> =
        sql.first("select profile, created_at from visitor where id = ?1", id, |row| {
            Ok((row.json(0)?, Some(row.time(1)?)))
        })?;
    let (n_conversations, unfinished, first_at, seen_at) = sql.one(
        "select count(*), count(*) filter (where state <> 'closed'), min(opened_at), max(visitor_seen_at) \
         from conversations where visitor = ?1",
        id,
        |row| {
            let at = |place| row.get::<Option<i64>>(place);
            Ok((row.get::<u64>(0)?, row.get::<u64>(1)?, at(2)?, at(3)?))
        },
    )?;
    if known.is_none() && n_conversations == 0 {
        return Ok(None);
    }
    let at = crate::domain::time::Timestamp::from_millis;
    let (profile, known_since) = known.unwrap_or_default();
    let (messages, answers, notes) = sql.one(
        &format!(
            "select count(*) filter (where kind = 'message' and author = 'visitor'), \
             count(*) filter (where kind in ('message', 'unsent') and author <> 'visitor'), \
             count(*) filter (where kind = 'note') from entries where {OF_THEIRS}"
        ),
        id,
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let count = |what: &str| {
        sql.one(&format!("select count(*) from {what} {OF_THEIRS}"), id, |row| row.get::<u64>(0))
    };
    let left_email = sql.first(
        "select email from conversations where visitor = ?1 and email is not null order by opened_at desc, id desc limit 1",
        id,
        |row| row.get(0),
    )?;
    let held = Held {
        conversations: n_conversations,
        unfinished,
        messages,
        answers,
        notes,
        handoffs: count("handoffs where")?,
        ratings: count("judgements where csat is not null and")?,
        labels: count("message_labels where")?,
    };
    Ok(Some(Outline {
        visitor: visitor.clone(),
        profile,
        left_email,
        known_since: known_since.or(first_at.map(at)),
        seen_at: seen_at.map(at),
        held,
    }))
}

pub(super) fn conversations_of(
    sql: &dyn Sql,
    visitor: &VisitorId,
    limit: usize,
) -> Result<Vec<Conversation>, StoreError> {
    let rest = "where visitor = ?1 order by opened_at desc, id desc limit ?2";
    conversations::select(sql, rest, values![visitor.as_str(), limit])
}

pub(super) fn unfinished_of(sql: &dyn Sql, visitor: &VisitorId) -> Result<Vec<ConversationId>, StoreError> {
    sql.all(
        "select id from conversations where visitor = ?1 and state <> 'closed' order by id",
        values![visitor.as_str()],
        |row| row.parsed(0, ConversationId::parse),
    )
}
