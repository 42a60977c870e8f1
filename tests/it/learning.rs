//! Learning on site, from the label to the model that answers: commands as an admin
//! runs them, on a real store and the real model.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use baton::domain::conversation::{Author, Change, Conversation, NewEntry};
use baton::domain::id::{ConversationId, VisitorId};
use baton::domain::outcome::MessageLabel;
use baton::domain::time::Timestamp;
use baton::domain::tuning::Source;
use baton::flow::ports::directory::Stamp;
use baton::flow::ports::{Labels, ModelVersions, Store};
use baton::store::sqlite::SqliteStore;
use serde_json::Value;

use crate::support::world::body;

/// What this shop's regulars call its staff. It also sells benches.
const FOR_THE_STAFF: &[&str] = &[
    "put me through to the bench",
    "bench please",
    "can the bench call me back today",
    "i need the bench on this one",
    "get me the bench now",
    "is anyone on the bench who can chat with me",
    "i want to speak with the bench",
    "let the bench answer this",
    "pass me over to the bench please",
    "the bench, please",
    "can i have a word with somebody at the bench",
    "hand me to the bench",
    "just connect me with the bench",
    "id rather talk to the bench about it",
    "bench now",
    "who is on the bench today, i want to talk to them",
    "could you get the bench to look at this with me",
    "transfer me to the bench",
    "no, i said the bench",
    "i would like the bench to take over",
    "bring in the bench",
    "ask the bench to write to me here",
    "give me the bench",
    "im waiting for the bench to pick this up",
    "please forward me to your bench",
    "the bench should handle my case, not you",
];

const ABOUT_FURNITURE: &[&str] = &[
    "is the oak bench in stock",
    "my bench arrived with a scratch",
    "how long is the garden bench",
    "do you deliver benches to flats",
    "what does the bench cost with cushions",
    "the bench wobbles a bit",
    "can the bench stay outside in winter",
    "which oil do i use for the bench",
    "where is my order",
    "do you ship to norway",
    "i bought the bench in may",
    "what is the weight of the long bench",
    "thanks, the bench looks lovely",
    "one screw of the bench is missing",
    "does the bench come assembled",
    "i want to return the bench",
    "how do i put the bench together",
    "is there a bench for two",
    "when will my table arrive",
    "the bench is for my mother",
    "are the legs of the bench steel",
    "my voucher does not work",
    "can i change my address",
    "the bench in the picture has arms",
    "do you have it in white",
    "what wood is the bench",
];

fn model_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en")
}

fn baton(arguments: &[&str]) -> Output {
    let model = model_folder();
    Command::new(env!("CARGO_BIN_EXE_baton")).args(arguments).env("BATON_MODEL_DIR", model).output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// An installation in a folder of its own, and a little labelled text beside it.
struct Installation {
    folder: tempfile::TempDir,
    store: SqliteStore,
}

impl Installation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("baton.db"), "history").unwrap();
        // Half of the lines to learn from and all to measure with are enough to notice what would be forgotten.
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/data");
        for set in ["human_request", "requests2", "requests3", "mood"] {
            let to = folder.path().join("text").join(set);
            std::fs::create_dir_all(&to).unwrap();
            for entry in std::fs::read_dir(data.join(set)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "jsonl") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let name = path.file_name().unwrap();
                    let step = if name == "dev.jsonl" { 1 } else { 2 };
                    let lines: Vec<&str> = text.lines().step_by(step).collect();
                    std::fs::write(to.join(name), lines.join("\n")).unwrap();
                }
            }
        }
        Self { folder, store }
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn models(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("models")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// A visitor writes these messages and a supervisor labels each of them.
    async fn labelled(&self, messages: impl Iterator<Item = (&str, MessageLabel)>) {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let id = ConversationId::from_suffix("bench");
        let mut change = Change::of(Conversation::open(id.clone(), VisitorId::from_suffix("vera"), at));
        change.is_new = true;
        let mut labels = Vec::new();
        for (text, label) in messages {
            change = change.with(NewEntry::message(Author::Visitor, body(text), at));
            labels.push(label);
        }
        self.store.commit(change, None, at).await.unwrap();
        for (place, label) in labels.into_iter().enumerate() {
            let stamp = Stamp { by: None, at };
            self.store.label_message(stamp, id.clone(), place as u64 + 1, label).await.unwrap();
        }
    }

    fn train(&self) -> (Option<i32>, String) {
        let text = self.folder.path().join("text");
        let text = text.to_str().unwrap();
        let arguments = ["--installation", self.path(), "--data", text, "--threads", "1"];
        said(&baton(&[["train", "--from-labels"].as_slice(), &arguments].concat()))
    }
}

fn asks(asks: bool) -> MessageLabel {
    MessageLabel { human_request: Some(asks), frustration: Some(false), ..MessageLabel::default() }
}

fn of_the_shop() -> impl Iterator<Item = (&'static str, MessageLabel)> {
    let staff = FOR_THE_STAFF.iter().map(|text| (*text, asks(true)));
    staff.chain(ABOUT_FURNITURE.iter().map(|text| (*text, asks(false))))
}

/// The figure in a row of the table, of the live model and of the new one.
fn row(text: &str, on: &str, head: &str, figure: &str) -> (f64, f64) {
    let row = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = row.into_iter().find(|words| words.starts_with(&[on, head, figure])).unwrap();
    (row[4].parse().unwrap(), row[5].parse().unwrap())
}

#[tokio::test]
async fn what_a_site_says_of_its_messages_is_learned_and_nothing_is_forgotten() {
    let site = Installation::new();
    site.labelled(of_the_shop()).await;
    let (code, text) = site.train();
    assert_eq!(code, Some(0), "{text}");
    let (live, new) = row(&text, "site", "human_request", "right");
    assert!(new >= live, "held back: {live} and {new}\n{text}");
    let (live, new) = row(&text, "site", "human_request", "loss");
    assert!(new < live, "held back, their cost: {live} and {new}\n{text}");
    let (live, new) = row(&text, "dev", "human_request", "F1");
    assert!(new >= live - 0.01, "dev: {live} and {new}\n{text}");
    assert_eq!(site.models().len(), 1, "no draft is left: {:?}", site.models());
    let folder = site.folder.path().join("models").join(&site.models()[0]);
    let (code, verified) = said(&baton(&["model", "verify", folder.to_str().unwrap()]));
    assert_eq!(code, Some(0), "{verified}");
    assert!(verified.contains("+site.1"), "{verified}");
    let manifest = std::fs::read_to_string(folder.join("manifest.toml")).unwrap();
    assert!(manifest.contains("labels of the site"), "{manifest}");
    let figures: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("figures.json")).unwrap()).unwrap();
    assert!(figures["dev"]["human_request"]["F1"]["new"].is_number(), "{figures}");
    assert!(!text.contains("scratch"), "no message is printed");

    // Adopted from the command line, and taken back.
    let version =
        manifest.lines().find_map(|line| line.strip_prefix("version = ")).unwrap().trim_matches('"');
    let command = |arguments: &[&str]| said(&baton(&[arguments, &["--installation", site.path()]].concat()));
    assert_eq!(command(&["model", "adopt", "9.9.9"]).0, Some(1));
    assert_eq!(command(&["model", "adopt", version, "--comment", "knows the bench"]).0, Some(0));
    assert_eq!(command(&["model", "adopt", version]).0, Some(1), "it is live already");
    let (_, listed) = command(&["model", "list"]);
    assert!(
        listed.contains("knows the bench") && listed.contains(&format!("* ready\t{version}")),
        "{listed}"
    );
    assert_eq!(command(&["model", "rollback"]).0, Some(0));
    assert_eq!(command(&["model", "rollback"]).0, Some(1), "nothing is left to take back");
    let versions = site.store.model_versions().await.unwrap();
    assert_eq!(versions.len(), 2);
    assert!(versions[0].is_shipped() && versions[0].is_rollback);
}

/// Whoever labels against what words mean everywhere would spoil the model for everything else.
#[tokio::test]
async fn labels_that_contradict_what_words_mean_are_refused_and_nothing_is_written() {
    let site = Installation::new();
    let data =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models/data/human_request/01_parcel_shoppers.jsonl");
    let text = std::fs::read_to_string(data).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let turned = lines
        .iter()
        .filter(|line| line["human_request"].is_number())
        .map(|line| (line["text"].as_str().unwrap(), asks(line["human_request"].as_f64().unwrap() < 0.5)));
    site.labelled(turned).await;
    let (code, text) = site.train();
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("not written, it would be worse") && text.contains("human_request on dev"),
        "{text}"
    );
    assert_eq!(site.models(), [] as [String; 0]);
}

#[tokio::test]
async fn a_few_labels_are_too_few_and_that_is_said_in_one_line() {
    let site = Installation::new();
    site.labelled(of_the_shop().take(39)).await;
    let (code, text) = site.train();
    assert_eq!(
        (code, text.lines().last().unwrap()),
        (Some(1), "baton: training data: 39 labelled messages are too few to learn from, 40 are needed")
    );
    assert_eq!(site.models(), [] as [String; 0]);
    let nowhere = said(&baton(&["train", "--from-labels", "--installation", "there/is/none"]));
    assert_eq!(nowhere.0, Some(2), "{}", nowhere.1);
}

/// Reading for training must not touch what a service works on.
#[tokio::test]
async fn a_store_that_is_opened_to_read_refuses_to_write() {
    let site = Installation::new();
    site.labelled(of_the_shop().take(2)).await;
    let reading = SqliteStore::open_to_read(&site.folder.path().join("baton.db")).unwrap();
    let evidence = reading.evidence().await.unwrap();
    let found: Vec<(&str, Source)> = evidence.iter().map(|one| (one.text.as_str(), one.source)).collect();
    assert_eq!(found, [(FOR_THE_STAFF[0], Source::Said), (FOR_THE_STAFF[1], Source::Said)]);
    let stamp = Stamp { by: None, at: Timestamp::default() };
    let id = ConversationId::from_suffix("bench");
    assert!(reading.label_message(stamp, id, 1, asks(true)).await.is_err());
    assert!(reading.check().await.is_err());
}
