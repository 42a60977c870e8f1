//! The directory on plain data: accounts, logins, links, queues, knowledge, widgets,
//! visitors, policy versions, audit.

use super::MemoryStore;
use super::models::number;
use super::rows::{AccountRow, AuditRow, PolicyRow, Rows, VisitorRow};
use crate::domain::account::{Account, AccountChange, Email};
use crate::domain::agent::{Agent, Role};
use crate::domain::conversation::StateName;
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
use async_trait::async_trait;

/// What a new account has until an admin says otherwise.
const FIRST_TIER: u8 = 1;
const FIRST_CAPACITY: u32 = 3;
/// What an account may have.
const TIERS: std::ops::RangeInclusive<u8> = 1..=3;
const MOST_CAPACITY: u32 = 100;

impl Rows {
    /// Leaves an entry in the audit log.
    pub(super) fn audit(&mut self, stamp: &Stamp, action: &str, target: &str, detail: &str) {
        self.audit.push(AuditRow {
            at: stamp.at,
            by: stamp.by.clone(),
            action: action.to_owned(),
            target: target.to_owned(),
            detail: detail.to_owned(),
        });
    }

    fn account(&self, id: &AgentId) -> Option<&Account> {
        self.accounts.get(id).map(|row| &row.account)
    }

    /// Whether an account can be made of this, and its link be remembered.
    fn may_be_new(&self, new: &NewAccount, link: Option<&Link>) -> Result<(), DirectoryError> {
        if self.accounts.values().any(|row| row.account.email == new.email) {
            return Err(DirectoryError::Taken("the address"));
        }
        if self.accounts.contains_key(&new.id) {
            return Err(StoreError::Conflict.into());
        }
        link.map_or(Ok(()), |link| self.may_be_issued(link, Some(&new.id)))
    }

    fn insert_account(&mut self, at: Timestamp, new: NewAccount) -> Account {
        let agent = Agent {
            id: new.id.clone(),
            name: new.name,
            role: new.role,
            tier: FIRST_TIER,
            capacity: FIRST_CAPACITY,
            skills: Vec::new(),
            queues: Vec::new(),
        };
        let account = Account {
            agent,
            email: new.email,
            is_disabled: false,
            has_password: false,
            created_at: at,
            last_login_at: None,
        };
        self.accounts.insert(new.id, AccountRow { account: account.clone(), password: None });
        account
    }

    /// A link names an account that is there, or is made with it, or none; and its token is new, once what it replaces
    /// is gone.
    fn may_be_issued(&self, link: &Link, made_with: Option<&AgentId>) -> Result<(), DirectoryError> {
        let is_there = |id| self.accounts.contains_key(id) || made_with == Some(id);
        let is_taken = self.links.get(&link.token).is_some_and(|other| !replaces(link, other));
        if link.account.as_ref().is_some_and(|id| !is_there(id)) || is_taken {
            return Err(StoreError::Conflict.into());
        }
        Ok(())
    }

    fn insert_link(&mut self, link: Link) {
        self.links.retain(|_, other| !replaces(&link, other));
        self.links.insert(link.token.clone(), link);
    }

    fn valid_link(&self, token: &SecretHash, now: Timestamp) -> Option<&Link> {
        self.links.get(token).filter(|link| link.expires_at > now)
    }

    fn end_links_of(&mut self, id: &AgentId) {
        self.links.retain(|_, link| link.account.as_ref() != Some(id));
    }

    fn end_logins(&mut self, id: &AgentId, keep: Option<&SecretHash>) {
        self.logins.retain(|token, login| login.account != *id || Some(token) == keep);
    }

    fn put_password(&mut self, id: &AgentId, password: SecretHash) {
        if let Some(row) = self.accounts.get_mut(id) {
            row.password = Some(password);
            row.account.has_password = true;
        }
        self.end_links_of(id);
    }

    /// Whether somebody else can administer.
    fn has_other_admin(&self, but: &AgentId) -> bool {
        self.accounts
            .values()
            .any(|row| is_admin(&row.account) && row.password.is_some() && row.account.id() != but)
    }

    fn change_account(
        &mut self,
        stamp: &Stamp,
        id: &AgentId,
        change: AccountChange,
    ) -> Result<Account, DirectoryError> {
        let before = self.account(id).ok_or(DirectoryError::NotFound("account"))?.clone();
        let (after, changed) = changed(before.clone(), change);
        if is_admin(&before) && !is_admin(&after) && !self.has_other_admin(id) {
            return Err(DirectoryError::LastAdmin);
        }
        if !TIERS.contains(&after.agent.tier) || after.agent.capacity > MOST_CAPACITY {
            return Err(StoreError::Conflict.into());
        }
        if after.is_disabled || after.role() != before.role() {
            self.end_logins(id, None);
        }
        if after.is_disabled {
            self.end_links_of(id);
        }
        if let Some(row) = self.accounts.get_mut(id) {
            row.account = after.clone();
        }
        self.audit(stamp, "account.change", id.as_str(), &changed.join(", "));
        Ok(after)
    }

    pub(super) fn save_queue(&mut self, stamp: &Stamp, mut queue: Queue) -> Result<(), DirectoryError> {
        if self.queues.iter().any(|other| other.name == queue.name && other.id != queue.id) {
            return Err(DirectoryError::Taken("the name"));
        }
        // Exactly one queue is the default: the first one is, and a new default takes its place.
        queue.is_default |= !self.queues.iter().any(|other| other.is_default && other.id != queue.id);
        if queue.is_default {
            self.queues.iter_mut().for_each(|other| other.is_default = false);
        }
        let (id, name) = (queue.id.clone(), queue.name.clone());
        let is_new = put(&mut self.queues, queue, |other| other.id == id);
        let action = if is_new { "queue.create" } else { "queue.change" };
        self.audit(stamp, action, id.as_str(), &name);
        Ok(())
    }

    fn remove_queue(&mut self, stamp: &Stamp, id: &QueueId) -> Result<(), DirectoryError> {
        let queue = self.queues.iter().find(|queue| queue.id == *id);
        let queue = queue.ok_or(DirectoryError::NotFound("queue"))?;
        let is_over = |state: StateName| matches!(state, StateName::Closed | StateName::WithBot);
        let has_open = self.all().any(|c| c.queue.as_ref() == Some(id) && !is_over(c.state.name()));
        // An empty list means all queues, so nobody may be left with one.
        let is_only_one = self.accounts.values().any(|row| row.account.agent.queues == [id.clone()]);
        if queue.is_default || has_open || is_only_one {
            return Err(DirectoryError::QueueInUse);
        }
        self.queues.retain(|queue| queue.id != *id);
        for row in self.accounts.values_mut() {
            row.account.agent.queues.retain(|queue| queue != id);
        }
        self.audit(stamp, "queue.remove", id.as_str(), "");
        Ok(())
    }

    fn policy_version(&self, index: usize, row: &PolicyRow) -> PolicyVersion {
        PolicyVersion {
            version: number(index + 1),
            name: row.name.clone(),
            author: self.name_of(row.author.as_ref()),
            at: row.at,
            comment: row.comment.clone(),
        }
    }

    fn visitor(&self, id: &VisitorId) -> Option<VisitorRecord> {
        let VisitorRow { widget, profile, .. } = self.visitors.get(id)?;
        Some(VisitorRecord { id: id.clone(), widget: widget.clone(), profile: profile.clone() })
    }
}

/// Whether a link takes another one's place: same purpose, same account.
fn replaces(link: &Link, other: &Link) -> bool {
    link.purpose == other.purpose && link.account == other.account
}

fn is_admin(account: &Account) -> bool {
    account.role() == Role::Admin && !account.is_disabled
}

/// The account after the change, and a word for each thing that was changed.
fn changed(mut account: Account, change: AccountChange) -> (Account, Vec<&'static str>) {
    let mut words = Vec::new();
    let AccountChange { name, role, is_disabled, capacity, tier, skills, queues } = change;
    if let Some(name) = name {
        account.agent.name = name;
        words.push("name");
    }
    if let Some(role) = role {
        account.agent.role = role;
        words.push(role.as_str());
    }
    if let Some(is_disabled) = is_disabled {
        account.is_disabled = is_disabled;
        words.push(if is_disabled { "disabled" } else { "enabled" });
    }
    if let Some(capacity) = capacity {
        account.agent.capacity = capacity;
        words.push("capacity");
    }
    if let Some(tier) = tier {
        account.agent.tier = tier;
        words.push("tier");
    }
    if let Some(skills) = skills {
        account.agent.skills = skills;
        words.push("skills");
    }
    if let Some(queues) = queues {
        account.agent.queues = queues;
        words.push("queues");
    }
    (account, words)
}

/// Puts something in its own place, or at the end when it is new. True when it is.
pub(super) fn put<T>(all: &mut Vec<T>, new: T, is_it: impl Fn(&T) -> bool) -> bool {
    match all.iter_mut().find(|other| is_it(other)) {
        Some(old) => {
            *old = new;
            false
        }
        None => {
            all.push(new);
            true
        }
    }
}

/// Takes something away. False when it was not there.
fn take<T>(all: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> bool {
    let before = all.len();
    all.retain(|one| !is_it(one));
    all.len() < before
}

#[async_trait]
impl Directory for MemoryStore {
    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = self.rows();
        let mut all: Vec<_> = rows.accounts.values().map(|row| row.account.clone()).collect();
        all.sort_by_key(|account| (account.agent.name.to_ascii_lowercase(), account.agent.id.clone()));
        Ok(all)
    }

    async fn account(&self, id: &AgentId) -> Result<Option<Account>, StoreError> {
        Ok(self.rows().account(id).cloned())
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, StoreError> {
        let rows = self.rows();
        let found = rows.accounts.values().find(|row| row.account.email == *email);
        Ok(found.map(|row| Credentials { account: row.account.clone(), password: row.password.clone() }))
    }

    async fn add_account(
        &self,
        stamp: Stamp,
        new: NewAccount,
        link: Option<Link>,
    ) -> Result<Account, DirectoryError> {
        let mut rows = self.rows();
        rows.may_be_new(&new, link.as_ref())?;
        rows.audit(&stamp, "account.create", new.id.as_str(), new.role.as_str());
        let account = rows.insert_account(stamp.at, new);
        if let Some(link) = link {
            rows.insert_link(link);
        }
        Ok(account)
    }

    async fn change_account(
        &self,
        stamp: Stamp,
        id: AgentId,
        change: AccountChange,
    ) -> Result<Account, DirectoryError> {
        self.rows().change_account(&stamp, &id, change)
    }

    async fn set_password(
        &self,
        stamp: Stamp,
        id: AgentId,
        password: SecretHash,
        keep: Option<SecretHash>,
    ) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        rows.account(&id).ok_or(DirectoryError::NotFound("account"))?;
        rows.put_password(&id, password);
        rows.end_logins(&id, keep.as_ref());
        rows.audit(&stamp, "account.password", id.as_str(), "");
        Ok(())
    }

    async fn issue_link(&self, stamp: Stamp, link: Link) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        if let Some(id) = &link.account {
            rows.account(id).ok_or(DirectoryError::NotFound("account"))?;
        }
        rows.may_be_issued(&link, None)?;
        if let Some(id) = &link.account {
            rows.audit(&stamp, "account.reset", id.as_str(), link.purpose.as_str());
        }
        rows.insert_link(link);
        Ok(())
    }

    async fn link(&self, token: &SecretHash, now: Timestamp) -> Result<Option<Link>, StoreError> {
        Ok(self.rows().valid_link(token, now).cloned())
    }

    async fn redeem_setup(
        &self,
        stamp: Stamp,
        token: SecretHash,
        new: NewAccount,
        password: SecretHash,
    ) -> Result<Account, DirectoryError> {
        let mut rows = self.rows();
        let is_valid =
            rows.valid_link(&token, stamp.at).is_some_and(|link| link.purpose == LinkPurpose::Setup);
        if !is_valid || !rows.accounts.is_empty() {
            return Err(DirectoryError::LinkInvalid);
        }
        let id = new.id.clone();
        let account = rows.insert_account(stamp.at, new);
        rows.put_password(&id, password);
        rows.links.retain(|_, link| link.purpose != LinkPurpose::Setup);
        rows.audit(&Stamp { by: Some(id.clone()), at: stamp.at }, "account.setup", id.as_str(), "");
        Ok(Account { has_password: true, ..account })
    }

    async fn redeem_link(
        &self,
        stamp: Stamp,
        token: SecretHash,
        name: Option<String>,
        password: SecretHash,
    ) -> Result<Account, DirectoryError> {
        let mut rows = self.rows();
        let link = rows.valid_link(&token, stamp.at).cloned().ok_or(DirectoryError::LinkInvalid)?;
        let id = link.account.ok_or(DirectoryError::LinkInvalid)?;
        let account = rows.accounts.get_mut(&id).filter(|row| !row.account.is_disabled);
        let account = &mut account.ok_or(DirectoryError::LinkInvalid)?.account;
        if let Some(name) = name {
            account.agent.name = name;
        }
        let account = Account { has_password: true, ..account.clone() };
        rows.put_password(&id, password);
        rows.end_logins(&id, None);
        let stamp = Stamp { by: Some(id.clone()), at: stamp.at };
        rows.audit(&stamp, "account.password", id.as_str(), link.purpose.as_str());
        Ok(account)
    }

    async fn add_login(&self, login: Login) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if rows.logins.contains_key(&login.token) {
            return Err(StoreError::Conflict);
        }
        let row = rows.accounts.get_mut(&login.account).ok_or(StoreError::Conflict)?;
        row.account.last_login_at = Some(login.created_at);
        rows.logins.insert(login.token.clone(), login);
        Ok(())
    }

    async fn login(&self, token: &SecretHash) -> Result<Option<(Login, Account)>, StoreError> {
        let rows = self.rows();
        let login = rows.logins.get(token);
        Ok(login.and_then(|login| Some((login.clone(), rows.account(&login.account)?.clone()))))
    }

    async fn touch_login(&self, token: SecretHash, at: Timestamp) -> Result<(), StoreError> {
        if let Some(login) = self.rows().logins.get_mut(&token) {
            login.seen_at = login.seen_at.max(at);
        }
        Ok(())
    }

    async fn end_login(&self, token: SecretHash) -> Result<(), StoreError> {
        self.rows().logins.remove(&token);
        Ok(())
    }

    async fn sweep(&self, now: Timestamp, idle_before: Timestamp) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.logins.retain(|_, login| login.expires_at > now && login.seen_at > idle_before);
        rows.links.retain(|_, link| link.expires_at > now);
        Ok(())
    }

    async fn queues(&self) -> Result<Vec<Queue>, StoreError> {
        Ok(self.rows().queues.clone())
    }

    async fn save_queue(&self, stamp: Stamp, queue: Queue) -> Result<(), DirectoryError> {
        self.rows().save_queue(&stamp, queue)
    }

    async fn remove_queue(&self, stamp: Stamp, id: QueueId) -> Result<(), DirectoryError> {
        self.rows().remove_queue(&stamp, &id)
    }

    async fn knowledge(&self) -> Result<Vec<KnowledgeEntry>, StoreError> {
        Ok(self.rows().knowledge.clone())
    }

    async fn save_knowledge(&self, stamp: Stamp, entry: KnowledgeEntry) -> Result<(), DirectoryError> {
        self.rows().save_knowledge(&stamp, entry);
        Ok(())
    }

    async fn remove_knowledge(&self, stamp: Stamp, id: KnowledgeId) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        if !take(&mut rows.knowledge, |entry| entry.id == id) {
            return Err(DirectoryError::NotFound("knowledge"));
        }
        rows.knowledge_changes += 1;
        rows.audit(&stamp, "knowledge.remove", id.as_str(), "");
        Ok(())
    }

    async fn knowledge_revision(&self) -> Result<i64, StoreError> {
        Ok(1 + self.rows().knowledge_changes)
    }

    async fn canned(&self) -> Result<Vec<CannedReply>, StoreError> {
        let mut all: Vec<_> = self.rows().canned.values().cloned().collect();
        all.sort_by(|a, b| a.shortcut.cmp(&b.shortcut));
        Ok(all)
    }

    async fn save_canned(&self, stamp: Stamp, reply: CannedReply) -> Result<(), DirectoryError> {
        self.rows().save_canned(&stamp, reply)
    }

    async fn remove_canned(&self, stamp: Stamp, id: CannedId) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        rows.canned.remove(&id).ok_or(DirectoryError::NotFound("canned reply"))?;
        rows.audit(&stamp, "canned.remove", id.as_str(), "");
        Ok(())
    }

    async fn widgets(&self) -> Result<Vec<Widget>, StoreError> {
        Ok(self.rows().widgets.clone())
    }

    async fn widget(&self, key: &WidgetKey) -> Result<Option<Widget>, StoreError> {
        Ok(self.rows().widgets.iter().find(|widget| widget.key == *key).cloned())
    }

    async fn save_widget(&self, stamp: Stamp, widget: Widget) -> Result<(), DirectoryError> {
        self.rows().save_widget(&stamp, widget);
        Ok(())
    }

    async fn furnish(&self, stamp: Stamp, furniture: Furniture) -> Result<(), DirectoryError> {
        self.rows().furnish(&stamp, furniture)
    }

    async fn remove_widget(&self, stamp: Stamp, key: WidgetKey) -> Result<(), DirectoryError> {
        let mut rows = self.rows();
        if !take(&mut rows.widgets, |widget| widget.key == key) {
            return Err(DirectoryError::NotFound("widget"));
        }
        rows.audit(&stamp, "widget.remove", key.as_str(), "");
        Ok(())
    }

    async fn visitor_by_secret(&self, secret: &SecretHash) -> Result<Option<VisitorRecord>, StoreError> {
        let rows = self.rows();
        Ok(rows.visitor_secrets.get(secret).and_then(|id| rows.visitor(id)))
    }

    async fn visitor(&self, id: &VisitorId) -> Result<Option<VisitorRecord>, StoreError> {
        Ok(self.rows().visitor(id))
    }

    async fn save_visitor(
        &self,
        at: Timestamp,
        visitor: VisitorRecord,
        secret: SecretHash,
    ) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let VisitorRecord { id, widget, profile } = visitor;
        // The widget they came through first, and whose a secret is, never change.
        rows.visitor_secrets.entry(secret).or_insert_with(|| id.clone());
        match rows.visitors.get_mut(&id) {
            Some(known) => known.profile = profile,
            None => drop(rows.visitors.insert(id, VisitorRow { widget, profile, created_at: at })),
        }
        Ok(())
    }

    async fn policies(&self) -> Result<Vec<PolicyVersion>, StoreError> {
        let rows = self.rows();
        let all = rows.policies.iter().enumerate().rev();
        Ok(all.map(|(index, row)| rows.policy_version(index, row)).collect())
    }

    async fn policy(&self, version: u32) -> Result<Option<(PolicyVersion, String)>, StoreError> {
        let rows = self.rows();
        let found = rows.policies.iter().enumerate().find(|(index, _)| number(index + 1) == version);
        Ok(found.map(|(index, row)| (rows.policy_version(index, row), row.toml.clone())))
    }

    async fn publish_policy(
        &self,
        stamp: Stamp,
        name: String,
        toml: String,
        comment: String,
        based_on: u32,
    ) -> Result<PolicyVersion, DirectoryError> {
        let mut rows = self.rows();
        if number(rows.policies.len()) != based_on {
            return Err(DirectoryError::Conflict);
        }
        let index = rows.policies.len();
        rows.audit(&stamp, "policy.publish", &format!("{name}@{}", index + 1), &comment);
        rows.policies.push(PolicyRow { name, author: stamp.by, at: stamp.at, comment, toml });
        Ok(rows.policy_version(index, &rows.policies[index]))
    }

    async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = self.rows();
        let mut numbered: Vec<_> = rows.audit.iter().zip(1_i64..).collect();
        numbered.reverse();
        let wanted = numbered.into_iter().filter(|(_, number)| before.is_none_or(|before| *number < before));
        let entries =
            wanted.take(usize::try_from(limit).unwrap_or(usize::MAX)).map(|(row, number)| AuditEntry {
                number,
                at: row.at,
                account: rows.name_of(row.by.as_ref()),
                action: row.action.clone(),
                target: row.target.clone(),
                detail: row.detail.clone(),
            });
        Ok(entries.collect())
    }
}
