//! Intents of a site's own, from outside: found by the real model and by words, at once in the test bench, in replay
//! and live; stored with the message, so that a replay decides the same.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use baton::domain::analysis::{Analysis, By, OPERATING_POINT, OwnIntent, OwnIntents};
use baton::domain::conversation::EntryKind;
use baton::domain::escalation::{EscalationPolicy, ReasonCode};
use baton::domain::queue::Priority;
use baton::domain::tuning::{Event, replay};
use baton::flow::events_of;
use baton::flow::ports::Analyzer;
use baton::nlp::{Builder, Fault, FaultHandle, LexiconAnalyzer, RustBertAnalyzer, model::Precision};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::command::baton;
use crate::support::scripted::calm;
use crate::support::visitor::{Door, Visitor};
use crate::support::world::World;

const PRESCRIPTION: [&str; 6] = [
    "I need to renew my prescription",
    "my tablets have run out",
    "can I get a repeat of my inhaler",
    "who do I ask for another month of these pills",
    "the pharmacy says you have not sent my refill",
    "please send the repeat prescription to the chemist",
];
const ALLOTMENT: [&str; 6] = [
    "is there an allotment free near me",
    "how long is the waiting list for a plot",
    "put me down for an allotment please",
    "who rents out the allotments behind the station",
    "what does a half plot cost for a year",
    "I want to grow vegetables, do you have a plot",
];

fn intent(name: &str, examples: &[&str], escalate_at: Option<f64>) -> OwnIntent {
    let examples = examples.iter().map(|&example| example.to_owned()).collect();
    OwnIntent { name: name.to_owned(), examples, escalate_at, priority: Priority::High }
}

fn both() -> Vec<OwnIntent> {
    vec![intent("prescription", &PRESCRIPTION, Some(0.7)), intent("allotment", &ALLOTMENT, None)]
}

/// The same as a policy file.
fn toml(escalate_at: f64) -> String {
    format!(
        "[[intents]]\nname = \"prescription\"\nexamples = {PRESCRIPTION:?}\nescalate_at = {escalate_at:?}\n\
         priority = \"high\"\n\n[[intents]]\nname = \"allotment\"\nexamples = {ALLOTMENT:?}\n"
    )
}

fn builder() -> Builder {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en");
    Builder::default().model(Some(folder)).precision(Precision::Full)
}

fn loaded(builder: Builder) -> RustBertAnalyzer {
    let analyzer = builder.start().map_err(|words| words.status()).unwrap();
    assert!(analyzer.wait_until_loaded().is_ready());
    analyzer
}

fn ask(analyzer: &RustBertAnalyzer, text: &str) -> Analysis {
    analyzer.start(text).unwrap().blocking_recv().unwrap()
}

/// Messages in other words than the examples, and many that are about something else.
#[test]
fn the_model_finds_what_is_meant_in_other_words_and_leaves_the_rest() {
    let analyzer = loaded(builder());
    assert!(ask(&analyzer, "my prescription").own_intents.is_empty(), "nobody has any yet");
    analyzer.learn(&both()).blocking_recv().unwrap();
    // A few examples find most, not all: at least half of these, and none in the other intent.
    let meant = [
        ("hi could somebody renew my meds for me", "prescription"),
        ("I've only two pills left, need another prescription sent over", "prescription"),
        ("repeat prescription please", "prescription"),
        ("no tablets left, what do I do", "prescription"),
        ("are there any allotment plots going in the village", "allotment"),
        ("is there a waiting list for your allotments", "allotment"),
        ("how much do you charge for a plot", "allotment"),
    ];
    let mut n_found = 0;
    for (text, name) in meant {
        let other = if name == "allotment" { "prescription" } else { "allotment" };
        let found = ask(&analyzer, text);
        assert!(found.own_intents.get(other) < 0.3, "{text}: {:?}", found.own_intents);
        assert!(
            found.own_intents.get(name) > found.own_intents.get(other),
            "{text}: {:?}",
            found.own_intents
        );
        let is_found = found.own_intents.get(name) >= 0.5;
        n_found += usize::from(is_found);
        assert_eq!((found.subject() == name, found.analyzer.by), (is_found, By::Model));
        // Stored and read again it is the same to the last bit.
        let stored = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Analysis>(&stored).unwrap(), found);
    }
    assert!(2 * n_found > meant.len(), "{n_found} of {} found", meant.len());
    for text in [
        "where is my parcel",
        "I want my money back",
        "thanks, that is all",
        "hello",
        "ok",
        "what are your opening hours",
        "the app crashes when I log in",
        "get me a human",
        "",
        "😡😡😡",
    ] {
        let found = ask(&analyzer, text).own_intents;
        assert!(found.iter().all(|(_, probability)| probability < OPERATING_POINT), "{text}: {found:?}");
    }
    analyzer.learn(&[]).blocking_recv().unwrap();
    let found = ask(&analyzer, "renew my prescription");
    assert!(found.own_intents.is_empty());
    assert!(!serde_json::to_string(&found).unwrap().contains("own_intents"), "no key where there are none");
}

#[test]
fn a_draft_is_looked_for_without_touching_what_is_live() {
    let analyzer = loaded(builder());
    analyzer.learn(&both()[..1]).blocking_recv().unwrap();
    let text = "is there an allotment plot free near here".to_owned();
    let draft = analyzer.own_intents(vec![text.clone(), String::new()], &both()).blocking_recv().unwrap();
    assert!(draft[0].get("allotment") >= 0.5 && draft[1].get("allotment") < 0.3, "{draft:?}");
    let live = ask(&analyzer, &text).own_intents;
    assert_eq!(live.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["prescription"]);
    analyzer.learn(&both()).blocking_recv().unwrap();
    let live = ask(&analyzer, &text).own_intents;
    assert!((live.get("allotment") - draft[0].get("allotment")).abs() < 0.001, "{live:?} {draft:?}");
    // A language that the model does not speak is compared by its letters.
    let polish = [
        "chcę przedłużyć receptę",
        "skończyły mi się tabletki",
        "proszę o nową receptę",
        "recepta na inhalator",
        "kolejna recepta na leki",
    ];
    analyzer.learn(&[intent("recepta", &polish, None)]).blocking_recv().unwrap();
    let found = ask(&analyzer, "proszę przedłużyć receptę na tabletki");
    assert!(found.own_intents.get("recepta") >= 0.5, "{found:?}");
}

/// Examples are read on the model's thread; what stalls it stalls nobody, and words find the intents.
#[test]
fn without_the_model_words_find_them_and_say_that_it_was_words() {
    let faults = Arc::new(FaultHandle::default());
    let analyzer = loaded(builder().hangs_after(Duration::from_millis(200)).faults(Arc::clone(&faults)));
    faults.set(Fault::Stall);
    let learned = analyzer.learn(&both());
    let drafted = analyzer.own_intents(vec!["renew my prescription please".to_owned()], &both());
    while analyzer.status().is_ready() {
        std::thread::yield_now();
    }
    learned.blocking_recv().unwrap_err();
    drafted.blocking_recv().unwrap_err();
    faults.clear();
    let again = analyzer.own_intents(vec!["renew my prescription please".to_owned()], &both());
    let words = analyzer.words("renew my prescription please");
    assert_eq!(again.blocking_recv().unwrap(), std::slice::from_ref(&words.own_intents));
    assert!(words.own_intents.get("prescription") >= 0.7 && words.analyzer.by == By::Words, "{words:?}");
    let lexicon = LexiconAnalyzer::default();
    lexicon.learn(&both()).blocking_recv().unwrap_err();
    assert_eq!(lexicon.words("renew my prescription please"), words);
}

/// What was found is stored with its message: another policy, other examples or no model at all change nothing of it.
#[tokio::test]
async fn invariant_9_a_replay_of_what_is_stored_decides_the_same() {
    let mut world = World::start().await;
    let policy = EscalationPolicy { version: 2, intents: both(), ..EscalationPolicy::default() };
    world.publish(policy.clone());
    for (text, probability) in [("About my pills.", 0.699_94), ("They have run out.", 0.700_04)] {
        let own_intents = OwnIntents::new([("prescription".to_owned(), probability)]);
        world.analyzer().finds(text, Analysis { own_intents, ..calm() });
        world.says("eve", text).await.unwrap();
        world.settle().await;
    }
    let id = world.conversation("eve").await.id;
    let analyses = world.store().analyses(&id).await.unwrap();
    let stored: Vec<f64> = analyses.values().map(|found| found.own_intents.get("prescription")).collect();
    assert_eq!(stored, [0.6999, 0.7]);
    let log = world.log("eve").await;
    let told = log.iter().filter_map(|entry| match &entry.kind {
        EntryKind::Decision(decision) => Some((**decision).clone()),
        _ => None,
    });
    let told: Vec<_> = told.map(|decision| (decision.outcome, decision.score, decision.reasons)).collect();
    let events: Vec<Event> = events_of(&log, &analyses).into_iter().map(|(_, event)| event).collect();
    let verdicts = replay(&policy, &events).into_iter();
    let again: Vec<_> =
        verdicts.map(|one| (one.decision.outcome, one.decision.score, one.decision.reasons)).collect();
    assert_eq!(told, again);
    let handoff = world.store().handoffs(&id).await.unwrap().remove(0);
    assert_eq!(handoff.reasons[0].code, ReasonCode::OwnIntent);
    assert_eq!(handoff.reasons[0].name.as_deref(), Some("prescription"));
    assert!(handoff.words.is_empty(), "no single word is behind it");
    world.finish().await;
}

/// An admin writes a draft, sees it work in the bench before anybody else does, publishes it, and it works live.
#[tokio::test]
async fn a_draft_works_in_the_bench_at_once_and_live_once_it_is_published() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let text = "please renew my prescription, the tablets have run out";
    let bench = |toml: Option<String>, analysis: Value| {
        let turns = json!([{ "speaker": "visitor", "text": text, "analysis": analysis }]);
        let body = json!({ "turns": turns, "toml": toml });
        let admin = &admin;
        async move { admin.post("/api/v1/testbench", body).await.body }
    };
    let live = bench(None, Value::Null).await;
    assert_eq!((&live["escalated"], &live["analyses"][0]["own_intents"]), (&json!(false), &Value::Null));
    // The page sends back what was analyzed before: the draft's examples count all the same.
    let drafted = bench(Some(toml(0.7)), live["analyses"][0].clone()).await;
    let reason = &drafted["escalations"][0]["reasons"][0];
    assert_eq!(
        (&reason["code"], &reason["name"]),
        (&json!("own_intent"), &json!("prescription")),
        "{drafted}"
    );
    assert!(drafted["analyses"][0]["own_intents"]["allotment"].as_f64().unwrap() < 0.3);
    let other = &drafted["decisions"][0]["counterfactual"];
    assert_eq!(
        (&other["kind"], &other["name"], &other["would_stay"]),
        (&json!("without_reason"), &json!("prescription"), &json!(true))
    );
    let milder = bench(Some(toml(1.0)), drafted["analyses"][0].clone()).await;
    assert_eq!(milder["escalated"], false, "{milder}");

    let refused = admin.post("/api/v1/policies/check", json!({ "toml": toml(7.0) })).await;
    let problem = &refused.body["problems"][0];
    assert_eq!(
        (&problem["field"], &problem["line"]),
        (&json!("intents.1.escalate_at"), &json!(4)),
        "{problem}"
    );

    let queues = admin.get("/api/v1/queues").await;
    let queue = format!("/api/v1/queues/{}", queues.body["queues"][0]["id"].as_str().unwrap());
    let intents = json!({ "intents": ["prescription"] });
    assert_eq!(admin.patch(&queue, intents.clone()).await.code(), "invalid", "nobody knows it yet");
    let publication = json!({ "toml": toml(0.7), "comment": "prescriptions", "based_on": "default@1" });
    assert_eq!(admin.post("/api/v1/policies", publication).await.status, 201);
    assert_eq!(admin.patch(&queue, intents).await.status, 200);
    let mut visitor = Visitor::boot(&Door::of(&app), [127, 0, 0, 1].into()).await.connect().await;
    visitor.says(text).await;
    visitor.until_state("waiting").await;
    let recent = admin.get("/api/v1/conversations").await;
    assert_eq!(recent.body["conversations"][0]["reason"], "own_intent", "{:?}", recent.body);
    let id = recent.body["conversations"][0]["conversation"].as_str().unwrap().to_owned();
    let shown = admin.get(&format!("/api/v1/conversations/{id}")).await;
    let told = &shown.body["packet"]["handoff"];
    assert_eq!(told["reasons"][0]["text"], "Is about “prescription”", "{told}");
    assert!(told["counterfactual"]["text"].as_str().unwrap().starts_with("Without “prescription” in it"));
    app.finish().await;
}

#[test]
fn replay_looks_for_the_intents_of_its_policy_where_it_analyzes() {
    let folder = tempfile::tempdir().unwrap();
    let (policy, transcripts) = (folder.path().join("policy.toml"), folder.path().join("talks.jsonl"));
    std::fs::write(&policy, toml(0.6)).unwrap();
    let text = "please renew my prescription, the tablets have run out";
    let stored = serde_json::to_value(calm()).unwrap();
    let mut file = std::fs::File::create(&transcripts).unwrap();
    for analysis in [Value::Null, stored] {
        let turns = json!([{ "speaker": "visitor", "text": text, "analysis": analysis }]);
        writeln!(file, "{}", json!({ "conversation_id": "c", "turns": turns })).unwrap();
    }
    let replayed = |more: &[&str]| -> Vec<bool> {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_baton"))
            .args(["replay", "--policy", policy.to_str().unwrap(), "--transcripts"])
            .arg(&transcripts)
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["escalated"] == true).collect()
    };
    assert_eq!(replayed(&["--analyzer", "words"]), [true, false], "a stored analysis knows what it knew");
    assert_eq!(replayed(&["--analyzer", "words", "--reanalyze"]), [true, true]);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en");
    assert_eq!(replayed(&["--reanalyze", "--model", model.to_str().unwrap()]), [true, true]);
}

#[test]
fn the_command_line_looks_for_the_intents_of_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, toml(0.6)).unwrap();
    let line = json!({ "text": "please renew my prescription, the tablets have run out" }).to_string();
    let analyzed = |more: &[&str]| baton(&[["analyze"].as_slice(), more].concat(), line.as_bytes());
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en");
    for analyzer in [["--analyzer", "words"], ["--model", model.to_str().unwrap()]] {
        let with = analyzed(&[analyzer[0], analyzer[1], "--policy", policy.to_str().unwrap()]);
        let with: Value = serde_json::from_slice(&with.stdout).unwrap();
        let found = &with["analysis"]["own_intents"];
        assert!(found["prescription"].as_f64().unwrap() >= 0.5, "{with}");
        assert!(found["allotment"].as_f64().unwrap() < 0.5, "{with}");
        let without: Value = serde_json::from_slice(&analyzed(&analyzer).stdout).unwrap();
        assert_eq!(without["analysis"].get("own_intents"), None);
    }
    std::fs::write(&policy, "[[intents]]\nname = \"one\"\nexamples = [\"too few\"]\n").unwrap();
    let refused = analyzed(&["--analyzer", "words", "--policy", policy.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("intents.1.examples"));
}
