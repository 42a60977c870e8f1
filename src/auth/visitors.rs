//! Visitors and the secret of their browser: who holds it reaches that visitor's own
//! conversations, and no others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::attempts::{Attempts, Limit};
use super::identity::{Claims, IdentityError, read_identity};
use super::tickets::{Holder, NoTicket, Tickets};
use super::token::Secret;
use crate::domain::account::Email;
use crate::domain::id::{VisitorId, WidgetKey};
use crate::domain::site::Widget;
use crate::domain::visitor::Profile;
use crate::flow::ports::directory::{Directory, VisitorRecord};
use crate::flow::ports::{Clock, IdSource, StoreError};

/// Boots and tickets from one address: a whole office behind one address fits in,
/// filling the store does not.
const PER_ADDRESS: Limit = Limit { times: 240, interval: Duration::from_secs(60) };

/// Most attributes that are kept of a visitor. A site that sends more keeps the first.
const MAX_ATTRIBUTES: usize = 60;

/// Longest name or attribute of a visitor that is kept, in characters.
const MAX_ATTRIBUTE_CHARS: usize = 500;

/// Why a visitor is not let in.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// There is no such widget.
    #[error("there is no such widget")]
    UnknownWidget,
    /// The page is not on the widget's list.
    #[error("this site may not show the widget")]
    SiteNotAllowed,
    /// The secret is nobody's.
    #[error("the visitor is not known")]
    UnknownVisitor,
    /// The site's word for who the visitor is cannot be believed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Too often from one address.
    #[error("too many at once")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The database did not answer.
    #[error("the store is not available")]
    Store(#[from] StoreError),
}

impl BootError {
    /// The word for this error in answers, metrics and logs. Never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownWidget => "unknown_widget",
            Self::SiteNotAllowed => "site_not_allowed",
            Self::UnknownVisitor => "unknown_visitor",
            Self::Identity(IdentityError::Expired) => "identity_expired",
            Self::Identity(_) => "identity_invalid",
            Self::TooMany { .. } => "rate_limited",
            Self::Store(_) => "store_unavailable",
        }
    }
}

impl From<NoTicket> for BootError {
    fn from(why: NoTicket) -> Self {
        match why {
            NoTicket::TooMany => Self::TooMany { retry_after: Duration::from_secs(5) },
            NoTicket::Store(error) => Self::Store(error),
        }
    }
}

/// A visitor who was let in.
#[derive(Debug)]
pub struct Booted {
    /// The secret for their browser to keep.
    pub secret: Secret,
    /// The ticket for one socket.
    pub ticket: Secret,
}

/// Lets visitors in.
pub struct Visitors {
    directory: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    tickets: Arc<Tickets>,
    by_address: Attempts<IpAddr>,
}

impl Visitors {
    /// Lets nobody in yet.
    #[must_use]
    pub fn new(
        directory: Arc<dyn Directory>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        tickets: Arc<Tickets>,
    ) -> Self {
        Self { directory, clock, ids, tickets, by_address: Attempts::new(PER_ADDRESS) }
    }

    /// A widget by the key that its snippet carries.
    ///
    /// # Errors
    ///
    /// [`BootError::UnknownWidget`].
    pub async fn widget(&self, key: &str) -> Result<Widget, BootError> {
        let key = WidgetKey::parse(key).map_err(|_| BootError::UnknownWidget)?;
        self.directory.widget(&key).await?.ok_or(BootError::UnknownWidget)
    }

    /// Lets a visitor in through a widget on a page that may show it: the same visitor
    /// when the secret is known (or the site says who it is), else a new one.
    ///
    /// # Errors
    ///
    /// [`BootError`] says why not.
    pub async fn boot(
        &self,
        widget: &Widget,
        secret: Option<&str>,
        identity: Option<&str>,
        attributes: BTreeMap<String, String>,
        from: IpAddr,
    ) -> Result<Booted, BootError> {
        self.take_address(from)?;
        let now = self.clock.now();
        let known = match secret {
            Some(text) => {
                let secret = Secret::received(text);
                let record = self.directory.visitor_by_secret(&secret.hash()).await?;
                record.filter(|record| record.widget == widget.key).map(|record| (secret, record))
            }
            None => None,
        };
        let claims = identity.map(|token| read_identity(&widget.identity_key, token, now)).transpose()?;
        let (secret, mut record) = match (known, &claims) {
            (known, Some(claims)) => {
                let id = signed_id(&widget.key, &claims.id);
                match known {
                    Some((secret, record)) if record.id == id => (secret, record),
                    _ => {
                        let kept = self.directory.visitor(&id).await?;
                        let profile = kept.map(|kept| kept.profile).unwrap_or_default();
                        (Secret::new(), VisitorRecord { id, widget: widget.key.clone(), profile })
                    }
                }
            }
            (Some(known), None) => known,
            (None, None) => {
                let id = VisitorId::from_suffix(&self.ids.suffix());
                (Secret::new(), VisitorRecord { id, widget: widget.key.clone(), profile: Profile::default() })
            }
        };
        describe(&mut record.profile, claims.as_ref(), attributes);
        let holder = Holder::Visitor { visitor: record.id.clone(), widget: widget.key.clone() };
        self.directory.save_visitor(now, record, secret.hash()).await?;
        let ticket = self.tickets.issue(holder, now).await?;
        Ok(Booted { secret, ticket })
    }

    /// Another ticket for a visitor who is known.
    ///
    /// # Errors
    ///
    /// [`BootError::UnknownVisitor`] when the secret is nobody's, or of another widget.
    pub async fn ticket(&self, key: &str, secret: &str, from: IpAddr) -> Result<Secret, BootError> {
        self.take_address(from)?;
        let record = self.directory.visitor_by_secret(&Secret::received(secret).hash()).await?;
        let record =
            record.filter(|record| record.widget.as_str() == key).ok_or(BootError::UnknownVisitor)?;
        if self.directory.widget(&record.widget).await?.is_none() {
            return Err(BootError::UnknownWidget);
        }
        let holder = Holder::Visitor { visitor: record.id, widget: record.widget };
        Ok(self.tickets.issue(holder, self.clock.now()).await?)
    }

    /// Whom the sites may mean by an id that they sign: one visitor for each widget.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn signed_as(&self, id: &str) -> Result<Vec<VisitorId>, StoreError> {
        let widgets = self.directory.widgets().await?;
        Ok(widgets.iter().map(|widget| signed_id(&widget.key, id)).collect())
    }

    fn take_address(&self, from: IpAddr) -> Result<(), BootError> {
        self.by_address.take(from, self.clock.now()).map_err(|retry_after| BootError::TooMany { retry_after })
    }
}

/// The visitor that a site names: the same on every device, and different on every widget.
fn signed_id(widget: &WidgetKey, id: &str) -> VisitorId {
    let digest = Sha256::new().chain_update(widget.as_str()).chain_update([0]).chain_update(id).finalize();
    let suffix: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    VisitorId::from_suffix(&suffix)
}

/// Adds what the site says. What it signed wins over what the page merely passes.
fn describe(profile: &mut Profile, claims: Option<&Claims>, attributes: BTreeMap<String, String>) {
    let short =
        |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_ATTRIBUTE_CHARS).collect::<String>();
    let mut put = |name: &str, value: &str| {
        let name = short(name);
        if profile.attributes.len() < MAX_ATTRIBUTES || profile.attributes.contains_key(&name) {
            profile.attributes.insert(name, short(value));
        }
    };
    for (name, value) in &attributes {
        put(name, value);
    }
    for (name, value) in claims.iter().flat_map(|claims| &claims.attributes) {
        put(name, value);
    }
    if let Some(claims) = claims {
        if !claims.name.is_empty() {
            profile.name = short(&claims.name);
        }
        if let Some(email) = claims.email.as_deref().and_then(|text| Email::parse(text).ok()) {
            profile.email = Some(email.as_str().to_owned());
        }
    }
}
