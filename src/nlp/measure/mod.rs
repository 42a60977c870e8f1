//! Measuring analyses against labels: by head and slice, over whole conversations,
//! with disturbed texts, and on texts that should not differ. Pure numbers;
//! nothing is trained here.

pub mod conversation;
pub mod disturb;
pub mod figures;
pub mod sameness;
#[cfg(feature = "rust-bert")]
pub mod served;
pub mod similarity;

pub use conversation::{Conversation, ConversationFigures};
pub use disturb::{Disturbance, Loss};
pub use figures::{Figures, measure};
pub use sameness::{Difference, Pair};
pub use similarity::Similarity;
