//! A small balancer for several nodes on one machine: TCP, in turn, to nodes that say
//! they are ready. Sockets pass because they are TCP. For trying out and for tests; in
//! production use the balancer you have.
//!
//! `cargo run --example balancer -- 127.0.0.1:8080 127.0.0.1:8081 127.0.0.1:8082`
//!
//! A node that does not answer `/readyz` with 200 twice in a row gets no more connections,
//! and those it has are cut: their clients come back, to another node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

/// How often a node is asked whether it is ready, and how long it may take to say so.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// So many answers in a row must be missing.
const MISSES: usize = 2;

/// A node and whether it is ready.
struct Node {
    address: SocketAddr,
    is_ready: watch::Sender<bool>,
}

#[tokio::main]
async fn main() {
    let addresses: Result<Vec<SocketAddr>, _> = std::env::args().skip(1).map(|text| text.parse()).collect();
    let Ok([listen, nodes @ ..]) = addresses.as_deref() else { return usage() };
    if nodes.is_empty() {
        return usage();
    }
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(error) => return eprintln!("balancer: cannot listen on {listen}: {error}"),
    };
    let nodes: Vec<Arc<Node>> = nodes
        .iter()
        .map(|&address| Arc::new(Node { address, is_ready: watch::Sender::new(false) }))
        .collect();
    let mut tasks = JoinSet::new();
    for node in &nodes {
        tasks.spawn(watch_over(Arc::clone(node)));
    }
    let turn = AtomicUsize::new(0);
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let ready: Vec<&Arc<Node>> = nodes.iter().filter(|node| *node.is_ready.borrow()).collect();
        if ready.is_empty() {
            tasks.spawn(refuse(client));
            continue;
        }
        let node = Arc::clone(ready[turn.fetch_add(1, Ordering::Relaxed) % ready.len()]);
        tasks.spawn(serve(client, node));
        while tasks.try_join_next().is_some() {}
    }
}

fn usage() {
    eprintln!("usage: balancer LISTEN NODE...");
}

/// One connection, until either side ends it or the node is not ready any more.
async fn serve(mut client: TcpStream, node: Arc<Node>) {
    let mut is_ready = node.is_ready.subscribe();
    let Ok(Ok(mut server)) = timeout(Duration::from_secs(2), TcpStream::connect(node.address)).await else {
        return refuse(client).await;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = is_ready.wait_for(|is_ready| !is_ready) => {}
    }
}

async fn refuse(mut client: TcpStream) {
    let _ = client
        .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .await;
}

/// Asks again and again.
async fn watch_over(node: Arc<Node>) {
    let (mut ask, mut n_missed) = (interval(ASK_INTERVAL), MISSES);
    loop {
        ask.tick().await;
        let is_ready =
            timeout(ASK_INTERVAL * 2, asked(node.address)).await.is_ok_and(|answer| answer.is_ok());
        n_missed = if is_ready { 0 } else { n_missed + 1 };
        let is_ready = n_missed < MISSES;
        if node.is_ready.send_if_modified(|before| std::mem::replace(before, is_ready) != is_ready) {
            eprintln!("balancer: {} is {}", node.address, if is_ready { "ready" } else { "away" });
        }
    }
}

async fn asked(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    if &head == b"HTTP/1.1 200" { Ok(()) } else { Err(std::io::Error::other("not ready")) }
}
