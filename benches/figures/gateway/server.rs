//! `baton serve` as a process of its own: started, asked, measured from outside, stopped.

use crate::cores;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

/// The program that is measured: the one built with this, or another one to compare with.
pub fn baton() -> PathBuf {
    std::env::var_os("BENCH_BATON").unwrap_or_else(|| env!("CARGO_BIN_EXE_baton").into()).into()
}

/// The origin of the demonstration's page is the server itself; this is its widget.
const KEY: &str = "wk_demo";
const PASSWORD: &str = "a password of the bench";

/// How a server is started.
#[derive(Clone)]
pub struct Options {
    pub binary: PathBuf,
    pub backend: &'static str,
    /// Kept after the server; a folder of its own where there is none.
    pub data: Option<PathBuf>,
    /// More of the configuration, as the environment says it.
    pub settings: Vec<(&'static str, String)>,
}

impl Options {
    pub fn new(backend: &'static str) -> Self {
        Self { binary: baton(), backend, data: None, settings: Vec::new() }
    }

    /// With patience for clients that are connected long before they begin to read: while they wait, nobody answers
    /// the server's pings for them.
    pub fn patient(mut self) -> Self {
        self.settings.push(("BATON_GATEWAY__PONG_TIMEOUT", "5m".into()));
        self
    }

    /// Without the limit of messages of one visitor, for figures in which few visitors send all they can.
    pub fn unlimited(mut self) -> Self {
        self.settings.push(("BATON_GATEWAY__RATE_MESSAGES", "1000000".into()));
        self.settings.push(("BATON_GATEWAY__RATE_BURST", "1000000".into()));
        self
    }
}

/// A server process.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    /// From the start of the process to the first `/readyz` that says yes.
    pub ready_after: Duration,
    pub data: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a file of `/proc` says about a process.
fn proc_of(id: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default()
}

/// Processor time of a process so far.
pub fn cpu_of(id: u32) -> Duration {
    let stat = proc_of(id, "stat");
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse().ok())
        .collect();
    // Hundredths of a second, on every Linux.
    Duration::from_millis(fields.iter().sum::<u64>() * 10)
}

/// The first answer to a request, as text; none when nobody answers yet.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

impl Server {
    /// Starts it and waits until it is ready; with a model, until the model is live.
    pub async fn start(options: &Options) -> Option<Self> {
        let server = Self::start_on_words(options)?;
        for _ in 0..1_200 {
            if options.backend == "lexicon" || !server.is_on_words() {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }

    /// Starts it and waits until it is ready, on words where the model is not loaded yet.
    pub fn start_on_words(options: &Options) -> Option<Self> {
        let folder = options.data.is_none().then(|| tempfile::tempdir().unwrap());
        let data = match (&options.data, &folder) {
            (Some(data), _) => data.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => return None,
        };
        let port =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = cores::command_on_measured(&options.binary);
        command
            .args(["serve", "--demo", "--listen", &address.to_string(), "--data"])
            .arg(&data)
            .env("BATON_NLP__BACKEND", options.backend)
            .env("BATON_NLP__REPEATS", "0")
            .env("BATON_TELEMETRY__LEVEL", "warn")
            .envs(options.settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let process = command.spawn().ok()?;
        let mut server = Self { process, address, ready_after: Duration::ZERO, data, _folder: folder };
        while started.elapsed() < Duration::from_secs(120) {
            if get(address, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                server.ready_after = started.elapsed();
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        None
    }

    /// Whether words analyze, because no model is live.
    pub fn is_on_words(&self) -> bool {
        !get(self.address, "/readyz").is_some_and(|ready| ready.contains("\"status\":\"ready\""))
    }

    /// Asks it to stop, as an operator does, and waits.
    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        for _ in 0..1_500 {
            if self.process.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Memory that the process is resident in, in kilobytes.
    pub fn rss_kb(&self) -> f64 {
        let status = proc_of(self.process.id(), "status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0.0)
    }

    /// Processor time so far.
    pub fn cpu(&self) -> Duration {
        cpu_of(self.process.id())
    }

    /// Boots a visitor from the address of their own; gives their secret and the path of a socket. By hand: what a
    /// client for HTTP does around a request would be most of what a storm of them measures.
    pub async fn boot(&self, n: usize, secret: Option<&str>) -> (String, String) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address_of(n), 0).into()).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        let body = json!({ "key": KEY, "visitor": secret }).to_string();
        let request = format!(
            "POST /api/v1/widget/boot HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}",
            host = self.address,
            length = body.len(),
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let body: Value = answer
            .split_once("\r\n\r\n")
            .and_then(|(_, body)| serde_json::from_str(body).ok())
            .unwrap_or_else(|| panic!("boot: {answer}"));
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("boot: {body}")).to_owned();
        (text("visitor"), format!("/ws/visitor?ticket={}", text("ticket")))
    }

    /// Makes an account by the command line and logs it in; gives the path of an agent's socket.
    pub async fn agent(&self, n: usize) -> String {
        let email = format!("agent-{n}@bench.example");
        let mut adding = Command::new(baton())
            .args(["account", "add", "--role", "agent", "--password-stdin", "--email", &email, "--name"])
            .arg(format!("Agent {n}"))
            .arg("--data")
            .arg(&self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        adding.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(adding.wait().unwrap().success(), "an account could not be made");
        let origin = format!("http://{}", self.address);
        let http = reqwest::Client::new();
        let post = |path: &str, body: Value| {
            let request = http.post(format!("{origin}{path}")).header("origin", &origin);
            let request = request.header("x-baton-csrf", "1").header("content-type", "application/json");
            request.body(body.to_string())
        };
        let login =
            post("/api/v1/login", json!({ "email": email, "password": PASSWORD })).send().await.unwrap();
        let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let ticket = post("/api/v1/tickets", json!({})).header("cookie", cookie).send().await.unwrap();
        let body: Value = serde_json::from_str(&ticket.text().await.unwrap()).unwrap();
        format!("/ws/agent?ticket={}", body["ticket"].as_str().unwrap_or_else(|| panic!("ticket: {body}")))
    }

    /// The sum of a metric over the labels that contain a text.
    pub async fn metric(&self, name: &str, label: &str) -> f64 {
        let text = get(self.address, "/metrics").unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Messages that the model has analyzed within its budget, and all. One that asks for a person in so many words is
    /// decided on before the model has seen it, and counts when it has.
    pub async fn analyses(&self) -> (f64, f64) {
        let name = "baton_analyses_total{";
        let of = async |by: &str| self.metric(name, by).await;
        let (model, all, at_once) = (of("\"model\"").await, of("").await, of("\"phrase\"").await);
        (model, all - at_once)
    }
}

/// The address of this machine that a client comes from.
pub fn address_of(n: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 1 + (n / 50_000) as u8, (n / 200 % 250) as u8, 2 + (n % 200) as u8)
}

/// A folder for what is made once and used again.
pub fn cached(name: &str) -> PathBuf {
    let target =
        Path::new(env!("CARGO_BIN_EXE_baton")).ancestors().nth(2).unwrap_or_else(|| Path::new("target"));
    target.join("bench").join(name)
}
