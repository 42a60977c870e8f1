//! What lies on an agent's desk: from the flow's views to frames.

use super::PROTOCOL;
use std::collections::BTreeMap;

use super::agent::{
    AccountView, CapacityView, CardOfferView, CardView, CardVisitorView, ColleagueView, CounterfactualView,
    EarlierView, HandoffReasonView, HandoffView, HelloView, LastView, NamedView, OverviewView, PacketView,
    QueueView, ScoreView, ToAgent, TriedView, VisitorView, WordView,
};
use super::words::{counterfactual_text, reason_text};
use crate::domain::account::Account;
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Author, Conversation, ConversationState, Entry, EntryKind};
use crate::domain::escalation::{Counterfactual, EscalationPolicy};
use crate::domain::handoff::Handoff;
use crate::domain::outcome::Disposition;
use crate::domain::time::Timestamp;
use crate::flow::events_of;
use crate::flow::view::{Card, Overview, Packet};

/// Most characters of the last message on a card; the transcript has the rest.
const LAST_CHARS: usize = 200;

impl ToAgent {
    /// The first frame.
    #[must_use]
    pub fn hello(history_id: String, account: &Account, desk: &Overview, policy: &EscalationPolicy) -> Self {
        Self::Hello(HelloView {
            protocol: PROTOCOL,
            history_id,
            account: AccountView {
                id: account.agent.id.clone(),
                name: account.agent.name.clone(),
                role: account.agent.role.as_str().to_owned(),
            },
            presence: desk.presence.as_str().to_owned(),
            capacity: CapacityView { max: desk.max, used: desk.used },
            offer_timeout_s: policy.service.offer_timeout.as_secs(),
            threshold: policy.enter,
            dispositions: Disposition::ALL.iter().map(|value| value.as_str().to_owned()).collect(),
        })
    }
}

impl From<&Overview> for OverviewView {
    fn from(desk: &Overview) -> Self {
        let cards = |cards: &[Card]| cards.iter().map(CardView::from).collect::<Vec<_>>();
        let mut waiting = cards(&desk.waiting);
        if let Some(first) = waiting.iter_mut().find(|card| card.state == "waiting") {
            first.up_next = Some(true);
        }
        Self {
            presence: desk.presence.as_str().to_owned(),
            capacity: CapacityView { max: desk.max, used: desk.used },
            waiting,
            waiting_total: desk.waiting_total,
            mine: cards(&desk.mine),
            left: cards(&desk.left),
            done_today: desk.done_today,
            agents: desk
                .agents
                .iter()
                .map(|colleague| ColleagueView {
                    id: colleague.id.clone(),
                    name: colleague.name.clone(),
                    presence: colleague.presence.as_str().to_owned(),
                    used: colleague.used,
                    max: colleague.max,
                })
                .collect(),
            queues: desk
                .queues
                .iter()
                .map(|queue| QueueView {
                    id: queue.id.clone(),
                    name: queue.name.clone(),
                    waiting: queue.waiting as usize,
                    oldest_at: queue.oldest_at,
                })
                .collect(),
        }
    }
}

impl From<&Card> for CardView {
    fn from(card: &Card) -> Self {
        let conversation = &card.conversation;
        let named =
            card.agent.as_ref().map(|(id, name)| NamedView { id: id.to_string(), name: name.clone() });
        let (agent, offer) = match (&conversation.state, named) {
            (ConversationState::Offered { offer, expires_at, .. }, Some(agent)) => {
                (None, Some(CardOfferView { id: offer.clone(), expires_at: *expires_at, agent }))
            }
            (_, agent) => (agent, None),
        };
        Self {
            conversation: conversation.id.clone(),
            state: state_word(&conversation.state).to_owned(),
            visitor: CardVisitorView {
                id: conversation.visitor.to_string(),
                name: card.visitor_name.clone(),
                email: card.email.clone(),
            },
            queue: card.queue.as_ref().map(|(id, name)| NamedView { id: id.to_string(), name: name.clone() }),
            priority: conversation.priority.as_str().to_owned(),
            since: since(conversation),
            due_at: due_at(conversation),
            agent,
            score: conversation.score,
            mood: card.mood.as_str().to_owned(),
            reason: card.glance.reason.clone(),
            last: card.glance.last.as_ref().and_then(last),
            unread: card.unread(),
            offer,
            email: conversation.email.clone(),
            up_next: None,
        }
    }
}

fn state_word(state: &ConversationState) -> &'static str {
    match state {
        ConversationState::WithBot { .. } => "bot",
        ConversationState::Queued { .. } => "waiting",
        ConversationState::Offered { .. } => "offered",
        ConversationState::WithAgent { .. } => "agent",
        ConversationState::LeftMessage { .. } => "left_message",
        ConversationState::WrapUp { .. } => "wrap_up",
        ConversationState::Closed { .. } => "closed",
    }
}

/// Since when it is where it is; a left message, since it was opened.
fn since(conversation: &Conversation) -> Timestamp {
    match &conversation.state {
        ConversationState::WithBot { since, .. }
        | ConversationState::Queued { since, .. }
        | ConversationState::Offered { since, .. }
        | ConversationState::WithAgent { since, .. } => *since,
        ConversationState::WrapUp { ended_at, .. } => *ended_at,
        ConversationState::Closed { closed_at } => *closed_at,
        ConversationState::LeftMessage { .. } => conversation.opened_at,
    }
}

/// When somebody must have answered.
fn due_at(conversation: &Conversation) -> Option<Timestamp> {
    match &conversation.state {
        ConversationState::Queued { .. } | ConversationState::Offered { .. } => conversation.answer_due_at,
        ConversationState::LeftMessage { due_at, .. } => Some(*due_at),
        _ => None,
    }
}

fn last(entry: &Entry) -> Option<LastView> {
    let EntryKind::Message { body, .. } = &entry.kind else { return None };
    let author = match entry.author {
        Author::Visitor => "visitor",
        Author::Bot => "bot",
        Author::Agent { .. } => "agent",
        Author::System => "system",
    };
    let mut text: String = body.as_str().chars().take(LAST_CHARS).collect();
    if text.len() < body.as_str().len() {
        text.push('…');
    }
    Some(LastView { text, at: entry.at, author: author.to_owned() })
}

/// The message that a counterfactual leaves out: its position and its words.
pub type LeftOut<'a> = Option<(u64, &'a str)>;

impl PacketView {
    /// The message that the packet's counterfactual leaves out, found among the entries
    /// of its conversation.
    #[must_use]
    pub fn left_out(
        packet: &Packet,
        entries: &[Entry],
        analyses: &BTreeMap<u64, Analysis>,
    ) -> Option<(u64, String)> {
        let other = packet.handoff.as_ref().and_then(|handoff| handoff.counterfactual.as_ref());
        let Some(Counterfactual::WithoutMessage { event, .. }) = other else { return None };
        let position = events_of(entries, analyses).get(*event).map(|(position, _)| *position)?;
        entries.iter().find(|entry| entry.position == position).and_then(|entry| match &entry.kind {
            EntryKind::Message { body, .. } => Some((entry.position, body.as_str().to_owned())),
            _ => None,
        })
    }

    /// The packet; `left_out` is the message of a counterfactual that leaves one out.
    #[must_use]
    pub fn of(packet: &Packet, left_out: LeftOut<'_>) -> Self {
        let conversation = &packet.card.conversation;
        Self {
            conversation: conversation.id.clone(),
            card: (&packet.card).into(),
            threshold: packet.enter,
            leave: packet.leave,
            scores: packet
                .scores
                .iter()
                .map(|(position, at, score)| ScoreView { position: *position, at: *at, score: *score })
                .collect(),
            handoff: packet.handoff.as_ref().map(|handoff| handoff_view(handoff, packet, left_out)),
            visitor: VisitorView {
                id: conversation.visitor.to_string(),
                name: packet.card.visitor_name.clone(),
                email: conversation.email.clone().or_else(|| packet.profile.email.clone()),
                attributes: packet.profile.attributes.clone(),
            },
            earlier: packet
                .earlier
                .iter()
                .map(|(id, closed_at, disposition, reason)| EarlierView {
                    conversation: id.clone(),
                    closed_at: *closed_at,
                    disposition: disposition.clone(),
                    reason: reason.clone(),
                })
                .collect(),
        }
    }
}

fn handoff_view(handoff: &Handoff, packet: &Packet, left_out: LeftOut<'_>) -> HandoffView {
    HandoffView {
        id: handoff.id.to_string(),
        kind: handoff.kind.as_str().to_owned(),
        status: handoff.status.as_str().to_owned(),
        at: handoff.at,
        reasons: handoff
            .reasons
            .iter()
            .map(|reason| HandoffReasonView {
                code: reason.code.as_str().to_owned(),
                contribution: reason.contribution,
                name: reason.name.clone(),
                text: reason_text(reason, handoff.score, packet.enter),
            })
            .collect(),
        words: handoff
            .words
            .iter()
            .map(|word| WordView { text: word.text.clone(), weight: word.weight, position: word.position })
            .collect(),
        counterfactual: handoff.counterfactual.as_ref().map(|other| counterfactual(other, left_out)),
        policy: handoff.policy.clone(),
        tried: packet
            .tried
            .iter()
            .map(|tried| TriedView {
                question: tried.question.clone(),
                answer: (!tried.is_no_answer).then(|| tried.answer.clone()),
                no_answer: tried.is_no_answer,
                at: tried.at,
            })
            .collect(),
    }
}

fn counterfactual(other: &Counterfactual, left_out: LeftOut<'_>) -> CounterfactualView {
    let (without_position, score) = match other {
        Counterfactual::WithoutReason { score, .. } => (None, Some(*score)),
        Counterfactual::WithoutMessage { score, .. } => {
            (left_out.map(|(position, _)| position), Some(*score))
        }
        Counterfactual::WithLine { score, .. } => (None, Some(*score)),
    };
    CounterfactualView {
        text: counterfactual_text(other, left_out.map(|(_, text)| text)),
        without_position,
        score,
    }
}
