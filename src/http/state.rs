//! What handlers work with. Made in one place, the composition root; cheap to clone.

use std::sync::Arc;

use super::Site;
use crate::auth::{Logins, Tickets, Visitors};
use crate::config::Config;
use crate::flow::ports::{Analyzer, Bus, Clock, Directory, Store};
use crate::telemetry::Metrics;

/// The parts of the service that HTTP reaches.
#[derive(Clone)]
pub struct Http {
    /// What was set before the start.
    pub config: Arc<Config>,
    /// Addresses and the build of the pages.
    pub site: Arc<Site>,
    /// Accounts, queues, knowledge, widgets, policies.
    pub directory: Arc<dyn Directory>,
    /// Conversations.
    pub store: Arc<dyn Store>,
    /// The model, or the words.
    pub analyzer: Arc<dyn Analyzer>,
    /// Tells the others what changed.
    pub bus: Arc<dyn Bus>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Logins of the humans who answer.
    pub logins: Arc<Logins>,
    /// Visitors and their secrets.
    pub visitors: Arc<Visitors>,
    /// One-use tickets for sockets.
    pub tickets: Arc<Tickets>,
    /// What is counted.
    pub metrics: Metrics,
}
