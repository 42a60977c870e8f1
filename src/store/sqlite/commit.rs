//! Writing one step: everything it changes, checked and written together.

use super::{agents, conversations, entries, failed, handoffs};
use crate::domain::conversation::{Author, Change, ConversationState, EntryKind, NewEntry, Reservation};
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;
use crate::fault::planted;
use crate::flow::ports::{Ack, CommandKey, Receipt, StoreError};
use rusqlite::{Connection, OptionalExtension};

pub(super) fn answered(connection: &Connection, command: &CommandKey) -> Result<Option<Ack>, StoreError> {
    let row = connection
        .prepare_cached(
            "select digest, conversation, position, visitor_seq, at from commands where actor = ?1 and client_id = ?2",
        )
        .map_err(failed)?
        .query_row((&command.actor, &command.client_id), |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<u64>>(2)?,
                row.get::<_, Option<u64>>(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .optional()
        .map_err(failed)?;
    let Some((digest, conversation, position, visitor_seq, at)) = row else { return Ok(None) };
    if digest != command.digest && !planted("client_id_conflict_ignored") {
        return Err(StoreError::ClientId);
    }
    let conversation =
        ConversationId::parse(&conversation).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    Ok(Some(Ack { conversation, position, visitor_seq, at: Timestamp::from_millis(at) }))
}

fn remember(connection: &Connection, command: &CommandKey, ack: &Ack) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "insert into commands (actor, client_id, digest, conversation, position, visitor_seq, at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .map_err(failed)?
        .execute((
            &command.actor,
            &command.client_id,
            &command.digest[..],
            ack.conversation.as_str(),
            ack.position,
            ack.visitor_seq,
            ack.at.as_millis(),
        ))
        .map_err(failed)?;
    Ok(())
}

/// The visitor's message: the hot path. It touches the row's counters and nothing else of it, so it conflicts with
/// no step that is being decided (invariant 4).
pub(super) fn receive(connection: &Connection, receipt: &Receipt) -> Result<Ack, StoreError> {
    if let Some(ack) = answered(connection, &receipt.command)? {
        if planted("retry_writes_twice") {
            connection.execute("delete from commands", []).map_err(failed)?;
        } else {
            return Ok(ack);
        }
    }
    let counted = connection
        .prepare_cached(
            "update conversations set last_position = last_position + 1, last_visitor_seq = last_visitor_seq + 1, \
             last_visitor_position = last_position + 1, visitor_seen_at = ?3 \
             where id = ?1 and visitor = ?2 and state not in ('wrap_up', 'closed') \
             returning last_position, last_visitor_seq",
        )
        .map_err(failed)?
        .query_row((receipt.conversation.as_str(), receipt.visitor.as_str(), receipt.at.as_millis()), |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?))
        })
        .optional()
        .map_err(failed)?;
    let (position, visitor_seq) = counted.ok_or(StoreError::Conflict)?;
    let entry = NewEntry::message(Author::Visitor, receipt.body.clone(), receipt.at);
    let client_id = Some(receipt.command.client_id.as_str());
    entries::append(connection, &receipt.conversation, position, Some(visitor_seq), &entry, client_id)?;
    let ack = Ack {
        conversation: receipt.conversation.clone(),
        position: Some(position),
        visitor_seq: Some(visitor_seq),
        at: receipt.at,
    };
    remember(connection, &receipt.command, &ack)?;
    Ok(ack)
}

/// One step, whole or not at all.
pub(super) fn commit(
    connection: &Connection,
    change: Change,
    command: Option<&CommandKey>,
    now: Timestamp,
) -> Result<Ack, StoreError> {
    if let Some(ack) = command.map(|command| answered(connection, command)).transpose()?.flatten() {
        return Ok(ack);
    }
    let Change {
        mut conversation,
        is_new,
        entries: new_entries,
        handoffs: handoff_changes,
        reservation,
        analyses,
        is_placed,
    } = change;
    if !is_new {
        let stored = conversations::get(connection, &conversation.id)?.ok_or(StoreError::NotFound)?;
        if stored.version != conversation.version && !planted("claim_without_compare_and_set") {
            return Err(StoreError::Conflict);
        }
        if is_placed && stored.last_position != conversation.last_position && !planted("position_ignored") {
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
    if let Some(reservation) = reservation.as_ref().filter(|_| !planted("capacity_not_reserved")) {
        reserve(connection, &conversation.id, reservation)?;
    }
    if let ConversationState::Offered { agent, .. } = &conversation.state {
        agents::offered(connection, agent, now)?;
    }
    conversation.version += 1;
    let mut placed = Vec::with_capacity(new_entries.len());
    for entry in new_entries {
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
    conversations::put(connection, &conversation, is_new)?;
    for (index, (position, visitor_seq, entry)) in placed.iter().enumerate() {
        let is_own = index == 0 && entry.author != Author::System;
        let client_id = command.filter(|_| is_own).map(|command| command.client_id.as_str());
        entries::append(connection, &conversation.id, *position, *visitor_seq, entry, client_id)?;
    }
    for handoff in &handoff_changes {
        handoffs::change(connection, handoff)?;
    }
    for (position, analysis) in &analyses {
        entries::put_analysis(connection, &conversation.id, *position, analysis)?;
    }
    let first = placed.first();
    let ack = Ack {
        position: first.map(|(position, ..)| *position),
        visitor_seq: first.and_then(|(_, visitor_seq, _)| *visitor_seq),
        at: first.map_or(now, |(.., entry)| entry.at),
        conversation: conversation.id,
    };
    if let Some(command) = command {
        remember(connection, command, &ack)?;
    }
    Ok(ack)
}

/// Room is taken in the same write that offers or takes a conversation, so two nodes cannot both give the last place.
fn reserve(connection: &Connection, id: &ConversationId, wanted: &Reservation) -> Result<(), StoreError> {
    let sql = format!(
        "select count(*) from conversations where agent = ?1 and {} and id <> ?2",
        agents::TAKES_ROOM
    );
    let held: u32 = connection
        .prepare_cached(&sql)
        .map_err(failed)?
        .query_row((wanted.agent.as_str(), id.as_str()), |row| row.get(0))
        .map_err(failed)?;
    if held < wanted.capacity { Ok(()) } else { Err(StoreError::NoRoom) }
}
