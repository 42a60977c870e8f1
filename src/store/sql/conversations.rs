//! Rows of conversations.

use super::rows::to_json;
use super::{Row, Sql, Value, values};
use crate::domain::conversation::{Conversation, ConversationState};
use crate::domain::id::{AgentId, ConversationId, QueueId, VisitorId, WidgetKey};
use crate::domain::queue::Priority;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Overdue, Search, StoreError};

/// The columns in the order that [`read`] reads them.
pub(super) const COLUMNS: &str = "id, visitor, widget, state_data, version, epoch, queue, tier, priority, is_front, \
    excluded, wanted_agent, last_agent, email, previous, opened_at, visitor_seen_at, answer_due_at, score, \
    decided_position, last_position, last_visitor_seq, last_visitor_position";

fn read(row: &Row<'_>) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: row.parsed(0, ConversationId::parse)?,
        visitor: row.parsed(1, VisitorId::parse)?,
        widget: row.parsed_if_any(2, WidgetKey::parse)?,
        state: row.json(3)?,
        version: row.get(4)?,
        epoch: row.get(5)?,
        queue: row.parsed_if_any(6, QueueId::parse)?,
        tier: row.get(7)?,
        priority: row.word(8, Priority::parse)?,
        is_front: row.get(9)?,
        excluded: row.json(10)?,
        wanted_agent: row.parsed_if_any(11, AgentId::parse)?,
        last_agent: row.parsed_if_any(12, AgentId::parse)?,
        email: row.get(13)?,
        previous: row.parsed_if_any(14, ConversationId::parse)?,
        opened_at: row.time(15)?,
        visitor_seen_at: row.time(16)?,
        answer_due_at: row.time_if_any(17)?,
        score: row.get(18)?,
        decided_position: row.get(19)?,
        last_position: row.get(20)?,
        last_visitor_seq: row.get(21)?,
        last_visitor_position: row.get(22)?,
    })
}

pub(super) fn select(
    sql: &dyn Sql,
    rest: &str,
    values: &[Value<'_>],
) -> Result<Vec<Conversation>, StoreError> {
    sql.all(&format!("select {COLUMNS} from conversations {rest}"), values, read)
}

pub(super) fn get(sql: &dyn Sql, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
    Ok(select(sql, "where id = ?1", values![id.as_str()])?.pop())
}

/// The conversation, which nobody else changes before this step is written.
pub(super) fn get_to_change(sql: &dyn Sql, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
    let lock = sql.dialect().for_update();
    Ok(select(sql, &format!("where id = ?1{lock}"), values![id.as_str()])?.pop())
}

/// Writes the row. The positions are the store's own and come from `conversation` as the caller has counted them.
pub(super) fn put(sql: &dyn Sql, conversation: &Conversation, is_new: bool) -> Result<(), StoreError> {
    let statement = if is_new {
        "insert into conversations (id, visitor, widget, state, state_data, version, epoch, queue, tier, \
         priority, is_front, excluded, wanted_agent, last_agent, email, previous, opened_at, visitor_seen_at, \
         answer_due_at, score, decided_position, last_position, last_visitor_seq, last_visitor_position, \
         agent, due_at, ended_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
         ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)"
    } else {
        "update conversations set visitor = ?2, widget = ?3, state = ?4, state_data = ?5, version = ?6, epoch \
         = ?7, queue = ?8, tier = ?9, priority = ?10, is_front = ?11, excluded = ?12, wanted_agent = ?13, \
         last_agent = ?14, email = ?15, previous = ?16, opened_at = ?17, visitor_seen_at = ?18, answer_due_at \
         = ?19, score = ?20, decided_position = ?21, last_position = ?22, last_visitor_seq = ?23, \
         last_visitor_position = ?24, agent = ?25, due_at = ?26, ended_at = ?27 where id = ?1"
    };
    let ended_at = match &conversation.state {
        ConversationState::WrapUp { ended_at, .. } => Some(ended_at.as_millis()),
        ConversationState::Closed { closed_at } => Some(closed_at.as_millis()),
        _ => None,
    };
    let written = sql.run(
        statement,
        values![
            conversation.id.as_str(),
            conversation.visitor.as_str(),
            conversation.widget.as_ref().map(WidgetKey::as_str),
            conversation.state.name().as_str(),
            &to_json(&conversation.state)?,
            conversation.version,
            conversation.epoch,
            conversation.queue.as_ref().map(QueueId::as_str),
            conversation.tier,
            conversation.priority.as_str(),
            conversation.is_front,
            &to_json(&conversation.excluded)?,
            conversation.wanted_agent.as_ref().map(AgentId::as_str),
            conversation.last_agent.as_ref().map(AgentId::as_str),
            conversation.email.as_deref(),
            conversation.previous.as_ref().map(ConversationId::as_str),
            conversation.opened_at.as_millis(),
            conversation.visitor_seen_at.as_millis(),
            conversation.answer_due_at.map(Timestamp::as_millis),
            conversation.score,
            conversation.decided_position,
            conversation.last_position,
            conversation.last_visitor_seq,
            conversation.last_visitor_position,
            conversation.state.agent().map(AgentId::as_str),
            conversation.state.due_at().map(Timestamp::as_millis),
            ended_at,
        ],
    )?;
    super::rows::one(written)
}

pub(super) fn overdue(
    sql: &dyn Sql,
    before: Overdue,
    limit: usize,
) -> Result<Vec<ConversationId>, StoreError> {
    let since = sql.dialect().millis_in("state_data", "since");
    sql.all(
        &format!(
            "select id from conversations where due_at is not null and due_at <= ?1 \
             union select id from conversations where last_visitor_position > decided_position \
                 and visitor_seen_at <= ?2 \
             union select id from conversations where state in ('with_bot', 'queued', 'offered') \
                 and visitor_seen_at <= case state when 'with_bot' then cast(?3 as bigint) else cast(?4 as bigint) end \
                 and (state = 'with_bot' or ({since} <= ?4 \
                     and (email is null or {since} - visitor_seen_at < cast(?1 as bigint) - cast(?4 as bigint)))) \
             union select id from conversations where state = 'wrap_up' and ended_at <= ?5 limit ?6"
        ),
        values![
            before.now.as_millis(),
            before.undecided_before.as_millis(),
            before.idle_before.as_millis(),
            before.gone_before.as_millis(),
            before.wrap_up_before.as_millis(),
            limit,
        ],
        |row| row.parsed(0, ConversationId::parse),
    )
}

pub(super) fn search(sql: &dyn Sql, search: &Search) -> Result<Vec<Conversation>, StoreError> {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values: Vec<Value<'_>> = Vec::new();
    if !search.states.is_empty() {
        let words: Vec<String> = search.states.iter().map(|state| format!("'{}'", state.as_str())).collect();
        conditions.push(format!("state in ({})", words.join(", ")));
    }
    if let Some(agent) = &search.agent {
        values.push(agent.as_str().into());
        conditions.push(format!("(agent = ?{n} or last_agent = ?{n})", n = values.len()));
    }
    if let Some(before) = search.before {
        values.push(before.as_millis().into());
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
    let pattern = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    if !text.is_empty() {
        values.push((&pattern).into());
        values.push(text.into());
        conditions.push(format!(
            "(email {like} ?{n} escape '\\' or id = ?{m} or exists (select 1 from entries where \
             entries.conversation = conversations.id and entries.body {like} ?{n} escape '\\'))",
            like = sql.dialect().like(),
            n = values.len() - 1,
            m = values.len()
        ));
    }
    values.push(search.limit.into());
    let rest = format!(
        "where {} order by opened_at desc, id desc limit ?{}",
        conditions.join(" and "),
        values.len()
    );
    select(sql, &rest, &values)
}
