//! Rows of conversations.

use super::rows::to_json;
use super::{Row, Sql, Value, values};
use crate::domain::conversation::{Conversation, ConversationState};
use crate::domain::id::{AgentId, ConversationId, QueueId, VisitorId, WidgetKey};
use crate::domain::queue::{Place, Priority};
use crate::domain::time::Timestamp;
use crate::flow::ports::{Overdue, Search, StoreError};
use std::sync::LazyLock;

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

/// Which ones wait for a human. Said this way, because only so SQLite sees that the index of those who wait will do.
pub(super) const THAT_WAIT: &str =
    "where state in ('queued', 'offered', 'left_message') and state <> 'left_message'";

/// The places of those that wait.
pub(super) fn places(sql: &dyn Sql) -> Result<Vec<Place>, StoreError> {
    /// What of the state says since when it waits.
    #[derive(serde::Deserialize)]
    struct Waiting {
        since: Timestamp,
    }
    let read = |row: &Row<'_>| {
        Ok(Place {
            conversation: row.parsed(0, ConversationId::parse)?,
            queue: row.parsed_if_any(1, QueueId::parse)?,
            tier: row.get(2)?,
            priority: row.word(3, Priority::parse)?,
            is_front: row.get(4)?,
            answer_due_at: row.time_if_any(5)?,
            since: row.json::<Waiting>(6)?.since,
        })
    };
    let columns = "id, queue, tier, priority, is_front, answer_due_at, state_data";
    sql.all(&format!("select {columns} from conversations {THAT_WAIT}"), &[], read)
}

/// The conversation, which nobody else changes before this step is written.
pub(super) fn get_to_change(sql: &dyn Sql, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
    let lock = sql.dialect().for_update();
    Ok(select(sql, &format!("where id = ?1{lock}"), values![id.as_str()])?.pop())
}

/// Columns that no index holds, in the order in which their values are given. The name of the row is the first value.
const BARE: &[&str] = &[
    "widget",
    "state_data",
    "version",
    "epoch",
    "queue",
    "tier",
    "priority",
    "is_front",
    "excluded",
    "wanted_agent",
    "email",
    "previous",
    "answer_due_at",
    "score",
    "decided_position",
    "last_position",
    "last_visitor_seq",
    "last_visitor_position",
    "due_at",
];

/// Columns that indexes hold and hardly a step changes. SQLite writes an index again when its column is named, whatever the
/// value. (Those of `BARE` that stand in the condition of an index do change.)
const HELD: &[&str] =
    &["visitor", "state", "last_agent", "opened_at", "visitor_seen_at", "agent", "ended_at"];

/// The statements that write a row: a new one, all of one, and what no index holds of one.
struct Statements {
    insert: String,
    update: String,
    update_bare: String,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
    let all = [BARE, HELD].concat();
    let places: Vec<String> = (1..=all.len() + 1).map(|place| format!("?{place}")).collect();
    let update = |columns: &[&str]| {
        let set = columns.iter().enumerate().map(|(at, column)| format!("{column} = ?{}", at + 2));
        format!("update conversations set {} where id = ?1", set.collect::<Vec<_>>().join(", "))
    };
    Statements {
        insert: format!("insert into conversations (id, {}) values ({})", all.join(", "), places.join(", ")),
        update: update(&all),
        update_bare: update(BARE),
    }
});

/// When it ended.
fn ended_at(conversation: &Conversation) -> Option<i64> {
    match &conversation.state {
        ConversationState::WrapUp { ended_at, .. } => Some(ended_at.as_millis()),
        ConversationState::Closed { closed_at } => Some(closed_at.as_millis()),
        _ => None,
    }
}

/// The values of what indexes hold.
fn held(conversation: &Conversation) -> [Value<'_>; HELD.len()] {
    [
        conversation.visitor.as_str().into(),
        conversation.state.name().as_str().into(),
        conversation.last_agent.as_ref().map(AgentId::as_str).into(),
        conversation.opened_at.as_millis().into(),
        conversation.visitor_seen_at.as_millis().into(),
        conversation.state.agent().map(AgentId::as_str).into(),
        ended_at(conversation).into(),
    ]
}

/// Writes the row, which is new or stands there like `stored`. The positions are the store's own and come from
/// `conversation` as the caller has counted them.
pub(super) fn put(
    sql: &dyn Sql,
    conversation: &Conversation,
    stored: Option<&Conversation>,
) -> Result<(), StoreError> {
    let (state, excluded) = (to_json(&conversation.state)?, to_json(&conversation.excluded)?);
    let bare: [Value<'_>; BARE.len() + 1] = [
        conversation.id.as_str().into(),
        conversation.widget.as_ref().map(WidgetKey::as_str).into(),
        state.as_str().into(),
        conversation.version.into(),
        conversation.epoch.into(),
        conversation.queue.as_ref().map(QueueId::as_str).into(),
        conversation.tier.into(),
        conversation.priority.as_str().into(),
        conversation.is_front.into(),
        excluded.as_str().into(),
        conversation.wanted_agent.as_ref().map(AgentId::as_str).into(),
        conversation.email.as_deref().into(),
        conversation.previous.as_ref().map(ConversationId::as_str).into(),
        conversation.answer_due_at.map(Timestamp::as_millis).into(),
        conversation.score.into(),
        conversation.decided_position.into(),
        conversation.last_position.into(),
        conversation.last_visitor_seq.into(),
        conversation.last_visitor_position.into(),
        conversation.state.due_at().map(Timestamp::as_millis).into(),
    ];
    let held_now = held(conversation);
    let written = match stored {
        Some(stored) if held(stored) == held_now => sql.run(&STATEMENTS.update_bare, &bare),
        Some(_) => sql.run(&STATEMENTS.update, &[&bare[..], &held_now].concat()),
        None => sql.run(&STATEMENTS.insert, &[&bare[..], &held_now].concat()),
    }?;
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
