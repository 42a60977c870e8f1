//! Adopting models on a running service: messages flow on, what cannot be used is
//! refused, and a restart finds what was adopted.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use baton::flow::ports::directory::Stamp;
use baton::flow::ports::models::Adoption;
use baton::flow::ports::{AnalyzerStatus, ModelVersions};
use baton::store::sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::support::visitor::{Door, Visitor};
use crate::support::wire::address;
use crate::support::{Options, Person, TestApp};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en")
}

/// A copy of the model that calls itself by another version, in an installation's own folder.
fn put_model(data: &Path, version: &str) -> PathBuf {
    let folder = data.join("models").join(format!("baton-en-{version}"));
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(shipped()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let manifest = folder.join("manifest.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let lines = text.lines().map(|line| match line.starts_with("version = ") {
        true => format!("version = \"{version}\""),
        false => line.to_owned(),
    });
    std::fs::write(&manifest, lines.collect::<Vec<_>>().join("\n")).unwrap();
    folder
}

/// Turns one bit of the heads.
fn damage(folder: &Path) {
    let heads = folder.join("heads.safetensors");
    let mut bytes = std::fs::read(&heads).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&heads, bytes).unwrap();
}

fn with_model() -> Options {
    Options::default()
        .set("nlp.backend", "rust-bert")
        .set("nlp.model", shipped().to_str().unwrap())
        .set("nlp.budget", "60s")
        .set("gateway.rate_burst", "1000")
}

/// The version that answers, once one does.
async fn version(app: &TestApp) -> String {
    loop {
        match app.app.http.flow.ports().analyzer.status() {
            AnalyzerStatus::Ready { version, .. } => return version,
            AnalyzerStatus::Loading => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    }
}

async fn adopt(person: &Person, version: &str) -> (u16, String) {
    let body = json!({ "version": version, "comment": "knows our words" });
    let answer = person.post("/api/v1/models/adopt", body).await;
    (answer.status, answer.code().to_owned())
}

async fn models(person: &Person) -> Value {
    person.get("/api/v1/models").await.body
}

/// The versions that analyzed the visitor's messages, in order; none while one of them is not analyzed yet.
async fn analyzed_by(person: &Person, conversation: &str) -> Option<Vec<String>> {
    let shown = person.get(&format!("/api/v1/conversations/{conversation}")).await.body;
    let entries = shown["entries"].as_array().unwrap();
    let messages =
        entries.iter().filter(|entry| entry["kind"] == "message" && entry["author"]["kind"] == "visitor");
    messages
        .map(|entry| {
            let by = &entry["analysis"]["analyzer"];
            assert!(by.is_null() || by["by"] == "model", "{entry}");
            by["version"].as_str().map(str::to_owned)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_adopted_while_messages_flow_and_found_again_after_a_restart() {
    let app = TestApp::start_with(with_model()).await;
    put_model(app.data.path(), "7.0.0+site.1");
    damage(&put_model(app.data.path(), "7.0.0+site.2"));
    let first = version(&app).await;
    let admin = app.admin().await;
    let before = models(&admin).await;
    assert_eq!(before["live"], json!({ "name": "baton-en", "version": first, "number": null }));
    let available = before["available"].as_array().unwrap();
    assert_eq!(available.len(), 2, "{before}");
    assert_eq!((&available[0]["version"], &available[0]["figures"]), (&json!("7.0.0+site.1"), &Value::Null));
    assert_eq!(admin.post("/api/v1/models/rollback", json!({})).await.code(), "nothing_before");

    // Messages before, during and after.
    let mut tab = Visitor::boot(&Door::of(&app), address(1)).await.connect().await;
    let id = tab.says("where is my order").await["conversation"].as_str().unwrap().to_owned();
    while analyzed_by(&admin, &id).await.is_none() {}
    let is_done = Cell::new(false);
    let adopting = async {
        let answer = adopt(&admin, "7.0.0+site.1").await;
        is_done.set(true);
        answer
    };
    let talking = async {
        let mut n_said = 1;
        while !is_done.get() {
            if n_said < 40 {
                tab.says("and what does it cost").await;
                n_said += 1;
            } else {
                tokio::task::yield_now().await;
            }
        }
        n_said
    };
    let (answer, mut n_said) = tokio::join!(adopting, talking);
    assert_eq!(answer, (201, String::new()));
    tab.says("thank you").await;
    n_said += 1;
    let versions = loop {
        if let Some(versions) = analyzed_by(&admin, &id).await.filter(|versions| versions.len() == n_said) {
            break versions;
        }
    };
    assert_eq!((&*versions[0], &*versions[n_said - 1]), (&*first, "7.0.0+site.1"));
    assert!(versions.iter().all(|version| *version == first || version == "7.0.0+site.1"), "{versions:?}");
    let after = models(&admin).await;
    assert_eq!(after["live"], json!({ "name": "baton-en", "version": "7.0.0+site.1", "number": 1 }));
    let adopted = &after["versions"][0];
    assert_eq!(
        (&adopted["author"], &adopted["comment"], &adopted["live"]),
        (&json!("Ada"), &json!("knows our words"), &json!(true))
    );

    // What cannot be used is refused by name, and the live one goes on.
    assert_eq!(adopt(&admin, "7.0.0+site.2").await, (409, "model_unusable".to_owned()));
    assert_eq!(adopt(&admin, "7.0.0+site.3").await, (404, "not_found".to_owned()));
    assert_eq!(adopt(&admin, "7.0.0+site.1").await, (409, "already_live".to_owned()));
    assert_eq!((version(&app).await.as_str(), app.app.http.models.trouble()), ("7.0.0+site.1", None));
    let log = admin.get("/api/v1/audit").await.body;
    let entries = log["entries"].as_array().unwrap();
    let of_models: Vec<&Value> =
        entries.iter().filter(|entry| entry["action"].as_str().unwrap().starts_with("model.")).collect();
    assert_eq!(of_models.len(), 1, "{of_models:?}");
    assert_eq!(of_models[0]["target"], "7.0.0+site.1");

    drop(tab);
    let data = app.finish().await;
    let app = TestApp::start_in(data, with_model()).await;
    assert_eq!(version(&app).await, "7.0.0+site.1", "the adopted one is live after a restart");
    assert_eq!(app.stranger().get("/readyz").await.body["status"], "ready");
    app.finish().await;
}

/// A model that was adopted and is gone or damaged at the start must not leave the service without one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_model_gives_way_to_the_shipped_one_and_everybody_is_told() {
    let app = TestApp::start_with(with_model()).await;
    let first = version(&app).await;
    let admin = app.admin().await;
    let folder = put_model(app.data.path(), "7.0.0+site.1");

    // Somebody else writes an adoption down, as the command line does: the service follows.
    let elsewhere = SqliteStore::open(&app.data.path().join("baton.db"), "unused").unwrap();
    let adoption = Adoption {
        version: "7.0.0+site.1".into(),
        folder: "baton-en-7.0.0+site.1".into(),
        comment: String::new(),
        is_rollback: false,
    };
    elsewhere.adopt_model(Stamp { by: None, at: app.now() }, adoption, 0).await.unwrap();
    while version(&app).await == first {
        tokio::task::yield_now().await;
    }
    assert_eq!(version(&app).await, "7.0.0+site.1");
    let email = admin.email.clone();
    let data = app.finish().await;

    damage(&folder);
    let app = TestApp::start_in(data, with_model()).await;
    assert_eq!(version(&app).await, first);
    let ready = app.stranger().get("/readyz").await;
    assert_eq!((ready.status, &ready.body["status"]), (200, &json!("degraded")));
    assert_eq!(ready.body["analyzer"]["version"], first.as_str());
    let why = ready.body["analyzer"]["why"].as_str().unwrap();
    assert!(why.contains("7.0.0+site.1") && why.contains("heads.safetensors is damaged"), "{why}");
    let admin = app.login(&email).await;
    let shown = models(&admin).await;
    assert_eq!(shown["live"], json!({ "name": "baton-en", "version": first, "number": null }));
    assert_eq!((&shown["trouble"], &shown["versions"][0]["live"]), (&json!(why), &json!(false)));
    assert_eq!(admin.get("/api/v1/live").await.body["analyzer"]["why"], why);

    // Taking it back settles it.
    let back = admin.post("/api/v1/models/rollback", json!({ "comment": "damaged" })).await;
    assert_eq!((back.status, &back.body["version"]["rollback"]), (201, &json!(true)));
    assert_eq!(app.stranger().get("/readyz").await.body["status"], "ready");
    assert_eq!(models(&admin).await["live"]["number"], 2);
    app.finish().await;
}
