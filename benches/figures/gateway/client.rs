//! A client on a socket: what it sends, and what it waits for.

use super::server::{Server, address_of};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

pub type Socket = WebSocketStream<TcpStream>;
pub type Sender = SplitSink<Socket, Message>;

/// Clients that come at once while a figure is prepared.
const AT_ONCE: usize = 32;

/// Opens a socket from the address of client `n`.
pub async fn connect(to: SocketAddr, path: &str, n: usize) -> Option<Socket> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind((address_of(n), 0).into()).ok()?;
    let stream = socket.connect(to).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(4 * 1024);
    let url = format!("ws://{to}{path}");
    Some(tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await.ok()?.0)
}

/// Sends a frame.
pub async fn send(socket: &mut (impl SinkExt<Message> + Unpin), frame: Value) {
    let _ = socket.send(Message::text(frame.to_string())).await;
}

/// The next text frame.
pub async fn hear(
    socket: &mut (impl StreamExt<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin),
) -> Option<Value> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Waits for a frame of a type.
pub async fn until(socket: &mut Socket, kind: &str) -> Option<Value> {
    loop {
        let frame = hear(socket).await?;
        if frame["type"] == kind {
            return Some(frame);
        }
    }
}

/// Does something for each number, some at once, and gives the answers in order.
pub async fn each<T, F>(n: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    F: Future<Output = T>,
{
    futures_util::stream::iter((0..n).map(task)).buffered(AT_ONCE).collect().await
}

/// Visitors who are there and have been told that they have seen everything.
pub async fn visitors(server: &Server, n: usize) -> Vec<Socket> {
    each(n, |n| async move {
        let (_, path) = server.boot(n, None).await;
        let mut socket = connect(server.address, &path, n).await.unwrap();
        send(&mut socket, json!({ "type": "resume", "conversation": null, "after": 0 })).await;
        until(&mut socket, "caught_up").await.unwrap();
        socket
    })
    .await
}

/// Keeps a socket open in the background: reads what comes and answers pings, as a browser does.
pub fn keep(mut socket: Socket) {
    tokio::spawn(async move { while socket.next().await.is_some_and(|frame| frame.is_ok()) {} });
}

/// Visitors who are there and say nothing.
pub async fn silent_visitors(server: &Server, from: usize, n: usize) {
    each(n, |n| async move {
        let n = from + n;
        let (_, path) = server.boot(n, None).await;
        let mut socket = connect(server.address, &path, n).await.unwrap();
        send(&mut socket, json!({ "type": "resume", "conversation": null, "after": 0 })).await;
        until(&mut socket, "caught_up").await.unwrap();
        keep(socket);
    })
    .await;
}

/// How a message is written for a server, and how its acknowledgement is known.
#[derive(Clone, Copy)]
pub enum Speech {
    Baton,
    Echo,
    SocketIo,
}

impl Speech {
    pub fn message(self, id: u64, text: &str) -> Message {
        match self {
            Self::Baton => {
                let client_id = format!("c{id}");
                Message::text(
                    json!({ "type": "message.send", "client_id": client_id, "text": text }).to_string(),
                )
            }
            Self::Echo => {
                let client_id = format!("c{id}");
                Message::text(json!({ "type": "ack", "client_id": client_id, "text": text }).to_string())
            }
            // An event of Socket.IO that asks for an acknowledgement of its number.
            Self::SocketIo => {
                let args = json!(["message", { "client_id": format!("c{id}"), "text": text }]);
                Message::text(format!("42{id}{args}"))
            }
        }
    }

    /// The number of the message that a frame acknowledges. Reads as little of the frame as is needed, so that the
    /// load does not become what is measured.
    pub fn acked(self, frame: &str) -> Option<u64> {
        match self {
            Self::SocketIo => frame.strip_prefix("43")?.split('[').next()?.parse().ok(),
            Self::Baton | Self::Echo => {
                assert!(!frame.starts_with("{\"type\":\"error\""), "{frame}");
                let rest = frame.strip_prefix("{\"type\":\"ack\",\"client_id\":\"c")?;
                rest.split('"').next()?.parse().ok()
            }
        }
    }

    /// Whether a frame must be answered to stay connected, and with what.
    fn answer(self, frame: &str) -> Option<Message> {
        matches!(self, Self::SocketIo)
            .then_some(frame)
            .filter(|frame| *frame == "2")
            .map(|_| Message::text("3"))
    }
}

/// Sends at a rate for a time, each message at its intended time or late, and gives the sorted spans from the intended
/// time to the acknowledgement.
pub async fn at_rate(sockets: Vec<Socket>, speech: Speech, rate: u64, seconds: u64) -> Vec<Duration> {
    saying(crate::CHAT_MIX.lines().collect(), sockets, speech, rate, seconds).await
}

/// The same with these texts.
pub async fn saying(
    texts: Vec<&'static str>,
    sockets: Vec<Socket>,
    speech: Speech,
    rate: u64,
    seconds: u64,
) -> Vec<Duration> {
    let gap = Duration::from_nanos(1_000_000_000 / rate);
    let begin = Instant::now() + Duration::from_millis(500);
    let total = rate * seconds;
    let (tx, mut rx) = mpsc::unbounded_channel();
    let (turns, theirs): (Vec<_>, Vec<_>) = sockets.iter().map(|_| mpsc::unbounded_channel()).unzip();
    // A thread that sleeps as exactly as the kernel can: the runtime's timers wake up to two milliseconds late, more than
    // what is measured.
    std::thread::spawn(move || {
        for turn in 0..total {
            let at = begin + gap * u32::try_from(turn).unwrap();
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            let _ = turns[turn as usize % turns.len()].send((turn, at));
        }
    });
    for (socket, mut theirs) in sockets.into_iter().zip(theirs) {
        let (tx, texts) = (tx.clone(), texts.clone());
        tokio::spawn(async move {
            let (mut write, mut read) = socket.split();
            let mut intended: HashMap<u64, Instant> = HashMap::new();
            loop {
                tokio::select! {
                    Some((turn, at)) = theirs.recv() => {
                        intended.insert(turn, at);
                        let _ = write.send(speech.message(turn, texts[turn as usize % texts.len()])).await;
                    }
                    frame = read.next() => {
                        let Some(Ok(frame)) = frame else { return };
                        let Message::Text(frame) = frame else { continue };
                        if let Some(answer) = speech.answer(&frame) {
                            let _ = write.send(answer).await;
                        }
                        if let Some(at) = speech.acked(&frame).and_then(|id| intended.remove(&id)) {
                            let _ = tx.send(at.elapsed());
                        }
                    }
                }
            }
        });
    }
    drop(tx);
    let mut spans = Vec::new();
    let deadline = begin + Duration::from_secs(seconds + 20);
    while (spans.len() as u64) < total {
        match tokio::time::timeout_at(deadline.into(), rx.recv()).await {
            Ok(Some(span)) => spans.push(span),
            _ => break,
        }
    }
    if (spans.len() as u64) < total {
        eprintln!("bench: only {} of {total} messages were acknowledged", spans.len());
    }
    spans.sort_unstable();
    spans
}

/// Every client sends its next message when the last is acknowledged, for a time; the sorted spans of all of them.
pub async fn as_fast(sockets: Vec<Socket>, speech: Speech, seconds: u64) -> Vec<Duration> {
    let texts: Vec<&'static str> = crate::CHAT_MIX.lines().collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    let tasks: Vec<_> = sockets
        .into_iter()
        .enumerate()
        .map(|(n, mut socket)| {
            let texts = texts.clone();
            tokio::spawn(async move {
                let mut spans = Vec::new();
                let mut id = n as u64 * 1_000_000;
                'sending: while Instant::now() < end {
                    id += 1;
                    let sent = Instant::now();
                    if socket.send(speech.message(id, texts[id as usize % texts.len()])).await.is_err() {
                        break;
                    }
                    loop {
                        match socket.next().await {
                            Some(Ok(Message::Text(frame))) => {
                                if let Some(answer) = speech.answer(&frame) {
                                    let _ = socket.send(answer).await;
                                }
                                if speech.acked(&frame) == Some(id) {
                                    break;
                                }
                            }
                            Some(Ok(_)) => {}
                            Some(Err(_)) | None => break 'sending,
                        }
                    }
                    spans.push(sent.elapsed());
                }
                spans
            })
        })
        .collect();
    let mut spans = Vec::new();
    for task in tasks {
        spans.extend(task.await.unwrap());
    }
    spans.sort_unstable();
    spans
}
