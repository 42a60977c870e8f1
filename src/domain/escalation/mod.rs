//! Whether a human is needed now, and why: the decision, the policy it follows,
//! and what would have had to be different.

mod counterfactual;
mod decide;
mod policy;
mod reason;

pub use counterfactual::{Counterfactual, counterfactual};
pub use decide::{Decision, Outcome, Signals, decide, decide_trigger};
pub use policy::{EscalationPolicy, Immediate, InvalidPolicy, Keyword, Rules, Service};
pub use reason::{Reason, ReasonCode};
