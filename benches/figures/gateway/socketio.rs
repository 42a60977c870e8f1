//! The baseline that stores: socket.io and better-sqlite3 with `synchronous=FULL`, each
//! message inserted and then acknowledged. `scripts/bench.sh` installs it.

use super::client::{Socket, connect, each};
use crate::cores;
use futures_util::{SinkExt, StreamExt};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tokio_tungstenite::tungstenite::Message;

/// The peer as a process of its own, on the core of what is measured.
pub struct SocketIo {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for SocketIo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl SocketIo {
    /// Starts it; none where it is not installed, with a line that says so.
    pub async fn start() -> Option<Self> {
        let installed = super::server::cached("socketio");
        if !installed.join("node_modules/better-sqlite3/build").is_dir() {
            eprintln!(
                "bench: socket.io and better-sqlite3 are not installed; `scripts/bench.sh peers` does it"
            );
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // The script stands beside its packages, where node looks for them.
        let script = installed.join("server.mjs");
        std::fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/socketio/server.mjs"),
            &script,
        )
        .ok()?;
        let mut command: Command = cores::command_on_measured(Path::new("node"));
        command.arg(&script).arg(folder.path().join("peer.db"));
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take()?).read_line(&mut line).ok()?;
        let port: u16 = line.trim().parse().ok()?;
        Some(Self { process, address: SocketAddr::from(([127, 0, 0, 1], port)), _folder: folder })
    }

    /// Clients that are connected: Engine.IO 4 over a WebSocket, and the default namespace.
    pub async fn clients(&self, n: usize) -> Vec<Socket> {
        each(n, |n| async move {
            let mut socket = connect(self.address, "/socket.io/?EIO=4&transport=websocket", n).await.unwrap();
            let mut said = |text: Message| text.is_text().then(|| text.into_text().unwrap());
            let opened = socket.next().await.and_then(Result::ok).and_then(&mut said).unwrap();
            assert!(opened.starts_with('0'), "{opened}");
            socket.send(Message::text("40")).await.unwrap();
            let joined = socket.next().await.and_then(Result::ok).and_then(&mut said).unwrap();
            assert!(joined.starts_with("40"), "{joined}");
            socket
        })
        .await
    }
}
