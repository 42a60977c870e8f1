//! A visitor's side of the talk: frame in, frames out. No socket here.
//!
//! Entries go out in the order of the log, each once, read from the store or, for the
//! visitor's own, known from its acknowledgement: a hint says only that it is worth looking.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::sending::{Stopped, send_entries};
use crate::domain::conversation::{Author, Body, Conversation, Entry, EntryKind, InvalidBody};
use crate::domain::id::{ConversationId, VisitorId, WidgetKey};
use crate::domain::outcome::Csat;
use crate::fault::{planted, point};
use crate::flow::ports::{Ack, Hints, Seen, Side, StoreError};
use crate::gateway::error::{Refusal, unread};
use crate::gateway::limit::Bucket;
use crate::gateway::protocol::visitor::{MarkRead, Resume, SetTyping, StatusView, VisitorCommand};
use crate::gateway::protocol::{Close, ErrorCode, FromVisitor, ToVisitor, Unreadable, VisitorEntry};
use crate::gateway::pump::{Outbox, Session};
use crate::gateway::registry::{Connection, News};
use crate::gateway::session::frame_allowance;
use crate::gateway::state::Gateway;

/// How often the flow hears that a visitor with an open socket is still there.
const HERE_INTERVAL: Duration = Duration::from_secs(30);

/// The least time between two looks at where a waiting visitor stands, and how much longer it is for each place in the
/// queue: a queue that moves is looked at by everybody in it, and hundreds of looks would hold up those who talk.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);
const STATUS_INTERVAL_PER_PLACE: Duration = Duration::from_millis(2);

/// A visitor's socket, without the socket.
pub struct VisitorSession {
    pub(super) gateway: Gateway,
    pub(super) visitor: VisitorId,
    widget: WidgetKey,
    pub(super) connection: Arc<Connection>,
    frames: Bucket,
    pub(super) phase: Phase,
    /// When the flow is told next that the visitor is still there.
    here_at: Instant,
}

/// How far the talk is.
pub(super) enum Phase {
    /// `hello` is out; the client has to say what it has seen.
    Greeted,
    /// The client has said it and gets everything after that.
    Following(Box<Following>),
}

/// What a client has got so far.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The conversation whose entries are sent, and the last one sent; none while there is none.
    pub(super) at: Option<(ConversationId, Seen)>,
    /// Everything there was when the client came is out.
    pub(super) is_caught_up: bool,
    /// There was more to send than room.
    pub(super) is_behind: bool,
    /// The status that was sent last.
    pub(super) status: Option<StatusView>,
    /// The version of the conversation that status was made of.
    status_version: Option<u64>,
    /// When it was made.
    status_at: Option<Instant>,
    /// When it is made again because the queues have moved.
    status_due_at: Option<Instant>,
    /// The visitor waits for a human, as far as is known here.
    pub(super) is_waiting: bool,
    /// The agent's read mark that was sent last.
    pub(super) read: u64,
    /// What was followed is nobody's any more: the visitor was erased, and its end was told.
    pub(super) is_erased: bool,
}

impl Following {
    /// Whether the visitor has nothing open, as far as is known here.
    pub(super) fn is_over(&self) -> bool {
        self.status.as_ref().is_none_or(|status| matches!(status.state.as_str(), "none" | "closed"))
    }
}

impl Following {
    /// Where the visitor stands may have changed: it is looked at when the last look is long enough ago.
    fn expect_status(&mut self, now: Instant) {
        let place = self.status.as_ref().and_then(|status| status.position).unwrap_or(0);
        let interval = STATUS_INTERVAL + STATUS_INTERVAL_PER_PLACE * place;
        let rested_at = || self.status_at.map_or(now, |at| at + interval);
        self.status_due_at = self.status_due_at.or_else(|| Some(rested_at()));
    }
}

impl VisitorSession {
    /// A socket that was opened just now.
    #[must_use]
    pub fn new(gateway: Gateway, visitor: VisitorId, widget: WidgetKey, connection: Arc<Connection>) -> Self {
        let frames = frame_allowance(gateway.config(), gateway.flow().ports().clock.now());
        Self {
            gateway,
            visitor,
            widget,
            connection,
            frames,
            phase: Phase::Greeted,
            here_at: Instant::now() + HERE_INTERVAL,
        }
    }

    async fn latest(&self) -> Result<Option<Conversation>, StoreError> {
        self.gateway.flow().ports().store.latest_of(&self.visitor).await
    }

    async fn resume(&mut self, resume: Resume) -> Result<Following, Refusal> {
        let unavailable = |_| Refusal::new(ErrorCode::StoreUnavailable, "the log cannot be read now");
        let Some(conversation) = resume.conversation else {
            return Ok(Following::default());
        };
        let store = &self.gateway.flow().ports().store;
        let found = store.conversation(&conversation).await.map_err(unavailable)?;
        let Some(found) = found.filter(|found| found.visitor == self.visitor) else {
            return Err(Refusal::new(
                ErrorCode::NotFound,
                "this conversation is not there; resume with null",
            ));
        };
        if resume.after > found.last_visitor_seq {
            return Err(Refusal::new(ErrorCode::Invalid, "`after` is beyond the last entry; resume with 0"));
        }
        let after = resume.after + u64::from(planted("resume_skips_one"));
        Ok(Following { at: Some((conversation, after.into())), ..Following::default() })
    }

    /// The visitor's own message, stored just now, as the entry it has become: no need to read it back. Nothing where
    /// something else comes before it.
    fn send_own(&mut self, ack: &Ack, client_id: &str, text: &str, out: &mut Outbox) -> Result<bool, Close> {
        let Phase::Following(following) = &mut self.phase else { return Ok(false) };
        let (Some(position), Some(seq), true) = (ack.position, ack.visitor_seq, following.is_caught_up)
        else {
            return Ok(false);
        };
        let is_next =
            following.at.as_ref().is_some_and(|(id, sent)| *id == ack.conversation && sent.seq + 1 == seq);
        let Some(body) = Body::new(text).ok().filter(|_| is_next && !following.is_behind) else {
            return Ok(false);
        };
        let entry = Entry {
            position,
            visitor_seq: Some(seq),
            author: Author::Visitor,
            kind: EntryKind::Message { body, is_no_answer: false },
            at: ack.at,
            client_id: Some(client_id.to_owned()),
        };
        let Some(shown) = VisitorEntry::of(&ack.conversation, &entry) else { return Ok(false) };
        out.push(&ToVisitor::Entry(shown))?;
        following.at = Some((ack.conversation.clone(), Seen { seq, position }));
        self.connection.note_sent(&ack.conversation, seq);
        Ok(true)
    }

    async fn carry_out(&mut self, client_id: &str, command: VisitorCommand) -> Result<Ack, Refusal> {
        let (flow, visitor, widget) = (self.gateway.flow(), &self.visitor, Some(&self.widget));
        let ack = match command {
            VisitorCommand::Send(send) => {
                let body = body(&send.text, &self.gateway)?;
                self.take_allowance()?;
                flow.receive(visitor, widget, client_id, body).await?
            }
            VisitorCommand::RequestHuman => {
                self.take_allowance()?;
                flow.ask_for_human(visitor, widget, client_id).await?
            }
            VisitorCommand::ContinueWithBot => flow.continue_with_bot(visitor, client_id).await?,
            VisitorCommand::LeaveContact(contact) => {
                flow.leave_contact(visitor, client_id, &contact.email).await?
            }
            VisitorCommand::End => flow.end(visitor, client_id).await?,
            VisitorCommand::Rate(rate) => {
                if !(1..=5).contains(&rate.score) {
                    return Err(Refusal::new(ErrorCode::Invalid, "`score` must be 1 to 5"));
                }
                let comment = rate.comment.filter(|comment| !comment.trim().is_empty());
                let comment = comment.map(|comment| body(&comment, &self.gateway)).transpose()?;
                let csat = Csat {
                    conversation: rate.conversation,
                    score: rate.score,
                    comment: comment.map(|comment| comment.as_str().to_owned()),
                };
                flow.rate(visitor, csat).await?
            }
        };
        self.gateway.registry().follow(&ack.conversation, &self.visitor);
        Ok(ack)
    }

    fn take_allowance(&self) -> Result<(), Refusal> {
        let (config, now) = (self.gateway.config(), self.gateway.flow().ports().clock.now());
        let full = || Bucket::new(config.rate_messages, config.rate_interval, config.rate_burst, now);
        if self.gateway.registry().allowance(&self.visitor, full, |bucket| bucket.take(now)) {
            Ok(())
        } else {
            Err(Refusal::new(ErrorCode::RateLimited, "too many messages; wait and send it again"))
        }
    }

    /// Sends what is new, in order, as far as there is room.
    async fn advance(&mut self, news: &News, out: &mut Outbox) -> Result<(), Close> {
        let Phase::Following(following) = &mut self.phase else { return Ok(()) };
        let store = &self.gateway.flow().ports().store;
        following.is_behind = false;
        let latest = match store.latest_of(&self.visitor).await {
            Ok(latest) => latest,
            Err(error) => {
                // The next poll reads again; nothing is due before it.
                following.status_due_at = None;
                self.connection.hear_queues_if(following.is_waiting);
                return unread(&error);
            }
        };
        if latest.is_none() && following.at.is_some() && self.say_good_bye(out).await? {
            return Ok(());
        }
        let Phase::Following(following) = &mut self.phase else { return Ok(()) };
        if let Some(latest) = &latest {
            self.gateway.registry().follow(&latest.id, &self.visitor);
            if let Err(error) = send_entries(&self.gateway, &self.visitor, latest, following, out).await {
                return match error {
                    Stopped::Close(why) => Err(why),
                    Stopped::Store(error) => unread(&error),
                };
            }
        }
        if following.is_behind {
            return Ok(());
        }
        if !following.is_caught_up {
            following.is_caught_up = true;
            let (conversation, sent) = following.at.clone().unzip();
            out.push(&ToVisitor::CaughtUp { conversation, seq: sent.unwrap_or_default().seq })?;
        }
        self.say_who_has_it(latest, news, out).await
    }

    /// Sends `status` and `read`, if they have changed.
    async fn say_who_has_it(
        &mut self,
        latest: Option<Conversation>,
        news: &News,
        out: &mut Outbox,
    ) -> Result<(), Close> {
        let Phase::Following(following) = &mut self.phase else { return Ok(()) };
        let flow = self.gateway.flow();
        let version = latest.as_ref().map(|conversation| conversation.version);
        following.is_waiting = latest.as_ref().is_some_and(|latest| latest.state.waiting_since().is_some());
        let now = Instant::now();
        if following.is_waiting && (news.queues || news.poll) {
            following.expect_status(now);
        }
        let is_due = following.status_due_at.is_some_and(|due_at| due_at <= now);
        let is_new = following.status.is_none() || following.status_version != version;
        if !(is_new || is_due || news.everything || !news.moved.is_empty()) {
            return Ok(());
        }
        // Before the look: what moves behind it is heard.
        self.connection.hear_queues_if(following.is_waiting);
        let status = match flow.status_of(latest).await {
            Ok(status) => status,
            Err(error) => {
                let _logged = Refusal::from(error);
                following.status_due_at = None;
                return Ok(());
            }
        };
        (following.status_version, following.status_at, following.status_due_at) = (version, Some(now), None);
        let shown = StatusView::from(&status);
        if following.status.as_ref() != Some(&shown) {
            out.push(&ToVisitor::Status(shown.clone()))?;
            following.status = Some(shown);
        }
        if status.marks.agent > following.read {
            following.read = status.marks.agent;
            out.push(&ToVisitor::Read { seq: status.marks.agent })?;
        }
        Ok(())
    }

    /// Passes typing and reading on: worth nothing later, so not kept anywhere.
    fn pass_signals(&mut self, news: &News, out: &mut Outbox) -> Result<(), Close> {
        let Phase::Following(following) = &mut self.phase else { return Ok(()) };
        let Some((current, _)) = following.at.clone().filter(|_| following.is_caught_up) else {
            return Ok(());
        };
        for (_, side, typing) in news.typing.iter().filter(|(id, ..)| *id == current) {
            let who = match side {
                Side::Bot => "bot",
                Side::Agent(..) => "agent",
                Side::Visitor => continue,
            };
            out.push(&ToVisitor::Typing { who: who.to_owned(), typing: typing.is_typing() })?;
        }
        for (_, side, seq) in news.read.iter().filter(|(id, ..)| *id == current) {
            if matches!(side, Side::Agent(..)) && *seq > following.read {
                following.read = *seq;
                out.push(&ToVisitor::Read { seq: *seq })?;
            }
        }
        Ok(())
    }

    async fn obey(&mut self, frame: FromVisitor, out: &mut Outbox) -> Result<(), Close> {
        match (frame, &self.phase) {
            (FromVisitor::Resume(resume), Phase::Greeted) => match self.resume(resume).await {
                Ok(following) => {
                    self.phase = Phase::Following(Box::new(following));
                    let news = News { everything: true, ..News::default() };
                    self.advance(&news, out).await
                }
                Err(refusal) => refuse(None, refusal, out),
            },
            (FromVisitor::Resume(_), Phase::Following(_)) => {
                refuse(None, Refusal::new(ErrorCode::Rejected, "this socket has resumed already"), out)
            }
            (FromVisitor::Command { client_id, .. }, Phase::Greeted) => {
                let refusal = Refusal::new(ErrorCode::Rejected, "`resume` comes first");
                refuse(Some(client_id), refusal, out)
            }
            (FromVisitor::Command { client_id, command }, Phase::Following(_)) => {
                self.must_be_known(&command).await?;
                let said = match &command {
                    VisitorCommand::Send(send) => Some(send.text.clone()),
                    _ => None,
                };
                match self.carry_out(&client_id, command).await {
                    Ok(ack) => {
                        point("gateway.before_ack");
                        out.push(&ToVisitor::Ack {
                            client_id: client_id.clone(),
                            conversation: ack.conversation.clone(),
                            seq: ack.visitor_seq,
                            at: ack.at,
                        })?;
                        // Its own entry, at once: the hint about it may take longer than this.
                        match said {
                            Some(text) if self.send_own(&ack, &client_id, &text, out)? => Ok(()),
                            _ => self.advance(&News::default(), out).await,
                        }
                    }
                    Err(refusal) => refuse(Some(client_id), refusal, out),
                }
            }
            (FromVisitor::Typing(SetTyping { typing }), _) => {
                let typed = self.gateway.flow().visitor_typing(&self.visitor, typing).await;
                typed.or_else(|error| refuse(None, error.into(), out))
            }
            (FromVisitor::Read(MarkRead { seq }), _) => {
                let read = self.gateway.flow().visitor_read(&self.visitor, seq).await;
                read.or_else(|error| refuse(None, error.into(), out))
            }
        }
    }
}

impl Session for VisitorSession {
    async fn open(&mut self, out: &mut Outbox) -> Result<(), Close> {
        let ports = self.gateway.flow().ports();
        let (latest, widget) = match (self.latest().await, ports.directory.widget(&self.widget).await) {
            (Ok(latest), Ok(Some(widget))) => (latest, widget),
            // The widget was removed since the ticket was given.
            (Ok(_), Ok(None)) => return Err(Close::NotAllowed),
            (Err(error), _) | (_, Err(error)) => {
                unread(&error)?;
                return Err(Close::Internal);
            }
        };
        let message_chars = self.gateway.config().max_message_chars.get().min(Body::MAX_CHARS);
        let last = latest.map(|latest| (latest.id, latest.last_visitor_seq));
        out.push(&ToVisitor::hello(ports.store.history_id(), last, message_chars, &widget))
    }

    async fn receive(&mut self, text: &str, out: &mut Outbox) -> Result<(), Close> {
        if !self.frames.take(self.gateway.flow().ports().clock.now()) {
            return Err(Close::TooMany);
        }
        match FromVisitor::parse(text) {
            Ok(frame) => self.obey(frame, out).await,
            Err(Unreadable::NotAFrame) => Err(Close::Malformed),
            Err(Unreadable::Wrong { client_id, code, message }) => {
                refuse(client_id, Refusal { code, message }, out)
            }
        }
    }

    async fn refresh(&mut self, news: News, out: &mut Outbox) -> Result<(), Close> {
        if news.poll && Instant::now() >= self.here_at {
            self.here_at = Instant::now() + HERE_INTERVAL;
            if let Err(error) = self.gateway.flow().visitor_here(&self.visitor).await {
                let _logged = Refusal::from(error);
            }
        }
        let has_signals = !news.typing.is_empty() || !news.read.is_empty();
        // Among other nodes one question is asked for all sockets here (`follow`), but not for a place in the queue.
        let is_followed = self.gateway.flow().ports().bus.hints() != Hints::Local;
        let is_waiting = matches!(&self.phase, Phase::Following(following) if following.is_waiting);
        let is_polled = news.poll && (!is_followed || is_waiting);
        let is_told = news.everything || is_polled || !news.conversations.is_empty();
        // Where only the queues have moved nothing but the status may have, and that has its own time. Until then there
        // is nothing more to hear of them.
        if let (Phase::Following(following), true, true) = (&mut self.phase, news.queues, is_waiting) {
            following.expect_status(Instant::now());
            self.connection.hear_queues_if(false);
        }
        // Without any news it is behind, or its status is due.
        if is_told || !(has_signals || news.poll || news.queues) {
            self.advance(&news, out).await?;
        }
        self.pass_signals(&news, out)
    }

    fn is_behind(&self) -> bool {
        matches!(&self.phase, Phase::Following(following) if following.is_behind)
    }

    fn due_at(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Following(following) => following.status_due_at,
            Phase::Greeted => None,
        }
    }
}

fn refuse(client_id: Option<String>, refusal: Refusal, out: &mut Outbox) -> Result<(), Close> {
    out.push(&ToVisitor::Error { client_id, code: refusal.code, message: refusal.message })
}

/// A text that may be left out; blank is the same as left out.
pub(super) fn optional_body(text: Option<&str>, gateway: &Gateway) -> Result<Option<Body>, Refusal> {
    text.filter(|text| !text.trim().is_empty()).map(|text| body(text, gateway)).transpose()
}

/// A text that is short enough to be a message.
pub(super) fn body(text: &str, gateway: &Gateway) -> Result<Body, Refusal> {
    let config = gateway.config();
    let is_long =
        text.len() > config.max_message_bytes.get() || text.chars().count() > config.max_message_chars.get();
    match Body::new(text) {
        Ok(body) if !is_long => Ok(body),
        Err(InvalidBody::Empty) => Err(Refusal::new(ErrorCode::Invalid, "a message needs a text")),
        Ok(_) | Err(InvalidBody::TooLong) => Err(Refusal {
            code: ErrorCode::TooLong,
            message: format!(
                "a message holds at most {} characters and {} bytes",
                config.max_message_chars.get().min(Body::MAX_CHARS),
                config.max_message_bytes.get().min(Body::MAX_BYTES),
            ),
        }),
    }
}
