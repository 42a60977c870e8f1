//! A visitor with a browser: boots, opens tabs, says things.

use std::collections::VecDeque;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::app::TestApp;
use super::wire::{Lost, Wire, http_from};

/// Where visitors come in.
#[derive(Debug, Clone)]
pub struct Door {
    /// The server, like `http://127.0.0.1:8080`.
    pub base: String,
    /// The widget's key.
    pub key: String,
    /// The site that shows the widget.
    pub origin: String,
}

/// A visitor: one browser, several tabs.
#[derive(Clone)]
pub struct Visitor {
    door: Door,
    http: reqwest::Client,
    /// What the browser keeps.
    pub secret: String,
    /// The address they come from.
    pub from: IpAddr,
}

impl Door {
    /// The demonstration's widget, on our own page.
    pub fn of(app: &TestApp) -> Self {
        Self { base: app.url.clone(), key: "wk_demo".into(), origin: app.url.clone() }
    }
}

impl Visitor {
    /// A new visitor opens a page with the widget.
    pub async fn boot(door: &Door, from: IpAddr) -> Self {
        Self::try_boot(door, from).await.unwrap()
    }

    /// The same, where the server may be away.
    pub async fn try_boot(door: &Door, from: IpAddr) -> Result<Self, Lost> {
        let http = http_from(from);
        let body = json!({ "key": door.key, "page": format!("{}/orders", door.origin) });
        let asked = http.post(format!("{}/api/v1/widget/boot", door.base)).header("origin", &door.origin);
        let booted = answer(asked.json(&body)).await?;
        let secret = booted["visitor"].as_str().unwrap_or_default().to_owned();
        Ok(Self { door: door.clone(), http, secret, from })
    }

    /// The same visitor, after the server has moved.
    pub fn at(&self, door: &Door) -> Self {
        Self { door: door.clone(), ..self.clone() }
    }

    /// A ticket for one more socket.
    pub async fn ticket(&self) -> Result<String, Lost> {
        let body = json!({ "key": self.door.key, "visitor": self.secret });
        let asked = self.http.post(format!("{}/api/v1/widget/ticket", self.door.base)).json(&body);
        Ok(answer(asked).await?["ticket"].as_str().unwrap_or_default().to_owned())
    }

    /// Opens a socket and hears `hello`.
    pub async fn try_open(&self) -> Result<Tab, Lost> {
        self.try_open_with(None).await
    }

    /// The same, with so small a buffer.
    pub async fn try_open_with(&self, buffer: Option<u32>) -> Result<Tab, Lost> {
        let ticket = self.ticket().await?;
        let mut wire = Wire::open_with(&self.door.base, "/ws/visitor", &ticket, self.from, buffer).await?;
        let hello = wire.hear().await?;
        Ok(Tab {
            wire,
            hello,
            entries: Vec::new(),
            heard: VecDeque::new(),
            next_id: 0,
            name: self.tab_name(),
        })
    }

    fn tab_name(&self) -> String {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static TABS: AtomicUsize = AtomicUsize::new(0);
        format!("t{}", TABS.fetch_add(1, Ordering::Relaxed))
    }

    /// Opens a tab that shows nothing yet.
    pub async fn open(&self) -> Tab {
        let tab = self.try_open().await.unwrap();
        assert_eq!(tab.hello["type"], "hello", "{}", tab.hello);
        tab
    }

    /// Opens a tab and reads everything there is.
    pub async fn connect(&self) -> Tab {
        self.connect_after(None, 0).await
    }

    /// Opens a tab that has seen a conversation up to a sequence, and reads what it missed.
    pub async fn connect_after(&self, conversation: Option<&str>, after: u64) -> Tab {
        let mut tab = self.open().await;
        tab.resume(conversation, after).await;
        tab
    }
}

/// Sends a request and reads JSON.
pub async fn answer(asked: reqwest::RequestBuilder) -> Result<Value, Lost> {
    let broken = |error: reqwest::Error| Lost::Broken(error.to_string());
    let response = asked.send().await.map_err(broken)?;
    let status = response.status();
    let text = response.text().await.map_err(broken)?;
    if !status.is_success() {
        return Err(Lost::Broken(format!("{status}: {text}")));
    }
    serde_json::from_str(&text).map_err(|error| Lost::Broken(error.to_string()))
}

/// One tab: one socket.
pub struct Tab {
    /// For what the verbs do not say.
    pub wire: Wire,
    /// The server's first frame.
    pub hello: Value,
    /// Every entry that came, in the order it came.
    pub entries: Vec<Value>,
    /// Other frames that came while something else was waited for.
    heard: VecDeque<Value>,
    next_id: usize,
    name: String,
}

impl Tab {
    /// Says what was seen, and reads up to `caught_up`.
    pub async fn resume(&mut self, conversation: Option<&str>, after: u64) {
        self.wire
            .send(&json!({"type": "resume", "conversation": conversation, "after": after}))
            .await
            .unwrap();
        self.until("caught_up").await;
    }

    /// The next frame, entries noted.
    pub async fn next(&mut self) -> Result<Value, Lost> {
        let frame = self.wire.hear().await?;
        if frame["type"] == "entry" {
            self.entries.push(frame.clone());
        }
        Ok(frame)
    }

    /// Waits for a frame that fits; what came before it is kept for later calls, entries in `entries`.
    pub async fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.heard.iter().position(&fits) {
            return self.heard.remove(place).unwrap();
        }
        loop {
            let frame = self.next().await.unwrap();
            if fits(&frame) {
                return frame;
            }
            if frame["type"] != "entry" {
                self.heard.push_back(frame);
            }
        }
    }

    /// Waits for a frame of this type.
    pub async fn until(&mut self, kind: &str) -> Value {
        self.wait_for(|frame| frame["type"] == kind).await
    }

    /// Waits until the status is of this state.
    pub async fn until_state(&mut self, state: &str) -> Value {
        self.wait_for(|frame| frame["type"] == "status" && frame["state"] == state).await
    }

    /// Reads until an entry fits, which may have come already.
    pub async fn until_entry(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(entry) = self.entries.iter().find(|entry| fits(entry)) {
                return entry.clone();
            }
            let frame = self.next().await.unwrap();
            if frame["type"] != "entry" {
                self.heard.push_back(frame);
            }
        }
    }

    /// Sends a command under a client id and waits for its ack or error.
    pub async fn command(&mut self, mut frame: Value, client_id: &str) -> Value {
        frame["client_id"] = client_id.into();
        self.wire.send(&frame).await.unwrap();
        self.wait_for(|frame| {
            (frame["type"] == "ack" || frame["type"] == "error") && frame["client_id"] == client_id
        })
        .await
    }

    /// A client id that was not used before.
    pub fn new_id(&mut self) -> String {
        self.next_id += 1;
        format!("{}-{}", self.name, self.next_id)
    }

    /// Sends a command that must succeed.
    pub async fn does(&mut self, frame: Value) -> Value {
        let id = self.new_id();
        let answer = self.command(frame, &id).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        answer
    }

    /// Says something, and gives the ack.
    pub async fn says(&mut self, text: &str) -> Value {
        self.does(json!({"type": "message.send", "text": text})).await
    }

    /// Says something under a client id, and gives the answer, whatever it is.
    pub async fn sends(&mut self, client_id: &str, text: &str) -> Value {
        self.command(json!({"type": "message.send", "text": text}), client_id).await
    }

    /// Asks for a person.
    pub async fn asks_for_a_person(&mut self) -> Value {
        self.does(json!({"type": "human.request"})).await
    }

    /// The sequences of the entries that came, in the order they came.
    pub fn sequences(&self) -> Vec<u64> {
        self.entries.iter().filter_map(|entry| entry["seq"].as_u64()).collect()
    }

    /// The words of the messages that came, in the order they came.
    pub fn texts(&self) -> Vec<&str> {
        self.entries.iter().filter_map(|entry| entry["text"].as_str()).collect()
    }
}
