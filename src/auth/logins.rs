//! Logins of the humans who answer: from address and password to a cookie, from a
//! cookie to who is asking, and the one-time links that begin it all.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::broadcast;

use super::attempts::{Attempts, Limit};
use super::password::{Passwords, WeakPassword};
use super::token::Secret;
use crate::config::AuthConfig;
use crate::domain::account::{Account, AccountChange, Email};
use crate::domain::agent::{Permission, Role};
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use crate::flow::ports::directory::{
    Directory, DirectoryError, Link, LinkPurpose, Login, NewAccount, SecretHash, Stamp,
};
use crate::flow::ports::{Clock, IdSource, StoreError};

/// A login is marked as used at most this often, so that reading costs no writing.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such account, another password, or disabled: which of them is not said.
    #[error("address and password do not match")]
    WrongPassword,
    /// Too many attempts.
    #[error("too many attempts")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Not logged in, or not any more.
    #[error("not logged in")]
    NotLoggedIn,
    /// The new password is too weak.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The directory refused.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        Self::Directory(DirectoryError::Store(error))
    }
}

impl AuthError {
    /// The word for this error in answers, metrics and logs. Never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::TooMany { .. } => "rate_limited",
            Self::NotLoggedIn => "not_logged_in",
            Self::Weak(_) => "weak_password",
            Self::Directory(error) => error.code(),
        }
    }
}

/// Who is asking: an account that is logged in and not disabled.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Their account, as it is now.
    pub account: Account,
    /// Their login.
    pub login: SecretHash,
}

impl Caller {
    /// Whether they may do that.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.account.role().may(permission)
    }

    /// Their id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        self.account.id()
    }
}

/// Lets people in and out.
pub struct Logins {
    directory: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    passwords: Passwords,
    config: AuthConfig,
    by_account: Attempts<Email>,
    by_address: Attempts<IpAddr>,
    /// Accounts whose sockets must be closed.
    revoked: broadcast::Sender<AgentId>,
}

impl Logins {
    /// Lets nobody in yet.
    #[must_use]
    pub fn new(
        directory: Arc<dyn Directory>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        passwords: Passwords,
        config: AuthConfig,
    ) -> Self {
        let per =
            |times: std::num::NonZeroU32| Limit { times: times.get(), interval: config.attempt_interval };
        Self {
            by_account: Attempts::new(per(config.attempts_per_account)),
            by_address: Attempts::new(per(config.attempts_per_address)),
            revoked: broadcast::channel(64).0,
            directory,
            clock,
            ids,
            passwords,
            config,
        }
    }

    /// Logs in. Takes as long for an address that does not exist.
    ///
    /// # Errors
    ///
    /// [`AuthError::WrongPassword`] whatever was wrong, or [`AuthError::TooMany`].
    pub async fn login(
        &self,
        email: &str,
        password: SecretString,
        from: IpAddr,
    ) -> Result<(Secret, Account), AuthError> {
        let now = self.clock.now();
        let too_many = |retry_after| AuthError::TooMany { retry_after };
        self.by_address.take(from, now).map_err(too_many)?;
        let email = Email::parse(email).map_err(|_| AuthError::WrongPassword);
        let found = match &email {
            Ok(email) => {
                self.by_account.take(email.clone(), now).map_err(too_many)?;
                self.directory.credentials(email).await?
            }
            Err(_) => None,
        };
        let stored = found.as_ref().and_then(|found| found.password.clone());
        let is_right = self.passwords.is_right(stored, password).await;
        match found {
            Some(found) if is_right && !found.account.is_disabled => {
                self.by_account.forgive(&email?);
                let token = self.begin(found.account.id()).await?;
                Ok((token, found.account))
            }
            _ => Err(AuthError::WrongPassword),
        }
    }

    /// Begins a login for an account that has proved itself.
    async fn begin(&self, account: &AgentId) -> Result<Secret, AuthError> {
        let now = self.clock.now();
        let token = Secret::new();
        let expires_at = now.plus(self.config.login_lifetime);
        let account = account.clone();
        self.directory
            .add_login(Login { token: token.hash(), account, created_at: now, seen_at: now, expires_at })
            .await?;
        Ok(token)
    }

    /// Who holds this cookie.
    ///
    /// # Errors
    ///
    /// [`AuthError::NotLoggedIn`] when nobody does: unknown, ended, idle for too long, or disabled.
    pub async fn caller(&self, token: &Secret) -> Result<Caller, AuthError> {
        let now = self.clock.now();
        let hash = token.hash();
        let (login, account) = self.directory.login(&hash).await?.ok_or(AuthError::NotLoggedIn)?;
        let is_idle = now.since(login.seen_at) >= self.config.login_idle_timeout;
        if is_idle || now >= login.expires_at {
            self.directory.end_login(hash).await?;
            return Err(AuthError::NotLoggedIn);
        }
        if account.is_disabled {
            return Err(AuthError::NotLoggedIn);
        }
        if now.since(login.seen_at) >= TOUCH_INTERVAL {
            self.directory.touch_login(hash.clone(), now).await?;
        }
        Ok(Caller { account, login: hash })
    }

    /// Ends one login.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn logout(&self, caller: &Caller) -> Result<(), AuthError> {
        Ok(self.directory.end_login(caller.login.clone()).await?)
    }

    /// How long the cookie of a login lives.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.config.login_lifetime
    }

    /// Whose sockets must be closed: accounts that were disabled or got another role.
    pub fn revoked(&self) -> broadcast::Receiver<AgentId> {
        self.revoked.subscribe()
    }

    /// Changes the caller's own password; their other logins end.
    ///
    /// # Errors
    ///
    /// [`AuthError::WrongPassword`] when the old one is not right.
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: SecretString,
        new: SecretString,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        let email = caller.account.email.clone();
        self.by_account.take(email.clone(), now).map_err(|retry_after| AuthError::TooMany { retry_after })?;
        let stored = self.directory.credentials(&email).await?.and_then(|found| found.password);
        if !self.passwords.is_right(stored, old).await {
            return Err(AuthError::WrongPassword);
        }
        self.by_account.forgive(&email);
        self.passwords.check_strength(&new, email.as_str())?;
        let hash = self.passwords.hash(new).await;
        let stamp = self.stamp(Some(caller));
        Ok(self.directory.set_password(stamp, caller.id().clone(), hash, Some(caller.login.clone())).await?)
    }

    /// Makes an account and the link by which its owner sets a password.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Taken`] when the address has an account.
    pub async fn invite(
        &self,
        by: Option<&Caller>,
        email: Email,
        name: String,
        role: Role,
    ) -> Result<(Account, Secret), AuthError> {
        let id = AgentId::from_suffix(&self.ids.suffix());
        let secret = Secret::new();
        let link = self.link_for(&secret, LinkPurpose::Invite, Some(id.clone()), self.config.invite_lifetime);
        let new = NewAccount { id, email, name, role };
        let account = self.directory.add_account(self.stamp(by), new, Some(link)).await?;
        Ok((account, secret))
    }

    /// Makes an account with a password, for the command line.
    ///
    /// # Errors
    ///
    /// [`AuthError::Weak`], or [`DirectoryError::Taken`] when the address has an account.
    pub async fn add(
        &self,
        email: Email,
        name: String,
        role: Role,
        password: SecretString,
    ) -> Result<Account, AuthError> {
        self.passwords.check_strength(&password, email.as_str())?;
        let id = AgentId::from_suffix(&self.ids.suffix());
        let new = NewAccount { id: id.clone(), email, name, role };
        let hash = self.passwords.hash(password).await;
        let account = self.directory.add_account(self.stamp(None), new, None).await?;
        self.directory.set_password(self.stamp(None), id, hash, None).await?;
        Ok(Account { has_password: true, ..account })
    }

    /// Makes a link by which an account's owner sets a new password.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NotFound`] when there is no such account.
    pub async fn reset(&self, by: Option<&Caller>, id: &AgentId) -> Result<Secret, AuthError> {
        let account = self.directory.account(id).await?.ok_or(DirectoryError::NotFound("account"))?;
        let purpose = if account.has_password { LinkPurpose::Reset } else { LinkPurpose::Invite };
        let secret = Secret::new();
        let link = self.link_for(&secret, purpose, Some(id.clone()), self.config.reset_lifetime);
        self.directory.issue_link(self.stamp(by), link).await?;
        Ok(secret)
    }

    /// Makes the link that makes the first admin, unless there is an account already.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn setup_link(&self) -> Result<Option<Secret>, AuthError> {
        if !self.directory.accounts().await?.is_empty() {
            return Ok(None);
        }
        let secret = Secret::new();
        let link = self.link_for(&secret, LinkPurpose::Setup, None, self.config.setup_lifetime);
        self.directory.issue_link(self.stamp(None), link).await?;
        Ok(Some(secret))
    }

    /// Uses the setup link: makes the first admin and logs them in.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::LinkInvalid`] when the link does not work (any more).
    pub async fn setup(
        &self,
        token: &Secret,
        name: String,
        email: Email,
        password: SecretString,
        from: IpAddr,
    ) -> Result<(Secret, Account), AuthError> {
        self.take_address(from)?;
        self.check_link(token, &[LinkPurpose::Setup]).await?;
        self.passwords.check_strength(&password, email.as_str())?;
        let hash = self.passwords.hash(password).await;
        let new = NewAccount { id: AgentId::from_suffix(&self.ids.suffix()), email, name, role: Role::Admin };
        let account = self.directory.redeem_setup(self.stamp(None), token.hash(), new, hash).await?;
        Ok((self.begin(account.id()).await?, account))
    }

    /// Uses an invitation or a reset: sets the password and logs the owner in.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::LinkInvalid`] when the link does not work (any more).
    pub async fn accept(
        &self,
        token: &Secret,
        name: Option<String>,
        password: SecretString,
        from: IpAddr,
    ) -> Result<(Secret, Account), AuthError> {
        self.take_address(from)?;
        let link = self.check_link(token, &[LinkPurpose::Invite, LinkPurpose::Reset]).await?;
        let owner = match &link.account {
            Some(id) => self.directory.account(id).await?,
            None => None,
        };
        let owner = owner.filter(|owner| !owner.is_disabled).ok_or(DirectoryError::LinkInvalid)?;
        self.passwords.check_strength(&password, owner.email.as_str())?;
        let hash = self.passwords.hash(password).await;
        let account = self.directory.redeem_link(self.stamp(None), token.hash(), name, hash).await?;
        Ok((self.begin(account.id()).await?, account))
    }

    /// Changes an account; where it loses rights, its logins and sockets end.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::LastAdmin`] when nobody would be left to administer.
    pub async fn change(
        &self,
        by: Option<&Caller>,
        id: AgentId,
        change: AccountChange,
    ) -> Result<Account, AuthError> {
        let before = self.directory.account(&id).await?.ok_or(DirectoryError::NotFound("account"))?;
        let account = self.directory.change_account(self.stamp(by), id.clone(), change).await?;
        if account.is_disabled || account.role() != before.role() {
            // Nobody listening is fine: then there is no socket to close.
            let _ = self.revoked.send(id);
        }
        Ok(account)
    }

    /// Forgets what ended long ago.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.directory.sweep(now, now.minus(self.config.login_idle_timeout)).await
    }

    /// Who makes a change, and when.
    #[must_use]
    pub fn stamp(&self, by: Option<&Caller>) -> Stamp {
        Stamp { by: by.map(|caller| caller.id().clone()), at: self.clock.now() }
    }

    /// The instant, for those who have no clock of their own.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn take_address(&self, from: IpAddr) -> Result<(), AuthError> {
        self.by_address.take(from, self.clock.now()).map_err(|retry_after| AuthError::TooMany { retry_after })
    }

    async fn check_link(&self, token: &Secret, purposes: &[LinkPurpose]) -> Result<Link, AuthError> {
        let link = self.directory.link(&token.hash(), self.clock.now()).await?;
        Ok(link.filter(|link| purposes.contains(&link.purpose)).ok_or(DirectoryError::LinkInvalid)?)
    }

    fn link_for(
        &self,
        secret: &Secret,
        purpose: LinkPurpose,
        account: Option<AgentId>,
        lifetime: Duration,
    ) -> Link {
        Link { token: secret.hash(), purpose, account, expires_at: self.clock.now().plus(lifetime) }
    }
}
