//! Rows of conversations.

use super::{failed, read_json, to_json};
use crate::domain::conversation::{Conversation, ConversationState};
use crate::domain::id::{AgentId, ConversationId, QueueId, VisitorId, WidgetKey};
use crate::domain::queue::Priority;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Overdue, Search, StoreError};
use rusqlite::{Connection, Row, ToSql, named_params, params_from_iter};

/// The columns in the order that [`read`] reads them.
pub(super) const COLUMNS: &str = "id, visitor, widget, state_data, version, epoch, queue, tier, priority, is_front, \
    excluded, wanted_agent, last_agent, email, previous, opened_at, visitor_seen_at, answer_due_at, score, \
    decided_position, last_position, last_visitor_seq, last_visitor_position";

fn id<T>(
    text: String,
    parse: impl Fn(&str) -> Result<T, crate::domain::id::InvalidId>,
) -> Result<T, StoreError> {
    parse(&text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn optional_id<T>(
    text: Option<String>,
    parse: impl Fn(&str) -> Result<T, crate::domain::id::InvalidId>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| id(text, parse)).transpose()
}

pub(super) fn time(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

fn read(row: &Row<'_>) -> Result<Conversation, StoreError> {
    let text = |index: usize| row.get::<_, String>(index).map_err(failed);
    let maybe = |index: usize| row.get::<_, Option<String>>(index).map_err(failed);
    let number = |index: usize| row.get::<_, u64>(index).map_err(failed);
    let at = |index: usize| row.get::<_, i64>(index).map(Timestamp::from_millis).map_err(failed);
    let state: ConversationState = read_json(&text(3)?)?;
    Ok(Conversation {
        id: id(text(0)?, ConversationId::parse)?,
        visitor: id(text(1)?, VisitorId::parse)?,
        widget: optional_id(maybe(2)?, WidgetKey::parse)?,
        state,
        version: number(4)?,
        epoch: number(5)?,
        queue: optional_id(maybe(6)?, QueueId::parse)?,
        tier: row.get(7).map_err(failed)?,
        priority: Priority::parse(&text(8)?).ok_or_else(|| StoreError::Corrupt("priority".into()))?,
        is_front: row.get(9).map_err(failed)?,
        excluded: read_json(&text(10)?)?,
        wanted_agent: optional_id(maybe(11)?, AgentId::parse)?,
        last_agent: optional_id(maybe(12)?, AgentId::parse)?,
        email: maybe(13)?,
        previous: optional_id(maybe(14)?, ConversationId::parse)?,
        opened_at: at(15)?,
        visitor_seen_at: at(16)?,
        answer_due_at: time(row.get(17).map_err(failed)?),
        score: row.get(18).map_err(failed)?,
        decided_position: number(19)?,
        last_position: number(20)?,
        last_visitor_seq: number(21)?,
        last_visitor_position: number(22)?,
    })
}

pub(super) fn select(
    connection: &Connection,
    rest: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<Conversation>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("select {COLUMNS} from conversations {rest}")).map_err(failed)?;
    let mut rows = statement.query(values).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(read(row)?);
    }
    Ok(found)
}

pub(super) fn get(connection: &Connection, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
    Ok(select(connection, "where id = ?1", &[&id.as_str()])?.pop())
}

/// Writes the row. The positions are the store's own and come from `conversation` as the caller has counted them.
pub(super) fn put(
    connection: &Connection,
    conversation: &Conversation,
    is_new: bool,
) -> Result<(), StoreError> {
    let sql = if is_new {
        "insert into conversations (id, visitor, widget, state, state_data, version, epoch, queue, tier, priority, \
         is_front, excluded, wanted_agent, last_agent, email, previous, opened_at, visitor_seen_at, answer_due_at, \
         score, decided_position, last_position, last_visitor_seq, last_visitor_position, agent, due_at, ended_at) \
         values (:id, :visitor, :widget, :state, :state_data, :version, :epoch, :queue, :tier, :priority, :is_front, \
         :excluded, :wanted_agent, :last_agent, :email, :previous, :opened_at, :visitor_seen_at, :answer_due_at, \
         :score, :decided_position, :last_position, :last_visitor_seq, :last_visitor_position, :agent, :due_at, \
         :ended_at)"
    } else {
        "update conversations set visitor = :visitor, widget = :widget, state = :state, state_data = :state_data, \
         version = :version, epoch = :epoch, queue = :queue, tier = :tier, priority = :priority, \
         is_front = :is_front, excluded = :excluded, wanted_agent = :wanted_agent, last_agent = :last_agent, \
         email = :email, previous = :previous, opened_at = :opened_at, visitor_seen_at = :visitor_seen_at, \
         answer_due_at = :answer_due_at, score = :score, decided_position = :decided_position, \
         last_position = :last_position, last_visitor_seq = :last_visitor_seq, \
         last_visitor_position = :last_visitor_position, agent = :agent, due_at = :due_at, ended_at = :ended_at \
         where id = :id"
    };
    let ended_at = match &conversation.state {
        ConversationState::WrapUp { ended_at, .. } => Some(ended_at.as_millis()),
        ConversationState::Closed { closed_at } => Some(closed_at.as_millis()),
        _ => None,
    };
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    statement
        .execute(named_params! {
            ":id": conversation.id.as_str(),
            ":visitor": conversation.visitor.as_str(),
            ":widget": conversation.widget.as_ref().map(WidgetKey::as_str),
            ":state": conversation.state.name().as_str(),
            ":state_data": to_json(&conversation.state)?,
            ":version": conversation.version,
            ":epoch": conversation.epoch,
            ":queue": conversation.queue.as_ref().map(QueueId::as_str),
            ":tier": conversation.tier,
            ":priority": conversation.priority.as_str(),
            ":is_front": conversation.is_front,
            ":excluded": to_json(&conversation.excluded)?,
            ":wanted_agent": conversation.wanted_agent.as_ref().map(AgentId::as_str),
            ":last_agent": conversation.last_agent.as_ref().map(AgentId::as_str),
            ":email": conversation.email,
            ":previous": conversation.previous.as_ref().map(ConversationId::as_str),
            ":opened_at": conversation.opened_at.as_millis(),
            ":visitor_seen_at": conversation.visitor_seen_at.as_millis(),
            ":answer_due_at": conversation.answer_due_at.map(Timestamp::as_millis),
            ":score": conversation.score,
            ":decided_position": conversation.decided_position,
            ":last_position": conversation.last_position,
            ":last_visitor_seq": conversation.last_visitor_seq,
            ":last_visitor_position": conversation.last_visitor_position,
            ":agent": conversation.state.agent().map(AgentId::as_str),
            ":due_at": conversation.state.due_at().map(Timestamp::as_millis),
            ":ended_at": ended_at,
        })
        .map_err(failed)?;
    Ok(())
}

pub(super) fn overdue(
    connection: &Connection,
    before: Overdue,
    limit: usize,
) -> Result<Vec<ConversationId>, StoreError> {
    let sql = "select id from conversations where due_at is not null and due_at <= ?1 \
        union select id from conversations where last_visitor_position > decided_position and visitor_seen_at <= ?2 \
        union select id from conversations where state in ('with_bot', 'queued', 'offered') \
            and visitor_seen_at <= case state when 'with_bot' then ?3 else ?4 end \
            and (state = 'with_bot' or (unixepoch(state_data ->> 'since', 'subsec') * 1000 <= ?4 \
                and (email is null or unixepoch(state_data ->> 'since', 'subsec') * 1000 - visitor_seen_at < ?1 - ?4))) \
        union select id from conversations where state = 'wrap_up' and ended_at <= ?5 limit ?6";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement
        .query_map(
            (
                before.now.as_millis(),
                before.undecided_before.as_millis(),
                before.idle_before.as_millis(),
                before.gone_before.as_millis(),
                before.wrap_up_before.as_millis(),
                limit,
            ),
            |row| row.get::<_, String>(0),
        )
        .map_err(failed)?;
    rows.map(|row| id(row.map_err(failed)?, ConversationId::parse)).collect()
}

pub(super) fn search(connection: &Connection, search: &Search) -> Result<Vec<Conversation>, StoreError> {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    if !search.states.is_empty() {
        let words: Vec<String> = search.states.iter().map(|state| format!("'{}'", state.as_str())).collect();
        conditions.push(format!("state in ({})", words.join(", ")));
    }
    if let Some(agent) = &search.agent {
        values.push(Box::new(agent.as_str().to_owned()));
        conditions.push(format!("(agent = ?{n} or last_agent = ?{n})", n = values.len()));
    }
    if let Some(before) = search.before {
        values.push(Box::new(before.as_millis()));
        conditions.push(format!("opened_at < ?{}", values.len()));
    }
    if let Some(is_labeled) = search.is_labeled {
        let negation = if is_labeled { "" } else { "not " };
        conditions.push(format!(
            "{negation}(exists (select 1 from message_labels where conversation = conversations.id) \
             or exists (select 1 from conversation_labels where conversation = conversations.id))"
        ));
    }
    let text = search.text.trim();
    if !text.is_empty() {
        let pattern = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        values.push(Box::new(pattern));
        values.push(Box::new(text.to_owned()));
        conditions.push(format!(
            "(email like ?{n} escape '\\' or id = ?{m} or exists (select 1 from entries where \
             entries.conversation = conversations.id and entries.body like ?{n} escape '\\'))",
            n = values.len() - 1,
            m = values.len()
        ));
    }
    values.push(Box::new(search.limit));
    let sql = format!(
        "select {COLUMNS} from conversations where {} order by opened_at desc, id desc limit ?{}",
        conditions.join(" and "),
        values.len()
    );
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(values.iter().map(|value| &**value))).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(read(row)?);
    }
    Ok(found)
}
