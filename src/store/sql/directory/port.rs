//! The directory's port: each command a job on a writing thread, each question a job
//! on a reading one.

use async_trait::async_trait;

use super::accounts::{
    all_accounts, change_account, end_logins, find_account, find_credentials, find_link, find_login,
    insert_account, insert_link, insert_login, put_password, rename,
};
use super::content::{furnish, save_canned, save_knowledge, save_widget};
use super::queues::{all_queues, remove_queue, save_queue};
use super::rest::{
    POLICIES, VISITORS, WIDGETS, audit, grow_knowledge, read_audit, read_canned, read_knowledge, read_policy,
    read_visitor, read_widget,
};
use crate::domain::account::{Account, AccountChange, Email};
use crate::domain::id::{AgentId, CannedId, KnowledgeId, QueueId, VisitorId, WidgetKey};
use crate::domain::knowledge::{CannedReply, KnowledgeEntry};
use crate::domain::queue::Queue;
use crate::domain::site::Widget;
use crate::domain::time::Timestamp;
use crate::flow::ports::StoreError;
use crate::flow::ports::directory::{
    AuditEntry, Credentials, Directory, DirectoryError, Furniture, Link, LinkPurpose, Login, NewAccount,
    PolicyVersion, SecretHash, Stamp, VisitorRecord,
};
use crate::store::sql::rows::to_json;
use crate::store::sql::{Alone, Sql, SqlStore, values};

impl SqlStore {
    /// Runs a change that follows rules between rows: nothing else of the directory changes meanwhile, on any node.
    async fn administer<T, F>(&self, mut run: F) -> Result<T, DirectoryError>
    where
        T: Send + 'static,
        F: FnMut(&dyn Sql) -> Result<T, DirectoryError> + Send + 'static,
    {
        self.write(move |sql| {
            sql.alone(Alone::Directory)?;
            run(sql)
        })
        .await
    }
}

#[async_trait]
impl Directory for SqlStore {
    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read(all_accounts).await
    }

    async fn account(&self, id: &AgentId) -> Result<Option<Account>, StoreError> {
        let id = id.clone();
        self.read(move |sql| find_account(sql, &id)).await
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, StoreError> {
        let email = email.clone();
        self.read(move |sql| find_credentials(sql, &email)).await
    }

    async fn add_account(
        &self,
        stamp: Stamp,
        new: NewAccount,
        link: Option<Link>,
    ) -> Result<Account, DirectoryError> {
        self.administer(move |sql| {
            let account = insert_account(sql, stamp.at, &new)?;
            if let Some(link) = &link {
                insert_link(sql, link)?;
            }
            audit(sql, &stamp, "account.create", new.id.as_str(), new.role.as_str())?;
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
        self.administer(move |sql| change_account(sql, &stamp, &id, &change)).await
    }

    async fn set_password(
        &self,
        stamp: Stamp,
        id: AgentId,
        password: SecretHash,
        keep: Option<SecretHash>,
    ) -> Result<(), DirectoryError> {
        self.administer(move |sql| {
            find_account(sql, &id)?.ok_or(DirectoryError::NotFound("account"))?;
            put_password(sql, &id, &password)?;
            end_logins(sql, &id, keep.as_ref())?;
            Ok(audit(sql, &stamp, "account.password", id.as_str(), "")?)
        })
        .await
    }

    async fn issue_link(&self, stamp: Stamp, link: Link) -> Result<(), DirectoryError> {
        self.administer(move |sql| {
            if let Some(id) = &link.account {
                find_account(sql, id)?.ok_or(DirectoryError::NotFound("account"))?;
                audit(sql, &stamp, "account.reset", id.as_str(), link.purpose.as_str())?;
            }
            Ok(insert_link(sql, &link)?)
        })
        .await
    }

    async fn link(&self, token: &SecretHash, now: Timestamp) -> Result<Option<Link>, StoreError> {
        let token = token.clone();
        self.read(move |sql| find_link(sql, &token, now)).await
    }

    async fn redeem_setup(
        &self,
        stamp: Stamp,
        token: SecretHash,
        new: NewAccount,
        password: SecretHash,
    ) -> Result<Account, DirectoryError> {
        self.administer(move |sql| {
            let link = find_link(sql, &token, stamp.at)?.filter(|link| link.purpose == LinkPurpose::Setup);
            let is_first = !sql.exists("select 1 from account", &[])?;
            if link.is_none() || !is_first {
                return Err(DirectoryError::LinkInvalid);
            }
            let account = insert_account(sql, stamp.at, &new)?;
            put_password(sql, &new.id, &password)?;
            sql.run("delete from link where purpose = 'setup'", &[])?;
            let stamp = Stamp { by: Some(new.id.clone()), at: stamp.at };
            audit(sql, &stamp, "account.setup", new.id.as_str(), "")?;
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
        self.administer(move |sql| {
            let link = find_link(sql, &token, stamp.at)?.ok_or(DirectoryError::LinkInvalid)?;
            let id = link.account.ok_or(DirectoryError::LinkInvalid)?;
            let account = find_account(sql, &id)?.filter(|account| !account.is_disabled);
            let mut account = account.ok_or(DirectoryError::LinkInvalid)?;
            if let Some(name) = &name {
                rename(sql, &id, name)?;
                account.agent.name.clone_from(name);
            }
            put_password(sql, &id, &password)?;
            end_logins(sql, &id, None)?;
            let stamp = Stamp { by: Some(id.clone()), at: stamp.at };
            audit(sql, &stamp, "account.password", id.as_str(), link.purpose.as_str())?;
            Ok(Account { has_password: true, ..account })
        })
        .await
    }

    async fn add_login(&self, login: Login) -> Result<(), StoreError> {
        self.write(move |sql| insert_login(sql, &login)).await
    }

    async fn login(&self, token: &SecretHash) -> Result<Option<(Login, Account)>, StoreError> {
        let token = token.clone();
        self.read(move |sql| find_login(sql, &token)).await
    }

    async fn touch_login(&self, token: SecretHash, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |sql| {
            let touch = "update login set seen_at = greatest(seen_at, ?1) where token = ?2";
            sql.run(touch, values![at.as_millis(), &token.0]).map(|_| ())
        })
        .await
    }

    async fn end_login(&self, token: SecretHash) -> Result<(), StoreError> {
        self.write(move |sql| sql.run("delete from login where token = ?1", values![&token.0]).map(|_| ()))
            .await
    }

    async fn sweep(&self, now: Timestamp, idle_before: Timestamp) -> Result<(), StoreError> {
        self.write(move |sql| {
            let (now, idle_before) = (now.as_millis(), idle_before.as_millis());
            sql.run("delete from login where expires_at <= ?1 or seen_at <= ?2", values![now, idle_before])?;
            sql.run("delete from link where expires_at <= ?1", values![now]).map(|_| ())
        })
        .await
    }

    async fn queues(&self) -> Result<Vec<Queue>, StoreError> {
        self.read(all_queues).await
    }

    async fn save_queue(&self, stamp: Stamp, queue: Queue) -> Result<(), DirectoryError> {
        self.administer(move |sql| save_queue(sql, &stamp, &queue)).await
    }

    async fn remove_queue(&self, stamp: Stamp, id: QueueId) -> Result<(), DirectoryError> {
        self.administer(move |sql| remove_queue(sql, &stamp, &id)).await
    }

    async fn knowledge(&self) -> Result<Vec<KnowledgeEntry>, StoreError> {
        let all = "select id, title, questions, answer from knowledge order by number";
        self.read(|sql| sql.all(all, &[], read_knowledge)).await
    }

    async fn save_knowledge(&self, stamp: Stamp, entry: KnowledgeEntry) -> Result<(), DirectoryError> {
        self.administer(move |sql| save_knowledge(sql, &stamp, &entry)).await
    }

    async fn remove_knowledge(&self, stamp: Stamp, id: KnowledgeId) -> Result<(), DirectoryError> {
        self.administer(move |sql| {
            if sql.run("delete from knowledge where id = ?1", values![id.as_str()])? == 0 {
                return Err(DirectoryError::NotFound("knowledge"));
            }
            grow_knowledge(sql)?;
            Ok(audit(sql, &stamp, "knowledge.remove", id.as_str(), "")?)
        })
        .await
    }

    async fn knowledge_revision(&self) -> Result<i64, StoreError> {
        let revision = "select number from revision where what = 'knowledge'";
        self.read_here(|sql| sql.one(revision, &[], |row| row.get(0))).await
    }

    async fn canned(&self) -> Result<Vec<CannedReply>, StoreError> {
        let all = "select id, shortcut, text from canned order by shortcut";
        self.read(|sql| sql.all(all, &[], read_canned)).await
    }

    async fn save_canned(&self, stamp: Stamp, reply: CannedReply) -> Result<(), DirectoryError> {
        self.administer(move |sql| save_canned(sql, &stamp, &reply)).await
    }

    async fn remove_canned(&self, stamp: Stamp, id: CannedId) -> Result<(), DirectoryError> {
        self.administer(move |sql| {
            if sql.run("delete from canned where id = ?1", values![id.as_str()])? == 0 {
                return Err(DirectoryError::NotFound("canned reply"));
            }
            Ok(audit(sql, &stamp, "canned.remove", id.as_str(), "")?)
        })
        .await
    }

    async fn widgets(&self) -> Result<Vec<Widget>, StoreError> {
        self.read(|sql| sql.all(&format!("{WIDGETS} order by number"), &[], read_widget)).await
    }

    async fn widget(&self, key: &WidgetKey) -> Result<Option<Widget>, StoreError> {
        let key = key.clone();
        self.read_here(move |sql| {
            sql.first(&format!("{WIDGETS} where key = ?1"), values![key.as_str()], read_widget)
        })
        .await
    }

    async fn save_widget(&self, stamp: Stamp, widget: Widget) -> Result<(), DirectoryError> {
        self.administer(move |sql| save_widget(sql, &stamp, &widget)).await
    }

    async fn remove_widget(&self, stamp: Stamp, key: WidgetKey) -> Result<(), DirectoryError> {
        self.administer(move |sql| {
            if sql.run("delete from widget where key = ?1", values![key.as_str()])? == 0 {
                return Err(DirectoryError::NotFound("widget"));
            }
            Ok(audit(sql, &stamp, "widget.remove", key.as_str(), "")?)
        })
        .await
    }

    async fn furnish(&self, stamp: Stamp, furniture: Furniture) -> Result<(), DirectoryError> {
        self.administer(move |sql| furnish(sql, &stamp, &furniture)).await
    }

    async fn visitor_by_secret(&self, secret: &SecretHash) -> Result<Option<VisitorRecord>, StoreError> {
        let secret = secret.clone();
        self.read(move |sql| {
            sql.first(
                &format!(
                    "{VISITORS} join visitor_secret on visitor_secret.visitor = visitor.id \
                          where visitor_secret.hash = ?1"
                ),
                values![&secret.0],
                read_visitor,
            )
        })
        .await
    }

    async fn visitor(&self, id: &VisitorId) -> Result<Option<VisitorRecord>, StoreError> {
        let id = id.clone();
        self.read(move |sql| {
            sql.first(&format!("{VISITORS} where visitor.id = ?1"), values![id.as_str()], read_visitor)
        })
        .await
    }

    async fn save_visitor(
        &self,
        at: Timestamp,
        visitor: VisitorRecord,
        secret: SecretHash,
    ) -> Result<(), StoreError> {
        self.write(move |sql| {
            let id = visitor.id.as_str();
            sql.run(
                "insert into visitor (id, widget, profile, created_at) values (?1, ?2, ?3, ?4)
                 on conflict (id) do update set profile = excluded.profile",
                values![id, visitor.widget.as_str(), &to_json(&visitor.profile)?, at.as_millis()],
            )?;
            sql.run(
                "insert into visitor_secret (hash, visitor) values (?1, ?2) on conflict (hash) do nothing",
                values![&secret.0, id],
            )
            .map(|_| ())
        })
        .await
    }

    async fn policies(&self) -> Result<Vec<PolicyVersion>, StoreError> {
        self.read(|sql| sql.all(&format!("{POLICIES} order by version desc"), &[], read_policy)).await
    }

    async fn policy(&self, version: u32) -> Result<Option<(PolicyVersion, String)>, StoreError> {
        self.read(move |sql| {
            sql.first(&format!("{POLICIES} where version = ?1"), values![version], |row| {
                Ok((read_policy(row)?, row.get("toml")?))
            })
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
        self.administer(move |sql| {
            let live: u32 =
                sql.one("select coalesce(max(version), 0) from policy", &[], |row| row.get(0))?;
            if live != based_on {
                return Err(DirectoryError::Conflict);
            }
            let version = live + 1;
            let by = stamp.by.as_ref().map(AgentId::as_str);
            sql.run(
                "insert into policy (version, name, author, at, comment, toml) values (?1, ?2, ?3, ?4, ?5, ?6)",
                values![version, &name, by, stamp.at.as_millis(), &comment, &toml],
            )?;
            audit(sql, &stamp, "policy.publish", &format!("{name}@{version}"), &comment)?;
            Ok(sql.one(&format!("{POLICIES} where version = ?1"), values![version], read_policy)?)
        })
        .await
    }

    async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |sql| {
            sql.all(
                "select audit.number, audit.at, coalesce(account.name, '') as account_name, audit.action,
                        audit.target, audit.detail
                 from audit left join account on account.id = audit.account
                 where audit.number < ?1 order by audit.number desc limit ?2",
                values![before.unwrap_or(i64::MAX), limit],
                read_audit,
            )
        })
        .await
    }
}
