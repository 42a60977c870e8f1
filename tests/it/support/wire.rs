//! One socket of a client, as a stranger would write it: tokio-tungstenite and JSON.
//! Knows no frames of ours.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a test waits for anything before it fails, on a machine that does much else. Nothing is proved by it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Why nothing more comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The server closed the socket with this code.
    Closed(u16),
    /// The connection broke, or was never there.
    Broken(String),
}

/// A socket.
pub struct Wire {
    socket: WebSocketStream<TcpStream>,
}

/// An address of this machine that stands for a client of its own.
pub fn address(n: usize) -> IpAddr {
    IpAddr::from([127, 1, (n / 250) as u8, (n % 250 + 1) as u8])
}

/// A client for HTTP that comes from that address.
pub fn http_from(from: IpAddr) -> reqwest::Client {
    // Many clients in one process: idle connections would be as many open files.
    let builder = reqwest::Client::builder().local_address(from).timeout(PATIENCE);
    builder.pool_max_idle_per_host(0).build().unwrap()
}

impl Wire {
    /// Opens a socket. `base` is like `http://127.0.0.1:8080`.
    pub async fn open(base: &str, path: &str, ticket: &str, from: IpAddr) -> Result<Self, Lost> {
        Self::open_with(base, path, ticket, from, None).await
    }

    /// Opens a socket whose system buffer for what comes in is of that size.
    pub async fn open_with(
        base: &str,
        path: &str,
        ticket: &str,
        from: IpAddr,
        buffer: Option<u32>,
    ) -> Result<Self, Lost> {
        let broken = |error: &dyn std::fmt::Display| Lost::Broken(error.to_string());
        let authority = base.trim_start_matches("http://");
        let address: SocketAddr = authority.parse().map_err(|error| broken(&error))?;
        let opening = async {
            let socket = TcpSocket::new_v4().map_err(|error| broken(&error))?;
            if let Some(buffer) = buffer {
                socket.set_recv_buffer_size(buffer).map_err(|error| broken(&error))?;
            }
            socket.bind(SocketAddr::new(from, 0)).map_err(|error| broken(&error))?;
            let stream = socket.connect(address).await.map_err(|error| broken(&error))?;
            stream.set_nodelay(true).map_err(|error| broken(&error))?;
            let url = format!("ws://{authority}{path}?ticket={ticket}");
            let (socket, _) = client_async(url, stream).await.map_err(|error| broken(&error))?;
            Ok(Self { socket })
        };
        tokio::time::timeout(PATIENCE, opening).await.map_err(|_| Lost::Broken("no answer".into()))?
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) -> Result<(), Lost> {
        self.send_raw(Message::text(frame.to_string())).await
    }

    /// Sends whatever is wanted.
    pub async fn send_raw(&mut self, message: Message) -> Result<(), Lost> {
        self.socket.send(message).await.map_err(|error| Lost::Broken(error.to_string()))
    }

    /// Waits for the next frame.
    pub async fn hear(&mut self) -> Result<Value, Lost> {
        // Pings come in between; they are no reason to wait longer.
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let item = tokio::time::timeout_at(end, self.socket.next()).await;
            match item {
                Err(_) => return Err(Lost::Broken(format!("nothing came within {PATIENCE:?}"))),
                Ok(None) => return Err(Lost::Broken("the connection ended without a close frame".into())),
                Ok(Some(Err(error))) => return Err(Lost::Broken(error.to_string())),
                Ok(Some(Ok(Message::Text(text)))) => {
                    return serde_json::from_str(&text).map_err(|error| Lost::Broken(error.to_string()));
                }
                Ok(Some(Ok(Message::Close(frame)))) => {
                    return Err(Lost::Closed(frame.map_or(1005, |frame| frame.code.into())));
                }
                Ok(Some(Ok(_))) => {}
            }
        }
    }

    /// Waits for the close frame, past everything else, and gives its code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.hear().await {
                Ok(_) => {}
                Err(Lost::Closed(code)) => return code,
                Err(Lost::Broken(why)) => panic!("closed without a code: {why}"),
            }
        }
    }

    /// Says good-bye in order.
    pub async fn close(mut self) {
        let _ = self.socket.close(None).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}
