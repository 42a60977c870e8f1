//! A real disk that is full, under the real service: visitors are told, reading goes on,
//! room is made, and it heals by itself. Everything acknowledged is there.
//!
//! The disk is a small file system in memory where this machine lets the tests mount one,
//! and in any case a limit on how long files of the process may be.

use super::oracle::whole;
use crate::support::port::Port;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use baton::domain::id::ConversationId;
use baton::flow::ports::Store as _;
use baton::store::SqliteStore;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The service as a process of its own; what it logs is read as it comes.
struct Server {
    child: Child,
    base: String,
    log: Arc<Mutex<Vec<String>>>,
    _port: Port,
}

impl Server {
    async fn start(data: &Path) -> Self {
        let port = Port::claim();
        let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
            .args(["serve", "--demo", "--listen", &format!("127.0.0.1:{}", port.number), "--data"])
            .arg(data)
            .env("BATON_NLP__BACKEND", "lexicon")
            .env("BATON_TELEMETRY__LEVEL", "warn")
            // Nobody looks at one tab while the others are talked on.
            .env("BATON_GATEWAY__PONG_TIMEOUT", "60s")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, writes) = (BufReader::new(child.stderr.take().unwrap()).lines(), log.clone());
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| writes.lock().unwrap().push(line))
        });
        let server = Self { child, base: format!("http://127.0.0.1:{}", port.number), log, _port: port };
        server.until("/healthz", 200).await;
        server
    }

    async fn get(&self, path: &str) -> (u16, String) {
        match reqwest::get(format!("{}{path}", self.base)).await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
            Err(_) => (0, String::new()),
        }
    }

    async fn until(&self, path: &str, status: u16) {
        let began = Instant::now();
        loop {
            let (found, body) = self.get(path).await;
            if found == status {
                return;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{path}: {found} {body}\n{:#?}",
                self.log.lock().unwrap()
            );
            tokio::task::yield_now().await;
        }
    }

    fn lines(&self, with: &str) -> Vec<String> {
        self.log.lock().unwrap().iter().filter(|line| line.contains(with)).cloned().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A disk that can be filled.
enum Disk {
    /// A file system of its own, which a file of ours fills.
    Small(PathBuf),
    /// Any disk, and a process whose files may not grow.
    Limited,
}

impl Disk {
    /// Mounts one; none where that is not allowed.
    fn small(folder: &Path) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(folder).output();
        mounted.is_ok_and(|done| done.status.success()).then(|| Self::Small(folder.to_owned()))
    }

    fn limit(process: u32, bytes: &str) {
        let limit = format!("--fsize={bytes}:unlimited");
        let done = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status();
        assert!(done.unwrap().success());
    }

    fn fill(&self, process: u32) {
        match self {
            Self::Small(folder) => {
                let mut ballast = std::fs::File::create(folder.join("ballast")).unwrap();
                for size in [65_536, 4_096, 1] {
                    while ballast.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
                }
            }
            Self::Limited => Self::limit(process, "4096"),
        }
    }

    fn make_room(&self, process: u32) {
        match self {
            Self::Small(folder) => std::fs::remove_file(folder.join("ballast")).unwrap(),
            Self::Limited => Self::limit(process, "unlimited"),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Small(folder) = self {
            let _ = Command::new("umount").arg("-l").arg(folder).status();
        }
    }
}

/// Fills the disk under conversations, makes room, and looks at what is left.
async fn fill_and_make_room(folder: &Path, disk: &Disk, causes: &[&str]) {
    let data = folder.join("data");
    let server = Server::start(&data).await;
    let process = server.child.id();
    let door = Door { base: server.base.clone(), key: "wk_demo".into(), origin: server.base.clone() };
    let mut people = Vec::new();
    for n in 0..4 {
        let visitor = Visitor::boot(&door, address(n)).await;
        let tab = visitor.connect().await;
        people.push((visitor, tab));
    }
    let mut acks: Vec<(String, Value)> = Vec::new();
    let mut refused: Vec<(usize, String)> = Vec::new();
    for (n, (_, tab)) in people.iter_mut().enumerate() {
        for round in 0..3 {
            let id = format!("before-{n}-{round}");
            let answer = tab.sends(&id, &format!("Where is parcel {round}?")).await;
            assert_eq!(answer["type"], "ack", "{answer}");
            acks.push((id, answer));
        }
    }

    disk.fill(process);
    for round in 0..12 {
        for (n, (_, tab)) in people.iter_mut().enumerate() {
            let id = format!("full-{n}-{round}");
            let answer = tab.sends(&id, &format!("And parcel {round}? {}", "x".repeat(2_000))).await;
            match answer["type"].as_str() {
                Some("ack") => acks.push((id, answer)),
                _ => {
                    assert_eq!(answer["code"], "store_unavailable", "{answer}");
                    refused.push((n, id));
                }
            }
        }
    }
    assert!(refused.len() >= 20, "{} refused", refused.len());
    let (status, body) = server.get("/readyz").await;
    assert_eq!(status, 503, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(causes.contains(&body["why"].as_str().unwrap()), "{body}");
    let (_, figures) = server.get("/metrics").await;
    assert!(figures.contains("baton_store_writable{} 0"), "{figures}");
    let counted = causes
        .iter()
        .any(|cause| figures.contains(&format!("baton_store_refused_total{{cause=\"{cause}\"}}")));
    assert!(counted, "{figures}");
    // Reading goes on: another tab sees what was said.
    let again = people[0].0.connect().await;
    assert!(again.texts().contains(&"Where is parcel 0?"), "{:?}", again.texts());

    disk.make_room(process);
    server.until("/readyz", 200).await;
    for (n, id) in &refused {
        let round = id.rsplit('-').next().unwrap();
        let answer = people[*n].1.sends(id, &format!("And parcel {round}? {}", "x".repeat(2_000))).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        acks.push((id.clone(), answer));
    }
    // One line when it began and one when it was over, whatever the number of messages.
    let told = (server.lines("takes no writes").len(), server.lines("takes writes again").len());
    assert_eq!(told, (1, 1), "{:#?}", server.log.lock().unwrap());
    let n_lines = server.lines("WARN").len() + server.lines("ERROR").len();
    assert!(n_lines < 30, "{n_lines} lines for {} refused: {:#?}", refused.len(), server.log.lock().unwrap());

    drop(server);
    let store = SqliteStore::open(&data.join("baton.db"), "second").unwrap();
    for (id, ack) in &acks {
        let conversation = ConversationId::parse(ack["conversation"].as_str().unwrap()).unwrap();
        let entries = store.entries(&conversation, 0, 10_000).await.unwrap();
        let found: Vec<_> = entries.iter().filter(|entry| entry.client_id.as_deref() == Some(id)).collect();
        assert_eq!(found.len(), 1, "{id}");
        assert_eq!(found[0].visitor_seq, ack["seq"].as_u64(), "{id}");
    }
    drop(store);
    whole(&data.join("baton.db")).unwrap();
    eprintln!(
        "{} acknowledged, {} of them refused first, {n_lines} lines in the log",
        acks.len(),
        refused.len()
    );
}

#[tokio::test]
async fn files_that_may_not_grow_refuse_messages_until_they_may() {
    let folder = tempfile::tempdir().unwrap();
    fill_and_make_room(folder.path(), &Disk::Limited, &["io_error", "disk_full"]).await;
}

#[tokio::test]
async fn a_full_disk_refuses_messages_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::small(folder.path()) else {
        eprintln!("this machine lets nobody mount a file system: only the limit on files was tried");
        return;
    };
    fill_and_make_room(folder.path(), &disk, &["disk_full"]).await;
}
