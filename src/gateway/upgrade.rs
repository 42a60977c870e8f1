//! From an HTTP request to a WebSocket: the handshake, the address the request came
//! from, and the stream below the socket, which counts fragments.
//!
//! Not axum's own upgrade, because that hides the stream: fragments could not be
//! counted, and a socket that is closed for what its peer sent could not be drained,
//! so that the peer would see a reset instead of the close code.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::config::GatewayConfig;

/// The socket of one peer.
pub type Socket = WebSocketStream<Counted<TokioIo<Upgraded>>>;

/// A request that may become a socket.
#[derive(Debug)]
pub struct Upgrade {
    key: HeaderValue,
    on_upgrade: OnUpgrade,
}

/// Why a request does not become a socket. These clients do not speak WebSocket, so the answer is HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a WebSocket handshake (RFC 6455, version 13) was expected")]
pub struct NotWebSocket;

impl IntoResponse for NotWebSocket {
    fn into_response(self) -> Response {
        let version = [(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))];
        (StatusCode::UPGRADE_REQUIRED, version, self.to_string()).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = NotWebSocket;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NotWebSocket> {
        let is_handshake = parts.method == Method::GET
            && lists(&parts.headers, header::CONNECTION, "upgrade")
            && lists(&parts.headers, header::UPGRADE, "websocket")
            && parts.headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
        let key = parts.headers.get(header::SEC_WEBSOCKET_KEY).cloned();
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        match (is_handshake, key, on_upgrade) {
            (true, Some(key), Some(on_upgrade)) => Ok(Self { key, on_upgrade }),
            _ => Err(NotWebSocket),
        }
    }
}

/// Whether a header lists a word, whatever its case.
fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}

impl Upgrade {
    /// The answer that makes the connection a socket, and the socket once that answer is out.
    pub fn accept(
        self,
        config: &GatewayConfig,
    ) -> (Response, impl Future<Output = Option<Socket>> + Send + use<>) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(self.key.as_bytes())) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        let limits = limits(config.max_frame_bytes.get());
        let max_fragments = config.max_fragments.get();
        let on_upgrade = self.on_upgrade;
        let socket = async move {
            let upgraded = on_upgrade.await.ok()?;
            let stream = Counted::new(TokioIo::new(upgraded), max_fragments);
            Some(WebSocketStream::from_raw_socket(stream, Role::Server, Some(limits)).await)
        };
        (response, socket)
    }
}

/// The limits of one socket. The buffers' own defaults of 128 KiB each would cost more than everything else about it;
/// what is read at once is kept as long as the socket, and a message of a person fits into it.
pub fn limits(max_frame_bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(8 * 1024)
        .max_message_size(Some(max_frame_bytes))
        .max_frame_size(Some(max_frame_bytes))
}

/// Lets a peer that was told good-bye answer, and reads what it still sends. Without this the operating system answers
/// unread bytes with a reset, and the close code is lost on the way.
pub async fn drain(socket: &mut Socket, patience: Duration) {
    let parting = async {
        while let Some(item) = socket.next().await {
            match item {
                // It has heard us; the side that serves ends the connection.
                Ok(Message::Close(_)) => return,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        drain_bytes(&mut socket.get_mut().inner).await;
    };
    let _ = tokio::time::timeout(patience, parting).await;
}

/// Reads bytes that no longer make frames until the peer hangs up, falls silent, or has sent too much.
async fn drain_bytes(stream: &mut (impl AsyncRead + Unpin)) {
    const MOST: usize = 4 * 1024 * 1024;
    const SILENCE: Duration = Duration::from_millis(300);
    let mut dropped = 0;
    let mut buffer = vec![0; 4 * 1024];
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await {
        dropped += read;
        if dropped > MOST {
            return;
        }
    }
}

/// The address of the peer, or of whom a trusted proxy speaks for.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub IpAddr);

impl Address {
    /// From the connection's peer and the headers; `trusts` says whose `X-Forwarded-For` is believed.
    pub fn of(parts: &Parts, trusts: impl Fn(IpAddr) -> bool) -> Self {
        let unknown = IpAddr::from([0, 0, 0, 0]);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(unknown, |peer| peer.0.ip());
        let forwarded: Vec<IpAddr> = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|item| item.trim().parse().ok())
            .collect();
        // From the nearest hop outwards, as long as each speaker is trusted.
        let mut address = peer;
        for hop in forwarded.into_iter().rev() {
            if !trusts(address) {
                break;
            }
            address = hop;
        }
        Self(address.to_canonical())
    }
}

/// A stream that reads the heads of the WebSocket frames which pass through it, and ends with an error when a
/// message comes in more fragments than allowed.
#[derive(Debug)]
pub struct Counted<T> {
    inner: T,
    heads: Heads,
}

impl<T> Counted<T> {
    /// A stream whose messages come in at most so many fragments.
    pub fn new(inner: T, max_fragments: usize) -> Self {
        Self { inner, heads: Heads { max_fragments, ..Heads::default() } }
    }
}

/// A message came in more fragments than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message came in more fragments than allowed")]
pub struct TooManyFragments;

/// Where the reader of heads is.
#[derive(Debug, Default)]
struct Heads {
    max_fragments: usize,
    /// Fragments of the message that has begun.
    fragments: usize,
    /// The head read so far: at most 2 bytes, 8 of length, 4 of mask.
    head: Vec<u8>,
    /// Bytes of payload still to come.
    payload: u64,
}

impl Heads {
    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), TooManyFragments> {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skipped = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.payload -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some((first, length)) = whole_head(&self.head) {
                self.head.clear();
                self.payload = length;
                self.begin(first)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, first: u8) -> Result<(), TooManyFragments> {
        let (is_final, is_control) = (first & 0x80 != 0, first & 0x08 != 0);
        if is_control {
            return Ok(());
        }
        self.fragments += 1;
        if self.fragments > self.max_fragments {
            return Err(TooManyFragments);
        }
        if is_final {
            self.fragments = 0;
        }
        Ok(())
    }
}

/// The first byte and the length of the payload, once the head is complete.
fn whole_head(head: &[u8]) -> Option<(u8, u64)> {
    let (&first, &second) = (head.first()?, head.get(1)?);
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (extended, length) = match second & 0x7f {
        126 => (2, u64::from(u16::from_be_bytes(head.get(2..4)?.try_into().ok()?))),
        127 => (8, u64::from_be_bytes(head.get(2..10)?.try_into().ok()?)),
        short => (0, u64::from(short)),
    };
    (head.len() == 2 + extended + mask).then_some((first, length))
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        this.heads.pass(&buf.filled()[before..]).map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload {
            0..126 => bytes.push(0x80 | payload as u8),
            126..65536 => bytes.extend([&[0x80 | 126][..], &(payload as u16).to_be_bytes()].concat()),
            _ => bytes.extend([&[0x80 | 127][..], &(payload as u64).to_be_bytes()].concat()),
        }
        bytes.extend([1, 2, 3, 4]);
        bytes.extend(std::iter::repeat_n(0x81, payload));
        bytes
    }

    #[test]
    fn fragments_are_counted_across_any_cut_of_the_bytes() {
        // A first fragment, pings in between, and continuations: the last of them ends the message.
        let message = |fragments: usize| {
            let mut bytes = frame(0x01, 200);
            for n in 1..fragments {
                bytes.extend(frame(0x89, 3));
                bytes.extend(frame(if n + 1 == fragments { 0x80 } else { 0x00 }, 70_000));
            }
            bytes
        };
        for cut in [1, 7, 4096] {
            let mut heads = Heads { max_fragments: 16, ..Heads::default() };
            for _ in 0..2 {
                assert!(message(16).chunks(cut).all(|bytes| heads.pass(bytes).is_ok()), "{cut}");
            }
            assert!(!message(17).chunks(cut).all(|bytes| heads.pass(bytes).is_ok()), "{cut}");
        }
    }
}
