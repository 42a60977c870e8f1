//! The server as a process of its own, which tests start, kill, and find again on the
//! same port and data. Not the server inside the test: that is `app`.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::port::Port;

/// How long a start or an end may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the system says of a process that ended by `abort`.
const SIGABRT: i32 = 6;

/// Where a server is started, again and again.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its port, the same each time.
    pub port: Port,
    /// Its data, the same each time.
    pub data: PathBuf,
    program: PathBuf,
    settings: Vec<(String, String)>,
}

/// A server that runs.
pub struct Process {
    site: Site,
    child: Child,
}

/// A client's pause before it looks or tries again: part of what is tested, not a wait for the server.
pub async fn rest(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

impl Site {
    /// A port, and a folder for the data. `BATON_KILL_PROGRAM` names another program than the one just built, as a
    /// release build for long runs.
    pub fn new(data: &Path) -> Self {
        let program = std::env::var_os("BATON_KILL_PROGRAM")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_baton")), PathBuf::from);
        let settings = [
            ("BATON_NLP__BACKEND", "lexicon"),
            ("BATON_TELEMETRY__LEVEL", "warn"),
            ("BATON_AUTH__HASH_MEMORY", "8192"),
            ("BATON_AUTH__HASH_PASSES", "1"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { port: Port::claim(), data: data.to_owned(), program, settings }
    }

    /// Sets a key of the configuration, as `("gateway.outbox", "64")`.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let name = format!("BATON_{}", key.replacen('.', "__", 1).to_uppercase());
        self.settings.push((name, value.to_owned()));
        self
    }

    /// Its address.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number)
    }

    /// The file that holds up who passes a failpoint with `hold`, as long as it is there.
    pub fn hold(&self) -> PathBuf {
        self.data.join("hold")
    }

    /// What the server wrote to its log, over all its lives.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.env_remove("BATON_FAILPOINT").env("BATON_HOLD", self.hold()).kill_on_drop(true);
        command
    }

    /// An account, made with the server's own command.
    pub async fn account(&self, name: &str, role: &str, password: &str) -> String {
        let email = format!("{}@shop.example", name.to_lowercase());
        let mut child = self
            .command()
            .args([
                "account",
                "add",
                "--email",
                &email,
                "--name",
                name,
                "--role",
                role,
                "--password-stdin",
                "--data",
            ])
            .arg(&self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).await.unwrap();
        assert!(child.wait().await.unwrap().success(), "no account for {email}");
        email
    }

    /// Starts it and waits until it answers.
    pub async fn start(&self) -> Process {
        match self.start_with(None).await {
            Ok(process) => process,
            Err(status) => panic!("the server does not start: {status}\n{}", self.log()),
        }
    }

    /// Starts it with a failpoint armed. The status of a server that ended before it answered is the error.
    pub async fn start_with(&self, failpoint: Option<&str>) -> Result<Process, ExitStatus> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.data.join("log")).unwrap();
        let mut command = self.command();
        command.args(["serve", "--demo", "--listen", &format!("127.0.0.1:{}", self.port.number), "--data"]);
        command.arg(&self.data).stdout(Stdio::null()).stderr(log);
        command.envs(failpoint.map(|failpoint| ("BATON_FAILPOINT", failpoint)));
        let mut child = command.spawn().unwrap();
        // A server that has bound its port and stands still takes connections and says nothing.
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
        let began = Instant::now();
        while http.get(format!("{}/healthz", self.base())).send().await.is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                return Err(status);
            }
            assert!(began.elapsed() < PATIENCE, "the server does not answer:\n{}", self.log());
            rest(10).await;
        }
        Ok(Process { site: self.clone(), child })
    }
}

impl Process {
    /// Its number, for the system.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, without waiting for what comes of it.
    pub async fn tell_to_stop(&self) {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status().await.unwrap();
    }

    /// SIGTERM, and waits for an end in order.
    pub async fn stop(mut self) {
        self.tell_to_stop().await;
        let status = self.child.wait().await.unwrap();
        assert!(status.success(), "{status}\n{}", self.site.log());
    }

    /// Waits for an end that comes by itself; none within the patience given.
    pub async fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(patience, self.child.wait()).await.ok().map(Result::unwrap)
    }
}

/// Whether it ended as a failpoint ends it.
pub fn is_aborted(status: ExitStatus) -> bool {
    status.signal() == Some(SIGABRT)
}

/// As many open files as the system allows: every socket is one.
pub fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
