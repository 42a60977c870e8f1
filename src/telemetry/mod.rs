//! How Baton is seen from outside: logs and metrics. Nothing that people write, and no secret.

mod catalog;
mod logging;
mod metrics;
mod observe;
mod redact;

pub use catalog::{CATALOG, Kind, Metric, reference};
pub use logging::{LogError, start_logging};
pub use metrics::{HintsFlow, IsReady, Metrics, SocketGuard};
pub use redact::Private;
