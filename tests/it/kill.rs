//! The proof of the log: the server is killed again and again while visitors write, and
//! what was acknowledged is what is stored is what every reader saw.
//!
//! Real process, real sockets, SIGKILL. `BATON_DIALOGUES` names another file of
//! conversations, `BATON_KILL_VISITORS` and `BATON_KILLS` other numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baton::domain::conversation::{Author, EntryKind};
use baton::domain::id::ConversationId;
use baton::flow::ports::Store as _;
use baton::store::SqliteStore;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::support::visitor::{Door, Tab, Visitor};
use crate::support::wire::{Lost, address};

/// Messages of one visitor that are on their way at once.
const WINDOW: usize = 3;

/// What one visitor says, in order.
type Script = Vec<String>;

/// The server, as a process of its own.
struct Server {
    port: u16,
    data: PathBuf,
    child: Child,
}

impl Server {
    async fn start(port: u16, data: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_baton"))
            .args(["serve", "--demo", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .env("BATON_NLP__BACKEND", "lexicon")
            .env("BATON_TELEMETRY__LEVEL", "warn")
            .stdout(Stdio::null())
            .stderr(std::fs::OpenOptions::new().create(true).append(true).open(data.join("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let server = Self { port, data: data.to_owned(), child };
        server.until_ready().await;
        server
    }

    fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn until_ready(&self) {
        let http = reqwest::Client::new();
        let began = Instant::now();
        while http.get(format!("{}/healthz", self.base())).send().await.is_err() {
            let log = std::fs::read_to_string(self.data.join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(30), "the server does not start:\n{log}");
            rest(10).await;
        }
    }

    /// SIGKILL, and another process on the same data.
    async fn kill_and_restart(self) -> Self {
        let Self { port, data, mut child } = self;
        child.kill().await.unwrap();
        Self::start(port, &data).await
    }

    /// SIGTERM, and waits for the end.
    async fn stop(mut self) -> PathBuf {
        let id = self.child.id().unwrap().to_string();
        Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        let status = self.child.wait().await.unwrap();
        assert!(status.success(), "{status}");
        self.data
    }
}

/// A client's pause before it tries again: part of what is tested, not a wait for the server.
async fn rest(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// What all visitors share: how much was acknowledged, and when to stop.
struct Shared {
    acknowledged: watch::Sender<usize>,
    reconnects: AtomicUsize,
    resent: AtomicUsize,
    is_over: watch::Sender<bool>,
}

/// What one client saw: the entries by conversation and sequence, each checked to be the next.
#[derive(Default)]
struct Seen {
    at: Option<(String, u64)>,
    entries: BTreeMap<(String, u64), (String, Option<String>)>,
}

impl Seen {
    fn note(&mut self, frame: &Value) {
        if frame["type"] != "entry" {
            return;
        }
        let conversation = frame["conversation"].as_str().unwrap().to_owned();
        let seq = frame["seq"].as_u64().unwrap();
        let wanted = match &self.at {
            Some((followed, last)) if *followed == conversation => last + 1,
            _ => 1,
        };
        assert_eq!(seq, wanted, "{conversation}: a gap or a repetition");
        let text = frame["text"].as_str().or(frame["code"].as_str()).unwrap_or_default().to_owned();
        let client_id = frame["client_id"].as_str().map(str::to_owned);
        self.entries.insert((conversation.clone(), seq), (text, client_id));
        self.at = Some((conversation, seq));
    }

    /// Connects and says what was seen so far.
    async fn connect(&self, visitor: &Visitor) -> Result<Tab, Lost> {
        let mut tab = visitor.try_open().await?;
        let (conversation, after) = self.at.clone().unzip();
        let resume = json!({"type": "resume", "conversation": conversation, "after": after.unwrap_or(0)});
        tab.wire.send(&resume).await?;
        Ok(tab)
    }

    /// Connects once more and reads everything there is.
    async fn finish(&mut self, visitor: &Visitor) {
        let mut tab = self.connect(visitor).await.unwrap();
        loop {
            let frame = tab.next().await.unwrap();
            self.note(&frame);
            assert_ne!(frame["type"], "error", "{frame}");
            if frame["type"] == "caught_up" {
                return tab.wire.close().await;
            }
        }
    }
}

/// What a visitor knows in the end.
struct Account {
    visitor: Visitor,
    script: Script,
    /// Conversation and sequence by client id, as acknowledged.
    acks: BTreeMap<String, (String, u64)>,
    writer: Seen,
    reader: Seen,
}

/// Writes a script to its end, whatever happens to the server.
async fn write(
    visitor: &Visitor,
    script: &Script,
    shared: &Shared,
) -> (BTreeMap<String, (String, u64)>, Seen) {
    let mut acks: BTreeMap<String, (String, u64)> = BTreeMap::new();
    let mut sent_once: BTreeSet<String> = BTreeSet::new();
    let mut seen = Seen::default();
    let id = |n: usize| format!("m{n}");
    while acks.len() < script.len() {
        let mut tab = match seen.connect(visitor).await {
            Ok(tab) => tab,
            Err(_) => {
                shared.reconnects.fetch_add(1, Ordering::Relaxed);
                rest(20 + rand::random::<u64>() % 180).await;
                continue;
            }
        };
        // In order, each on its way once for this socket, a few at a time.
        let mut next = (0..script.len()).find(|n| !acks.contains_key(&id(*n))).unwrap();
        let talk = async {
            loop {
                while next < script.len() && next < acks.len() + WINDOW {
                    if !sent_once.insert(id(next)) {
                        shared.resent.fetch_add(1, Ordering::Relaxed);
                    }
                    tab.wire
                        .send(&json!({"type": "message.send", "client_id": id(next), "text": script[next]}))
                        .await?;
                    next += 1;
                }
                if acks.len() == script.len() {
                    return Ok::<(), Lost>(());
                }
                let frame = tab.next().await?;
                seen.note(&frame);
                match frame["type"].as_str() {
                    Some("ack") => {
                        let place = (
                            frame["conversation"].as_str().unwrap().to_owned(),
                            frame["seq"].as_u64().unwrap(),
                        );
                        let client_id = frame["client_id"].as_str().unwrap().to_owned();
                        match acks.insert(client_id, place.clone()) {
                            None => shared.acknowledged.send_modify(|count| *count += 1),
                            Some(before) => assert_eq!(before, place, "another ack for the same command"),
                        }
                    }
                    Some("error") => {
                        let code = frame["code"].as_str().unwrap_or_default();
                        assert!(matches!(code, "rate_limited" | "store_unavailable"), "{frame}");
                        // Sent again with everything after it, so that the order stays.
                        rest(500).await;
                        return Err(Lost::Broken(code.to_owned()));
                    }
                    _ => {}
                }
            }
        };
        if talk.await.is_err() {
            shared.reconnects.fetch_add(1, Ordering::Relaxed);
            rest(20 + rand::random::<u64>() % 180).await;
        }
    }
    (acks, seen)
}

/// A second tab that only reads, until the others are done.
async fn read(visitor: &Visitor, shared: &Shared) -> Seen {
    let mut seen = Seen::default();
    let mut is_over = shared.is_over.subscribe();
    while !*is_over.borrow() {
        if let Ok(mut tab) = seen.connect(visitor).await {
            loop {
                tokio::select! {
                    _ = is_over.changed() => return seen,
                    frame = tab.next() => match frame {
                        Ok(frame) => seen.note(&frame),
                        Err(_) => break,
                    },
                }
            }
        }
        shared.reconnects.fetch_add(1, Ordering::Relaxed);
        rest(20 + rand::random::<u64>() % 180).await;
    }
    seen
}

/// The visitor's turns of each conversation in a file of dialogues; a long one is cut, since a visitor may not send
/// without end.
fn scripts(path: &Path) -> Vec<Script> {
    let file = std::fs::read_to_string(path).unwrap();
    let turns = |line: &str| -> Script {
        let dialogue: Value = serde_json::from_str(line).unwrap();
        let turns = dialogue["turns"].as_array().unwrap().iter();
        turns
            .filter(|turn| turn["speaker"] == "visitor")
            .filter_map(|turn| turn["text"].as_str().filter(|text| !text.trim().is_empty()))
            .map(str::to_owned)
            .take(30)
            .collect()
    };
    file.split('\n').filter(|line| !line.is_empty()).map(turns).filter(|script| !script.is_empty()).collect()
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the counts are what a reader of the proof wants to see")]
async fn what_was_acknowledged_is_stored_and_seen_by_every_reader_however_often_the_server_is_killed() {
    let began = Instant::now();
    let (visitors, kills) = (number("BATON_KILL_VISITORS", 200), number("BATON_KILLS", 10));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dialogues.jsonl");
    let dialogues = std::env::var_os("BATON_DIALOGUES").map_or(own, PathBuf::from);
    let scripts = scripts(&dialogues);
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut server = Server::start(port, folder.path()).await;
    let door = Door { base: server.base(), key: "wk_demo".into(), origin: server.base() };

    let shared = Arc::new(Shared {
        acknowledged: watch::Sender::new(0),
        reconnects: AtomicUsize::new(0),
        resent: AtomicUsize::new(0),
        is_over: watch::Sender::new(false),
    });
    let mut total = 0;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..visitors {
        let (door, shared) = (door.clone(), Arc::clone(&shared));
        let script = scripts[n % scripts.len()].clone();
        total += script.len();
        tasks.spawn(async move {
            let visitor = loop {
                match Visitor::try_boot(&door, address(n)).await {
                    Ok(visitor) => break visitor,
                    Err(_) => rest(50).await,
                }
            };
            let ((acks, writer), reader) =
                tokio::join!(write(&visitor, &script, &shared), read(&visitor, &shared));
            Account { visitor, script, acks, writer, reader }
        });
    }

    let mut acknowledged = shared.acknowledged.subscribe();
    for kill in 1..=kills {
        acknowledged.wait_for(|count| *count >= kill * total / (kills + 1)).await.unwrap();
        server = server.kill_and_restart().await;
    }
    acknowledged.wait_for(|count| *count == total).await.unwrap();
    shared.is_over.send_replace(true);
    let mut accounts = tasks.join_all().await;

    // Everything under way ends; then each client comes back and reads what it missed, until nothing is left that the
    // bot had still to say.
    let mut data = server.stop().await;
    let mut n_rounds = 0;
    let stored = loop {
        let server = Server::start(port, &data).await;
        futures_util::future::join_all(accounts.iter_mut().map(Account::catch_up)).await;
        data = server.stop().await;
        let stored = everything(&data.join("baton.db")).await;
        n_rounds += 1;
        if accounts.iter().all(|account| account.has_seen_all_of(&stored)) {
            break stored;
        }
        assert!(n_rounds < 10, "there is always something that a reader has not seen");
    };

    let mut n_seen = 0;
    for account in &accounts {
        assert_eq!(account.acks.len(), account.script.len());
        let mut last = None;
        for (n, text) in account.script.iter().enumerate() {
            let client_id = format!("m{n}");
            let place = &account.acks[&client_id];
            let entry =
                stored.get(place).unwrap_or_else(|| panic!("{place:?} was acknowledged and is not stored"));
            assert_eq!((&entry.text, entry.client_id.as_ref()), (text, Some(&client_id)), "{place:?}");
            assert!(last < Some(place), "{place:?} is stored before what was said before it");
            last = Some(place);
        }
        for seen in [&account.writer, &account.reader] {
            for (place, found) in &seen.entries {
                let entry =
                    stored.get(place).unwrap_or_else(|| panic!("{place:?} was seen and is not stored"));
                assert_eq!(
                    (&found.0, found.1.as_ref()),
                    (&entry.text, entry.client_id.as_ref()),
                    "{place:?}"
                );
            }
            assert!(
                account.acks.values().all(|place| seen.entries.contains_key(place)),
                "acknowledged and not seen"
            );
            n_seen += seen.entries.len();
        }
    }
    assert_eq!(
        n_seen,
        2 * stored.len(),
        "every entry was seen by both readers of its conversation, and once"
    );
    let n_said = stored.values().filter(|entry| entry.is_visitors).count();
    assert_eq!(n_said, total, "stored as often as it was said, nothing twice");

    let conversations: BTreeSet<&String> = stored.keys().map(|(conversation, _)| conversation).collect();
    println!(
        "kill proof: {visitors} visitors, {kills} kills, {} conversations; {total} messages said, {total} acknowledged, \
         {n_said} stored; {} entries with the bot's, {n_seen} seen by {} readers; {} sent again, {} reconnects; {:.1?}",
        conversations.len(),
        stored.len(),
        2 * visitors,
        shared.resent.load(Ordering::Relaxed),
        shared.reconnects.load(Ordering::Relaxed),
        began.elapsed(),
    );
}

impl Account {
    async fn catch_up(&mut self) {
        self.writer.finish(&self.visitor).await;
        self.reader.finish(&self.visitor).await;
    }

    fn has_seen_all_of(&self, stored: &BTreeMap<(String, u64), Stored>) -> bool {
        let own: BTreeSet<&String> = self.acks.values().map(|(conversation, _)| conversation).collect();
        stored
            .keys()
            .filter(|(conversation, _)| own.contains(conversation))
            .all(|place| self.writer.entries.contains_key(place) && self.reader.entries.contains_key(place))
    }
}

/// Everything visitors may see, straight from the database of a server that has ended.
async fn everything(database: &Path) -> BTreeMap<(String, u64), Stored> {
    let store = SqliteStore::open(database, "unused").unwrap();
    let mut stored = BTreeMap::new();
    for conversation in store.opened_between(None, None, None, 100_000).await.unwrap() {
        stored.extend(visible(&store, &conversation.id).await);
    }
    stored
}

/// An entry as it is stored, as far as visitors see it.
struct Stored {
    text: String,
    client_id: Option<String>,
    is_visitors: bool,
}

async fn visible(store: &SqliteStore, id: &ConversationId) -> Vec<((String, u64), Stored)> {
    let entries = store.visible_entries(id, 0, 100_000).await.unwrap();
    let stored = |entry: baton::domain::conversation::Entry| {
        let is_visitors = entry.author == Author::Visitor;
        let text = match &entry.kind {
            EntryKind::Message { body, .. } => body.as_str().to_owned(),
            EntryKind::Notice { code, .. } => code.as_str().to_owned(),
            other => panic!("{} is not for visitors", other.name()),
        };
        let client_id = entry.client_id.filter(|_| is_visitors);
        ((id.to_string(), entry.visitor_seq.unwrap()), Stored { text, client_id, is_visitors })
    };
    entries.into_iter().map(stored).collect()
}
