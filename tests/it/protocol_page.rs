//! `docs/protocol.md`, kept in step with the code and with what a server says.
//!
//! The tables come from the code; the exchanges are run against a server whose clock,
//! bot and analyzer the test holds. `UPDATE_DOCS=1` writes the page instead. That every
//! line of them can be read back is tested beside the frames themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use baton::domain::agent::Role;
use baton::domain::analysis::{
    Analysis, AnalyzedBy, By, Head, Intent, Intents, OwnIntent, OwnIntents, WordWeight, asks_for_human,
};
use baton::flow::ports::{Analyzer, AnalyzerStatus, Bot, Question, Reply};
use baton::gateway::protocol::{Close, ErrorCode, FromAgent, FromVisitor, agent, visitor};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::support::visitor::{Door, Visitor};
use crate::support::wire::{Wire, address};
use crate::support::{Options, TestApp, TestClock};

const PAGE: &str = "docs/protocol.md";

/// Answers everything with the same words.
struct KindBot;

#[async_trait]
impl Bot for KindBot {
    async fn reply(&self, _question: Question) -> Reply {
        Reply::Answer("Parcels take two to four working days.".into())
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// Finds the same in everything, and requests for a person where they are.
struct CalmAnalyzer;

impl Analyzer for CalmAnalyzer {
    fn start(&self, _text: &str) -> Option<oneshot::Receiver<Analysis>> {
        None
    }

    fn words(&self, text: &str) -> Analysis {
        let by = AnalyzedBy { by: By::Words, name: "words".into(), version: "1".into() };
        let mut analysis = Analysis::nothing_found(by);
        analysis.frustration = 0.08;
        analysis.intents = Intents::default().with(Intent::OrderStatus, 0.9);
        analysis.with_phrase(asks_for_human(text).as_ref())
    }

    fn learn(&self, _intents: &[OwnIntent]) -> oneshot::Receiver<()> {
        oneshot::channel().1
    }

    fn own_intents(&self, texts: Vec<String>, _intents: &[OwnIntent]) -> oneshot::Receiver<Vec<OwnIntents>> {
        let (tx, rx) = oneshot::channel();
        let _ = tx.send(texts.iter().map(|text| self.words(text).own_intents).collect());
        rx
    }

    fn explain(&self, _text: &str, _head: Head) -> oneshot::Receiver<Vec<WordWeight>> {
        let (tell, told) = oneshot::channel();
        let _ = tell.send(Vec::new());
        told
    }

    fn embed(&self, _texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>> {
        None
    }

    fn status(&self) -> AnalyzerStatus {
        AnalyzerStatus::Absent { why: "a test".into() }
    }
}

/// What was said on a socket, step by step: what the client sent, and what came for it, in any order.
#[derive(Default)]
struct Exchange {
    steps: Vec<Step>,
    names: BTreeMap<String, String>,
    /// Where the widget was shown: a port that differs with every run.
    site: String,
    /// What is said of the next step.
    about: Option<&'static str>,
}

/// What happened, what the client sent, and what came for it.
struct Step {
    about: Option<&'static str>,
    sent: Option<Value>,
    came: Vec<Value>,
}

impl Exchange {
    /// Sends a frame, if there is one, and reads until one of each of these types has come. Others must be among
    /// `besides`, which come as often as they like and are not written down.
    async fn step(
        &mut self,
        wire: &mut Wire,
        frame: Option<Value>,
        types: &[&str],
        besides: &[&str],
    ) -> Vec<Value> {
        if let Some(frame) = &frame {
            wire.send(frame).await.unwrap();
        }
        let mut wanted = types.to_vec();
        let mut came = Vec::new();
        while !wanted.is_empty() {
            let frame = wire.hear().await.unwrap();
            let kind = frame["type"].as_str().unwrap();
            match wanted.iter().position(|wanted| *wanted == kind) {
                Some(place) => {
                    wanted.remove(place);
                    came.push(frame);
                }
                None => assert!(besides.contains(&kind), "{frame} came instead of {wanted:?}"),
            }
        }
        self.steps.push(Step { about: self.about.take(), sent: frame, came: came.clone() });
        came
    }

    /// An analysis may come with its message or after it; in the last step it is left out.
    fn without_analysis(&mut self) {
        for frame in self.steps.last_mut().iter_mut().flat_map(|step| &mut step.came) {
            frame.as_object_mut().unwrap().shift_remove("analysis");
        }
    }

    /// The lines of the page. Identifiers become short ones, in the order they appear.
    fn lines(mut self) -> Vec<Vec<String>> {
        let steps = std::mem::take(&mut self.steps);
        let step = |Step { about, sent, came }: Step| {
            let about = about.map(|about| format!("({about})"));
            let sent = sent.map(|frame| format!("→ {}", self.named(frame)));
            let came: Vec<String> =
                came.into_iter().map(|frame| format!("← {}", self.named(frame))).collect();
            about.into_iter().chain(sent).chain(came).collect()
        };
        steps.into_iter().map(step).collect()
    }

    fn named(&mut self, mut value: Value) -> Value {
        match &mut value {
            Value::String(text) => {
                let kind = ["cnv", "agt", "que", "hnd", "off", "vis"]
                    .into_iter()
                    .find(|kind| text.strip_prefix(kind).is_some_and(|rest| rest.starts_with('_')));
                if let Some(kind) = kind {
                    let count = self.names.keys().filter(|id| id.starts_with(kind)).count() + 1;
                    let name = self.names.entry(text.clone()).or_insert_with(|| format!("{kind}_{count:02}"));
                    *text = name.clone();
                } else if text.starts_with("guest-") {
                    *text = "guest-01".into();
                } else if let Some(path) = text.strip_prefix(&self.site) {
                    *text = format!("https://shop.example{path}");
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| *item = self.named(item.take())),
            Value::Object(fields) => {
                for (name, field) in fields.iter_mut() {
                    *field = match name.as_str() {
                        "history_id" => "his_01".into(),
                        _ => self.named(field.take()),
                    };
                }
            }
            _ => {}
        }
        value
    }
}

async fn server() -> (TestApp, Arc<TestClock>) {
    let clock = Arc::new(TestClock::new());
    let options =
        Options::default().clock(Arc::clone(&clock)).bot(Arc::new(KindBot)).analyzer(Arc::new(CalmAnalyzer));
    (TestApp::start_with(options).await, clock)
}

/// That the bot types, and no longer does, comes when it comes: a moment before or after what it says.
async fn visitors_story() -> Vec<Vec<String>> {
    let (app, clock) = server().await;
    let mara = Visitor::boot(&Door::of(&app), address(1)).await;
    let ticket = mara.ticket().await.unwrap();
    let mut wire = Wire::open(&app.url, "/ws/visitor", &ticket, address(1)).await.unwrap();
    let mut story = Exchange { site: app.url.clone(), ..Exchange::default() };
    story.step(&mut wire, None, &["hello"], &[]).await;
    let resume = json!({"type": "resume", "conversation": null, "after": 0});
    story.step(&mut wire, Some(resume), &["caught_up", "status"], &[]).await;
    clock.advance(Duration::from_secs(4));
    let text = json!({"type": "message.send", "client_id": "m1", "text": "How long does a parcel take?"});
    let types = ["ack", "entry", "status", "entry"];
    let came = story.step(&mut wire, Some(text), &types, &["typing"]).await;
    let ack = came.iter().find(|frame| frame["type"] == "ack").unwrap().clone();
    clock.advance(Duration::from_secs(5));
    let seen = json!({"type": "read.mark", "seq": 2});
    story.step(&mut wire, Some(seen), &[], &[]).await;
    let wrong = json!({"type": "message.send", "client_id": "m1", "text": "Something else"});
    story.step(&mut wire, Some(wrong), &["error"], &["typing"]).await;
    let person = json!({"type": "human.request", "client_id": "m2"});
    story.step(&mut wire, Some(person), &["ack", "entry", "entry", "status"], &["typing"]).await;
    clock.advance(Duration::from_secs(9));
    let back = json!({"type": "bot.continue", "client_id": "m3"});
    story.step(&mut wire, Some(back), &["ack", "entry", "status"], &["typing"]).await;
    wire.close().await;

    // The connection is lost and comes back: only what was missed is sent, and the command again.
    story.about = Some("the connection is lost before the last entry and its ack came; with another ticket:");
    let ticket = mara.ticket().await.unwrap();
    let mut wire = Wire::open(&app.url, "/ws/visitor", &ticket, address(1)).await.unwrap();
    story.step(&mut wire, None, &["hello"], &[]).await;
    let resume = json!({"type": "resume", "conversation": ack["conversation"], "after": 4});
    story.step(&mut wire, Some(resume), &["entry", "caught_up", "status"], &["typing"]).await;
    let again = json!({"type": "bot.continue", "client_id": "m3"});
    story.step(&mut wire, Some(again), &["ack"], &["typing"]).await;
    let end = json!({"type": "conversation.end", "client_id": "m4"});
    story.step(&mut wire, Some(end), &["ack", "entry", "status"], &["typing"]).await;
    let rate = json!({"type": "csat.rate", "client_id": "m5", "conversation": ack["conversation"], "score": 4, "comment": "Quick."});
    story.step(&mut wire, Some(rate), &["ack"], &["status"]).await;
    app.finish().await;
    story.lines()
}

async fn agents_story() -> Vec<Vec<String>> {
    let (app, clock) = server().await;
    let admin = app.admin().await;
    let ana = app.person(&admin, "Ana", Role::Agent).await;
    let mut tab = Visitor::boot(&Door::of(&app), address(1)).await.connect().await;
    tab.says("How long does a parcel take?").await;
    tab.until_entry(|entry| entry["author"]["kind"] == "bot").await;
    clock.advance(Duration::from_secs(20));

    let mut wire = Wire::open(&app.url, "/ws/agent", &ana.ticket().await, address(2)).await.unwrap();
    let mut story = Exchange { site: app.url.clone(), ..Exchange::default() };
    let noise = ["overview"];
    story.step(&mut wire, None, &["hello", "overview"], &[]).await;
    let online = json!({"type": "presence.set", "client_id": "a1", "presence": "online"});
    story.step(&mut wire, Some(online), &["ack"], &noise).await;
    story.about = Some("a visitor asks for a person");
    tab.says("Let me talk to a person, please.").await;
    tab.until_state("waiting").await;
    let came = story.step(&mut wire, None, &["offer"], &noise).await;
    let (conversation, offer) = (came[0]["conversation"].clone(), came[0]["offer"].clone());
    clock.advance(Duration::from_secs(3));
    let accept =
        json!({"type": "offer.accept", "client_id": "a2", "conversation": conversation, "offer": offer});
    story.step(&mut wire, Some(accept), &["ack", "offer.gone"], &noise).await;
    tab.until_state("agent").await;
    let watch = json!({"type": "conversation.watch", "conversation": conversation, "after": 0});
    let entries = ["entry"; 7];
    let types: Vec<&str> = ["packet"].into_iter().chain(entries).chain(["caught_up"]).collect();
    story.step(&mut wire, Some(watch), &types, &["overview"]).await;
    let noise = ["overview", "packet", "typing"];
    clock.advance(Duration::from_secs(6));
    let say = json!({"type": "message.send", "client_id": "a3", "conversation": conversation, "text": "Hello, I am Ana. Which parcel is it?"});
    story.step(&mut wire, Some(say), &["ack", "entry"], &noise).await;
    let answer = tab.until_entry(|entry| entry["author"]["kind"] == "agent").await;
    story.about = Some("the visitor reads it");
    tab.wire.send(&json!({"type": "read.mark", "seq": answer["seq"]})).await.unwrap();
    story.step(&mut wire, None, &["read"], &noise).await;
    clock.advance(Duration::from_secs(8));
    story.about = Some("the visitor writes");
    tab.says("Order 20417").await;
    story.step(&mut wire, None, &["entry", "entry"], &[&noise[..], &["analysis"]].concat()).await;
    story.without_analysis();
    let note = json!({"type": "note.add", "client_id": "a4", "conversation": conversation, "text": "Carrier has it since Monday."});
    story.step(&mut wire, Some(note), &["ack", "entry"], &[&noise[..], &["analysis"]].concat()).await;
    let wrong =
        json!({"type": "offer.accept", "client_id": "a5", "conversation": conversation, "offer": offer});
    story.step(&mut wire, Some(wrong), &["error"], &[&noise[..], &["analysis"]].concat()).await;
    clock.advance(Duration::from_secs(30));
    let done = json!({"type": "conversation.resolve", "client_id": "a6", "conversation": conversation});
    story.step(&mut wire, Some(done), &["ack", "entry"], &[&noise[..], &["analysis"]].concat()).await;
    let wrap = json!({"type": "conversation.wrap_up", "client_id": "a7", "conversation": conversation, "disposition": "solved", "label": "right"});
    story.step(&mut wire, Some(wrap), &["ack"], &[&noise[..], &["analysis"]].concat()).await;
    app.finish().await;
    story.lines()
}

fn closes() -> String {
    let mut table =
        "| code | reason | | what a client does | can resume |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for close in Close::ALL {
        let resumable = if close.is_resumable() { "yes" } else { "no" };
        table += &format!(
            "| {} | `{}` | {} | {} | {resumable} |\n",
            close.code(),
            close.name(),
            close.meaning(),
            close.then().advice()
        );
    }
    table
}

fn errors() -> String {
    let mut table = "| code | | the same frame again |\n| --- | --- | --- |\n".to_owned();
    for code in ErrorCode::ALL {
        let retry = if code.is_worth_a_retry() { "may succeed later" } else { "will be refused again" };
        table += &format!("| `{}` | {} | {retry} |\n", code.as_str(), code.meaning());
    }
    table
}

/// The page and its parts between a marker and the next blank line.
struct Page(String);

impl Page {
    fn read() -> Self {
        Self(std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap())
    }

    /// Where the part after a marker stands: up to the next blank line.
    fn part(&self, marker: &str) -> std::ops::Range<usize> {
        let marker = format!("<!-- {marker} -->\n");
        let start =
            self.0.find(&marker).unwrap_or_else(|| panic!("{marker} is not on the page")) + marker.len();
        let end = self.0[start..].find("\n\n").map_or(self.0.len(), |length| start + length + 1);
        start..end
    }

    fn check(&mut self, marker: &str, wanted: &str, is_same: impl Fn(&str, &str) -> bool) {
        let part = self.part(marker);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            self.0.replace_range(part, wanted);
            std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), &self.0).unwrap();
        } else {
            let found = &self.0[part];
            assert!(
                is_same(found, wanted),
                "{PAGE}, {marker}: run this test once with UPDATE_DOCS=1; a server says\n{wanted}"
            );
        }
    }
}

/// A step's lines may come in another order.
fn same_steps(found: &str, wanted: &str) -> bool {
    let steps = |text: &str| {
        let mut steps: Vec<Vec<String>> = vec![Vec::new()];
        for line in text.lines() {
            if line.starts_with(['→', '(']) {
                steps.push(Vec::new());
            }
            steps.last_mut().unwrap().push(line.to_owned());
        }
        steps.iter_mut().for_each(|step| step.sort());
        steps
    };
    steps(found) == steps(wanted)
}

fn block(steps: Vec<Vec<String>>) -> String {
    format!("```text\n{}\n```\n", steps.concat().join("\n"))
}

#[tokio::test]
async fn the_exchanges_on_the_page_are_what_a_server_says() {
    let (visitors, agents) = (block(visitors_story().await), block(agents_story().await));
    let mut page = Page::read();
    page.check("exchange: visitor", &visitors, same_steps);
    page.check("exchange: agent", &agents, same_steps);
}

#[test]
fn the_tables_on_the_page_are_those_of_the_code() {
    let mut page = Page::read();
    page.check("table: errors", &errors(), |found, wanted| found == wanted);
    page.check("table: closes", &closes(), |found, wanted| found == wanted);
    // Each section lists exactly the types that exist, in their order.
    let types = |heading: &str| -> Vec<String> {
        let start = page.0.find(&format!("### {heading}\n")).unwrap_or_else(|| panic!("{heading}"));
        let section = &page.0[start + 4..];
        let section = &section[..section.find("\n##").unwrap_or(section.len())];
        let table = &section[section.find("| type |").unwrap()..];
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(types("From the visitor"), FromVisitor::TYPES);
    assert_eq!(types("To the visitor"), visitor::ToVisitor::TYPES);
    assert_eq!(types("From the agent"), FromAgent::TYPES);
    assert_eq!(types("To the agent"), agent::ToAgent::TYPES);
}
