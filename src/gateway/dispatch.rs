//! Passes hints on to the sockets they matter to: one listener for the whole node.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tracing::warn;

use super::state::Gateway;

/// How often allowances that are full again are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Starts listening. Ends when the process stops.
pub fn start(gateway: &Gateway) {
    let listener = gateway.clone();
    let mut hints = gateway.flow().ports().bus.subscribe();
    gateway.tracker().spawn("gateway.dispatch", async move {
        let registry = listener.registry();
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                () = listener.tracker().stopping() => return,
                hint = hints.recv() => match hint {
                    Ok(hint) => registry.pass(&hint),
                    Err(RecvError::Lagged(lost)) => {
                        warn!(lost, "{lost} hints were lost; every socket looks at everything");
                        registry.pass_everything();
                    }
                    // Sockets go on by polling.
                    Err(RecvError::Closed) => return,
                },
                _ = sweep.tick() => {
                    let now = listener.flow().ports().clock.now();
                    registry.sweep(|bucket| bucket.is_full(now));
                }
            }
        }
    });
}
