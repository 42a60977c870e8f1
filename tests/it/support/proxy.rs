//! A TCP proxy that misbehaves when told to: cuts, delays, or falls silent with every
//! connection open. It knows nothing of what passes through it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Fair,
    /// Everything passes later.
    Slow(Duration),
    /// Connections stand, new ones are taken, and nothing passes: half open.
    Silent,
    /// Every connection is cut, and new ones too.
    Cut,
}

/// A proxy in front of one server.
#[derive(Debug)]
pub struct Proxy {
    /// Where clients connect to.
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
}

/// A client's or a network's pause: part of what is tested, not a wait for the server.
pub async fn rest(span: Duration) {
    tokio::time::sleep(span).await;
}

impl Proxy {
    /// In front of a server that need not be there yet.
    #[expect(clippy::disallowed_methods, reason = "a test's own task ends with the test")]
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let weather = watch::Sender::new(Weather::Fair);
        let told = weather.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, told.subscribe()));
            }
        });
        Self { address, weather }
    }

    /// Changes the weather, for connections that stand too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, mut weather: watch::Receiver<Weather>) {
    // Half open: the connection stands, and nobody is behind it.
    if weather.wait_for(|now| *now != Weather::Silent).await.is_err() || *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let mut cut = weather.clone();
    tokio::select! {
        () = pass(from_client, to_server, weather.clone()) => {}
        () = pass(from_server, to_client, weather) => {}
        _ = cut.wait_for(|now| *now == Weather::Cut) => {}
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if weather.wait_for(|now| *now != Weather::Silent).await.is_err() {
            return;
        }
        let now = *weather.borrow();
        if let Weather::Slow(span) = now {
            rest(span).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
