//! What is old goes, and leaves its numbers; what was answered long ago is forgotten.

use super::{Sql, values};
use crate::domain::time::Timestamp;
use crate::flow::ports::{KeptCounts, Place, Removed, StoreError};
use std::collections::BTreeMap;

/// Conversations that are looked at for one batch.
const AT_ONCE: usize = 100;

/// What belongs to a conversation, in the order in which it can go.
const BELONGINGS: [&str; 6] =
    ["message_labels", "conversation_labels", "judgements", "analyses", "handoffs", "entries"];

struct Old {
    id: String,
    entries: u64,
    opened_at: Timestamp,
}

pub(super) fn remove_closed(
    sql: &dyn Sql,
    before: Timestamp,
    about_entries: u64,
) -> Result<Removed, StoreError> {
    let old: Vec<Old> = sql.all(
        &format!(
            "select id, last_position, opened_at from conversations \
             where state = 'closed' and ended_at <= ?1 order by ended_at, id limit ?2{}",
            sql.dialect().for_update()
        ),
        values![before.as_millis(), AT_ONCE],
        |row| Ok(Old { id: row.get(0)?, entries: row.get(1)?, opened_at: row.time(2)? }),
    )?;
    let mut removed = Removed::default();
    for old in old {
        if removed.conversations > 0 && removed.entries + old.entries > about_entries {
            break;
        }
        keep_counts(sql, &old)?;
        for table in BELONGINGS {
            sql.run(&format!("delete from {table} where conversation = ?1"), values![&old.id])?;
        }
        sql.run("delete from conversations where id = ?1", values![&old.id])?;
        removed.conversations += 1;
        removed.entries += old.entries;
    }
    Ok(removed)
}

/// By what numbers are kept: day, queue, reason, label, policy.
type Key = (String, String, String, String, String);

/// Adds what is counted of a conversation to the numbers: the conversation under its last queue, each handoff under
/// its own.
fn keep_counts(sql: &dyn Sql, old: &Old) -> Result<(), StoreError> {
    let mut counts: BTreeMap<Key, KeptCounts> = BTreeMap::new();
    let (mut first_reason, mut last) = (None, (String::new(), String::new()));
    sql.each(
        "select queue, reason, policy, at, accepted_at, outcome from handoffs where conversation = ?1 order by at, id",
        values![&old.id],
        &mut |row| {
            let (queue, reason, policy): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (at, accepted_at) = (row.time(3)?, row.time_if_any(4)?);
            let is_abandoned = row.get::<Option<&str>>(5)? == Some("abandoned");
            let key = (day(at), queue.clone(), reason.clone(), String::new(), policy.clone());
            let counted = counts.entry(key).or_default();
            counted.handoffs += 1;
            counted.abandoned += u64::from(is_abandoned);
            if let Some(accepted_at) = accepted_at {
                counted.answered += 1;
                counted.waited_ms += u64::try_from(accepted_at.since(at).as_millis()).unwrap_or(0);
            }
            first_reason.get_or_insert(reason);
            last = (queue, policy);
            Ok(std::ops::ControlFlow::Continue(()))
        },
    )?;
    let judged =
        sql.first("select label, csat from judgements where conversation = ?1", values![&old.id], |row| {
            Ok((row.get::<Option<String>>(0)?, row.get::<Option<u64>>(1)?))
        })?;
    let (label, csat) = judged.unwrap_or_default();
    let (queue, policy) = last;
    let key =
        (day(old.opened_at), queue, first_reason.unwrap_or_default(), label.unwrap_or_default(), policy);
    let counted = counts.entry(key).or_default();
    counted.conversations += 1;
    counted.rated += u64::from(csat.is_some());
    counted.rating_sum += csat.unwrap_or(0);
    sql.each(
        "select author, count(*) from entries where conversation = ?1 and kind = 'message' group by author",
        values![&old.id],
        &mut |row| {
            let n: u64 = row.get(1)?;
            match row.get::<&str>(0)? {
                "visitor" => counted.visitor_messages += n,
                "agent" => counted.agent_messages += n,
                _ => counted.bot_messages += n,
            }
            Ok(std::ops::ControlFlow::Continue(()))
        },
    )?;
    for ((day, queue, reason, label, policy), n) in &counts {
        sql.run(
            "insert into kept_counts (day, queue, reason, label, policy, conversations, visitor_messages, bot_messages, \
             agent_messages, handoffs, answered, abandoned, waited_ms, rated, rating_sum) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
             on conflict (day, queue, reason, label, policy) do update set \
             conversations = kept_counts.conversations + excluded.conversations, \
             visitor_messages = kept_counts.visitor_messages + excluded.visitor_messages, \
             bot_messages = kept_counts.bot_messages + excluded.bot_messages, \
             agent_messages = kept_counts.agent_messages + excluded.agent_messages, \
             handoffs = kept_counts.handoffs + excluded.handoffs, \
             answered = kept_counts.answered + excluded.answered, \
             abandoned = kept_counts.abandoned + excluded.abandoned, \
             waited_ms = kept_counts.waited_ms + excluded.waited_ms, \
             rated = kept_counts.rated + excluded.rated, rating_sum = kept_counts.rating_sum + excluded.rating_sum",
            values![
                day,
                queue,
                reason,
                label,
                policy,
                n.conversations,
                n.visitor_messages,
                n.bot_messages,
                n.agent_messages,
                n.handoffs,
                n.answered,
                n.abandoned,
                n.waited_ms,
                n.rated,
                n.rating_sum,
            ],
        )?;
    }
    Ok(())
}

/// The day in UTC.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

pub(super) fn kept_counts(sql: &dyn Sql) -> Result<KeptCounts, StoreError> {
    const COLUMNS: [&str; 10] = [
        "conversations",
        "visitor_messages",
        "bot_messages",
        "agent_messages",
        "handoffs",
        "answered",
        "abandoned",
        "waited_ms",
        "rated",
        "rating_sum",
    ];
    let sums = COLUMNS.map(|column| format!("cast(coalesce(sum({column}), 0) as bigint)")).join(", ");
    sql.one(&format!("select {sums} from kept_counts"), &[], |row| {
        Ok(KeptCounts {
            conversations: row.get(0)?,
            visitor_messages: row.get(1)?,
            bot_messages: row.get(2)?,
            agent_messages: row.get(3)?,
            handoffs: row.get(4)?,
            answered: row.get(5)?,
            abandoned: row.get(6)?,
            waited_ms: row.get(7)?,
            rated: row.get(8)?,
            rating_sum: row.get(9)?,
        })
    })
}

/// A command, and whether it may go.
pub(super) fn old_commands(
    sql: &dyn Sql,
    before: Timestamp,
    from: &Place,
    n_rows: usize,
) -> Result<(Vec<Place>, Option<Place>), StoreError> {
    let rows: Vec<(Place, bool)> = sql.all(
        "select commands.actor, commands.client_id, \
         case when conversations.id is null or (commands.at <= ?1 and conversations.state = 'closed') \
         then 1 else 0 end \
         from commands left join conversations on conversations.id = commands.conversation \
         where (commands.actor, commands.client_id) > (?2, ?3) \
         order by commands.actor, commands.client_id limit ?4",
        values![before.as_millis(), &from.0, &from.1, n_rows],
        |row| Ok((Place(row.get(0)?, row.get(1)?), row.get::<i64>(2)? == 1)),
    )?;
    let next = (rows.len() == n_rows).then(|| rows.last().map(|(place, _)| place.clone())).flatten();
    Ok((rows.into_iter().filter(|(_, may_go)| *may_go).map(|(place, _)| place).collect(), next))
}

pub(super) fn forget_commands(sql: &dyn Sql, places: &[Place]) -> Result<u64, StoreError> {
    let mut n = 0;
    for Place(actor, client_id) in places {
        n +=
            sql.run("delete from commands where actor = ?1 and client_id = ?2", values![actor, client_id])?;
    }
    Ok(n)
}

/// Visitors without a conversation, known since before.
pub(super) fn idle_visitors(
    sql: &dyn Sql,
    before: Timestamp,
    from: &Place,
    n_rows: usize,
) -> Result<(Vec<String>, Option<Place>), StoreError> {
    let rows: Vec<(String, bool)> = sql.all(
        "select id, case when created_at <= ?1 and not exists \
         (select 1 from conversations where conversations.visitor = visitor.id) then 1 else 0 end \
         from visitor where id > ?2 order by id limit ?3",
        values![before.as_millis(), &from.0, n_rows],
        |row| Ok((row.get(0)?, row.get::<i64>(1)? == 1)),
    )?;
    let next =
        (rows.len() == n_rows).then(|| rows.last().map(|(id, _)| Place(id.clone(), String::new()))).flatten();
    Ok((rows.into_iter().filter(|(_, may_go)| *may_go).map(|(id, _)| id).collect(), next))
}

pub(super) fn forget_visitors(sql: &dyn Sql, ids: &[String]) -> Result<u64, StoreError> {
    let mut n = 0;
    for id in ids {
        // Looked at again: a conversation may have begun in between.
        let begun = "(select 1 from conversations where conversations.visitor = ?1)";
        if sql.exists(&format!("select 1 where exists {begun}"), values![id])? {
            continue;
        }
        sql.run("delete from visitor_secret where visitor = ?1", values![id])?;
        n += sql.run("delete from visitor where id = ?1", values![id])?;
    }
    Ok(n)
}
