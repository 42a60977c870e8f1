//! Rows of the smaller tables of the directory: knowledge, canned replies, widgets,
//! visitors, policies, and the audit log.

use crate::domain::id::{AgentId, CannedId, KnowledgeId, VisitorId, WidgetKey};
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::site::{Origin, Widget};
use crate::flow::ports::StoreError;
use crate::flow::ports::directory::{AuditEntry, PolicyVersion, Stamp, VisitorRecord};
use crate::store::sql::{Alone, Row, Sql, values};

/// Leaves an entry in the audit log, in the same write as what it tells of.
pub(in crate::store::sql) fn audit(
    sql: &dyn Sql,
    stamp: &Stamp,
    action: &str,
    target: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let by = stamp.by.as_ref().map(AgentId::as_str);
    // Numbers follow the order of the writes, so whoever reads on from a number misses nothing that was written late.
    sql.alone(Alone::Audit)?;
    sql.run(
        "insert into audit (number, at, account, action, target, detail) \
         values ((select coalesce(max(number), 0) + 1 from audit), ?1, ?2, ?3, ?4, ?5)",
        values![stamp.at.as_millis(), by, action, target, detail],
    )
    .map(|_| ())
}

pub(super) fn read_audit(row: &Row<'_>) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: row.get(0)?,
        at: row.time(1)?,
        account: row.get(2)?,
        action: row.get(3)?,
        target: row.get(4)?,
        detail: row.get(5)?,
    })
}

pub(super) fn grow_knowledge(sql: &dyn Sql) -> Result<(), StoreError> {
    sql.run("update revision set number = number + 1 where what = 'knowledge'", &[]).map(|_| ())
}

pub(super) fn read_knowledge(row: &Row<'_>) -> Result<KnowledgeEntry, StoreError> {
    Ok(KnowledgeEntry {
        id: row.parsed("id", KnowledgeId::parse)?,
        title: row.get("title")?,
        questions: row.json("questions")?,
        answer: row.get("answer")?,
    })
}

pub(super) fn read_canned(row: &Row<'_>) -> Result<CannedReply, StoreError> {
    Ok(CannedReply {
        id: row.parsed("id", CannedId::parse)?,
        shortcut: row.get("shortcut")?,
        text: row.get("text")?,
    })
}

pub(super) const WIDGETS: &str =
    "select key, name, sites, greeting, accent, locale, identity_key, created_at from widget";

pub(super) fn read_widget(row: &Row<'_>) -> Result<Widget, StoreError> {
    let sites: Vec<String> = row.json("sites")?;
    Ok(Widget {
        key: row.parsed("key", WidgetKey::parse)?,
        name: row.get("name")?,
        sites: sites.iter().filter_map(|site| Origin::parse(site).ok()).collect(),
        greeting: row.get("greeting")?,
        accent: row.get("accent")?,
        locale: row.get("locale")?,
        identity_key: row.get("identity_key")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) const VISITORS: &str = "select visitor.id, visitor.widget, visitor.profile from visitor";

pub(super) fn read_visitor(row: &Row<'_>) -> Result<VisitorRecord, StoreError> {
    Ok(VisitorRecord {
        id: row.parsed(0, VisitorId::parse)?,
        widget: row.parsed(1, WidgetKey::parse)?,
        profile: row.json(2)?,
    })
}

pub(super) const POLICIES: &str =
    "select policy.version, policy.name, coalesce(account.name, '') as author_name, policy.at, policy.comment,
            policy.toml
     from policy left join account on account.id = policy.author";

pub(super) fn read_policy(row: &Row<'_>) -> Result<PolicyVersion, StoreError> {
    Ok(PolicyVersion {
        version: row.get("version")?,
        name: row.get("name")?,
        author: row.get("author_name")?,
        at: row.time("at")?,
        comment: row.get("comment")?,
    })
}
