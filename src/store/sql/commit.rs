//! Writing one step: everything it changes, checked and written together.

use super::points::received;
use super::{Sql, agents, conversations, entries, handoffs, nodes, values};
use crate::domain::conversation::{Author, Change, ConversationState, EntryKind, NewEntry, Reservation};
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;
use crate::fault::planted;
use crate::flow::ports::{Ack, CommandKey, Committed, Receipt, StoreError};

pub(super) fn answered(sql: &dyn Sql, command: &CommandKey) -> Result<Option<Ack>, StoreError> {
    let found = sql.first(
        "select digest, conversation, position, visitor_seq, at from commands where actor = ?1 and client_id = ?2",
        values![&command.actor, &command.client_id],
        |row| {
            let ack = Ack {
                conversation: row.parsed(1, ConversationId::parse)?,
                position: row.get(2)?,
                visitor_seq: row.get(3)?,
                at: row.time(4)?,
            };
            Ok((row.get::<&[u8]>(0)? == command.digest, ack))
        },
    )?;
    match found {
        Some((true, ack)) => Ok(Some(ack)),
        Some((false, ack)) if planted("client_id_conflict_ignored") => Ok(Some(ack)),
        Some((false, _)) => Err(StoreError::ClientId),
        None => Ok(None),
    }
}

fn remember(sql: &dyn Sql, command: &CommandKey, ack: &Ack) -> Result<(), StoreError> {
    sql.run(
        "insert into commands (actor, client_id, digest, conversation, position, visitor_seq, at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            &command.actor,
            &command.client_id,
            &command.digest[..],
            ack.conversation.as_str(),
            ack.position,
            ack.visitor_seq,
            ack.at.as_millis(),
        ],
    )
    .map(|_| ())
}

/// The visitor's message: the hot path. It touches the row's counters and nothing else of it, so it conflicts with
/// no step that is being decided (invariant 4).
pub(super) fn receive(sql: &dyn Sql, receipt: &Receipt) -> Result<Ack, StoreError> {
    if let Some(ack) = answered(sql, &receipt.command)? {
        if planted("retry_writes_twice") {
            sql.run("delete from commands", &[])?;
        } else {
            return Ok(ack);
        }
    }
    let counted = sql.first(
        "update conversations set last_position = last_position + 1, last_visitor_seq = last_visitor_seq + 1, \
         last_visitor_position = last_position + 1, visitor_seen_at = ?2 \
         where visitor = ?1 and state not in ('wrap_up', 'closed') returning id, last_position, last_visitor_seq",
        values![receipt.visitor.as_str(), receipt.at.as_millis()],
        |row| Ok((row.parsed(0, ConversationId::parse)?, row.get(1)?, row.get(2)?)),
    )?;
    let (conversation, position, visitor_seq) = counted.ok_or(StoreError::Conflict)?;
    let entry = NewEntry::message(Author::Visitor, receipt.body.clone(), receipt.at);
    let client_id = Some(receipt.command.client_id.as_str());
    entries::append(sql, &conversation, position, Some(visitor_seq), &entry, client_id)?;
    let ack = Ack { conversation, position: Some(position), visitor_seq: Some(visitor_seq), at: receipt.at };
    remember(sql, &receipt.command, &ack)?;
    received();
    Ok(ack)
}

/// One step, whole or not at all.
pub(super) fn commit(
    sql: &dyn Sql,
    change: &Change,
    command: Option<&CommandKey>,
    now: Timestamp,
) -> Result<Committed, StoreError> {
    if let Some(ack) = command.map(|command| answered(sql, command)).transpose()?.flatten() {
        return Ok(Committed { ack, is_written: false });
    }
    let mut conversation = change.conversation.clone();
    let stored = if change.is_new {
        None
    } else {
        Some(conversations::get_to_change(sql, &conversation.id)?.ok_or(StoreError::NotFound)?)
    };
    if let Some(stored) = &stored {
        if stored.version != conversation.version && !planted("claim_without_compare_and_set") {
            return Err(StoreError::Conflict);
        }
        if change.is_placed
            && stored.last_position != conversation.last_position
            && !planted("position_ignored")
        {
            return Err(StoreError::Conflict);
        }
        // Messages may have come in since it was read: the counters are the store's.
        if !planted("sequence_from_memory") {
            conversation.last_position = stored.last_position;
            conversation.last_visitor_seq = stored.last_visitor_seq;
        }
        conversation.last_visitor_position = stored.last_visitor_position;
        conversation.visitor_seen_at = conversation.visitor_seen_at.max(stored.visitor_seen_at);
    }
    if let Some(absence) = change.absence.as_ref().filter(|_| !planted("absence_not_checked")) {
        agents::must_be_gone(sql, absence)?;
    }
    if let Some(reservation) = change.reservation.as_ref().filter(|_| !planted("capacity_not_reserved")) {
        reserve(sql, &conversation.id, reservation, now)?;
    }
    if let ConversationState::Offered { agent, .. } = &conversation.state {
        agents::offered(sql, agent, now)?;
    }
    conversation.version += 1;
    let mut placed = Vec::with_capacity(change.entries.len());
    for entry in &change.entries {
        conversation.last_position += 1;
        let is_noted = matches!(entry.kind, EntryKind::Note { .. }) && planted("note_gets_visitor_sequence");
        let visitor_seq = (entry.kind.is_for_visitor() || is_noted).then(|| {
            conversation.last_visitor_seq += 1;
            conversation.last_visitor_seq
        });
        if entry.author == Author::Visitor && matches!(entry.kind, EntryKind::Message { .. }) {
            conversation.last_visitor_position = conversation.last_position;
        }
        placed.push((conversation.last_position, visitor_seq, entry));
    }
    conversations::put(sql, &conversation, stored.as_ref())?;
    for (index, (position, visitor_seq, entry)) in placed.iter().enumerate() {
        let is_own = index == 0 && entry.author != Author::System;
        let client_id = command.filter(|_| is_own).map(|command| command.client_id.as_str());
        entries::append(sql, &conversation.id, *position, *visitor_seq, entry, client_id)?;
    }
    for handoff in &change.handoffs {
        handoffs::change(sql, handoff)?;
    }
    for (position, analysis) in &change.analyses {
        entries::put_analysis(sql, &conversation.id, *position, analysis)?;
    }
    let first = placed.first();
    let ack = Ack {
        position: first.map(|(position, ..)| *position),
        visitor_seq: first.and_then(|(_, visitor_seq, _)| *visitor_seq),
        at: first.map_or(now, |(.., entry)| entry.at),
        conversation: conversation.id,
    };
    if let Some(command) = command {
        remember(sql, command, &ack)?;
    }
    Ok(Committed { ack, is_written: true })
}

/// Room is taken in the same write that offers or takes a conversation, so two nodes cannot both give the last place.
fn reserve(
    sql: &dyn Sql,
    id: &ConversationId,
    wanted: &Reservation,
    now: Timestamp,
) -> Result<(), StoreError> {
    if agents::held_beside(sql, &wanted.agent, id)? < wanted.capacity {
        nodes::holds(sql, &wanted.agent, now)
    } else {
        Err(StoreError::NoRoom)
    }
}
