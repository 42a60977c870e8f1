//! One-use tickets for sockets: a browser cannot send a header when it opens one,
//! and an address may end up in logs, so what stands there works once and for seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use crate::flow::ports::Holder;

use super::token::Secret;
use crate::config::AuthConfig;
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use crate::flow::ports::directory::SecretHash;
use crate::flow::ports::{Nodes, StoreError};

/// Why no ticket was handed out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTicket {
    /// More are out than the configuration allows.
    #[error("too many tickets are out")]
    TooMany,
    /// They are shared with other nodes, and the store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tickets that are out. A node that is alone has them in memory: one that is lost in a restart is asked for
/// again. Where one node may hand out what another takes in, they are in the store.
pub struct Tickets {
    lifetime: Duration,
    most: usize,
    out: Mutex<Out>,
    shared: Option<Arc<dyn Nodes>>,
}

/// Those in memory, each with its end.
#[derive(Default)]
struct Out {
    tickets: HashMap<SecretHash, (Holder, Timestamp)>,
    swept_at: Option<Timestamp>,
}

impl Out {
    /// Lets go of those that are too old: many are asked for and never used.
    fn sweep(&mut self, now: Timestamp) {
        self.tickets.retain(|_, (_, expires_at)| *expires_at > now);
        self.swept_at = Some(now);
    }
}

impl Tickets {
    /// None are out.
    #[must_use]
    pub fn new(config: &AuthConfig) -> Self {
        Self {
            lifetime: config.ticket_lifetime,
            most: config.max_tickets.get(),
            out: Mutex::default(),
            shared: None,
        }
    }

    /// Shared with other nodes from now on.
    #[must_use]
    pub fn shared(self, nodes: Arc<dyn Nodes>) -> Self {
        Self { shared: Some(nodes), ..self }
    }

    /// Hands out a ticket.
    ///
    /// # Errors
    ///
    /// [`NoTicket::TooMany`] when the limit is reached, also without the expired ones.
    pub async fn issue(&self, holder: Holder, now: Timestamp) -> Result<Secret, NoTicket> {
        let (ticket, expires_at) = (Secret::new(), now.plus(self.lifetime));
        if let Some(nodes) = &self.shared {
            nodes.keep_ticket(ticket.hash(), holder, expires_at).await?;
            return Ok(ticket);
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = out.swept_at.is_none_or(|swept_at| now.since(swept_at) >= self.lifetime);
        if is_due || out.tickets.len() >= self.most {
            out.sweep(now);
        }
        if out.tickets.len() >= self.most {
            return Err(NoTicket::TooMany);
        }
        out.tickets.insert(ticket.hash(), (holder, expires_at));
        Ok(ticket)
    }

    /// Takes a ticket in: it never works again. None when it never did, or is too old.
    ///
    /// # Errors
    ///
    /// When it is shared and the store does not answer.
    pub async fn redeem(&self, text: &str, now: Timestamp) -> Result<Option<Holder>, StoreError> {
        let hash = Secret::received(text).hash();
        if let Some(nodes) = &self.shared {
            return nodes.take_ticket(&hash, now).await;
        }
        let found = self.out.lock().unwrap_or_else(PoisonError::into_inner).tickets.remove(&hash);
        Ok(found.filter(|(_, expires_at)| now < *expires_at).map(|(holder, _)| holder))
    }

    /// Takes back every ticket of an account that may not come in any more.
    ///
    /// # Errors
    ///
    /// When they are shared and the store does not answer.
    pub async fn revoke(&self, account: &AgentId) -> Result<(), StoreError> {
        if let Some(nodes) = &self.shared {
            return nodes.forget_tickets(account).await;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.tickets
            .retain(|_, (holder, _)| !matches!(holder, Holder::Agent { agent, .. } if agent == account));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, load};
    use crate::domain::agent::Role;

    fn tickets(most: &str) -> Tickets {
        let environment = vec![("BATON_AUTH__MAX_TICKETS".into(), most.into())];
        Tickets::new(&load(&Layers { environment, ..Layers::default() }).unwrap().auth)
    }

    fn ana() -> Holder {
        Holder::Agent { agent: AgentId::from_suffix("ana"), role: Role::Agent }
    }

    #[tokio::test]
    async fn a_ticket_works_once_and_for_half_a_minute() {
        let tickets = tickets("10");
        let now = Timestamp::from_millis(0);
        let ticket = tickets.issue(ana(), now).await.unwrap();
        assert_eq!(tickets.redeem(ticket.expose(), now).await, Ok(Some(ana())));
        assert_eq!(tickets.redeem(ticket.expose(), now).await, Ok(None));
        let late = tickets.issue(ana(), now).await.unwrap();
        assert_eq!(tickets.redeem(late.expose(), now.plus(Duration::from_secs(30))).await, Ok(None));
        assert_eq!(tickets.redeem("made up", now).await, Ok(None));
    }

    #[tokio::test]
    async fn tickets_are_bounded_and_expired_ones_make_room() {
        let tickets = tickets("2");
        let now = Timestamp::from_millis(0);
        tickets.issue(ana(), now).await.unwrap();
        tickets.issue(ana(), now).await.unwrap();
        assert_eq!(tickets.issue(ana(), now).await.unwrap_err(), NoTicket::TooMany);
        assert!(tickets.issue(ana(), now.plus(Duration::from_secs(31))).await.is_ok());
    }

    #[tokio::test]
    async fn tickets_that_nobody_uses_are_not_kept() {
        let tickets = tickets("100000");
        for second in 0..200 {
            tickets.issue(ana(), Timestamp::from_millis(second * 1_000)).await.unwrap();
        }
        let n_kept = tickets.out.lock().unwrap().tickets.len();
        assert!(n_kept <= 60, "{n_kept} are kept, of which at most 30 may be used");
    }

    #[tokio::test]
    async fn a_revoked_account_gets_in_with_no_ticket() {
        let tickets = tickets("10");
        let now = Timestamp::from_millis(0);
        let ticket = tickets.issue(ana(), now).await.unwrap();
        tickets.revoke(&AgentId::from_suffix("ana")).await.unwrap();
        assert_eq!(tickets.redeem(ticket.expose(), now).await, Ok(None));
    }
}
