//! What a site says: knowledge, canned replies, its widget; and all that it begins with at
//! once.

use super::queues::save_queue;
use super::rest::{audit, grow_knowledge};
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::site::{Origin, Widget};
use crate::flow::ports::directory::{DirectoryError, Furniture, Stamp};
use crate::store::sql::rows::to_json;
use crate::store::sql::{Sql, values};

pub(super) fn save_knowledge(
    sql: &dyn Sql,
    stamp: &Stamp,
    entry: &KnowledgeEntry,
) -> Result<(), DirectoryError> {
    let id = entry.id.as_str();
    let is_new = !sql.exists("select 1 from knowledge where id = ?1", values![id])?;
    sql.run(
        "insert into knowledge (id, title, questions, answer) values (?1, ?2, ?3, ?4)
         on conflict (id) do update set title = excluded.title, questions = excluded.questions,
             answer = excluded.answer",
        values![id, &entry.title, &to_json(&entry.questions)?, &entry.answer],
    )?;
    grow_knowledge(sql)?;
    let action = if is_new { "knowledge.create" } else { "knowledge.change" };
    Ok(audit(sql, stamp, action, id, "")?)
}

pub(super) fn save_canned(sql: &dyn Sql, stamp: &Stamp, reply: &CannedReply) -> Result<(), DirectoryError> {
    let id = reply.id.as_str();
    let others = "select 1 from canned where shortcut = ?1 and id <> ?2";
    if sql.exists(others, values![&reply.shortcut, id])? {
        return Err(DirectoryError::Taken("the shortcut"));
    }
    sql.run(
        "insert into canned (id, shortcut, text) values (?1, ?2, ?3)
         on conflict (id) do update set shortcut = excluded.shortcut, text = excluded.text",
        values![id, &reply.shortcut, &reply.text],
    )?;
    Ok(audit(sql, stamp, "canned.save", id, "")?)
}

pub(super) fn save_widget(sql: &dyn Sql, stamp: &Stamp, widget: &Widget) -> Result<(), DirectoryError> {
    let key = widget.key.as_str();
    let is_new = !sql.exists("select 1 from widget where key = ?1", values![key])?;
    let sites: Vec<&str> = widget.sites.iter().map(Origin::as_str).collect();
    sql.run(
        "insert into widget (key, name, sites, greeting, accent, locale, identity_key, created_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict (key) do update set name = excluded.name, sites = excluded.sites,
             greeting = excluded.greeting, accent = excluded.accent, locale = excluded.locale",
        values![
            key,
            &widget.name,
            &to_json(&sites)?,
            &widget.greeting,
            &widget.accent,
            &widget.locale,
            &widget.identity_key,
            widget.created_at.as_millis(),
        ],
    )?;
    let action = if is_new { "widget.create" } else { "widget.change" };
    Ok(audit(sql, stamp, action, key, &sites.join(" "))?)
}

/// Everything in one step that runs alone: whoever comes second finds the widget, and puts in nothing.
pub(super) fn furnish(sql: &dyn Sql, stamp: &Stamp, furniture: &Furniture) -> Result<(), DirectoryError> {
    let Furniture { queues, knowledge, canned, widget } = furniture;
    if sql.exists("select 1 from widget where key = ?1", values![widget.key.as_str()])? {
        return Ok(());
    }
    // What has this name already is somebody's own, and stays.
    let unless_taken = |saved| match saved {
        Err(DirectoryError::Taken(_)) => Ok(()),
        other => other,
    };
    for queue in queues {
        unless_taken(save_queue(sql, stamp, queue))?;
    }
    for entry in knowledge {
        save_knowledge(sql, stamp, entry)?;
    }
    for reply in canned {
        unless_taken(save_canned(sql, stamp, reply))?;
    }
    save_widget(sql, stamp, widget)
}
