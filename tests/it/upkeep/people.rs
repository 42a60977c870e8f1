//! A person who is erased while they talk: it ends before everybody's eyes, for the reason
//! it ends, and what they say next is somebody new's.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{done, refused, text};
use crate::support::TestClock;
use crate::support::agent::Desk;
use crate::support::app::{Options, Person, TestApp};
use crate::support::scripted::ScriptedAnalyzer;
use crate::support::visitor::{Door, Tab, Visitor};
use crate::support::wire::address;
use baton::broker::LocalBus;
use baton::domain::agent::Role;
use baton::flow::ports::{Bus as _, Hint};

/// A service in which nobody is called but by the button, an admin, and an agent who is there.
struct Shop {
    app: TestApp,
    admin: Person,
    desk: Desk,
    analyzer: Arc<ScriptedAnalyzer>,
    bus: Arc<LocalBus>,
}

async fn shop() -> Shop {
    let analyzer = Arc::new(ScriptedAnalyzer::new(TestClock::new()));
    let bus = Arc::new(LocalBus::new());
    let options = Options::default().analyzer(analyzer.clone()).bus(bus.clone());
    let app = TestApp::start_with(options).await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let desk = Desk::online(&app, &ana).await;
    Shop { app, admin, desk, analyzer, bus }
}

/// Somebody whom the agent answers.
async fn talks(shop: &mut Shop, visitor: &Visitor) -> (Tab, String) {
    let mut tab = visitor.connect().await;
    tab.says("I am Kim and my parcel is lost").await;
    tab.asks_for_a_person().await;
    let offer = shop.desk.next_offer().await;
    let id = shop.desk.accepts(&offer).await;
    shop.desk.watches(&id).await;
    shop.desk.says(&id, "Hello Kim").await;
    tab.until_entry(|entry| entry["text"] == "Hello Kim").await;
    (tab, id)
}

fn visitor_of(shown: &Value) -> String {
    shown["card"]["visitor"]["id"].as_str().unwrap().to_owned()
}

/// What visitor, agent and figures are told of it, however it was asked for.
async fn it_ends_for_everybody(shop: &mut Shop, tab: &mut Tab, id: &str) {
    let ended = tab.until_entry(|entry| entry["code"] == "ended").await;
    assert_eq!(ended["params"]["reason"], "erased");
    tab.until_state("closed").await;
    assert!(
        tab.sequences().windows(2).all(|pair| pair[1] == pair[0] + 1),
        "without a gap: {:?}",
        tab.sequences()
    );
    let seen = shop.desk.until_entry(|entry| entry["code"] == "ended").await;
    assert_eq!((&seen["conversation"], &seen["params"]["reason"]), (&json!(id), &json!("erased")));
    shop.desk.until_overview(|overview| overview["mine"].as_array().unwrap().is_empty()).await;
    let shown = shop.admin.get(&format!("/api/v1/conversations/{id}")).await.body;
    assert!(visitor_of(&shown).starts_with("vis_nobody"), "{shown}");
    assert_eq!(shown["card"]["state"], "closed", "{shown}");
    let entries = shown["entries"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["text"].as_str().unwrap_or_default().is_empty()));
    let noted = shop.desk.tries(json!({"type": "note.add", "conversation": id, "text": "Kim again"})).await;
    assert_eq!(noted["type"], "error", "nothing more is written about them: {noted}");
    // What they say next reaches nobody under the old name: their browser comes back as somebody new.
    tab.wire
        .send(&json!({"type": "message.send", "text": "Are you there?", "client_id": "x1"}))
        .await
        .unwrap();
    assert_eq!(tab.wire.closed().await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_conversation_ends_for_everybody_before_its_person_is_erased() {
    let mut shop = shop().await;
    let kim = Visitor::boot(&Door::of(&shop.app), address(1)).await;
    let (mut tab, id) = talks(&mut shop, &kim).await;
    let visitor = visitor_of(&shop.admin.get(&format!("/api/v1/conversations/{id}")).await.body);
    let about = shop.admin.post("/api/v1/persons/show", json!({ "visitor": visitor })).await;
    assert_eq!(about.status, 200, "{:?}", about.body);
    let held = &about.body["held"];
    assert_eq!(
        (&held["messages"], &held["unfinished"], &held["handoffs"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(about.body["conversations"][0]["conversation"], id);
    let live = shop.admin.get("/api/v1/live").await.body;
    let forgotten = shop.analyzer.n_forgotten();

    let erased = shop.admin.post("/api/v1/persons/erase", json!({ "visitor": visitor })).await;
    assert_eq!(erased.status, 200, "{:?}", erased.body);
    assert_eq!((&erased.body["ended"], &erased.body["conversations"]), (&json!(1), &json!(1)));
    assert!(shop.analyzer.n_forgotten() > forgotten, "texts in memory are forgotten with it");
    it_ends_for_everybody(&mut shop, &mut tab, &id).await;
    assert!(kim.try_open().await.is_err(), "the secret in the browser opens nothing any more");
    let again = shop.admin.post("/api/v1/persons/erase", json!({ "visitor": visitor })).await;
    assert_eq!((again.status, again.code()), (404, "not_found"));
    let after = shop.admin.get("/api/v1/live").await.body;
    assert_eq!(after["by_reason"], live["by_reason"], "what is counted stays");

    // A node that hears of an erasure elsewhere forgets as well.
    let forgotten = shop.analyzer.n_forgotten();
    shop.bus.hint(Hint::Erased);
    while shop.analyzer.n_forgotten() == forgotten {
        shop.app.stranger().get("/healthz").await;
    }
    drop((tab, shop.desk));
    shop.app.finish().await;
}

/// The command works beside the service, which learns of it by looking.
#[tokio::test(flavor = "multi_thread")]
async fn erasing_from_the_command_line_ends_it_in_the_service_too() {
    let mut shop = shop().await;
    let kim = Visitor::boot(&Door::of(&shop.app), address(2)).await;
    let (mut tab, id) = talks(&mut shop, &kim).await;
    let visitor = visitor_of(&shop.admin.get(&format!("/api/v1/conversations/{id}")).await.body);
    let forgotten = shop.analyzer.n_forgotten();
    let data = text(shop.app.data.path()).to_owned();
    let erased = done(&["person", "erase", "--data", &data, "--visitor", &visitor]);
    assert_eq!((&erased["ended"], &erased["conversations"]), (&json!(1), &json!(1)));
    it_ends_for_everybody(&mut shop, &mut tab, &id).await;
    while shop.analyzer.n_forgotten() == forgotten {
        shop.app.stranger().get("/healthz").await;
    }
    drop((tab, shop.desk));
    shop.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_finds_a_person_by_what_is_known_of_them() {
    let shop = shop().await;
    let widgets = shop.admin.get("/api/v1/widgets").await;
    let key = widgets.body["widgets"][0]["identity_key"].as_str().unwrap().to_owned();
    let claims = json!({ "id": "customer-4711", "name": "Kim Quill", "email": "Kim@mail.example",
        "attributes": { "plan": "gold" }, "exp": shop.app.now().as_millis() / 1000 + 3600 });
    let claims: baton::auth::Claims = serde_json::from_value(claims).unwrap();
    let identity = baton::auth::sign_identity(&key, &claims).unwrap();
    let boot = json!({ "key": "wk_demo", "identity": identity });
    assert_eq!(shop.app.stranger().post("/api/v1/widget/boot", boot).await.status, 200);
    let guest = Visitor::boot(&Door::of(&shop.app), address(3)).await;
    guest.connect().await.says("Good day").await;
    let find = async |text: &str| {
        let found = shop.admin.post("/api/v1/persons/find", json!({ "text": text })).await;
        assert_eq!(found.status, 200, "{text}: {:?}", found.body);
        assert_eq!(found.body["more"], false);
        found.body["persons"].as_array().unwrap().clone()
    };
    for text in ["quill", " KIM@MAIL ", "gold", "customer-4711"] {
        let found = find(text).await;
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(
            (&found[0]["name"], &found[0]["email"]),
            (&json!("Kim Quill"), &json!("kim@mail.example"))
        );
        assert_eq!(found[0]["held"]["conversations"], 0);
    }
    assert!(find("nobody of this name").await.is_empty());
    let all = find("vis_").await;
    assert_eq!(all.len(), 2);
    let other = all.iter().find(|found| found["email"].is_null()).unwrap();
    let name = other["name"].as_str().unwrap();
    assert!(name.starts_with("guest-"));
    assert!(find(name).await.iter().any(|found| found["visitor"] == other["visitor"]), "{name}");
    let wrong = shop.admin.post("/api/v1/persons/find", json!({ "text": " a " })).await;
    assert_eq!((wrong.status, wrong.code()), (422, "invalid"));
    let nobody = shop.admin.post("/api/v1/persons/show", json!({ "visitor": "vis_none" })).await;
    assert_eq!((nobody.status, nobody.code()), (404, "not_found"));
    drop(shop.desk);
    shop.app.finish().await;
}

/// A command about a person makes no installation where none is.
#[test]
fn without_a_database_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mistyped");
    for command in ["export", "erase"] {
        let said = refused(&["person", command, "--data", text(&data), "--email", "kim@mail.example"], 2);
        assert!(said.contains("there is no database at"), "{said}");
    }
    assert!(!data.exists());
}
