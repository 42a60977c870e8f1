//! One-use tickets for sockets: a browser cannot send a header when it opens one,
//! and an address may end up in logs, so what stands there works once and for seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::token::Secret;
use crate::config::AuthConfig;
use crate::domain::agent::Role;
use crate::domain::id::{AgentId, VisitorId, WidgetKey};
use crate::domain::time::Timestamp;
use crate::flow::ports::directory::SecretHash;

/// Who a ticket lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A visitor, through a widget.
    Visitor {
        /// Who.
        visitor: VisitorId,
        /// The widget they came through.
        widget: WidgetKey,
    },
    /// A human who answers.
    Agent {
        /// Who.
        agent: AgentId,
        /// What they may do, as of now.
        role: Role,
    },
}

/// More tickets are out than the configuration allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tickets are out")]
pub struct TooManyTickets;

/// The tickets that are out. In memory: one that is lost in a restart is asked for again.
#[derive(Debug)]
pub struct Tickets {
    lifetime: Duration,
    most: usize,
    out: Mutex<HashMap<SecretHash, (Holder, Timestamp)>>,
}

impl Tickets {
    /// None are out.
    #[must_use]
    pub fn new(config: &AuthConfig) -> Self {
        Self {
            lifetime: config.ticket_lifetime,
            most: config.max_tickets.get(),
            out: Mutex::new(HashMap::new()),
        }
    }

    /// Hands out a ticket.
    ///
    /// # Errors
    ///
    /// [`TooManyTickets`] when the limit is reached, also without the expired ones.
    pub fn issue(&self, holder: Holder, now: Timestamp) -> Result<Secret, TooManyTickets> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.len() >= self.most {
            out.retain(|_, (_, expires_at)| *expires_at > now);
            if out.len() >= self.most {
                return Err(TooManyTickets);
            }
        }
        let ticket = Secret::new();
        out.insert(ticket.hash(), (holder, now.plus(self.lifetime)));
        Ok(ticket)
    }

    /// Takes a ticket in: it never works again. None when it never did, or is too old.
    #[must_use]
    pub fn redeem(&self, text: &str, now: Timestamp) -> Option<Holder> {
        let found =
            self.out.lock().unwrap_or_else(PoisonError::into_inner).remove(&Secret::received(text).hash());
        found.filter(|(_, expires_at)| now < *expires_at).map(|(holder, _)| holder)
    }

    /// Takes back every ticket of an account that may not come in any more.
    pub fn revoke(&self, account: &AgentId) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.retain(|_, (holder, _)| !matches!(holder, Holder::Agent { agent, .. } if agent == account));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, load};

    fn tickets(most: &str) -> Tickets {
        let environment = vec![("BATON_AUTH__MAX_TICKETS".into(), most.into())];
        Tickets::new(&load(&Layers { environment, ..Layers::default() }).unwrap().auth)
    }

    fn ana() -> Holder {
        Holder::Agent { agent: AgentId::from_suffix("ana"), role: Role::Agent }
    }

    #[test]
    fn a_ticket_works_once_and_for_half_a_minute() {
        let tickets = tickets("10");
        let now = Timestamp::from_millis(0);
        let ticket = tickets.issue(ana(), now).unwrap();
        assert_eq!(tickets.redeem(ticket.expose(), now), Some(ana()));
        assert_eq!(tickets.redeem(ticket.expose(), now), None);
        let late = tickets.issue(ana(), now).unwrap();
        assert_eq!(tickets.redeem(late.expose(), now.plus(Duration::from_secs(30))), None);
        assert_eq!(tickets.redeem("made up", now), None);
    }

    #[test]
    fn tickets_are_bounded_and_expired_ones_make_room() {
        let tickets = tickets("2");
        let now = Timestamp::from_millis(0);
        tickets.issue(ana(), now).unwrap();
        tickets.issue(ana(), now).unwrap();
        assert_eq!(tickets.issue(ana(), now), Err(TooManyTickets));
        assert!(tickets.issue(ana(), now.plus(Duration::from_secs(31))).is_ok());
    }

    #[test]
    fn a_revoked_account_gets_in_with_no_ticket() {
        let tickets = tickets("10");
        let now = Timestamp::from_millis(0);
        let ticket = tickets.issue(ana(), now).unwrap();
        tickets.revoke(&AgentId::from_suffix("ana"));
        assert_eq!(tickets.redeem(ticket.expose(), now), None);
    }
}
