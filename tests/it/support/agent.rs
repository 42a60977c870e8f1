//! An agent at the console: opens a socket, takes offers, talks.

use std::collections::VecDeque;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::app::{Person, TestApp};
use super::wire::{Lost, Wire, address};

/// An agent's socket.
pub struct Desk {
    /// For what the verbs do not say.
    pub wire: Wire,
    /// The server's first frame.
    pub hello: Value,
    /// The last overview.
    pub overview: Value,
    /// Frames that came while something else was waited for.
    heard: VecDeque<Value>,
}

impl Desk {
    /// Opens a socket for somebody with an account; hears `hello` and the first overview.
    pub async fn open(app: &TestApp, person: &Person) -> Self {
        let ticket = person.ticket().await;
        let mut wire = Wire::open(&app.url, "/ws/agent", &ticket, address(0)).await.unwrap();
        let hello = wire.hear().await.unwrap();
        assert_eq!(hello["type"], "hello", "{hello}");
        let mut desk = Self { wire, hello, overview: Value::Null, heard: VecDeque::new() };
        desk.until("overview").await;
        desk
    }

    /// Opens a socket with a ticket, at a server that may be away.
    pub async fn try_open(base: &str, ticket: &str, from: IpAddr) -> Result<Self, Lost> {
        let mut wire = Wire::open(base, "/ws/agent", ticket, from).await?;
        let hello = wire.hear().await?;
        let overview = wire.hear().await?;
        Ok(Self { wire, hello, overview, heard: VecDeque::new() })
    }

    /// Opens a socket and goes online.
    pub async fn online(app: &TestApp, person: &Person) -> Self {
        let mut desk = Self::open(app, person).await;
        desk.goes("online").await;
        desk
    }

    /// Chooses a presence.
    pub async fn goes(&mut self, presence: &str) {
        self.does(json!({"type": "presence.set", "presence": presence})).await;
    }

    /// Waits for a frame that fits; what came before it is kept for later calls.
    pub async fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.heard.iter().position(&fits) {
            return self.heard.remove(place).unwrap();
        }
        loop {
            let frame = self.wire.hear().await.unwrap();
            if frame["type"] == "overview" {
                self.overview = frame.clone();
            }
            if fits(&frame) {
                return frame;
            }
            if frame["type"] != "overview" {
                self.heard.push_back(frame);
            }
        }
    }

    /// Waits for a frame of this type.
    pub async fn until(&mut self, kind: &str) -> Value {
        self.wait_for(|frame| frame["type"] == kind).await
    }

    /// Waits until the overview fits, which it may do already.
    pub async fn until_overview(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if !fits(&self.overview) {
            self.wait_for(|frame| frame["type"] == "overview" && fits(frame)).await;
        }
        self.overview.clone()
    }

    /// Waits for an entry of a watched conversation.
    pub async fn until_entry(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(|frame| frame["type"] == "entry" && fits(frame)).await
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

    /// Sends a command and gives the answer, whatever it is.
    pub async fn tries(&mut self, frame: Value) -> Value {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COMMANDS: AtomicUsize = AtomicUsize::new(0);
        let id = format!("d{}", COMMANDS.fetch_add(1, Ordering::Relaxed));
        self.command(frame, &id).await
    }

    /// Sends a command that must succeed.
    pub async fn does(&mut self, frame: Value) -> Value {
        let answer = self.tries(frame).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        answer
    }

    /// The next offer.
    pub async fn next_offer(&mut self) -> Value {
        self.until("offer").await
    }

    /// Takes an offer, and gives the conversation. One that is taken back before that, as where a node has stood still
    /// for longer than its lease, is made again, and then taken.
    pub async fn accepts(&mut self, offer: &Value) -> String {
        let (conversation, mut offer) = (offer["conversation"].clone(), offer["offer"].clone());
        loop {
            let accept = json!({"type": "offer.accept", "conversation": conversation, "offer": offer});
            let answer = self.tries(accept).await;
            if answer["type"] == "ack" {
                return conversation.as_str().unwrap().to_owned();
            }
            assert_eq!(answer["code"], "rejected", "{answer}");
            let is_again = |frame: &Value| frame["type"] == "offer" && frame["conversation"] == conversation;
            offer = self.wait_for(is_again).await["offer"].clone();
        }
    }

    /// Watches a conversation, and gives the packet and all entries there are.
    pub async fn watches(&mut self, conversation: &str) -> (Value, Vec<Value>) {
        self.wire
            .send(&json!({"type": "conversation.watch", "conversation": conversation, "after": 0}))
            .await
            .unwrap();
        let is_about = |frame: &Value| frame["conversation"] == conversation;
        let packet = self.wait_for(|frame| frame["type"] == "packet" && is_about(frame)).await;
        let mut entries = Vec::new();
        loop {
            let frame = self
                .wait_for(|frame| {
                    (frame["type"] == "entry" || frame["type"] == "caught_up") && is_about(frame)
                })
                .await;
            if frame["type"] == "caught_up" {
                return (packet, entries);
            }
            entries.push(frame);
        }
    }

    /// Says something to the visitor.
    pub async fn says(&mut self, conversation: &str, text: &str) -> Value {
        self.does(json!({"type": "message.send", "conversation": conversation, "text": text})).await
    }
}
