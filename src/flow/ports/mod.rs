//! What the flow needs from the world; the traits are owned here.

pub mod analyzer;
pub mod bot;
pub mod bus;
pub mod clock;
pub mod directory;
pub mod ids;
pub mod labels;
pub mod models;
pub mod nodes;
pub mod observer;
pub mod store;
pub mod upkeep;

pub use analyzer::{Analyzer, AnalyzerStatus};
pub use bot::{Bot, Probe, Question, Reply, Speaker};
pub use bus::{Bus, Hint, HintCounts, Hints, Side};
pub use clock::Clock;
pub use directory::{Directory, DirectoryError};
pub use ids::IdSource;
pub use labels::{Labels, LabelsOf};
pub use models::{ModelShelf, ModelVersion, ModelVersions, ReadyModel};
pub use nodes::{Company, Holder, Lease, LeaseError, Nodes, Term};
pub use observer::{NobodyCounts, Observer};
pub use store::{
    Ack, CommandKey, Committed, Figures, Glance, Judgement, Overdue, ReadMarks, Receipt, Search, Seen, Store,
    StoreError, StoreHealth,
};
pub use upkeep::{
    Disk, EraseError, Erased, Held, KeptCounts, Outline, Person, Place, Removed, Upkeep, Walked,
};

use std::sync::Arc;

/// One of each.
#[derive(Clone)]
pub struct Ports {
    /// Conversations.
    pub store: Arc<dyn Store>,
    /// Which processes serve, and who is connected to them.
    pub nodes: Arc<dyn Nodes>,
    /// Accounts, queues, knowledge, widgets, visitors, policies.
    pub directory: Arc<dyn Directory>,
    /// What is in a message.
    pub analyzer: Arc<dyn Analyzer>,
    /// Who answers first.
    pub bot: Arc<dyn Bot>,
    /// Tells everybody that something changed.
    pub bus: Arc<dyn Bus>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn IdSource>,
    /// Is told what happened, and counts it.
    pub observer: Arc<dyn Observer>,
}
