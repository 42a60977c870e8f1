//! The directory in SQLite: accounts, logins, links, queues, knowledge, widgets,
//! visitors, policy versions, audit. Not conversations.
//!
//! There is one writer, so what a command reads first still holds when it writes:
//! every rule is checked before the first change, and a refusal leaves nothing behind.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{SqliteStore, failed};
use crate::domain::account::{Account, AccountChange, Email};
use crate::domain::agent::{Agent, Role};
use crate::domain::id::{AgentId, CannedId, KnowledgeId, QueueId, VisitorId, WidgetKey};
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::queue::Queue;
use crate::domain::site::{Origin, Widget};
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use crate::flow::ports::directory::{
    AuditEntry, Credentials, Directory, DirectoryError, Link, LinkPurpose, Login, NewAccount, PolicyVersion,
    SecretHash, Stamp, VisitorRecord,
};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        failed(error)
    }
}

impl From<rusqlite::Error> for DirectoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(failed(error))
    }
}

impl SqliteStore {
    /// Runs a change that no rule can refuse.
    async fn change<F>(&self, run: F) -> Result<(), StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    {
        self.write(move |conn| Ok(run(conn)?)).await
    }

    /// Reads.
    async fn look<T, F>(&self, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.read(move |conn| Ok(run(conn)?)).await
    }
}

/// Reads a column with a check of its own.
fn column<T, E>(row: &Row<'_>, name: &str, parse: impl FnOnce(String) -> Result<T, E>) -> rusqlite::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(name)?;
    parse(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// A word that is none of those it can be.
#[derive(Debug, thiserror::Error)]
#[error("not a known word")]
struct UnknownWord;

fn json_column<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    column(row, name, |text| serde_json::from_str(&text))
}

fn time_column(row: &Row<'_>, name: &str) -> rusqlite::Result<Timestamp> {
    row.get(name).map(Timestamp::from_millis)
}

fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Leaves an entry in the audit log, in the same write as what it tells of.
pub(super) fn audit(
    tx: &Connection,
    stamp: &Stamp,
    action: &str,
    target: &str,
    detail: &str,
) -> rusqlite::Result<()> {
    let by = stamp.by.as_ref().map(AgentId::as_str);
    tx.prepare_cached("insert into audit (at, account, action, target, detail) values (?, ?, ?, ?, ?)")?
        .execute(params![stamp.at.as_millis(), by, action, target, detail])?;
    Ok(())
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let agent = Agent {
        id: column(row, "id", AgentId::try_from)?,
        name: row.get("name")?,
        role: column(row, "role", |text| Role::parse(&text).ok_or(UnknownWord))?,
        tier: row.get("tier")?,
        capacity: row.get("capacity")?,
        skills: json_column(row, "skills")?,
        queues: json_column(row, "queues")?,
    };
    Ok(Account {
        agent,
        email: column(row, "email", |text| Email::parse(&text))?,
        is_disabled: row.get("is_disabled")?,
        has_password: row.get::<_, Option<String>>("password")?.is_some(),
        created_at: time_column(row, "created_at")?,
        last_login_at: row.get::<_, Option<i64>>("last_login_at")?.map(Timestamp::from_millis),
    })
}

fn find_account(conn: &Connection, id: &AgentId) -> rusqlite::Result<Option<Account>> {
    conn.prepare_cached("select * from account where id = ?")?
        .query_row([id.as_str()], read_account)
        .optional()
}

fn insert_account(tx: &Connection, at: Timestamp, new: &NewAccount) -> Result<Account, DirectoryError> {
    let is_taken =
        tx.prepare_cached("select 1 from account where email = ?")?.exists([new.email.as_str()])?;
    if is_taken {
        return Err(DirectoryError::Taken("the address"));
    }
    tx.prepare_cached("insert into account (id, email, name, role, created_at) values (?, ?, ?, ?, ?)")?
        .execute(params![new.id.as_str(), new.email.as_str(), new.name, new.role.as_str(), at.as_millis()])?;
    find_account(tx, &new.id)?.ok_or(DirectoryError::NotFound("account"))
}

fn insert_link(tx: &Connection, link: &Link) -> rusqlite::Result<()> {
    let account = link.account.as_ref().map(AgentId::as_str);
    tx.prepare_cached("delete from link where purpose = ? and account is ?")?
        .execute(params![link.purpose.as_str(), account])?;
    tx.prepare_cached("insert into link (token, purpose, account, expires_at) values (?, ?, ?, ?)")?
        .execute(params![link.token.0, link.purpose.as_str(), account, link.expires_at.as_millis()])?;
    Ok(())
}

fn find_link(conn: &Connection, token: &SecretHash, now: Timestamp) -> rusqlite::Result<Option<Link>> {
    conn.prepare_cached("select * from link where token = ? and expires_at > ?")?
        .query_row(params![token.0, now.as_millis()], |row| {
            let account: Option<String> = row.get("account")?;
            Ok(Link {
                token: SecretHash(row.get("token")?),
                purpose: column(row, "purpose", |text| LinkPurpose::parse(&text).ok_or(UnknownWord))?,
                account: account.and_then(|id| AgentId::parse(&id).ok()),
                expires_at: time_column(row, "expires_at")?,
            })
        })
        .optional()
}

fn end_logins(tx: &Connection, account: &AgentId, keep: Option<&SecretHash>) -> rusqlite::Result<()> {
    tx.prepare_cached("delete from login where account = ? and token is not ?")?
        .execute(params![account.as_str(), keep.map(|keep| keep.0.as_str())])?;
    Ok(())
}

fn put_password(tx: &Connection, id: &AgentId, password: &SecretHash) -> rusqlite::Result<()> {
    tx.prepare_cached("update account set password = ? where id = ?")?
        .execute(params![password.0, id.as_str()])?;
    tx.prepare_cached("delete from link where account = ?")?.execute([id.as_str()])?;
    Ok(())
}

fn change_account(
    tx: &Connection,
    stamp: &Stamp,
    id: &AgentId,
    change: AccountChange,
) -> Result<Account, DirectoryError> {
    let before = find_account(tx, id)?.ok_or(DirectoryError::NotFound("account"))?;
    let mut after = before.clone();
    let mut changed = Vec::new();
    let mut put = |word: &'static str| changed.push(word);
    if let Some(name) = change.name {
        after.agent.name = name;
        put("name");
    }
    if let Some(role) = change.role {
        after.agent.role = role;
        put(role.as_str());
    }
    if let Some(is_disabled) = change.is_disabled {
        after.is_disabled = is_disabled;
        put(if is_disabled { "disabled" } else { "enabled" });
    }
    if let Some(capacity) = change.capacity {
        after.agent.capacity = capacity;
        put("capacity");
    }
    if let Some(tier) = change.tier {
        after.agent.tier = tier;
        put("tier");
    }
    if let Some(skills) = change.skills {
        after.agent.skills = skills;
        put("skills");
    }
    if let Some(queues) = change.queues {
        after.agent.queues = queues;
        put("queues");
    }
    let is_admin = |account: &Account| account.role() == Role::Admin && !account.is_disabled;
    if is_admin(&before) && !is_admin(&after) {
        let others = "select 1 from account where role = 'admin' and is_disabled = 0 and password is not null and id <> ?";
        if !tx.prepare_cached(others)?.exists([id.as_str()])? {
            return Err(DirectoryError::LastAdmin);
        }
    }
    tx.prepare_cached(
        "update account set name = :name, role = :role, is_disabled = :is_disabled, capacity = :capacity,
             tier = :tier, skills = :skills, queues = :queues where id = :id",
    )?
    .execute(named_params! {
        ":id": id.as_str(),
        ":name": after.agent.name,
        ":role": after.role().as_str(),
        ":is_disabled": after.is_disabled,
        ":capacity": after.agent.capacity,
        ":tier": after.agent.tier,
        ":skills": to_json(&after.agent.skills)?,
        ":queues": to_json(&after.agent.queues)?,
    })?;
    if after.is_disabled || after.role() != before.role() {
        end_logins(tx, id, None)?;
    }
    if after.is_disabled {
        tx.prepare_cached("delete from link where account = ?")?.execute([id.as_str()])?;
    }
    audit(tx, stamp, "account.change", id.as_str(), &changed.join(", "))?;
    Ok(after)
}

fn read_queue(row: &Row<'_>) -> rusqlite::Result<Queue> {
    let hours: Option<String> = row.get("hours")?;
    Ok(Queue {
        id: column(row, "id", QueueId::try_from)?,
        name: row.get("name")?,
        skills: json_column(row, "skills")?,
        tier: row.get("tier")?,
        hours: match hours {
            Some(_) => json_column(row, "hours")?,
            None => None,
        },
        intents: json_column(row, "intents")?,
        is_default: row.get("is_default")?,
    })
}

fn save_queue(tx: &Connection, stamp: &Stamp, queue: &Queue) -> Result<(), DirectoryError> {
    let is_taken = tx
        .prepare_cached("select 1 from queue where name = ? and id <> ?")?
        .exists(params![queue.name, queue.id.as_str()])?;
    if is_taken {
        return Err(DirectoryError::Taken("the name"));
    }
    // Exactly one queue is the default: the first one is, and a new default takes its place.
    let has_other = tx
        .prepare_cached("select 1 from queue where is_default = 1 and id <> ?")?
        .exists([queue.id.as_str()])?;
    let is_default = queue.is_default || !has_other;
    if is_default {
        tx.prepare_cached("update queue set is_default = 0 where id <> ?")?.execute([queue.id.as_str()])?;
    }
    let is_new = !tx.prepare_cached("select 1 from queue where id = ?")?.exists([queue.id.as_str()])?;
    tx.prepare_cached(
        "insert into queue (id, name, skills, tier, hours, intents, is_default)
             values (:id, :name, :skills, :tier, :hours, :intents, :is_default)
         on conflict (id) do update set name = excluded.name, skills = excluded.skills, tier = excluded.tier,
             hours = excluded.hours, intents = excluded.intents, is_default = excluded.is_default",
    )?
    .execute(named_params! {
        ":id": queue.id.as_str(),
        ":name": queue.name,
        ":skills": to_json(&queue.skills)?,
        ":tier": queue.tier,
        ":hours": queue.hours.as_ref().map(to_json).transpose()?,
        ":intents": to_json(&queue.intents)?,
        ":is_default": is_default,
    })?;
    audit(tx, stamp, if is_new { "queue.create" } else { "queue.change" }, queue.id.as_str(), &queue.name)?;
    Ok(())
}

/// The accounts that name a queue among theirs, and all they name.
fn members_of(conn: &Connection, id: &QueueId) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let mut statement = conn.prepare_cached("select id, queues from account")?;
    let all = statement.query_map([], |row| Ok((row.get("id")?, json_column(row, "queues")?)))?;
    let all: Vec<(String, Vec<String>)> = all.collect::<rusqlite::Result<_>>()?;
    Ok(all.into_iter().filter(|(_, queues)| queues.iter().any(|queue| queue == id.as_str())).collect())
}

/// Whether a conversation that is not over stands in the queue.
fn has_open_conversations(conn: &Connection, id: &QueueId) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "select 1 from conversations where queue = ? and state not in ('closed', 'with_bot')",
    )?
    .exists([id.as_str()])
}

fn remove_queue(tx: &Connection, stamp: &Stamp, id: &QueueId) -> Result<(), DirectoryError> {
    let is_default: bool = tx
        .prepare_cached("select is_default from queue where id = ?")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?
        .ok_or(DirectoryError::NotFound("queue"))?;
    if is_default || has_open_conversations(tx, id)? {
        return Err(DirectoryError::QueueInUse);
    }
    let members = members_of(tx, id)?;
    // An empty list means all queues, so nobody may be left with one.
    if members.iter().any(|(_, queues)| queues.len() == 1) {
        return Err(DirectoryError::QueueInUse);
    }
    tx.prepare_cached("delete from queue where id = ?")?.execute([id.as_str()])?;
    for (account, queues) in members {
        let left: Vec<String> = queues.into_iter().filter(|queue| queue != id.as_str()).collect();
        tx.prepare_cached("update account set queues = ? where id = ?")?
            .execute(params![to_json(&left)?, account])?;
    }
    audit(tx, stamp, "queue.remove", id.as_str(), "")?;
    Ok(())
}

fn grow_knowledge(tx: &Connection) -> rusqlite::Result<()> {
    tx.prepare_cached("update revision set number = number + 1 where what = 'knowledge'")?.execute([])?;
    Ok(())
}

fn read_widget(row: &Row<'_>) -> rusqlite::Result<Widget> {
    let sites: Vec<String> = json_column(row, "sites")?;
    Ok(Widget {
        key: column(row, "key", WidgetKey::try_from)?,
        name: row.get("name")?,
        sites: sites.iter().filter_map(|site| Origin::parse(site).ok()).collect(),
        greeting: row.get("greeting")?,
        accent: row.get("accent")?,
        locale: row.get("locale")?,
        identity_key: row.get("identity_key")?,
        created_at: time_column(row, "created_at")?,
    })
}

fn read_visitor(row: &Row<'_>) -> rusqlite::Result<VisitorRecord> {
    Ok(VisitorRecord {
        id: column(row, "id", VisitorId::try_from)?,
        widget: column(row, "widget", WidgetKey::try_from)?,
        profile: json_column(row, "profile")?,
    })
}

const POLICY_COLUMNS: &str =
    "select policy.version, policy.name, coalesce(account.name, '') as author_name, policy.at, policy.comment,
            policy.toml
     from policy left join account on account.id = policy.author";

fn read_policy(row: &Row<'_>) -> rusqlite::Result<PolicyVersion> {
    Ok(PolicyVersion {
        version: row.get("version")?,
        name: row.get("name")?,
        author: row.get("author_name")?,
        at: time_column(row, "at")?,
        comment: row.get("comment")?,
    })
}

#[async_trait]
impl Directory for SqliteStore {
    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.look(|conn| {
            let mut statement =
                conn.prepare_cached("select * from account order by name collate nocase, id")?;
            statement.query_map([], read_account)?.collect()
        })
        .await
    }

    async fn account(&self, id: &AgentId) -> Result<Option<Account>, StoreError> {
        let id = id.clone();
        self.look(move |conn| find_account(conn, &id)).await
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, StoreError> {
        let email = email.clone();
        self.look(move |conn| {
            conn.prepare_cached("select * from account where email = ?")?
                .query_row([email.as_str()], |row| {
                    let password: Option<String> = row.get("password")?;
                    Ok(Credentials { account: read_account(row)?, password: password.map(SecretHash) })
                })
                .optional()
        })
        .await
    }

    async fn add_account(
        &self,
        stamp: Stamp,
        new: NewAccount,
        link: Option<Link>,
    ) -> Result<Account, DirectoryError> {
        self.write(move |tx| {
            let account = insert_account(tx, stamp.at, &new)?;
            if let Some(link) = &link {
                insert_link(tx, link)?;
            }
            audit(tx, &stamp, "account.create", new.id.as_str(), new.role.as_str())?;
            Ok(account)
        })
        .await
    }

    async fn change_account(
        &self,
        stamp: Stamp,
        id: AgentId,
        change: AccountChange,
    ) -> Result<Account, DirectoryError> {
        self.write(move |tx| change_account(tx, &stamp, &id, change)).await
    }

    async fn set_password(
        &self,
        stamp: Stamp,
        id: AgentId,
        password: SecretHash,
        keep: Option<SecretHash>,
    ) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            find_account(tx, &id)?.ok_or(DirectoryError::NotFound("account"))?;
            put_password(tx, &id, &password)?;
            end_logins(tx, &id, keep.as_ref())?;
            Ok(audit(tx, &stamp, "account.password", id.as_str(), "")?)
        })
        .await
    }

    async fn issue_link(&self, stamp: Stamp, link: Link) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            if let Some(id) = &link.account {
                find_account(tx, id)?.ok_or(DirectoryError::NotFound("account"))?;
                audit(tx, &stamp, "account.reset", id.as_str(), link.purpose.as_str())?;
            }
            Ok(insert_link(tx, &link)?)
        })
        .await
    }

    async fn link(&self, token: &SecretHash, now: Timestamp) -> Result<Option<Link>, StoreError> {
        let token = token.clone();
        self.look(move |conn| find_link(conn, &token, now)).await
    }

    async fn redeem_setup(
        &self,
        stamp: Stamp,
        token: SecretHash,
        new: NewAccount,
        password: SecretHash,
    ) -> Result<Account, DirectoryError> {
        self.write(move |tx| {
            let link = find_link(tx, &token, stamp.at)?.filter(|link| link.purpose == LinkPurpose::Setup);
            let is_first = !tx.prepare_cached("select 1 from account")?.exists([])?;
            if link.is_none() || !is_first {
                return Err(DirectoryError::LinkInvalid);
            }
            let account = insert_account(tx, stamp.at, &new)?;
            put_password(tx, &new.id, &password)?;
            tx.prepare_cached("delete from link where purpose = 'setup'")?.execute([])?;
            let stamp = Stamp { by: Some(new.id.clone()), at: stamp.at };
            audit(tx, &stamp, "account.setup", new.id.as_str(), "")?;
            Ok(Account { has_password: true, ..account })
        })
        .await
    }

    async fn redeem_link(
        &self,
        stamp: Stamp,
        token: SecretHash,
        name: Option<String>,
        password: SecretHash,
    ) -> Result<Account, DirectoryError> {
        self.write(move |tx| {
            let link = find_link(tx, &token, stamp.at)?.ok_or(DirectoryError::LinkInvalid)?;
            let id = link.account.ok_or(DirectoryError::LinkInvalid)?;
            let account = find_account(tx, &id)?.filter(|account| !account.is_disabled);
            let mut account = account.ok_or(DirectoryError::LinkInvalid)?;
            if let Some(name) = name {
                tx.prepare_cached("update account set name = ? where id = ?")?
                    .execute(params![name, id.as_str()])?;
                account.agent.name = name;
            }
            put_password(tx, &id, &password)?;
            end_logins(tx, &id, None)?;
            let stamp = Stamp { by: Some(id.clone()), at: stamp.at };
            audit(tx, &stamp, "account.password", id.as_str(), link.purpose.as_str())?;
            Ok(Account { has_password: true, ..account })
        })
        .await
    }

    async fn add_login(&self, login: Login) -> Result<(), StoreError> {
        self.change(move |tx| {
            tx.prepare_cached(
                "insert into login (token, account, created_at, seen_at, expires_at) values (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                login.token.0,
                login.account.as_str(),
                login.created_at.as_millis(),
                login.seen_at.as_millis(),
                login.expires_at.as_millis()
            ])?;
            tx.prepare_cached("update account set last_login_at = ? where id = ?")?
                .execute(params![login.created_at.as_millis(), login.account.as_str()])?;
            Ok(())
        })
        .await
    }

    async fn login(&self, token: &SecretHash) -> Result<Option<(Login, Account)>, StoreError> {
        let token = token.clone();
        self.look(move |conn| {
            let login = conn
                .prepare_cached("select * from login where token = ?")?
                .query_row([&token.0], |row| {
                    Ok(Login {
                        token: SecretHash(row.get("token")?),
                        account: column(row, "account", AgentId::try_from)?,
                        created_at: time_column(row, "created_at")?,
                        seen_at: time_column(row, "seen_at")?,
                        expires_at: time_column(row, "expires_at")?,
                    })
                })
                .optional()?;
            let Some(login) = login else { return Ok(None) };
            Ok(find_account(conn, &login.account)?.map(|account| (login, account)))
        })
        .await
    }

    async fn touch_login(&self, token: SecretHash, at: Timestamp) -> Result<(), StoreError> {
        self.change(move |tx| {
            tx.prepare_cached("update login set seen_at = max(seen_at, ?) where token = ?")?
                .execute(params![at.as_millis(), token.0])?;
            Ok(())
        })
        .await
    }

    async fn end_login(&self, token: SecretHash) -> Result<(), StoreError> {
        self.change(move |tx| {
            tx.prepare_cached("delete from login where token = ?")?.execute([token.0])?;
            Ok(())
        })
        .await
    }

    async fn sweep(&self, now: Timestamp, idle_before: Timestamp) -> Result<(), StoreError> {
        self.change(move |tx| {
            tx.prepare_cached("delete from login where expires_at <= ? or seen_at <= ?")?
                .execute(params![now.as_millis(), idle_before.as_millis()])?;
            tx.prepare_cached("delete from link where expires_at <= ?")?.execute([now.as_millis()])?;
            Ok(())
        })
        .await
    }

    async fn queues(&self) -> Result<Vec<Queue>, StoreError> {
        self.look(|conn| {
            conn.prepare_cached("select * from queue order by number")?.query_map([], read_queue)?.collect()
        })
        .await
    }

    async fn save_queue(&self, stamp: Stamp, queue: Queue) -> Result<(), DirectoryError> {
        self.write(move |tx| save_queue(tx, &stamp, &queue)).await
    }

    async fn remove_queue(&self, stamp: Stamp, id: QueueId) -> Result<(), DirectoryError> {
        self.write(move |tx| remove_queue(tx, &stamp, &id)).await
    }

    async fn knowledge(&self) -> Result<Vec<KnowledgeEntry>, StoreError> {
        self.look(|conn| {
            let mut statement = conn.prepare_cached("select * from knowledge order by number")?;
            let entries = statement.query_map([], |row| {
                Ok(KnowledgeEntry {
                    id: column(row, "id", KnowledgeId::try_from)?,
                    title: row.get("title")?,
                    questions: json_column(row, "questions")?,
                    answer: row.get("answer")?,
                })
            })?;
            entries.collect()
        })
        .await
    }

    async fn save_knowledge(&self, stamp: Stamp, entry: KnowledgeEntry) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            let is_new =
                !tx.prepare_cached("select 1 from knowledge where id = ?")?.exists([entry.id.as_str()])?;
            tx.prepare_cached(
                "insert into knowledge (id, title, questions, answer) values (?, ?, ?, ?)
                 on conflict (id) do update set title = excluded.title, questions = excluded.questions,
                     answer = excluded.answer",
            )?
            .execute(params![
                entry.id.as_str(),
                entry.title,
                to_json(&entry.questions)?,
                entry.answer
            ])?;
            grow_knowledge(tx)?;
            let action = if is_new { "knowledge.create" } else { "knowledge.change" };
            Ok(audit(tx, &stamp, action, entry.id.as_str(), "")?)
        })
        .await
    }

    async fn remove_knowledge(&self, stamp: Stamp, id: KnowledgeId) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            if tx.prepare_cached("delete from knowledge where id = ?")?.execute([id.as_str()])? == 0 {
                return Err(DirectoryError::NotFound("knowledge"));
            }
            grow_knowledge(tx)?;
            Ok(audit(tx, &stamp, "knowledge.remove", id.as_str(), "")?)
        })
        .await
    }

    async fn knowledge_revision(&self) -> Result<i64, StoreError> {
        self.look(|conn| {
            conn.prepare_cached("select number from revision where what = 'knowledge'")?
                .query_row([], |row| row.get(0))
        })
        .await
    }

    async fn canned(&self) -> Result<Vec<CannedReply>, StoreError> {
        self.look(|conn| {
            let mut statement = conn.prepare_cached("select * from canned order by shortcut")?;
            let replies = statement.query_map([], |row| {
                Ok(CannedReply {
                    id: column(row, "id", CannedId::try_from)?,
                    shortcut: row.get("shortcut")?,
                    text: row.get("text")?,
                })
            })?;
            replies.collect()
        })
        .await
    }

    async fn save_canned(&self, stamp: Stamp, reply: CannedReply) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            let is_taken = tx
                .prepare_cached("select 1 from canned where shortcut = ? and id <> ?")?
                .exists(params![reply.shortcut, reply.id.as_str()])?;
            if is_taken {
                return Err(DirectoryError::Taken("the shortcut"));
            }
            tx.prepare_cached(
                "insert into canned (id, shortcut, text) values (?, ?, ?)
                 on conflict (id) do update set shortcut = excluded.shortcut, text = excluded.text",
            )?
            .execute(params![reply.id.as_str(), reply.shortcut, reply.text])?;
            Ok(audit(tx, &stamp, "canned.save", reply.id.as_str(), "")?)
        })
        .await
    }

    async fn remove_canned(&self, stamp: Stamp, id: CannedId) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            if tx.prepare_cached("delete from canned where id = ?")?.execute([id.as_str()])? == 0 {
                return Err(DirectoryError::NotFound("canned reply"));
            }
            Ok(audit(tx, &stamp, "canned.remove", id.as_str(), "")?)
        })
        .await
    }

    async fn widgets(&self) -> Result<Vec<Widget>, StoreError> {
        self.look(|conn| {
            conn.prepare_cached("select * from widget order by number")?.query_map([], read_widget)?.collect()
        })
        .await
    }

    async fn widget(&self, key: &WidgetKey) -> Result<Option<Widget>, StoreError> {
        let key = key.clone();
        self.look(move |conn| {
            conn.prepare_cached("select * from widget where key = ?")?
                .query_row([key.as_str()], read_widget)
                .optional()
        })
        .await
    }

    async fn save_widget(&self, stamp: Stamp, widget: Widget) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            let is_new =
                !tx.prepare_cached("select 1 from widget where key = ?")?.exists([widget.key.as_str()])?;
            let sites: Vec<&str> = widget.sites.iter().map(Origin::as_str).collect();
            tx.prepare_cached(
                "insert into widget (key, name, sites, greeting, accent, locale, identity_key, created_at)
                     values (:key, :name, :sites, :greeting, :accent, :locale, :identity_key, :created_at)
                 on conflict (key) do update set name = excluded.name, sites = excluded.sites,
                     greeting = excluded.greeting, accent = excluded.accent, locale = excluded.locale",
            )?
            .execute(named_params! {
                ":key": widget.key.as_str(),
                ":name": widget.name,
                ":sites": to_json(&sites)?,
                ":greeting": widget.greeting,
                ":accent": widget.accent,
                ":locale": widget.locale,
                ":identity_key": widget.identity_key,
                ":created_at": widget.created_at.as_millis(),
            })?;
            let action = if is_new { "widget.create" } else { "widget.change" };
            Ok(audit(tx, &stamp, action, widget.key.as_str(), &sites.join(" "))?)
        })
        .await
    }

    async fn remove_widget(&self, stamp: Stamp, key: WidgetKey) -> Result<(), DirectoryError> {
        self.write(move |tx| {
            if tx.prepare_cached("delete from widget where key = ?")?.execute([key.as_str()])? == 0 {
                return Err(DirectoryError::NotFound("widget"));
            }
            Ok(audit(tx, &stamp, "widget.remove", key.as_str(), "")?)
        })
        .await
    }

    async fn visitor_by_secret(&self, secret: &SecretHash) -> Result<Option<VisitorRecord>, StoreError> {
        let secret = secret.clone();
        self.look(move |conn| {
            conn.prepare_cached(
                "select visitor.* from visitor_secret join visitor on visitor.id = visitor_secret.visitor
                 where visitor_secret.hash = ?",
            )?
            .query_row([&secret.0], read_visitor)
            .optional()
        })
        .await
    }

    async fn visitor(&self, id: &VisitorId) -> Result<Option<VisitorRecord>, StoreError> {
        let id = id.clone();
        self.look(move |conn| {
            conn.prepare_cached("select * from visitor where id = ?")?
                .query_row([id.as_str()], read_visitor)
                .optional()
        })
        .await
    }

    async fn save_visitor(
        &self,
        at: Timestamp,
        visitor: VisitorRecord,
        secret: SecretHash,
    ) -> Result<(), StoreError> {
        self.change(move |tx| {
            tx.prepare_cached(
                "insert into visitor (id, widget, profile, created_at) values (?, ?, ?, ?)
                 on conflict (id) do update set profile = excluded.profile",
            )?
            .execute(params![
                visitor.id.as_str(),
                visitor.widget.as_str(),
                to_json(&visitor.profile)?,
                at.as_millis()
            ])?;
            tx.prepare_cached(
                "insert into visitor_secret (hash, visitor) values (?, ?) on conflict (hash) do nothing",
            )?
            .execute(params![secret.0, visitor.id.as_str()])?;
            Ok(())
        })
        .await
    }

    async fn policies(&self) -> Result<Vec<PolicyVersion>, StoreError> {
        self.look(|conn| {
            let mut statement = conn.prepare_cached(&format!("{POLICY_COLUMNS} order by version desc"))?;
            statement.query_map([], read_policy)?.collect()
        })
        .await
    }

    async fn policy(&self, version: u32) -> Result<Option<(PolicyVersion, String)>, StoreError> {
        self.look(move |conn| {
            conn.prepare_cached(&format!("{POLICY_COLUMNS} where version = ?"))?
                .query_row([version], |row| Ok((read_policy(row)?, row.get("toml")?)))
                .optional()
        })
        .await
    }

    async fn publish_policy(
        &self,
        stamp: Stamp,
        name: String,
        toml: String,
        comment: String,
        based_on: u32,
    ) -> Result<PolicyVersion, DirectoryError> {
        self.write(move |tx| {
            let live: u32 = tx
                .prepare_cached("select coalesce(max(version), 0) from policy")?
                .query_row([], |row| row.get(0))?;
            if live != based_on {
                return Err(DirectoryError::Conflict);
            }
            let version = live + 1;
            tx.prepare_cached(
                "insert into policy (version, name, author, at, comment, toml) values (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                version,
                name,
                stamp.by.as_ref().map(AgentId::as_str),
                stamp.at.as_millis(),
                comment,
                toml
            ])?;
            audit(tx, &stamp, "policy.publish", &format!("{name}@{version}"), &comment)?;
            Ok(tx
                .prepare_cached(&format!("{POLICY_COLUMNS} where version = ?"))?
                .query_row([version], read_policy)?)
        })
        .await
    }

    async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.look(move |conn| {
            let mut statement = conn.prepare_cached(
                "select audit.number, audit.at, coalesce(account.name, '') as account_name, audit.action,
                        audit.target, audit.detail
                 from audit left join account on account.id = audit.account
                 where audit.number < ? order by audit.number desc limit ?",
            )?;
            let entries = statement.query_map(params![before.unwrap_or(i64::MAX), limit], |row| {
                Ok(AuditEntry {
                    number: row.get("number")?,
                    at: time_column(row, "at")?,
                    account: row.get("account_name")?,
                    action: row.get("action")?,
                    target: row.get("target")?,
                    detail: row.get("detail")?,
                })
            })?;
            entries.collect()
        })
        .await
    }
}
