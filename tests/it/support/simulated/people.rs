//! What visitors and agents can ask for, each with a name of its own, so that it can be
//! sent again when no answer came.

use super::parts::TEXTS;
use crate::support::world::{agent, body, queue, visitor};
use baton::domain::conversation::Destination;
use baton::domain::id::{AgentId, ConversationId, OfferId, VisitorId};
use baton::domain::outcome::{Csat, Disposition, WrapUp};
use baton::flow::ports::Ack;
use baton::flow::{Flow, FlowError};

/// The visitors by name.
pub const VISITORS: [&str; 3] = ["eve", "tom", "kim"];
/// The agents by name, each with a capacity.
pub const AGENTS: [(&str, u32); 3] = [("ana", 1), ("ben", 2), ("cem", 1)];

/// The id of a visitor by number.
pub fn visitor_of(n: usize) -> VisitorId {
    visitor(VISITORS[n])
}

/// The id of an agent by number.
pub fn agent_of(n: usize) -> AgentId {
    agent(AGENTS[n].0)
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A message; one of the texts, and a number that makes it the only one of its kind.
    Says(usize, u64),
    AsksForHuman,
    GoesOnWithBot,
    Leaves,
    Ends,
    Rates(ConversationId),
    Accepts(ConversationId, OfferId),
    Declines(ConversationId, OfferId),
    Takes(ConversationId),
    /// An agent's message, with its number.
    Tells(ConversationId, u64),
    /// A note, with its number.
    Notes(ConversationId, u64),
    ToAgent(ConversationId, usize),
    ToQueue(ConversationId),
    Up(ConversationId),
    HandsBack(ConversationId),
    Resolves(ConversationId),
    WrapsUp(ConversationId),
}

/// Something that somebody asks for, as often as it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Which visitor, or which agent.
    pub who: Who,
    /// Its name.
    pub client_id: String,
    /// What.
    pub what: What,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The visitor with this number.
    Visitor(usize),
    /// The agent with this number.
    Agent(usize),
}

impl What {
    /// The words of it, when it has any.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Says(text, n) => Some(format!("{} #{n:05}", TEXTS[*text])),
            Self::Tells(_, n) => Some(format!("let me see #{n:05}")),
            Self::Notes(_, n) => Some(format!("careful #{n:05}")),
            _ => None,
        }
    }
}

impl Command {
    /// Asks the flow.
    pub async fn carry_out(&self, flow: &Flow) -> Result<Ack, FlowError> {
        let id = self.client_id.as_str();
        let text = || body(&self.what.text().unwrap());
        match (self.who, &self.what) {
            (Who::Visitor(n), what) => {
                let visitor = visitor_of(n);
                match what {
                    What::Says(..) => flow.receive(&visitor, None, id, text()).await,
                    What::AsksForHuman => flow.ask_for_human(&visitor, None, id).await,
                    What::GoesOnWithBot => flow.continue_with_bot(&visitor, id).await,
                    What::Leaves => flow.leave_contact(&visitor, id, "v@mail.example").await,
                    What::Ends => flow.end(&visitor, id).await,
                    What::Rates(conversation) => {
                        let conversation = conversation.clone();
                        flow.rate(&visitor, Csat { conversation, score: 4, comment: None }).await
                    }
                    other => unreachable!("no visitor can: {other:?}"),
                }
            }
            (Who::Agent(n), what) => {
                let agent = agent_of(n);
                let transfer =
                    |conversation, to| flow.transfer(&agent, id, conversation, to, Some(body("please")));
                match what {
                    What::Accepts(on, offer) => flow.accept(&agent, id, on, offer).await,
                    What::Declines(on, offer) => flow.decline(&agent, id, on, offer).await,
                    What::Takes(on) => flow.take(&agent, id, on).await,
                    What::Tells(on, _) => flow.say(&agent, id, on, text()).await,
                    What::Notes(on, _) => flow.note(&agent, id, on, text()).await,
                    What::ToAgent(on, to) => transfer(on, Destination::Agent(agent_of(*to))).await,
                    What::ToQueue(on) => transfer(on, Destination::Queue(queue("second"))).await,
                    What::Up(on) => transfer(on, Destination::NextTier).await,
                    What::HandsBack(on) => flow.hand_back(&agent, id, on).await,
                    What::Resolves(on) => flow.resolve(&agent, id, on).await,
                    What::WrapsUp(on) => {
                        let wrap_up = WrapUp { disposition: Disposition::Solved, label: None, note: None };
                        flow.wrap_up(&agent, id, on, wrap_up).await
                    }
                    other => unreachable!("no agent can: {other:?}"),
                }
            }
        }
    }
}
