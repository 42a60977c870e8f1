//! Backup and restore. A copy made under writes is whole, a damaged one is refused and
//! loses nothing, and clients of a restored store start over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{done, entries_wanted, fill, refused, text};
use crate::support::agent::Desk;
use crate::support::app::{Options, TestApp};
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use baton::domain::agent::Role;

/// Every file below a folder with its bytes.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A folder with a conversation and a model in it, no service running, and a backup of it.
async fn with_backup() -> (TempDir, TempDir, PathBuf) {
    let app = TestApp::start().await;
    let visitor = Visitor::boot(&Door::of(&app), address(1)).await;
    let mut tab = visitor.connect().await;
    tab.says("Where is my parcel?").await;
    drop(tab);
    let data = app.finish().await;
    let model = data.path().join("models/1.0.0+site.1");
    fs::create_dir_all(model.join("inner")).unwrap();
    fs::write(model.join("manifest.toml"), "version = \"1.0.0+site.1\"\n").unwrap();
    fs::write(model.join("inner/weights"), [7; 5000]).unwrap();
    fs::create_dir_all(data.path().join("models/.draft")).unwrap();
    fs::write(data.path().join("models/.draft/manifest.toml"), "").unwrap();
    let shelf = tempfile::tempdir().unwrap();
    let to = shelf.path().join("monday");
    let made = done(&["backup", "--data", text(data.path()), "--to", text(&to)]);
    assert_eq!(made["models"], json!(["1.0.0+site.1"]));
    assert_eq!(made["conversations"], 1);
    (data, shelf, to)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_begins_a_new_history_and_clients_start_over() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let visitor = Visitor::boot(&Door::of(&app), address(2)).await;
    let mut tab = visitor.connect().await;
    let mut desk = Desk::online(&app, &ana).await;
    tab.says("Where is my parcel?").await;
    tab.asks_for_a_person().await;
    let offer = desk.next_offer().await;
    let conversation = desk.accepts(&offer).await;
    desk.says(&conversation, "I am looking.").await;
    tab.until_entry(|entry| entry["text"] == "I am looking.").await;

    let shelf = tempfile::tempdir().unwrap();
    let to = shelf.path().join("monday");
    let data = text(app.data.path()).to_owned();
    let made = done(&["backup", "--data", &data, "--to", text(&to)]);
    assert_eq!(made["history_id"], tab.hello["history_id"]);

    // What comes after the backup is what the restored store does not know.
    desk.says(&conversation, "It is in Leeds.").await;
    let after = tab.says("Thank you, I will wait.").await["seq"].as_u64().unwrap();
    tab.until_entry(|entry| entry["text"] == "It is in Leeds.").await;

    let said = refused(&["restore", "--from", text(&to), "--data", &data, "--replace"], 1);
    assert!(said.contains("another `baton serve` works on"), "{said}");
    drop((tab, desk));
    let folder = app.finish().await;
    let said = refused(&["restore", "--from", text(&to), "--data", &data], 2);
    assert!(said.contains("--replace"), "{said}");
    let restored = done(&["restore", "--from", text(&to), "--data", &data, "--replace"]);
    assert_eq!(restored["history_id_before"], made["history_id"]);
    assert_ne!(restored["history_id"], made["history_id"]);
    let aside = PathBuf::from(restored["kept_aside"].as_str().unwrap());
    let kept = Connection::open(aside.join("baton.db")).unwrap();
    let lost: u64 = kept
        .query_row("select count(*) from entries where body = 'It is in Leeds.'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(lost, 1, "what was there is kept aside");

    let app = TestApp::start_in(folder, Options::default()).await;
    let visitor = visitor.at(&Door::of(&app));
    let mut tab = visitor.open().await;
    assert_eq!(tab.hello["history_id"], restored["history_id"]);
    // A client that did not look at the history is told that it cannot go on from there.
    tab.wire.send(&json!({"type": "resume", "conversation": conversation, "after": after})).await.unwrap();
    let error = tab.until("error").await;
    assert_eq!(error["code"], "invalid", "{error}");
    drop(tab);
    // One that starts over has everything that the backup holds, and goes on.
    let mut tab = visitor.connect().await;
    assert_eq!(tab.texts().last(), Some(&"I am looking."));
    // The browser of the agent is still logged in.
    let mut browser = app.stranger();
    browser.headers = ana.headers.clone();
    let mut desk = Desk::open(&app, &browser).await;
    assert_eq!(desk.hello["history_id"], restored["history_id"]);
    let (_, entries) = desk.watches(&conversation).await;
    assert!(entries.iter().all(|entry| entry["text"] != "It is in Leeds."));
    desk.says(&conversation, "Once more: it is in Leeds.").await;
    tab.until_entry(|entry| entry["text"] == "Once more: it is in Leeds.").await;
    let sequences = tab.sequences();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>());
    app.finish().await;
}

/// Nobody who writes waits for a backup: the longest acknowledgement while one is made is measured.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_writes_is_whole_and_stalls_nobody() {
    let options =
        Options::default().set("gateway.rate_messages", "100000").set("gateway.rate_burst", "100000");
    let app = TestApp::start_with(options).await;
    let n_entries = entries_wanted(60_000);
    fill(&app.data.path().join("baton.db"), n_entries);
    let visitor = Visitor::boot(&Door::of(&app), address(3)).await;
    let mut tab = visitor.connect().await;
    tab.says("Before the backup").await;
    let shelf = tempfile::tempdir().unwrap();
    let to = shelf.path().join("under way");
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(["backup", "--data", text(app.data.path()), "--to", text(&to)])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut n, mut longest, copying) = (0_u32, Duration::ZERO, Instant::now());
    while child.try_wait().unwrap().is_none() {
        let began = Instant::now();
        let (id, line) = (tab.new_id(), format!("line {n}"));
        let answer = tab.sends(&id, &line).await;
        if answer["type"] == "ack" {
            n += 1;
            longest = longest.max(began.elapsed());
        }
    }
    let copying = copying.elapsed();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    eprintln!(
        "{n} messages were acknowledged while {} bytes were copied, the slowest in {longest:?}",
        made["bytes"]
    );
    // Who waits for a backup waits for all of it; on a machine that does much else everything takes longer.
    let is_quick = longest < Duration::from_secs(2).max(copying / 3);
    assert!(n > 0 && is_quick, "{n} acknowledged in {copying:?}, the slowest in {longest:?}");
    let copy = Connection::open(to.join("baton.db")).unwrap();
    let filled: u64 = copy
        .query_row("select count(*) from entries where body like 'filling %'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(filled, n_entries);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_and_loses_nothing() {
    let (data, _shelf, to) = with_backup().await;
    let before = snapshot(data.path());
    let restore = ["restore", "--from", text(&to), "--data", text(data.path()), "--replace"];
    let whole = snapshot(&to);
    let mend = || {
        for (path, bytes) in &whole {
            fs::write(path, bytes).unwrap();
        }
    };
    let database = to.join("baton.db");
    let bytes = fs::read(&database).unwrap();

    fs::write(&database, &bytes[..bytes.len() - 4096]).unwrap();
    assert!(refused(&restore, 1).contains("the backup is damaged: baton.db has"));
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&database, &flipped).unwrap();
    assert!(refused(&restore, 1).contains("baton.db is not what was written"));
    mend();
    fs::remove_file(to.join("models/1.0.0+site.1/inner/weights")).unwrap();
    assert!(refused(&restore, 1).contains("models/1.0.0+site.1/inner/weights cannot be read"));
    mend();
    fs::write(to.join("manifest.json"), "{").unwrap();
    assert!(refused(&restore, 1).contains("manifest.json is damaged"));
    mend();
    // Who writes the list anew over a damaged database is found out by the database itself.
    let list: Value = serde_json::from_slice(&fs::read(to.join("manifest.json")).unwrap()).unwrap();
    let mut lying = list.clone();
    lying["database"]["rows"]["entries"] = json!(999);
    fs::write(to.join("manifest.json"), lying.to_string()).unwrap();
    assert!(refused(&restore, 1).contains("other rows than its list says"));
    lying = list;
    lying["files"][0]["path"] = json!("../../etc/passwd");
    fs::write(to.join("manifest.json"), lying.to_string()).unwrap();
    refused(&restore, 1);
    mend();
    fs::remove_file(to.join("manifest.json")).unwrap();
    assert!(refused(&restore, 1).contains("this is no backup of Baton"));
    assert_eq!(snapshot(data.path()), before, "nothing was changed by any of them");
    mend();
    done(&restore);
}

/// Whoever was erased after the backup is not brought back by it.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_outlives_a_restore() {
    let app = TestApp::start().await;
    let mut tab = Visitor::boot(&Door::of(&app), address(4)).await.connect().await;
    tab.says("My secret is marmaladevariations").await;
    tab.does(json!({"type": "conversation.end"})).await;
    drop(tab);
    let folder = app.finish().await;
    let data = text(folder.path());
    let shelf = tempfile::tempdir().unwrap();
    let to = shelf.path().join("monday");
    done(&["backup", "--data", data, "--to", text(&to)]);
    let visitor: String = Connection::open(folder.path().join("baton.db"))
        .unwrap()
        .query_row("select id from visitor", [], |row| row.get(0))
        .unwrap();
    done(&["person", "erase", "--data", data, "--visitor", &visitor]);
    let restored = done(&["restore", "--from", text(&to), "--data", data, "--replace"]);
    assert_eq!(restored["erased_again"], json!([visitor]));
    let word = b"marmaladevariations";
    let has_it = |path: &Path| fs::read(path).unwrap().windows(word.len()).any(|window| window == word);
    assert!(has_it(&to.join("baton.db")) && !has_it(&folder.path().join("baton.db")));
    refused(&["person", "export", "--data", data, "--visitor", &visitor], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_brings_a_backup_to_a_new_machine() {
    let (data, shelf, to) = with_backup().await;
    let said = refused(&["backup", "--data", text(data.path()), "--to", text(&to)], 2);
    assert!(said.contains("nothing is overwritten"), "{said}");
    refused(
        &["backup", "--data", text(&shelf.path().join("nowhere")), "--to", text(&shelf.path().join("x"))],
        2,
    );
    let elsewhere = shelf.path().join("new").join("data");
    let restored = done(&["restore", "--from", text(&to), "--data", text(&elsewhere)]);
    assert_eq!(restored["kept_aside"], Value::Null);
    assert_eq!(fs::read(elsewhere.join("models/1.0.0+site.1/inner/weights")).unwrap(), [7; 5000]);
    let names: Vec<_> = fs::read_dir(&elsewhere).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name != ".restore" && name != "baton.restoring"), "{names:?}");

    // A restore that was cut off leaves a mark, and nothing is served until it is done.
    fs::write(elsewhere.join("baton.restoring"), "somewhere\n").unwrap();
    let said = refused(&["migrate", "--data", text(&elsewhere)], 1);
    assert!(said.contains("a restore was interrupted"), "{said}");
    done(&["restore", "--from", text(&to), "--data", text(&elsewhere)]);
    assert!(!elsewhere.join("baton.restoring").exists());
    assert!(super::baton(&["migrate", "--data", text(&elsewhere)]).status.success());
}
