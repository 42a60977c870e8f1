//! What handlers work with. Made in one place, the composition root; cheap to clone.

use std::sync::Arc;

use super::{Desk, Site};
use crate::auth::{Logins, Tickets, Visitors};
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Directory, Hint, Labels, Store};
use crate::flow::{Flow, Housekeeping, Models};
use crate::telemetry::Metrics;

/// The parts of the service that HTTP reaches.
#[derive(Clone)]
pub struct Http {
    /// What was set before the start.
    pub config: Arc<Config>,
    /// Addresses and the build of the pages.
    pub site: Arc<Site>,
    /// Conversations, and all ports.
    pub flow: Flow,
    /// Writes conversations as agents see them.
    pub desk: Arc<dyn Desk>,
    /// What supervisors say that messages and conversations were.
    pub labels: Arc<dyn Labels>,
    /// Which model is live.
    pub models: Models,
    /// What happens to the data over the years.
    pub housekeeping: Housekeeping,
    /// Logins of the humans who answer.
    pub logins: Arc<Logins>,
    /// Visitors and their secrets.
    pub visitors: Arc<Visitors>,
    /// One-use tickets for sockets.
    pub tickets: Arc<Tickets>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Http {
    /// Accounts, queues, knowledge, widgets, policies.
    pub(super) fn directory(&self) -> &dyn Directory {
        &*self.flow.ports().directory
    }

    /// Conversations as they are stored.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.flow.ports().store
    }

    /// The instant.
    pub(super) fn now(&self) -> Timestamp {
        self.flow.ports().clock.now()
    }

    /// The part of a new identifier after its prefix.
    pub(super) fn new_suffix(&self) -> String {
        self.flow.ports().ids.suffix()
    }

    /// Tells everybody that accounts or queues changed.
    pub(super) fn tell_queues(&self) {
        self.flow.ports().bus.hint(Hint::Queues);
    }
}
