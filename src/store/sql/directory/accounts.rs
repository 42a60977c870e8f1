//! Rows of accounts, their links and logins.

use super::rest::audit;
use crate::domain::account::{Account, AccountChange, Email};
use crate::domain::agent::{Agent, Role};
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use crate::flow::ports::directory::{
    Credentials, DirectoryError, Link, LinkPurpose, Login, NewAccount, SecretHash, Stamp,
};
use crate::store::sql::rows::to_json;
use crate::store::sql::{Row, Sql, values};

const ACCOUNTS: &str = "select id, email, name, role, password, tier, capacity, skills, queues, is_disabled, created_at, \
    last_login_at from account";

fn read_account(row: &Row<'_>) -> Result<Account, StoreError> {
    let agent = Agent {
        id: row.parsed("id", AgentId::parse)?,
        name: row.get("name")?,
        role: row.word("role", Role::parse)?,
        tier: row.get("tier")?,
        capacity: row.get("capacity")?,
        skills: row.json("skills")?,
        queues: row.json("queues")?,
    };
    Ok(Account {
        agent,
        email: row.parsed("email", Email::parse)?,
        is_disabled: row.get("is_disabled")?,
        has_password: row.get::<Option<&str>>("password")?.is_some(),
        created_at: row.time("created_at")?,
        last_login_at: row.time_if_any("last_login_at")?,
    })
}

pub(super) fn all_accounts(sql: &dyn Sql) -> Result<Vec<Account>, StoreError> {
    sql.all(&format!("{ACCOUNTS} order by lower(name), id"), &[], read_account)
}

pub(super) fn find_account(sql: &dyn Sql, id: &AgentId) -> Result<Option<Account>, StoreError> {
    sql.first(&format!("{ACCOUNTS} where id = ?1"), values![id.as_str()], read_account)
}

pub(super) fn find_credentials(sql: &dyn Sql, email: &Email) -> Result<Option<Credentials>, StoreError> {
    sql.first(&format!("{ACCOUNTS} where email = ?1"), values![email.as_str()], |row| {
        let password: Option<String> = row.get("password")?;
        Ok(Credentials { account: read_account(row)?, password: password.map(SecretHash) })
    })
}

pub(super) fn insert_account(
    sql: &dyn Sql,
    at: Timestamp,
    new: &NewAccount,
) -> Result<Account, DirectoryError> {
    if sql.exists("select 1 from account where email = ?1", values![new.email.as_str()])? {
        return Err(DirectoryError::Taken("the address"));
    }
    sql.run(
        "insert into account (id, email, name, role, created_at) values (?1, ?2, ?3, ?4, ?5)",
        values![new.id.as_str(), new.email.as_str(), &new.name, new.role.as_str(), at.as_millis()],
    )?;
    find_account(sql, &new.id)?.ok_or(DirectoryError::NotFound("account"))
}

pub(super) fn rename(sql: &dyn Sql, id: &AgentId, name: &str) -> Result<(), StoreError> {
    sql.run("update account set name = ?1 where id = ?2", values![name, id.as_str()]).map(|_| ())
}

pub(super) fn insert_link(sql: &dyn Sql, link: &Link) -> Result<(), StoreError> {
    let account = link.account.as_ref().map(AgentId::as_str);
    sql.run(
        "delete from link where purpose = ?1 and account is not distinct from ?2",
        values![link.purpose.as_str(), account],
    )?;
    sql.run(
        "insert into link (token, purpose, account, expires_at) values (?1, ?2, ?3, ?4)",
        values![&link.token.0, link.purpose.as_str(), account, link.expires_at.as_millis()],
    )
    .map(|_| ())
}

pub(super) fn find_link(
    sql: &dyn Sql,
    token: &SecretHash,
    now: Timestamp,
) -> Result<Option<Link>, StoreError> {
    sql.first(
        "select token, purpose, account, expires_at from link where token = ?1 and expires_at > ?2",
        values![&token.0, now.as_millis()],
        |row| {
            Ok(Link {
                token: SecretHash(row.get(0)?),
                purpose: row.word(1, LinkPurpose::parse)?,
                account: row.get::<Option<&str>>(2)?.and_then(|id| AgentId::parse(id).ok()),
                expires_at: row.time(3)?,
            })
        },
    )
}

pub(super) fn end_logins(
    sql: &dyn Sql,
    account: &AgentId,
    keep: Option<&SecretHash>,
) -> Result<(), StoreError> {
    sql.run(
        "delete from login where account = ?1 and token is distinct from ?2",
        values![account.as_str(), keep.map(|keep| keep.0.as_str())],
    )
    .map(|_| ())
}

pub(super) fn put_password(sql: &dyn Sql, id: &AgentId, password: &SecretHash) -> Result<(), StoreError> {
    sql.run("update account set password = ?1 where id = ?2", values![&password.0, id.as_str()])?;
    sql.run("delete from link where account = ?1", values![id.as_str()]).map(|_| ())
}

/// The account as it will be, and what of it is changed.
fn changed(before: &Account, change: &AccountChange) -> (Account, Vec<&'static str>) {
    let mut after = before.clone();
    let mut words = Vec::new();
    if let Some(name) = &change.name {
        after.agent.name.clone_from(name);
        words.push("name");
    }
    if let Some(role) = change.role {
        after.agent.role = role;
        words.push(role.as_str());
    }
    if let Some(is_disabled) = change.is_disabled {
        after.is_disabled = is_disabled;
        words.push(if is_disabled { "disabled" } else { "enabled" });
    }
    if let Some(capacity) = change.capacity {
        after.agent.capacity = capacity;
        words.push("capacity");
    }
    if let Some(tier) = change.tier {
        after.agent.tier = tier;
        words.push("tier");
    }
    if let Some(skills) = &change.skills {
        after.agent.skills.clone_from(skills);
        words.push("skills");
    }
    if let Some(queues) = &change.queues {
        after.agent.queues.clone_from(queues);
        words.push("queues");
    }
    (after, words)
}

pub(super) fn change_account(
    sql: &dyn Sql,
    stamp: &Stamp,
    id: &AgentId,
    change: &AccountChange,
) -> Result<Account, DirectoryError> {
    let before = find_account(sql, id)?.ok_or(DirectoryError::NotFound("account"))?;
    let (after, words) = changed(&before, change);
    let is_admin = |account: &Account| account.role() == Role::Admin && !account.is_disabled;
    if is_admin(&before) && !is_admin(&after) {
        let others = "select 1 from account where role = 'admin' and is_disabled = 0 and password is not null \
                      and id <> ?1";
        if !sql.exists(others, values![id.as_str()])? {
            return Err(DirectoryError::LastAdmin);
        }
    }
    sql.run(
        "update account set name = ?2, role = ?3, is_disabled = ?4, capacity = ?5, tier = ?6, skills = ?7, \
         queues = ?8 where id = ?1",
        values![
            id.as_str(),
            &after.agent.name,
            after.role().as_str(),
            after.is_disabled,
            after.agent.capacity,
            after.agent.tier,
            &to_json(&after.agent.skills)?,
            &to_json(&after.agent.queues)?,
        ],
    )?;
    if after.is_disabled || after.role() != before.role() {
        end_logins(sql, id, None)?;
    }
    if after.is_disabled {
        sql.run("delete from link where account = ?1", values![id.as_str()])?;
    }
    audit(sql, stamp, "account.change", id.as_str(), &words.join(", "))?;
    Ok(after)
}

pub(super) fn insert_login(sql: &dyn Sql, login: &Login) -> Result<(), StoreError> {
    sql.run(
        "insert into login (token, account, created_at, seen_at, expires_at) values (?1, ?2, ?3, ?4, ?5)",
        values![
            &login.token.0,
            login.account.as_str(),
            login.created_at.as_millis(),
            login.seen_at.as_millis(),
            login.expires_at.as_millis()
        ],
    )?;
    sql.run(
        "update account set last_login_at = ?1 where id = ?2",
        values![login.created_at.as_millis(), login.account.as_str()],
    )
    .map(|_| ())
}

pub(super) fn find_login(sql: &dyn Sql, token: &SecretHash) -> Result<Option<(Login, Account)>, StoreError> {
    let login = sql.first(
        "select token, account, created_at, seen_at, expires_at from login where token = ?1",
        values![&token.0],
        |row| {
            Ok(Login {
                token: SecretHash(row.get(0)?),
                account: row.parsed(1, AgentId::parse)?,
                created_at: row.time(2)?,
                seen_at: row.time(3)?,
                expires_at: row.time(4)?,
            })
        },
    )?;
    let Some(login) = login else { return Ok(None) };
    Ok(find_account(sql, &login.account)?.map(|account| (login, account)))
}
