//! What the flow needs from the world; the traits are owned here.

pub mod analyzer;
pub mod bot;
pub mod bus;
pub mod clock;
pub mod directory;
pub mod ids;
pub mod observer;
pub mod store;

pub use analyzer::{Analyzer, AnalyzerStatus};
pub use bot::{Bot, Question, Reply, Speaker};
pub use bus::{Bus, Hint, Side};
pub use clock::Clock;
pub use directory::{Directory, DirectoryError};
pub use ids::IdSource;
pub use observer::{NobodyCounts, Observer};
pub use store::{
    Ack, CommandKey, Figures, Judgement, Overdue, ReadMarks, Receipt, Search, Store, StoreError,
};
