//! The loop of one socket: what comes in goes to the session, what is new is asked
//! for, what goes out passes a bounded outbox, and silence ends it.
//!
//! Knows frames of WebSocket, not of our protocol. Anything that is a stream and a
//! sink will do, so that it is tested without a network.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use serde::Serialize;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use super::heartbeat::{Beat, Heartbeat};
use super::protocol::Close;
use super::registry::{Connection, News};
use super::upgrade::TooManyFragments;
use crate::config::GatewayConfig;
use crate::fault::planted;

/// How often the store is looked at although no hint came (invariant 8). With the time to read, this keeps what is
/// promised: two seconds.
const POLL_INTERVAL: Duration = Duration::from_millis(1500);

/// Every so many polls look at everything: what changes without a version is seen too, if later.
const THOROUGH: u64 = 20;

/// How long a peer that is told good-bye may take to read what is under way.
const LINGER: Duration = Duration::from_secs(10);

/// The same while the server stops: others wait for it.
const LINGER_WHEN_STOPPING: Duration = Duration::from_secs(2);

/// What is said to a peer, and why it may have to end.
pub trait Session: Send {
    /// The first frames.
    fn open(&mut self, out: &mut Outbox) -> impl Future<Output = Result<(), Close>> + Send;

    /// A text frame came.
    fn receive(&mut self, text: &str, out: &mut Outbox) -> impl Future<Output = Result<(), Close>> + Send;

    /// Something is new, or it is time to look whether something is.
    fn refresh(&mut self, news: News, out: &mut Outbox) -> impl Future<Output = Result<(), Close>> + Send;

    /// There was more to say than the outbox had room for: [`Session::refresh`] is called when it has room again.
    fn is_behind(&self) -> bool;

    /// When the session wants to be refreshed in any case, besides hints and polls.
    fn due_at(&self) -> Option<Instant>;
}

/// Frames on their way to one peer. Bounded; the writer holds the other end.
#[derive(Debug)]
pub struct Outbox {
    frames: mpsc::Sender<Utf8Bytes>,
}

impl Outbox {
    /// An outbox and the end that is written to the peer.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Utf8Bytes>) {
        let (frames, written) = mpsc::channel(capacity);
        (Self { frames }, written)
    }

    /// Puts a frame into the outbox, without waiting.
    ///
    /// A full outbox means that the peer reads too slowly. It is closed rather than buffered: the store has
    /// everything, and the client asks again from the last entry it saw (invariant 8).
    ///
    /// # Errors
    ///
    /// [`Close::TooSlow`] when it is full; [`Close::Internal`] for a frame that cannot be written as JSON.
    pub fn push(&mut self, frame: &impl Serialize) -> Result<(), Close> {
        let text = serde_json::to_string(frame).map_err(|_| Close::Internal)?;
        self.push_text(text)
    }

    /// Puts a frame into the outbox that is JSON already.
    ///
    /// # Errors
    ///
    /// As [`Outbox::push`].
    pub fn push_text(&mut self, text: String) -> Result<(), Close> {
        match self.frames.try_send(text.into()) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) if planted("slow_reader_misses_frames") => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Close::TooSlow),
            // The writer found the peer gone and the loop is about to learn it.
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Close::Normal),
        }
    }

    /// How many more frames it takes, less some that are kept for answers.
    #[must_use]
    pub fn room(&self) -> usize {
        self.frames.capacity().saturating_sub(self.frames.max_capacity() / 4)
    }

    /// Waits until the outbox has more room than is kept for answers.
    async fn has_room(&self) {
        let wanted = self.frames.max_capacity() / 2 + 1;
        // The permits are given back at once; what matters is that they could be had.
        drop(self.frames.reserve_many(wanted).await);
    }
}

/// How a socket behaves, whoever is at its other end.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// Frames waiting to be written.
    pub outbox: usize,
    /// How often the peer is pinged.
    pub ping_interval: Duration,
    /// How long it may be silent.
    pub pong_timeout: Duration,
}

impl From<&GatewayConfig> for Manners {
    fn from(config: &GatewayConfig) -> Self {
        Self {
            outbox: config.outbox.get(),
            ping_interval: config.ping_interval,
            pong_timeout: config.pong_timeout,
        }
    }
}

/// Runs a socket to its end, and says why it ended.
pub async fn run<S>(
    socket: &mut S,
    session: &mut impl Session,
    connection: &Arc<Connection>,
    manners: Manners,
    stopping: &CancellationToken,
) -> Close
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin + Send,
{
    let (sink, stream) = socket.split();
    let (outbox, frames) = Outbox::new(manners.outbox);
    let pings = Notify::new();
    let (good_bye, told) = oneshot::channel();
    let mut writer = pin!(write(sink, frames, &pings, told));
    let mut reader = pin!(read(stream, session, connection, outbox, &pings, manners, stopping));
    // A peer that is gone ends the writer first. The reader is never dropped in the middle of a command: it sees the
    // closed outbox, and ends by itself.
    let (why, is_written) = tokio::select! {
        why = &mut reader => (why, false),
        () = &mut writer => (reader.await, true),
    };
    if !is_written {
        let _ = good_bye.send(why);
        let linger = if why == Close::GoingAway { LINGER_WHEN_STOPPING } else { LINGER };
        let _ = timeout(linger, writer).await;
    }
    why
}

/// Reads what comes, and asks the session for what is new, until one of them says why it is over.
async fn read<R>(
    mut stream: R,
    session: &mut impl Session,
    connection: &Connection,
    mut outbox: Outbox,
    pings: &Notify,
    manners: Manners,
    stopping: &CancellationToken,
) -> Close
where
    R: Stream<Item = Result<Message, Error>> + Unpin,
{
    let mut heartbeat = Heartbeat::new(manners.ping_interval, manners.pong_timeout);
    let mut poll = interval_at(Instant::now() + POLL_INTERVAL, POLL_INTERVAL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut n_polls: u64 = 0;
    // What a session does is boxed wherever it begins: a socket that waits, as nearly all do, should hold none of it.
    if let Err(why) = Box::pin(session.open(&mut outbox)).await {
        return why;
    }
    loop {
        let (is_behind, due_at) = (session.is_behind(), session.due_at());
        let step = tokio::select! {
            // In this order: a peer that spoke while a command was carried out is not lost.
            biased;
            () = stopping.cancelled() => Err(Close::GoingAway),
            item = stream.next() => {
                heartbeat.heard();
                match incoming(item) {
                    Ok(Some(text)) => Box::pin(session.receive(&text, &mut outbox)).await,
                    Ok(None) => Ok(()),
                    Err(why) => Err(why),
                }
            }
            () = outbox.frames.closed() => Err(Close::Normal),
            () = connection.rung() => {
                let news = connection.take_news();
                match news.close {
                    Some(why) => Err(why),
                    None => Box::pin(session.refresh(news, &mut outbox)).await,
                }
            }
            () = when(is_behind, outbox.has_room()) => Box::pin(session.refresh(News::default(), &mut outbox)).await,
            () = until(due_at) => Box::pin(session.refresh(News::default(), &mut outbox)).await,
            _ = poll.tick() => {
                n_polls += 1;
                let news = News { everything: n_polls.is_multiple_of(THOROUGH), poll: true, ..News::default() };
                Box::pin(session.refresh(news, &mut outbox)).await
            }
            beat = heartbeat.next() => match beat {
                Beat::Ping => {
                    pings.notify_one();
                    Ok(())
                }
                Beat::Lost => Err(Close::HeartbeatLost),
            },
        };
        if let Err(why) = step {
            return why;
        }
    }
}

/// What came: a text for the session, something the protocol below has dealt with, or the end.
fn incoming(item: Option<Result<Message, Error>>) -> Result<Option<Utf8Bytes>, Close> {
    match item {
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        Some(Ok(Message::Binary(_))) => Err(Close::Malformed),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Close(_))) | None => Err(Close::Normal),
        Some(Err(error)) => Err(match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Close::TooLarge,
            Error::Io(io) if io.get_ref().is_some_and(|inner| inner.is::<TooManyFragments>()) => {
                Close::TooLarge
            }
            Error::Utf8(_) => Close::Malformed,
            Error::Protocol(ref protocol) if !is_hang_up(protocol) => Close::Malformed,
            // The connection broke; there is nobody to tell.
            _ => Close::Normal,
        }),
    }
}

fn is_hang_up(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    matches!(error, ProtocolError::ResetWithoutClosingHandshake)
}

/// Writes frames as they come, pings between them, and the close frame at the end.
async fn write<W>(
    mut sink: W,
    mut frames: mpsc::Receiver<Utf8Bytes>,
    pings: &Notify,
    mut told: oneshot::Receiver<Close>,
) where
    W: Sink<Message, Error = Error> + Unpin,
{
    loop {
        let written = tokio::select! {
            biased;
            why = &mut told => {
                if let Ok(why) = why {
                    say_good_bye(&mut sink, &mut frames, why).await;
                }
                return;
            }
            () = pings.notified() => sink.send(Message::Ping(Default::default())).await,
            Some(frame) = frames.recv() => write_all(&mut sink, frame, &mut frames).await,
        };
        if written.is_err() {
            return;
        }
    }
}

/// Writes what waits, then flushes once.
async fn write_all<W>(
    sink: &mut W,
    first: Utf8Bytes,
    frames: &mut mpsc::Receiver<Utf8Bytes>,
) -> Result<(), Error>
where
    W: Sink<Message, Error = Error> + Unpin,
{
    const AT_ONCE: usize = 32;
    sink.feed(Message::Text(first)).await?;
    for _ in 1..AT_ONCE {
        match frames.try_recv() {
            Ok(frame) => sink.feed(Message::Text(frame)).await?,
            Err(_) => break,
        }
    }
    sink.flush().await
}

/// Writes what waits, except to a peer that is cut because it does not read, and the close frame.
async fn say_good_bye<W>(sink: &mut W, frames: &mut mpsc::Receiver<Utf8Bytes>, why: Close)
where
    W: Sink<Message, Error = Error> + Unpin,
{
    if why == Close::Normal {
        // The peer has said it first, or is gone: the answer is the protocol's own.
        let _ = sink.close().await;
        return;
    }
    if !matches!(why, Close::TooSlow | Close::HeartbeatLost) {
        while let Ok(frame) = frames.try_recv() {
            if sink.feed(Message::Text(frame)).await.is_err() {
                return;
            }
        }
    }
    let frame = CloseFrame { code: why.code().into(), reason: why.name().into() };
    if sink.send(Message::Close(Some(frame))).await.is_ok() {
        let _ = sink.close().await;
    }
}

/// Waits for a future only if there is a reason to.
async fn when(is_wanted: bool, future: impl Future<Output = ()>) {
    if is_wanted { future.await } else { pending().await }
}

/// Waits for an instant, if there is one.
async fn until(due_at: Option<Instant>) {
    match due_at {
        Some(due_at) => tokio::time::sleep_until(due_at).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
