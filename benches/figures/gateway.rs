//! How long a visitor waits for "sent": from the moment a message was to be sent to its
//! acknowledgement, which comes after the commit is on the disk.
//!
//! Open loop: messages have intended times and are late rather than left out. The
//! server is a process of its own on a core of its own, with its limits on; clients come from many addresses
//! of 127.0.0.0/8. The baseline is an echo over the same WebSocket stack that stores
//! nothing.

use crate::cores;
use crate::report::{Baseline, Figure, Report, quantile_ms};
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const CLIENTS: usize = 600;
const SECONDS: u64 = 10;

type Socket = WebSocketStream<TcpStream>;

pub fn run(report: &Report) {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    // The echo begins on the core of the server, everything else on the other.
    if cores::are_two() {
        cores::move_to(cores::MEASURED);
    }
    let echo = echo_server();
    if cores::are_two() {
        cores::move_to(cores::LOAD);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        for (rate, backend) in [(300_u64, "rust-bert"), (1_000, "lexicon")] {
            let sockets = connect_all(echo, |_| async { "/".to_owned() }).await;
            let baseline = measure(sockets, rate, true).await;
            let Some(server) = Server::start(backend).await else {
                eprintln!("bench: `baton serve` did not start, so the group `gateway` has no figures");
                return;
            };
            let sockets = connect_all(server.address, |n| server.path_of_visitor(n)).await;
            let before = server.analyses().await;
            let spans = measure(sockets, rate, false).await;
            let after = server.analyses().await;
            let share = (after.0 - before.0) / (after.1 - before.1).max(1.0);
            let model = if backend == "lexicon" { "none" } else { "baton-en" };
            for (name, quantile) in [("durable_turn_p50_ms", 0.50), ("durable_turn_p99_ms", 0.99)] {
                report.tell(&Figure {
                    name,
                    value: quantile_ms(&spans, quantile),
                    unit: "ms",
                    is_less_better: true,
                    baselines: vec![Baseline::new("axum_echo", quantile_ms(&baseline, quantile))],
                    conditions: json!({
                        "rate_per_s": rate, "clients": CLIENTS, "seconds": SECONDS, "model": model,
                        "analyzed_share": if backend == "lexicon" { Value::Null } else { json!(share) },
                        "lengths": "chat_mix", "rows_per_ack": "1 entry, 1 command, 1 counter update",
                        "acknowledged": spans.len(), "cores": cores_text(),
                    }),
                });
            }
        }
    });
    cores::move_to_all(n_cores);
}

fn cores_text() -> &'static str {
    if cores::are_two() { "server and echo on one, load on the other" } else { "one for all" }
}

fn echo_server() -> SocketAddr {
    let echo = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut socket| async move {
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        })
    };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    // A thread and a runtime of its own, as the service has.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, Router::new().route("/", get(echo))).await.unwrap();
        });
    });
    address
}

/// A server process in a folder of its own.
struct Server {
    process: Child,
    address: SocketAddr,
    http: reqwest::Client,
    key: String,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    async fn start(backend: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = if cores::are_two() {
            let mut command = Command::new("taskset");
            command.args(["-c", cores::MEASURED, env!("CARGO_BIN_EXE_baton")]);
            command
        } else {
            Command::new(env!("CARGO_BIN_EXE_baton"))
        };
        let process = command
            .args(["serve", "--demo", "--listen", &address.to_string(), "--data"])
            .arg(folder.path())
            .env("BATON_NLP__BACKEND", backend)
            .env("BATON_NLP__REPEATS", "0")
            .env("BATON_TELEMETRY__LEVEL", "warn")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let http = reqwest::Client::new();
        let mut server = Self { process, address, http, key: String::new(), _folder: folder };
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let ready = server.http.get(format!("http://{address}/readyz")).send().await;
            // Ready on words comes before the model is; with the model, wait for it.
            let text = match ready {
                Ok(answer) if answer.status().is_success() => answer.text().await.unwrap_or_default(),
                _ => continue,
            };
            if backend == "lexicon" || !text.contains("degraded") {
                let page =
                    server.http.get(format!("http://{address}/demo")).send().await.ok()?.text().await.ok()?;
                server.key = page.split("data-key=\"").nth(1)?.split('"').next()?.to_owned();
                return Some(server);
            }
        }
        None
    }

    async fn path_of_visitor(&self, n: usize) -> String {
        // From the visitor's own address: the limits are on.
        let http =
            reqwest::Client::builder().local_address(std::net::IpAddr::from(address_of(n))).build().unwrap();
        let answer = http
            .post(format!("http://{}/api/v1/widget/boot", self.address))
            .header("origin", format!("http://{}", self.address))
            .header("content-type", "application/json")
            .body(json!({ "key": self.key }).to_string())
            .send()
            .await
            .unwrap();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        format!("/ws/visitor?ticket={}", body["ticket"].as_str().unwrap_or_else(|| panic!("boot: {body}")))
    }

    /// Messages analyzed by the model, and by anything.
    async fn analyses(&self) -> (f64, f64) {
        let text = match self.http.get(format!("http://{}/metrics", self.address)).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        let (mut model, mut all) = (0.0, 0.0);
        for line in text.lines().filter(|line| line.starts_with("baton_analyses_total{")) {
            let count: f64 = line.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
            all += count;
            if line.contains("\"model\"") {
                model += count;
            }
        }
        (model, all)
    }
}

/// The address of this machine that a client comes from.
fn address_of(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1 + (n / 200) as u8, 2 + (n % 200) as u8)
}

async fn connect_all<F, P>(to: SocketAddr, path: F) -> Vec<Socket>
where
    F: Fn(usize) -> P,
    P: Future<Output = String>,
{
    let mut sockets = Vec::with_capacity(CLIENTS);
    for n in 0..CLIENTS {
        let path = path(n).await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address_of(n), 0).into()).unwrap();
        let stream = socket.connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (socket, _) = tokio_tungstenite::client_async(format!("ws://{to}{path}"), stream).await.unwrap();
        sockets.push(socket);
    }
    sockets
}

/// Sends at the rate for the time and gives the sorted spans from intended time to acknowledgement.
async fn measure(sockets: Vec<Socket>, rate: u64, is_echo: bool) -> Vec<Duration> {
    let texts: Vec<&'static str> = crate::CHAT_MIX.lines().collect();
    let gap = Duration::from_nanos(1_000_000_000 / rate);
    let begin = Instant::now() + Duration::from_millis(500);
    let total = rate * SECONDS;
    let (tx, mut rx) = mpsc::unbounded_channel();
    let n_clients = sockets.len() as u64;
    for (n, socket) in sockets.into_iter().enumerate() {
        let (tx, texts) = (tx.clone(), texts.clone());
        tokio::spawn(async move {
            let (mut write, mut read) = socket.split();
            if !is_echo {
                let resume = json!({ "type": "resume", "conversation": null, "after": 0 });
                write.send(Message::text(resume.to_string())).await.unwrap();
            }
            let mut turn = n as u64;
            let mut intended: std::collections::HashMap<String, Instant> = Default::default();
            loop {
                let at = begin + gap * u32::try_from(turn).unwrap();
                let sleep = tokio::time::sleep_until(at.into());
                tokio::select! {
                    () = sleep, if turn < total => {
                        let id = format!("c{turn}");
                        let text = texts[turn as usize % texts.len()];
                        let kind = if is_echo { "ack" } else { "message.send" };
                        let frame = json!({ "type": kind, "client_id": id, "text": text });
                        intended.insert(id, at);
                        write.send(Message::text(frame.to_string())).await.unwrap();
                        turn += n_clients;
                    }
                    frame = read.next() => {
                        let Some(Ok(frame)) = frame else { return };
                        let Message::Text(frame) = frame else { continue };
                        if !frame.contains("\"ack\"") && !frame.contains("\"error\"") {
                            continue;
                        }
                        let frame: Value = serde_json::from_str(&frame).unwrap();
                        assert_ne!(frame["type"], "error", "{frame}");
                        if let Some(at) = frame["client_id"].as_str().and_then(|id| intended.remove(id)) {
                            let _ = tx.send(at.elapsed());
                        }
                    }
                }
            }
        });
    }
    drop(tx);
    let mut spans = Vec::new();
    let deadline = begin + Duration::from_secs(SECONDS + 20);
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
