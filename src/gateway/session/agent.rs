//! An agent's side of the talk: frame in, frames out. No socket here.
//!
//! What an agent may do is decided by the flow, at every frame anew. The desk
//! (`overview`) is sent when it has changed, not more than four times a second; an offer
//! does not wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::visitor::{body, optional_body};
use super::{Refreshed, frame_allowance};
use crate::domain::account::Account;
use crate::domain::agent::Role;
use crate::domain::analysis::Analysis;
use crate::domain::conversation::{Author, ConversationState, Entry};
use crate::domain::escalation::Counterfactual;
use crate::domain::id::{AgentId, ConversationId, OfferId, VisitorId};
use crate::domain::outcome::WrapUp;
use crate::domain::time::Timestamp;
use crate::flow::ports::{Side, StoreError};
use crate::flow::view::Packet;
use crate::gateway::error::{Refusal, unread};
use crate::gateway::limit::Bucket;
use crate::gateway::protocol::agent::{
    AgentCommand, CardView, MarkRead, OverviewView, PacketView, SetTyping, Watch,
};
use crate::gateway::protocol::{AgentEntry, Close, ErrorCode, FromAgent, Shown, ToAgent, Unreadable};
use crate::gateway::pump::{Outbox, Session};
use crate::gateway::registry::{Connection, News};
use crate::gateway::state::Gateway;

/// What is wrong with a transfer that goes nowhere, or to two places.
const ONE_OF_THREE: &str = "exactly one of `queue`, `agent` and `up` is needed";

/// Most entries read from the store at once.
const PAGE: usize = 100;

/// Most conversations that one socket shows.
const MAX_WATCHED: usize = 50;

/// The least time between two overviews.
const OVERVIEW_INTERVAL: Duration = Duration::from_millis(250);

/// Most messages kept in mind because their analysis may come later.
const MAX_UNANALYZED: usize = 256;

/// An agent's socket, without the socket.
pub struct AgentSession {
    gateway: Gateway,
    agent: AgentId,
    role: Role,
    connection: Arc<Connection>,
    frames: Bucket,
    /// Conversations that the client shows.
    shown: HashMap<ConversationId, Watched>,
    desk: Desk,
}

/// What the client knows of the desk.
#[derive(Debug, Default)]
struct Desk {
    /// The overview that was sent last.
    sent: Option<OverviewView>,
    /// When the next may be sent.
    next_at: Option<Instant>,
    /// Something has changed, or may have.
    is_stale: bool,
    /// Offers to this agent that the client was told of.
    offers: BTreeMap<OfferId, ConversationId>,
    /// Conversations on the desk: their hints are listened to.
    listed: BTreeSet<ConversationId>,
}

/// A conversation that the client shows.
#[derive(Debug)]
struct Watched {
    /// The last position sent.
    sent: u64,
    visitor: (VisitorId, String),
    is_caught_up: bool,
    is_behind: bool,
    /// Version and last position of the conversation when it was looked at last.
    looked_at: (u64, u64),
    /// The packet that was sent last.
    packet: Option<PacketView>,
    /// Visitor's messages that were sent without an analysis, or with one by words.
    provisional: BTreeMap<u64, Option<Analysis>>,
    /// The visitor's read mark that was sent last.
    read: u64,
}

impl AgentSession {
    /// A socket that was opened just now.
    #[must_use]
    pub fn new(gateway: Gateway, agent: AgentId, role: Role, connection: Arc<Connection>) -> Self {
        let frames = frame_allowance(gateway.config(), gateway.flow().ports().clock.now());
        Self { gateway, agent, role, connection, frames, shown: HashMap::new(), desk: Desk::default() }
    }

    /// The account, if it may still come in with the role it came with.
    async fn account(&self) -> Result<Option<Account>, Close> {
        match self.gateway.flow().ports().directory.account(&self.agent).await {
            Ok(Some(account)) if account.is_disabled => Err(Close::NotAllowed),
            // Another role is another welcome: the client comes back for it with a new ticket.
            Ok(Some(account)) if account.role() != self.role => Err(Close::TicketInvalid),
            Ok(Some(account)) => Ok(Some(account)),
            Ok(None) => Err(Close::NotAllowed),
            Err(error) => unread(&error).map(|()| None),
        }
    }

    async fn carry_out(&self, client_id: &str, command: AgentCommand) -> Result<Option<u64>, Refusal> {
        let (flow, agent) = (self.gateway.flow(), &self.agent);
        let ack = match command {
            AgentCommand::SetPresence(set) => {
                flow.set_presence(agent, set.presence).await?;
                return Ok(None);
            }
            AgentCommand::Accept(about) => {
                flow.accept(agent, client_id, &about.conversation, &about.offer).await?
            }
            AgentCommand::Decline(about) => {
                flow.decline(agent, client_id, &about.conversation, &about.offer).await?
            }
            AgentCommand::Take(about) => flow.take(agent, client_id, &about.conversation).await?,
            AgentCommand::Send(say) => {
                flow.say(agent, client_id, &say.conversation, body(&say.text, &self.gateway)?).await?
            }
            AgentCommand::Note(say) => {
                flow.note(agent, client_id, &say.conversation, body(&say.text, &self.gateway)?).await?
            }
            AgentCommand::Transfer(transfer) => {
                let note = optional_body(transfer.note.as_deref(), &self.gateway)?;
                let to =
                    transfer.destination().ok_or_else(|| Refusal::new(ErrorCode::Invalid, ONE_OF_THREE))?;
                flow.transfer(agent, client_id, &transfer.conversation, to, note).await?
            }
            AgentCommand::HandBack(about) => flow.hand_back(agent, client_id, &about.conversation).await?,
            AgentCommand::Resolve(about) => flow.resolve(agent, client_id, &about.conversation).await?,
            AgentCommand::WrapUp(fields) => {
                let note = optional_body(fields.note.as_deref(), &self.gateway)?
                    .map(|note| note.as_str().to_owned());
                let wrap_up = WrapUp { disposition: fields.disposition, label: fields.label, note };
                flow.wrap_up(agent, client_id, &fields.conversation, wrap_up).await?
            }
        };
        Ok(ack.position)
    }

    async fn watch(&mut self, watch: Watch, out: &mut Outbox) -> Result<(), Close> {
        let id = watch.conversation;
        if self.shown.len() >= MAX_WATCHED && !self.shown.contains_key(&id) {
            let refusal = Refusal::new(ErrorCode::Rejected, "too many conversations are watched");
            return refuse(None, refusal, out);
        }
        let packet = match self.gateway.flow().packet(&self.agent, &id).await {
            Ok(packet) => packet,
            Err(error) => return refuse(None, error.into(), out),
        };
        let last = packet.card.conversation.last_position;
        if watch.after > last {
            let refusal = Refusal::new(ErrorCode::Invalid, "`after` is beyond the last entry; watch with 0");
            return refuse(None, refusal, out);
        }
        let visitor = (packet.card.conversation.visitor.clone(), packet.card.visitor_name.clone());
        self.gateway.registry().watch(&id, &self.connection);
        let watched = Watched {
            sent: watch.after,
            visitor,
            is_caught_up: false,
            is_behind: false,
            looked_at: (0, 0),
            packet: None,
            provisional: BTreeMap::new(),
            read: 0,
        };
        self.shown.insert(id.clone(), watched);
        self.send_packet(&id, &packet, out).await?;
        self.send_entries(&id, out).await
    }

    fn unwatch(&mut self, id: &ConversationId) {
        self.shown.remove(id);
        if !self.desk.listed.contains(id) {
            self.gateway.registry().unwatch(id, &self.connection);
        }
    }

    /// Sends the packet if it differs from the one that was sent last.
    async fn send_packet(
        &mut self,
        id: &ConversationId,
        packet: &Packet,
        out: &mut Outbox,
    ) -> Result<(), Close> {
        let left_out = match self.left_out(id, packet).await {
            Ok(left_out) => left_out,
            Err(error) => return unread(&error),
        };
        let view =
            PacketView::of(packet, left_out.as_ref().map(|(position, text)| (*position, text.as_str())));
        let Some(watched) = self.shown.get_mut(id) else { return Ok(()) };
        if watched.packet.as_ref() != Some(&view) {
            watched.packet = Some(view.clone());
            out.push(&ToAgent::Packet(Box::new(view)))?;
        }
        Ok(())
    }

    /// The message that the packet's counterfactual leaves out.
    async fn left_out(
        &self,
        id: &ConversationId,
        packet: &Packet,
    ) -> Result<Option<(u64, String)>, StoreError> {
        let other = packet.handoff.as_ref().and_then(|handoff| handoff.counterfactual.as_ref());
        if !matches!(other, Some(Counterfactual::WithoutMessage { .. })) {
            return Ok(None);
        }
        let store = &self.gateway.flow().ports().store;
        let entries = store.log(id).await?;
        Ok(PacketView::left_out(packet, &entries, &store.analyses(id).await?))
    }

    /// Sends the entries of a shown conversation that were not sent yet.
    async fn send_entries(&mut self, id: &ConversationId, out: &mut Outbox) -> Result<(), Close> {
        let store = self.gateway.flow().ports().store.clone();
        let Some(watched) = self.shown.get_mut(id) else { return Ok(()) };
        watched.is_behind = false;
        loop {
            let page = if watched.is_caught_up { PAGE } else { PAGE.min(out.room()) };
            if page == 0 {
                watched.is_behind = true;
                return Ok(());
            }
            let entries = match store.entries(id, watched.sent, page).await {
                Ok(entries) => entries,
                Err(error) => return unread(&error),
            };
            let is_said = |entry: &Entry| entry.author == Author::Visitor;
            let analyses = if entries.iter().any(is_said) {
                match store.analyses(id).await {
                    Ok(analyses) => analyses,
                    Err(error) => return unread(&error),
                }
            } else {
                BTreeMap::new()
            };
            for entry in &entries {
                let shown = Shown {
                    conversation: id,
                    visitor: (&watched.visitor.0, &watched.visitor.1),
                    to: &self.agent,
                };
                let analysis = analyses.get(&entry.position);
                out.push(&ToAgent::Entry(Box::new(AgentEntry::of(entry, &shown, analysis))))?;
                watched.sent = entry.position;
                if is_said(entry) {
                    watched.provisional.insert(entry.position, analysis.cloned());
                    if watched.provisional.len() > MAX_UNANALYZED {
                        watched.provisional.pop_first();
                    }
                }
            }
            if entries.len() < page {
                break;
            }
        }
        if !watched.is_caught_up {
            watched.is_caught_up = true;
            out.push(&ToAgent::CaughtUp { conversation: id.clone(), position: watched.sent })?;
        }
        Ok(())
    }

    /// Sends analyses that came, or were revised, after their message was sent.
    async fn send_late_analyses(&mut self, id: &ConversationId, out: &mut Outbox) -> Result<(), Close> {
        let Some(watched) = self.shown.get_mut(id).filter(|watched| !watched.provisional.is_empty()) else {
            return Ok(());
        };
        let analyses = match self.gateway.flow().ports().store.analyses(id).await {
            Ok(analyses) => analyses,
            Err(error) => return unread(&error),
        };
        for (position, sent) in &mut watched.provisional {
            let found = analyses.get(position);
            if let Some(analysis) = found.filter(|_| found != sent.as_ref()) {
                out.push(&ToAgent::Analysis {
                    conversation: id.clone(),
                    position: *position,
                    analysis: analysis.clone(),
                })?;
                *sent = Some(analysis.clone());
            }
        }
        Ok(())
    }

    /// Looks at one shown conversation again. Who may not see it any more is not shown any more of it.
    async fn look_at(&mut self, id: &ConversationId, what: Refreshed, out: &mut Outbox) -> Result<(), Close> {
        if !self.shown.contains_key(id) {
            return Ok(());
        }
        if let Err(error) = self.gateway.flow().may_see(&self.agent, id).await {
            if Refusal::from(error).code != ErrorCode::StoreUnavailable {
                self.unwatch(id);
            }
            return Ok(());
        }
        self.send_entries(id, out).await?;
        match self.gateway.flow().packet(&self.agent, id).await {
            Ok(packet) => {
                let conversation = &packet.card.conversation;
                let looked_at = (conversation.version, conversation.last_position);
                self.send_packet(id, &packet, out).await?;
                if let Some(watched) = self.shown.get_mut(id) {
                    watched.looked_at = looked_at;
                }
            }
            Err(error) => _ = Refusal::from(error),
        }
        self.send_late_analyses(id, out).await?;
        if what == Refreshed::Everything {
            let marks = match self.gateway.flow().ports().store.read_marks(id).await {
                Ok(marks) => marks,
                Err(error) => return unread(&error),
            };
            self.pass_read(id, marks.visitor, out)?;
        }
        Ok(())
    }

    /// Whether a shown conversation is another than when it was looked at.
    async fn has_moved(&self, id: &ConversationId) -> bool {
        let Some(watched) = self.shown.get(id) else { return false };
        let found = self.gateway.flow().ports().store.conversation(id).await.ok().flatten();
        found.is_some_and(|found| (found.version, found.last_position) != watched.looked_at)
    }

    fn pass_read(&mut self, id: &ConversationId, seq: u64, out: &mut Outbox) -> Result<(), Close> {
        let Some(watched) = self.shown.get_mut(id).filter(|watched| watched.read < seq) else {
            return Ok(());
        };
        watched.read = seq;
        out.push(&ToAgent::Read { conversation: id.clone(), by: "visitor".to_owned(), seq })
    }

    /// Passes typing and reading on: worth nothing later, so not kept anywhere.
    async fn pass_signals(&mut self, news: &News, out: &mut Outbox) -> Result<(), Close> {
        for (id, side, typing) in &news.typing {
            if !self.shown.contains_key(id) {
                continue;
            }
            let (who, name) = match side {
                Side::Visitor => ("visitor", None),
                Side::Bot => ("bot", None),
                Side::Agent(agent) if *agent == self.agent => continue,
                Side::Agent(agent) => ("agent", self.gateway.flow().name_of(agent).await),
            };
            out.push(&ToAgent::Typing {
                conversation: id.clone(),
                who: who.to_owned(),
                name,
                typing: typing.is_typing(),
            })?;
        }
        for (id, side, seq) in &news.read {
            if *side == Side::Visitor {
                self.pass_read(id, *seq, out)?;
            }
        }
        Ok(())
    }

    /// Sends the desk if it has changed and it is time to.
    async fn send_desk(&mut self, out: &mut Outbox) -> Result<(), Close> {
        let now = Instant::now();
        if !self.desk.is_stale || self.desk.next_at.is_some_and(|next_at| now < next_at) {
            return Ok(());
        }
        self.desk.next_at = Some(now + OVERVIEW_INTERVAL);
        let desk = match self.gateway.flow().overview(&self.agent).await {
            Ok(desk) => desk,
            Err(error) => {
                let refusal = Refusal::from(error);
                // Still stale: tried again a moment later.
                return if refusal.code == ErrorCode::NotFound { Err(Close::NotAllowed) } else { Ok(()) };
            }
        };
        self.desk.is_stale = false;
        let view = OverviewView::from(&desk);
        if self.desk.sent.as_ref() == Some(&view) {
            return Ok(());
        }
        self.listen_to(&view);
        self.send_offers(&view, out).await?;
        out.push(&ToAgent::Overview(view.clone()))?;
        self.desk.sent = Some(view);
        Ok(())
    }

    /// Hears of every conversation on the desk, and of those only.
    fn listen_to(&mut self, view: &OverviewView) {
        let listed: BTreeSet<ConversationId> = view
            .mine
            .iter()
            .chain(&view.waiting)
            .chain(&view.left)
            .map(|card| card.conversation.clone())
            .collect();
        for gone in self.desk.listed.difference(&listed) {
            if !self.shown.contains_key(gone) {
                self.gateway.registry().unwatch(gone, &self.connection);
            }
        }
        for new in listed.difference(&self.desk.listed) {
            self.gateway.registry().watch(new, &self.connection);
        }
        self.desk.listed = listed;
    }

    /// Sends `offer` and `offer.gone` for what differs from what the client knows.
    async fn send_offers(&mut self, view: &OverviewView, out: &mut Outbox) -> Result<(), Close> {
        let mut standing: BTreeMap<OfferId, &CardView> = BTreeMap::new();
        for card in view.mine.iter().chain(&view.waiting) {
            if let Some(offer) = card.offer.as_ref().filter(|offer| offer.agent.id == self.agent.as_str()) {
                standing.insert(offer.id.clone(), card);
            }
        }
        let gone: Vec<(OfferId, ConversationId)> = self
            .desk
            .offers
            .iter()
            .filter(|(offer, _)| !standing.contains_key(offer))
            .map(|(offer, conversation)| (offer.clone(), conversation.clone()))
            .collect();
        for (offer, conversation) in gone {
            let why = self.why_gone(&conversation).await?.to_owned();
            self.desk.offers.remove(&offer);
            out.push(&ToAgent::OfferGone { conversation, offer, why })?;
        }
        let timeout_s = self.gateway.flow().policy().service.offer_timeout.as_secs();
        for (offer, card) in standing {
            let Some(expires_at) = card.offer.as_ref().map(|offer| offer.expires_at) else { continue };
            if self.desk.offers.insert(offer.clone(), card.conversation.clone()).is_none() {
                out.push(&ToAgent::Offer {
                    conversation: card.conversation.clone(),
                    offer,
                    expires_at,
                    timeout_s,
                    card: Box::new(card.clone()),
                })?;
            }
        }
        Ok(())
    }

    /// Why an offer to this agent does not stand any more, from what became of the conversation.
    async fn why_gone(&self, id: &ConversationId) -> Result<&'static str, Close> {
        let ports = self.gateway.flow().ports();
        let conversation = match ports.store.conversation(id).await {
            Ok(conversation) => conversation,
            Err(error) => {
                unread(&error)?;
                None
            }
        };
        let Some(conversation) = conversation else { return Ok("withdrawn") };
        let is_ours = conversation.state.agent() == Some(&self.agent);
        let is_accepted = is_ours && matches!(conversation.state, ConversationState::WithAgent { .. });
        let was_passed_over = conversation.excludes(&self.agent, ports.clock.now());
        Ok(match (is_accepted, was_passed_over) {
            (true, _) => "accepted",
            (false, true) if self.has_expired(id, ports.clock.now()) => "expired",
            (false, true) => "declined",
            (false, false) => "withdrawn",
        })
    }

    /// Whether the offer that the client last saw has run out.
    fn has_expired(&self, id: &ConversationId, now: Timestamp) -> bool {
        let cards = self.desk.sent.iter().flat_map(|sent| sent.mine.iter().chain(&sent.waiting));
        cards
            .filter(|card| card.conversation == *id)
            .filter_map(|card| card.offer.as_ref())
            .any(|offer| offer.expires_at <= now)
    }

    async fn obey(&mut self, frame: FromAgent, out: &mut Outbox) -> Result<(), Close> {
        match frame {
            FromAgent::Watch(watch) => self.watch(watch, out).await,
            FromAgent::Unwatch(about) => {
                self.unwatch(&about.conversation);
                Ok(())
            }
            FromAgent::Typing(SetTyping { conversation, typing }) => {
                let typed = self.gateway.flow().agent_typing(&self.agent, &conversation, typing).await;
                typed.or_else(|error| refuse(None, error.into(), out))
            }
            FromAgent::Read(MarkRead { conversation, position }) => {
                let read = self.gateway.flow().agent_read(&self.agent, &conversation, position).await;
                read.or_else(|error| refuse(None, error.into(), out))
            }
            FromAgent::Command { client_id, command } => match self.carry_out(&client_id, command).await {
                Ok(position) => {
                    out.push(&ToAgent::Ack { client_id, position })?;
                    self.desk.is_stale = true;
                    self.send_desk(out).await
                }
                Err(refusal) => refuse(Some(client_id), refusal, out),
            },
        }
    }
}

impl Session for AgentSession {
    async fn open(&mut self, out: &mut Outbox) -> Result<(), Close> {
        let flow = self.gateway.flow();
        let account = self.account().await?.ok_or(Close::Internal)?;
        let desk = flow.overview(&self.agent).await.map_err(|error| {
            let _logged = Refusal::from(error);
            Close::Internal
        })?;
        out.push(&ToAgent::hello(flow.ports().store.history_id(), &account, &desk, &flow.policy()))?;
        self.desk.is_stale = true;
        self.send_desk(out).await
    }

    async fn receive(&mut self, text: &str, out: &mut Outbox) -> Result<(), Close> {
        if !self.frames.take(self.gateway.flow().ports().clock.now()) {
            return Err(Close::TooMany);
        }
        match FromAgent::parse(text) {
            Ok(frame) => self.obey(frame, out).await,
            Err(Unreadable::NotAFrame) => Err(Close::Malformed),
            Err(Unreadable::Wrong { client_id, code, message }) => {
                refuse(client_id, Refusal { code, message }, out)
            }
        }
    }

    async fn refresh(&mut self, news: News, out: &mut Outbox) -> Result<(), Close> {
        if news.everything || news.poll {
            self.account().await?;
        }
        if news.offered {
            self.desk.next_at = None;
        }
        let may_differ = news.everything || news.poll || news.queues || news.offered;
        self.desk.is_stale |= may_differ || !news.conversations.is_empty();
        let shown: Vec<ConversationId> = self.shown.keys().cloned().collect();
        for id in shown {
            let is_behind = self.shown.get(&id).is_some_and(|watched| watched.is_behind);
            if news.everything || news.moved.contains(&id) {
                self.look_at(&id, Refreshed::Everything, out).await?;
            } else if news.conversations.contains(&id)
                || news.explained.contains(&id)
                || (news.poll && self.has_moved(&id).await)
            {
                self.look_at(&id, Refreshed::News, out).await?;
            } else if is_behind {
                self.send_entries(&id, out).await?;
            }
        }
        self.pass_signals(&news, out).await?;
        self.send_desk(out).await
    }

    fn is_behind(&self) -> bool {
        self.shown.values().any(|watched| watched.is_behind)
    }

    fn due_at(&self) -> Option<Instant> {
        self.desk.next_at.filter(|_| self.desk.is_stale)
    }
}

impl Drop for AgentSession {
    fn drop(&mut self) {
        for id in self.shown.keys().chain(&self.desk.listed) {
            self.gateway.registry().unwatch(id, &self.connection);
        }
    }
}

fn refuse(client_id: Option<String>, refusal: Refusal, out: &mut Outbox) -> Result<(), Close> {
    out.push(&ToAgent::Error { client_id, code: refusal.code, message: refusal.message })
}
