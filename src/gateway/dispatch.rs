//! Passes hints on to the sockets they matter to: one listener for the whole node.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tracing::warn;

use super::protocol::Close;
use super::state::Gateway;

/// How often allowances that are full again are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Starts listening. Ends when the process stops.
pub fn start(gateway: &Gateway) {
    let listener = gateway.clone();
    let mut hints = gateway.flow().ports().bus.subscribe();
    gateway.tracker().spawn("gateway.dispatch", async move {
        let registry = listener.registry();
        let mut fence = listener.flow().fence();
        let mut held_under = *fence.borrow_and_update();
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
                Ok(()) = fence.changed() => {
                    let now = *fence.borrow_and_update();
                    if held_under > 0 && now != held_under {
                        // The lease was lost: others may have given away what agents see here.
                        registry.close_agents(Close::GoingAway);
                    }
                    held_under = now;
                }
                _ = sweep.tick() => {
                    let now = listener.flow().ports().clock.now();
                    registry.sweep(|bucket| bucket.is_full(now));
                }
            }
        }
    });
}
