//! Agents who come and go, and a node that is not sure of its place.

use super::world::{World, agent};
use baton::domain::id::NodeId;
use baton::domain::time::Timestamp;
use baton::flow::FlowError;
use baton::flow::ports::nodes::{Company, Term};
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinSet;

impl World {
    /// An agent's connections are gone.
    pub async fn loses(&self, who: &str) -> Result<(), FlowError> {
        self.flow.agent_disconnected(&agent(who), self.now()).await
    }

    /// An agent is connected again.
    pub async fn comes_back(&self, who: &str) -> Result<(), FlowError> {
        self.flow.agent_connected(&agent(who)).await
    }

    /// The node's lease is taken, and its renewal comes only after something else was asked for, and done if it could be.
    pub async fn renews_after(
        &self,
        something: impl Future<Output = Result<(), FlowError>> + Send + 'static,
    ) {
        let renewal = self.gate.hold(1);
        let (flow, mut both) = (self.flow.clone(), JoinSet::new());
        both.spawn(async move { flow.renew_place().await });
        self.settle().await;
        both.spawn(something);
        self.settle().await;
        drop(renewal);
        for done in both.join_all().await {
            done.unwrap();
        }
    }

    /// Another process takes the place of this one, which does not know it yet.
    pub async fn is_taken_for_dead(&self) {
        let term = Term { now: self.now(), expires_at: self.now().plus(Duration::from_secs(10)) };
        self.store().take(&NodeId::from_suffix("another"), term, Company::Alone).await.unwrap();
    }

    /// When the last connection of an agent was lost; none while they have one.
    pub async fn lost_at(&self, who: &str) -> Option<Timestamp> {
        self.store().attendance().await.unwrap()[&agent(who)].lost_at
    }
}
