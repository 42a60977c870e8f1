//! Keeps the live policy the one that was published last, whichever node published it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::broadcast::error::RecvError;

use crate::config::parse_policy;
use crate::domain::escalation::EscalationPolicy;
use crate::flow::Flow;
use crate::flow::ports::{Directory, Hint, Nodes};
use crate::shutdown::Tracker;

/// How often is looked although no hint came.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The policy that was published last.
pub(super) async fn live_policy(directory: &dyn Directory) -> anyhow::Result<EscalationPolicy> {
    let live = directory.policies().await?.first().map_or(1, |live| live.version);
    let (_, toml) = directory.policy(live).await?.context("the live policy is not in the database")?;
    parse_policy(&toml, live).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the live policy, version {live}, cannot be read: {}", problems.join("; "))
    })
}

/// Follows what other nodes publish, until the process stops.
pub(super) fn follow(tracker: &Tracker, flow: Flow, nodes: Arc<dyn Nodes>, directory: Arc<dyn Directory>) {
    let stopping = tracker.token();
    let mut hints = flow.ports().bus.subscribe();
    tracker.spawn("policy.follow", async move {
        let mut unreadable = 0;
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = look.tick() => {}
                hint = hints.recv() => match hint {
                    Ok(Hint::Policy) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                },
            }
            let version = match nodes.policy_version().await {
                Ok(version) => version,
                // Tried again in a second; that the store does not answer is said by those who write.
                Err(_) => continue,
            };
            if version <= flow.policy().version || version == unreadable {
                continue;
            }
            match live_policy(&*directory).await {
                Ok(policy) => {
                    tracing::info!(policy = %policy.label(), "Policy {} is live", policy.label());
                    flow.follow_policy(policy);
                    flow.ports().bus.hint_here(Hint::Policy);
                }
                Err(error) => {
                    // Published by a newer version, most likely: the one before it goes on here.
                    unreadable = version;
                    tracing::error!(error = %error, "A policy cannot be followed: {error}");
                }
            }
        }
    });
}
