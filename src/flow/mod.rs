//! Verbs: what happens, one file a step.
//!
//! | step | file | what |
//! | --- | --- | --- |
//! | 1 | `receive` | check, store, acknowledge |
//! | 2 | `analyze` | ask the model within its budget; words otherwise |
//! | 3, 4 | `decide` | fold the analyses into the score, decide, store the decision either way |
//! | 4b | `reply` | the bot keeps it: ask the bot, store its answer |
//! | 5 | `escalate` | handoff, place in the queue, notice, end of the bot's control: one write |
//! | 6 | `offer` | route, reserve room, offer; accept, decline, take |
//! | 7 | `converse` | what agents and visitors say and do; typing, reading |
//! | 7b | `transfer` | to another queue, tier or agent; back to the bot |
//! | 8 | `close` | end, resolve, wrap up, rate |
//! | any time | `watch` | what time does: deadlines, offers not answered, agents lost, visitors gone |
//! | any time | `nodes` | this node's place among others; who is connected; nodes that died |
//! | any time | `adopt` | which model is live |
//! | any time | `upkeep` | what is old goes, how large it is |
//! | any time | `person` | what is stored about one person: found, shown, erased |
//! | any time | `observe` | what is counted |
//! | any time | `floor` | queues, agents and who waits, as one look finds them |
//! | any time | `view` | what visitors and agents are shown |

mod adopt;
mod analyze;
mod close;
mod command;
mod converse;
mod decide;
mod error;
mod escalate;
mod explain;
mod floor;
mod found;
mod lane;
mod nodes;
mod observe;
mod offer;
mod person;
pub mod ports;
mod receive;
mod reply;
mod standing;
mod transfer;
mod upkeep;
pub mod view;
mod watch;

pub use adopt::{AdoptError, Models};
pub use decide::{TurnEvent, events_of};
pub use error::FlowError;
pub use nodes::Tenure;
pub use person::{Erasure, end_and_erase};
pub use ports::Ports;
pub use upkeep::{DiskState, Housekeeping, Keeping};

use crate::domain::conversation::{Change, Conversation};
use crate::domain::escalation::EscalationPolicy;
use crate::domain::id::{ConversationId, NodeId};
use crate::fault::point;
use crate::shutdown::Tracker;
use arc_swap::ArcSwap;
use ports::{Ack, CommandKey, Hint, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often a step is tried again when somebody else was faster.
const ATTEMPTS: usize = 16;

/// What an operator sets for the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a message may wait for the model before words answer.
    pub analysis_budget: Duration,
    /// How long every connection of an agent may be gone before their conversations go back.
    pub agent_grace: Duration,
    /// How this node holds its place among others.
    pub tenure: Tenure,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            analysis_budget: Duration::from_millis(800),
            agent_grace: Duration::from_secs(7),
            tenure: Tenure::default(),
        }
    }
}

/// The steps, over ports. Cheap to clone.
#[derive(Clone)]
pub struct Flow(Arc<Inner>);

struct Inner {
    ports: Ports,
    settings: Settings,
    tracker: Tracker,
    policy: ArcSwap<EscalationPolicy>,
    lanes: lane::Lanes,
    standings: standing::Standings,
    findings: found::Findings,
    unmatched: Notify,
    shown: floor::Shown,
    place: nodes::Place,
}

impl Flow {
    /// The flow with its ports and the policy that is live.
    pub fn new(ports: Ports, settings: Settings, policy: EscalationPolicy, tracker: Tracker) -> Self {
        drop(ports.analyzer.learn(&policy.intents));
        let node = NodeId::from_suffix(&ports.ids.suffix());
        Self(Arc::new(Inner {
            ports,
            settings,
            tracker,
            policy: ArcSwap::from_pointee(policy),
            lanes: lane::Lanes::default(),
            standings: standing::Standings::default(),
            findings: found::Findings::default(),
            unmatched: Notify::new(),
            shown: floor::Shown::default(),
            place: nodes::Place::new(node),
        }))
    }

    /// What the flow works on.
    pub fn ports(&self) -> &Ports {
        &self.0.ports
    }

    /// The policy that is live.
    pub fn policy(&self) -> Arc<EscalationPolicy> {
        self.0.policy.load_full()
    }

    /// Makes another policy live, for decisions from now on, and tells everybody.
    pub fn set_policy(&self, policy: EscalationPolicy) {
        self.follow_policy(policy);
        self.0.ports.bus.hint(Hint::Policy);
    }

    /// Makes a policy live that somebody else has published, or this node just now. Never an older one.
    pub fn follow_policy(&self, policy: EscalationPolicy) {
        if policy.version < self.policy().version {
            return;
        }
        if policy.intents != self.policy().intents {
            // Nobody waits for it: until the examples are read, words find them.
            drop(self.0.ports.analyzer.learn(&policy.intents));
        }
        self.0.policy.store(Arc::new(policy));
    }

    /// Starts what runs by itself: offering, what time does, and keeping this node's place.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn start(&self) -> Result<(), FlowError> {
        self.take_place().await?;
        point("start.before_offering");
        let flow = self.clone();
        self.0.tracker.spawn("nodes", async move { flow.keep_place().await });
        let flow = self.clone();
        self.0.tracker.spawn("offer", async move { flow.keep_offering().await });
        let flow = self.clone();
        self.0.tracker.spawn("watch", async move { flow.keep_watching().await });
        Ok(())
    }

    async fn conversation(&self, id: &ConversationId) -> Result<Conversation, FlowError> {
        self.0.ports.store.conversation(id).await?.ok_or(FlowError::NotFound("conversation"))
    }

    /// One change of state in the conversation's lane: read, decide, write; again when somebody else was faster.
    /// A command that was carried out before gives its first answer again.
    async fn change<F>(&self, id: &ConversationId, key: Option<CommandKey>, step: F) -> Result<Ack, FlowError>
    where
        F: Fn(Conversation) -> Result<Change, FlowError>,
    {
        let store = &self.0.ports.store;
        let ack = {
            let _lane = self.0.lanes.enter(id).await;
            self.change_in_lane(id, key, step).await?
        };
        point("change.before_hint");
        let position = store.conversation(id).await?.map_or(0, |conversation| conversation.last_position);
        self.tell_state(id, position);
        Ok(ack)
    }

    async fn change_in_lane<F>(
        &self,
        id: &ConversationId,
        key: Option<CommandKey>,
        step: F,
    ) -> Result<Ack, FlowError>
    where
        F: Fn(Conversation) -> Result<Change, FlowError>,
    {
        let store = &self.0.ports.store;
        if let Some(key) = &key
            && let Some(ack) = store.answered(key).await?
        {
            return Ok(ack);
        }
        for _ in 0..ATTEMPTS {
            let before = self.conversation(id).await?;
            let change = match (step(before.clone()), &key) {
                (Ok(change), _) => change,
                // Another node may have carried it out since it was asked for.
                (Err(refused), Some(key)) => return self.or_answered(key, Err(refused)).await,
                (Err(refused), None) => return Err(refused),
            };
            match self.commit(Some(&before), change, key.clone()).await {
                Err(StoreError::Conflict) => {}
                other => return Ok(other?),
            }
        }
        Err(FlowError::Conflict)
    }

    /// A command that is refused because it was carried out before has its first answer all the same: what allowed it
    /// may be gone since, as its own doing or somebody else's.
    async fn or_answered(&self, key: &CommandKey, done: Result<Ack, FlowError>) -> Result<Ack, FlowError> {
        match done {
            Ok(_) | Err(FlowError::Store(_)) => done,
            Err(refused) => match self.0.ports.store.answered(key).await {
                Ok(Some(ack)) => Ok(ack),
                Ok(None) | Err(StoreError::ClientId) => Err(refused),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// The log has grown.
    fn tell(&self, id: &ConversationId, position: u64) {
        self.0.ports.bus.hint(Hint::Conversation { id: id.clone(), position });
    }

    /// The log has grown by what visitors do not see.
    fn tell_inside(&self, id: &ConversationId, position: u64) {
        self.0.ports.bus.hint(Hint::Inside { id: id.clone(), position });
    }

    /// The log has grown, and who waits or who has room may have changed.
    fn tell_state(&self, id: &ConversationId, position: u64) {
        self.0.shown.outdate();
        self.tell(id, position);
        self.0.ports.bus.hint(Hint::Queues);
        self.0.unmatched.notify_one();
    }
}
