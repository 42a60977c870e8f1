//! What a large store changes: the start with 1,000,000 stored messages, and the cost of a
//! message beside 1,000 and beside 1,000,000 stored conversations.
//!
//! The stores are made through the store's own port, once, and kept in `target/bench`.

use super::client::{Speech, at_rate, visitors};
use super::server::{Options, Server, baton, cached};
use super::{ROWS, cores_text};
use crate::report::{Baseline, Figure, Report};
use baton::domain::conversation::{Author, Body, Change, Conversation, ConversationState, NewEntry};
use baton::domain::id::{ConversationId, VisitorId};
use baton::domain::time::Timestamp;
use baton::flow::ports::{CommandKey, Store};
use baton::store::SqliteStore;
use futures_util::StreamExt;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const MANY: usize = 1_000_000;
const FEW: usize = 1_000;
const RATE: u64 = 300;
const SECONDS: u64 = 10;
const CLIENTS: usize = 200;
/// Written at once; they share commits.
const AT_ONCE: usize = 512;

/// A data folder with so many stored conversations of one message each, over and done with. One that was made before
/// is used again; the name holds the schema, so that a new one is made for a new schema.
async fn stored(n: usize) -> Option<PathBuf> {
    let schema = {
        let empty = tempfile::tempdir().ok()?;
        SqliteStore::open(&empty.path().join("baton.db"), "bench").ok()?.schema().await.ok()?
    };
    let folder = cached(&format!("stored-{n}-schema-{schema}"));
    let (path, done) = (folder.join("baton.db"), folder.join("done"));
    if !done.exists() {
        eprintln!("bench: writing {n} conversations into {} (once)", folder.display());
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).ok()?;
        let began = Instant::now();
        let store = SqliteStore::open(&path, "bench").ok()?;
        let texts: Vec<&'static str> = crate::CHAT_MIX.lines().collect();
        let write = |n: usize| {
            let (store, text) = (&store, texts[n % texts.len()]);
            async move { one(store, n, text).await }
        };
        let mut writing = futures_util::stream::iter((0..n).map(write)).buffer_unordered(AT_ONCE);
        while writing.next().await.is_some() {}
        drop(writing);
        drop(store);
        std::fs::write(&done, "").ok()?;
        eprintln!("bench: {n} conversations in {:.0} s", began.elapsed().as_secs_f64());
    }
    warm(&path);
    Some(folder)
}

async fn one(store: &SqliteStore, n: usize, text: &str) {
    let at = Timestamp::from_millis(1_790_000_000_000 + n as i64 * 500);
    let visitor = VisitorId::from_suffix(&format!("{n:026}"));
    let mut conversation =
        Conversation::open(ConversationId::from_suffix(&format!("{n:026}")), visitor.clone(), at);
    conversation.state = ConversationState::Closed { closed_at: at };
    conversation.decided_position = 1;
    let mut change = Change::of(conversation);
    change.is_new = true;
    let change = change.with(NewEntry::message(Author::Visitor, Body::new(text).unwrap(), at));
    let command =
        CommandKey { actor: visitor.as_str().to_owned(), client_id: "c1".to_owned(), digest: [n as u8; 16] };
    store.commit(change, Some(command), at).await.unwrap();
}

/// Reads the file once, so that the machine's cache holds it.
fn warm(path: &Path) {
    if let Ok(mut file) = std::fs::File::open(path) {
        let _ = std::io::copy(&mut file, &mut std::io::sink());
    }
}

pub async fn run(report: &Report) {
    let (Some(many), Some(few)) = (stored(MANY).await, stored(FEW).await) else {
        eprintln!("bench: the stores could not be made");
        return;
    };
    start(report, &many).await;
    let mut cost = Vec::new();
    for folder in [&few, &many] {
        cost.push(cost_of_a_message(folder).await);
    }
    let [Some(beside_few), Some(beside_many)] = cost[..] else { return };
    report.tell(&Figure {
        name: "message_cpu_us",
        value: beside_many,
        unit: "us",
        is_less_better: true,
        baselines: vec![Baseline::new("with_1000_conversations", beside_few)],
        conditions: json!({
            "stored_conversations": MANY, "rate_per_s": RATE, "seconds": SECONDS, "clients": CLIENTS, "model": "none",
            "growth": beside_many / beside_few, "of": "processor time of the server for a message: receive, decide, answer",
            "lengths": "chat_mix", "rows_per_ack": ROWS, "cores": cores_text(),
        }),
    });
}

async fn start(report: &Report, many: &Path) {
    let lean = super::idle::lean();
    for (binary, backend, build) in [
        (Some(baton()), "lexicon", "without loading the model"),
        (Some(baton()), "rust-bert", "with the model"),
        (lean, "lexicon", "without libtorch"),
    ] {
        let Some(binary) = binary else { continue };
        let options = Options { binary, data: Some(many.to_owned()), ..Options::new(backend) };
        let mut spans = Vec::new();
        let mut live = Vec::new();
        for _ in 0..3 {
            let began = Instant::now();
            let Some(server) = Server::start_on_words(&options) else {
                eprintln!("bench: `baton serve` did not start beside {MANY} messages");
                return;
            };
            spans.push(server.ready_after);
            if backend == "rust-bert" {
                while server.is_on_words() && began.elapsed() < Duration::from_secs(60) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                live.push(began.elapsed().as_secs_f64());
            }
            server.stop();
        }
        spans.sort_unstable();
        live.sort_by(f64::total_cmp);
        report.tell(&Figure {
            name: "start_1m_s",
            value: match live.get(1) {
                Some(live) => *live,
                None => spans[1].as_secs_f64(),
            },
            unit: "s",
            is_less_better: true,
            baselines: Vec::new(),
            conditions: json!({
                "stored_messages": MANY, "stored_conversations": MANY, "build": build, "starts": spans.len(),
                "ready_on_words_s": spans[1].as_secs_f64(), "cache": "warm",
                "of": if backend == "rust-bert" { "the model live" } else { "/readyz answers 200" },
                "cores": cores_text(),
            }),
        });
    }
}

/// Processor time of the server for one message, in microseconds, with the decision and the bot's answer.
async fn cost_of_a_message(folder: &Path) -> Option<f64> {
    let options = Options { data: Some(folder.to_owned()), ..Options::new("lexicon").patient() };
    let server = Server::start(&options).await?;
    // What the idle sockets cost meanwhile is the same in both.
    let sockets = visitors(&server, CLIENTS).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let cpu = server.cpu();
    let spans = at_rate(sockets, Speech::Baton, RATE, SECONDS).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cost = (server.cpu() - cpu).as_secs_f64() * 1e6 / spans.len() as f64;
    server.stop();
    Some(cost)
}
