//! Several nodes, each a process of its own, with PostgreSQL and NATS behind proxies; and
//! what may happen to each of them.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::agent::Desk;
use super::app::PASSWORD;
use super::port::Port;
use super::postgres::{Database, Server};
use super::proxy::{Proxy, rest};
use super::visitor::{Door, Visitor, answer};
use super::wire::{Lost, address, http_from};

/// How long anything may take to start, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a signal, as a person at a terminal does.
async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
}

/// A NATS server of its own.
pub struct Nats {
    port: Port,
    child: Option<Child>,
}

impl Nats {
    /// Starts one.
    pub async fn start() -> Self {
        let mut nats = Self { port: Port::claim(), child: None };
        nats.go().await;
        nats
    }

    /// Where it listens, also while it is away.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port.number))
    }

    /// Starts it again where it was.
    pub async fn go(&mut self) {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".deps/nats-server");
        let program = if own.exists() { own } else { PathBuf::from("nats-server") };
        let child = Command::new(&program)
            .args(["-a", "127.0.0.1", "-p", &self.port.number.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        self.child =
            Some(child.unwrap_or_else(|error| panic!("{program:?}: {error}; scripts/deps.sh servers")));
        let began = Instant::now();
        while tokio::net::TcpStream::connect(self.address()).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "NATS does not start");
            rest(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }
}

/// One node: a process, and its ways to the others.
pub struct Node {
    /// Its address, like `http://127.0.0.1:8081`.
    pub base: String,
    /// Its way to PostgreSQL.
    pub to_store: Proxy,
    /// Its way to NATS.
    pub to_broker: Proxy,
    data: PathBuf,
    settings: Vec<(String, String)>,
    _port: Port,
    child: tokio::sync::Mutex<Option<Child>>,
}

/// How a cluster differs from the usual one.
pub struct Plan {
    /// So many nodes.
    pub nodes: usize,
    /// Whether the database server is its own, to be stopped and started.
    pub has_own_server: bool,
    /// Keys of the configuration, as `("nodes.lease", "3s")`.
    pub settings: Vec<(&'static str, &'static str)>,
}

impl Default for Plan {
    fn default() -> Self {
        // Short leases, so that a test that waits for one to end is short too.
        Self {
            nodes: 3,
            has_own_server: false,
            settings: vec![("nodes.lease", "3s"), ("nodes.renewal", "1s")],
        }
    }
}

/// All of them.
pub struct Cluster {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The database, on a server that is this cluster's alone if it asked for one.
    pub database: Database,
    /// The server it is on.
    pub postgres: Server,
    /// The broker.
    pub nats: Nats,
    _folder: tempfile::TempDir,
}

/// Somebody with an account, logged in.
#[derive(Clone)]
pub struct Staff {
    /// Their account.
    pub id: String,
    /// What visitors are told.
    pub name: String,
    /// Where they call from.
    pub from: IpAddr,
    cookie: String,
}

impl Cluster {
    /// Starts the usual one.
    pub async fn start() -> Self {
        Self::start_with(Plan::default()).await
    }

    /// Starts one.
    pub async fn start_with(plan: Plan) -> Self {
        let postgres = if plan.has_own_server { Server::own() } else { Server::shared() };
        let (database, nats) = (postgres.database(), Nats::start().await);
        let url = database.url();
        // postgres://baton@127.0.0.1:PORT/NAME?…
        let at = url.split(['@', '/']).nth(3).unwrap();
        let at: SocketAddr = at.parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut nodes = Vec::new();
        for n in 0..plan.nodes {
            let data = folder.path().join(format!("node{n}"));
            std::fs::create_dir(&data).unwrap();
            let to_store = Proxy::start(at).await;
            let to_broker = Proxy::start(nats.address()).await;
            let port = Port::claim();
            let base = format!("http://127.0.0.1:{}", port.number);
            let mut settings: Vec<(String, String)> = [
                ("store.url", url.replace(&at.to_string(), &to_store.address.to_string())),
                ("broker.url", format!("nats://{}", to_broker.address)),
                ("server.data", data.to_str().unwrap().to_owned()),
                ("server.listen", base.trim_start_matches("http://").to_owned()),
                ("server.demo", "true".to_owned()),
                ("nlp.backend", "lexicon".to_owned()),
                ("telemetry.level", "info".to_owned()),
                ("auth.hash_memory", "8192".to_owned()),
                ("auth.hash_passes", "1".to_owned()),
            ]
            .map(|(key, value)| (key.to_owned(), value))
            .to_vec();
            settings
                .extend(plan.settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
            let settings = settings
                .into_iter()
                .map(|(key, value)| (format!("BATON_{}", key.replacen('.', "__", 1).to_uppercase()), value))
                .collect();
            let node = Node {
                base,
                to_store,
                to_broker,
                data,
                settings,
                _port: port,
                child: tokio::sync::Mutex::default(),
            };
            node.start().await;
            nodes.push(node);
        }
        Self { nodes, database, postgres, nats, _folder: folder }
    }

    /// Somebody new with an account, made with Baton's own command, and logged in.
    pub async fn hire(&self, name: &str, role: &str, n: usize) -> Staff {
        let email = format!("{name}@shop.example");
        let node = &self.nodes[0];
        let mut child = node
            .command()
            .args(["account", "add", "--email", &email, "--name", name, "--role", role, "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).await.unwrap();
        let added = child.wait_with_output().await.unwrap();
        assert!(added.status.success(), "no account for {email}");
        let id = String::from_utf8(added.stdout).unwrap().split_whitespace().next().unwrap().to_owned();
        let from = address(5000 + n);
        let login = json!({ "email": email, "password": PASSWORD });
        let asked = post(&http_from(from), &node.base, "/api/v1/login", "").json(&login);
        let answered = asked.send().await.unwrap();
        let cookie = answered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Staff { id, name: name.to_owned(), from, cookie }
    }

    /// A door of a node.
    pub fn door(&self, n: usize) -> Door {
        let base = self.nodes[n].base.clone();
        Door { origin: base.clone(), base, key: "wk_demo".to_owned() }
    }

    /// A visitor who came in through a node.
    pub async fn visitor(&self, n: usize) -> Visitor {
        static VISITORS: AtomicUsize = AtomicUsize::new(0);
        Visitor::boot(&self.door(n), address(VISITORS.fetch_add(1, Ordering::Relaxed))).await
    }

    /// Ends every process in order.
    pub async fn finish(self) {
        for node in &self.nodes {
            node.stop().await;
        }
    }
}

fn post(http: &reqwest::Client, base: &str, path: &str, cookie: &str) -> reqwest::RequestBuilder {
    http.post(format!("{base}{path}"))
        .header("origin", base)
        .header("x-baton-csrf", "1")
        .header("cookie", cookie)
}

impl Staff {
    /// Calls the API of a node.
    pub async fn post(&self, base: impl AsRef<str>, path: &str, body: Value) -> Result<Value, Lost> {
        answer(post(&http_from(self.from), base.as_ref(), path, &self.cookie).json(&body)).await
    }

    /// Reads from the API of a node.
    pub async fn get(&self, base: impl AsRef<str>, path: &str) -> Result<Value, Lost> {
        let http = http_from(self.from);
        answer(http.get(format!("{}{path}", base.as_ref())).header("cookie", &self.cookie)).await
    }

    /// Opens a socket at a node.
    pub async fn try_open(&self, base: impl AsRef<str>) -> Result<Desk, Lost> {
        let base = base.as_ref();
        let ticket = self.post(base, "/api/v1/tickets", json!({})).await?;
        Desk::try_open(base, ticket["ticket"].as_str().unwrap_or_default(), self.from).await
    }

    /// Opens a socket at a node and goes online.
    pub async fn online(&self, node: &Node) -> Desk {
        let mut desk = self.try_open(node).await.unwrap();
        desk.goes("online").await;
        desk
    }

    /// Changes an account, their own or another.
    pub async fn set_capacity(&self, node: &Node, of: &Staff, capacity: u32) {
        let http = http_from(self.from);
        let asked = http
            .patch(format!("{}/api/v1/accounts/{}", node.base, of.id))
            .header("origin", &node.base)
            .header("x-baton-csrf", "1")
            .header("cookie", &self.cookie);
        answer(asked.json(&json!({ "capacity": capacity }))).await.unwrap();
    }
}

impl AsRef<str> for Node {
    fn as_ref(&self) -> &str {
        &self.base
    }
}

impl Node {
    fn command(&self) -> Command {
        let program = std::env::var_os("BATON_CLUSTER_PROGRAM")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_baton")), PathBuf::from);
        self.command_of(program)
    }

    fn command_of(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command.envs(self.settings.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
        command
    }

    /// What it wrote to its log, over all its lives.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }

    /// Starts it, and waits until it is ready.
    pub async fn start(&self) {
        self.start_with(&[]).await;
    }

    /// The same with more in its environment, or something else than usual. A program named there as `PROGRAM` is
    /// started instead of the one that was built.
    pub async fn start_with(&self, environment: &[(&str, &str)]) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.data.join("log")).unwrap();
        let mut command = self.command();
        if let Some((_, program)) = environment.iter().find(|(name, _)| *name == "PROGRAM") {
            command = self.command_of(PathBuf::from(program));
        }
        command.envs(environment.iter().copied());
        let child = command.arg("serve").stdout(Stdio::null()).stderr(log).spawn().unwrap();
        *self.child.lock().await = Some(child);
        self.until_ready(|_| true).await;
    }

    /// Tries to start it where it must refuse to, and gives what it says.
    pub async fn refused(&self) -> String {
        let output = self.command().arg("serve").output();
        let output = tokio::time::timeout(PATIENCE, output).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What `/readyz` says, if the node is ready.
    pub async fn ready(&self) -> Option<Value> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
        answer(http.get(format!("{}/readyz", self.base))).await.ok()
    }

    /// Waits until it is ready in that way, and says how long that took.
    pub async fn until_ready(&self, fits: impl Fn(&Value) -> bool) -> Duration {
        let began = Instant::now();
        while !self.ready().await.is_some_and(|ready| fits(&ready)) {
            assert!(began.elapsed() < PATIENCE, "{} is not ready:\n{}", self.base, self.log());
            rest(Duration::from_millis(20)).await;
        }
        began.elapsed()
    }

    /// A line of its metrics.
    pub async fn metric(&self, line: &str) -> f64 {
        let text = reqwest::get(format!("{}/metrics", self.base)).await.unwrap().text().await.unwrap();
        let found = text.lines().find_map(|found| found.strip_prefix(line));
        found.unwrap_or_else(|| panic!("{line} is not there:\n{text}")).trim().parse().unwrap()
    }

    /// SIGKILL.
    pub async fn kill(&self) {
        if let Some(mut child) = self.child.lock().await.take() {
            child.kill().await.unwrap();
        }
    }

    /// SIGSTOP: the process stands still with all its connections open.
    pub async fn pause(&self) {
        signal(self.child.lock().await.as_ref().unwrap(), "-STOP").await;
    }

    /// Waits until it stands still: it has put itself to sleep at a failpoint.
    pub async fn until_asleep(&self) {
        let id = self.child.lock().await.as_ref().unwrap().id().unwrap();
        let began = Instant::now();
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            if stat.rsplit_once(')').unwrap().1.trim_start().starts_with('T') {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{} does not fall asleep:\n{}", self.base, self.log());
            rest(Duration::from_millis(10)).await;
        }
    }

    /// SIGCONT.
    pub async fn go_on(&self) {
        signal(self.child.lock().await.as_ref().unwrap(), "-CONT").await;
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&self) {
        if let Some(mut child) = self.child.lock().await.take() {
            signal(&child, "-TERM").await;
            let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
            assert!(status.success(), "{status}\n{}", self.log());
        }
    }
}
