//! The visitors of the kill test: each writes its script, asks for a person, waits for one,
//! and comes back after every loss with what was not acknowledged, under the same client ids.
//!
//! What must hold live is asserted here; what must hold in the end, in `oracle`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::support::process::{Site, rest};
use crate::support::visitor::{Door, Tab, Visitor};
use crate::support::wire::{Lost, address};

/// Commands of one visitor that are on their way at once.
const WINDOW: usize = 10;

/// How often a visitor whose conversation was given back to the bot asks again.
const MOST_REQUESTS: usize = 3;

/// How long a visitor who was told that a human is coming waits without anything new. Far longer than a restart, an
/// offer that expires and the grace of a lost agent together.
const STRANDED: Duration = Duration::from_secs(120);

/// What becomes of a visitor who went home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// What they know is compared in the end.
    Everybody,
    /// They are forgotten: who writes for an hour would fill the memory.
    Nobody,
}

/// What everybody shares.
pub struct Shared {
    pub door: Door,
    pub scripts: Vec<Vec<String>>,
    /// Commands acknowledged, of visitors and agents.
    pub acknowledged: watch::Sender<usize>,
    pub reconnects: AtomicUsize,
    pub resent: AtomicUsize,
    /// Acks that came for a second time and were compared with the first.
    pub compared: AtomicUsize,
    /// Leave to send, where visitors keep to a pace; without it they write as fast as they are answered.
    pub pace: Option<Semaphore>,
    /// How long acknowledgements took, since they were last taken out.
    pub took: Mutex<Vec<Duration>>,
    /// Whether what visitors know is kept until the end.
    pub keeping: Keeping,
    /// Who goes away without a word now and then does so as soon as they hold something.
    pub is_called_away: AtomicBool,
    /// No new visitors come.
    pub is_closing: watch::Sender<bool>,
    /// Everybody goes home.
    pub is_over: watch::Sender<bool>,
}

impl Shared {
    /// Everybody writes as fast as they are answered, and everything is compared in the end.
    pub fn new(site: &Site, scripts: Vec<Vec<String>>) -> Self {
        Self {
            door: Door { base: site.base(), key: "wk_demo".into(), origin: site.base() },
            scripts,
            acknowledged: watch::Sender::new(0),
            reconnects: AtomicUsize::new(0),
            resent: AtomicUsize::new(0),
            compared: AtomicUsize::new(0),
            pace: None,
            took: Mutex::default(),
            keeping: Keeping::Everybody,
            is_called_away: AtomicBool::new(false),
            is_closing: watch::Sender::new(false),
            is_over: watch::Sender::new(false),
        }
    }

    /// Waits until one may send: not at all where nobody keeps to a pace.
    async fn leave(&self) {
        if let Some(pace) = &self.pace {
            pace.acquire().await.unwrap().forget();
        }
    }
}

/// Conversation and visitor sequence.
pub type Place = (String, u64);

/// What was acknowledged: the conversation, the sequence where there is one, and the whole frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Acked {
    pub conversation: String,
    pub seq: Option<u64>,
}

/// What one client saw: the entries by conversation and sequence, each checked to be the next.
#[derive(Default)]
pub struct Seen {
    at: Option<Place>,
    /// Text, or the code of a notice, and the client id of an own message.
    pub entries: BTreeMap<Place, (String, Option<String>)>,
}

impl Seen {
    pub fn note(&mut self, frame: &Value) {
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
    pub async fn connect(&self, visitor: &Visitor) -> Result<Tab, Lost> {
        let mut tab = visitor.try_open().await?;
        let (conversation, after) = self.at.clone().unzip();
        let resume = json!({"type": "resume", "conversation": conversation, "after": after.unwrap_or(0)});
        tab.wire.send(&resume).await?;
        Ok(tab)
    }

    /// Connects once more and reads everything there is.
    pub async fn finish(&mut self, visitor: &Visitor) {
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

/// One visitor from their first word to the end of their conversation, and what they know.
pub struct Life {
    pub visitor: Visitor,
    /// Commands in the order they were given, each under the client id `c` and its number.
    pub commands: Vec<Value>,
    pub acks: BTreeMap<String, Acked>,
    pub writer: Seen,
    /// A second tab that only reads, of some.
    pub reader: Option<Seen>,
    /// The last notice about who has the conversation.
    control: String,
    requests: usize,
    /// When each command that is not answered was sent last.
    sent_at: BTreeMap<String, Instant>,
}

pub fn client_id(n: usize) -> String {
    format!("c{n}")
}

/// One seat: visitor after visitor, until the doors close.
pub async fn seat(shared: Arc<Shared>, n: usize, seed: u64) -> Vec<Life> {
    let mut random = StdRng::seed_from_u64(seed ^ (n as u64) << 20);
    let mut lives = Vec::new();
    while !*shared.is_closing.borrow() {
        let visitor = loop {
            match Visitor::try_boot(&shared.door, address(n)).await {
                Ok(visitor) => break visitor,
                Err(_) => rest(20 + random.random_range(0..80)).await,
            }
        };
        let mut life = Life::new(visitor, &shared.scripts, &mut random);
        if random.random_bool(0.2) {
            let over = watch::Sender::new(false);
            let (visitor, until) = (life.visitor.clone(), over.subscribe());
            let live = async {
                life.live(&shared).await;
                over.send_replace(true);
            };
            let ((), reader) = tokio::join!(live, read(&visitor, &shared, until));
            life.reader = Some(reader);
        } else {
            life.live(&shared).await;
        }
        if shared.keeping == Keeping::Everybody {
            lives.push(life);
        }
    }
    lives
}

impl Life {
    fn new(visitor: Visitor, scripts: &[Vec<String>], random: &mut StdRng) -> Self {
        let script = &scripts[random.random_range(0..scripts.len())];
        let mut texts = script.iter().cycle();
        let mut says = |n| -> Vec<Value> {
            texts.by_ref().take(n).map(|text| json!({"type": "message.send", "text": text})).collect()
        };
        let mut commands = says(random.random_range(1..4));
        if random.random_bool(0.9) {
            commands.push(json!({"type": "human.request"}));
            commands.extend(says(random.random_range(10..20)));
        } else {
            commands.push(json!({"type": "conversation.end"}));
        }
        let mut life = Self {
            visitor,
            commands: Vec::new(),
            acks: BTreeMap::new(),
            writer: Seen::default(),
            reader: None,
            control: String::new(),
            requests: 0,
            sent_at: BTreeMap::new(),
        };
        commands.into_iter().for_each(|command| life.give(command));
        life
    }

    fn give(&mut self, mut command: Value) {
        command["client_id"] = client_id(self.commands.len()).into();
        self.requests += usize::from(command["type"] == "human.request");
        self.commands.push(command);
    }

    /// Whether this is the client id of the end of the conversation, by the visitor.
    fn is_end(&self, id: &Value) -> bool {
        let named = self.commands.iter().find(|command| command["client_id"] == *id);
        named.is_some_and(|command| command["type"] == "conversation.end")
    }

    /// Everything is said and answered, and no human has or owes anything.
    fn is_over(&self) -> bool {
        let is_with_bot = self.control == "back_to_bot" && self.requests >= MOST_REQUESTS;
        let is_ended = ["resolved", "ended"].contains(&self.control.as_str());
        self.acks.len() == self.commands.len() && (is_ended || is_with_bot) && self.has_seen_its_own()
    }

    /// What is acknowledged is shown right after it: who leaves in between has not seen it.
    fn has_seen_its_own(&self) -> bool {
        let mut places =
            self.acks.values().filter_map(|acked| Some((acked.conversation.clone(), acked.seq?)));
        places.all(|place| self.writer.entries.contains_key(&place))
    }

    async fn live(&mut self, shared: &Shared) {
        while !self.is_over() {
            if self.connection(shared).await.is_err() {
                shared.reconnects.fetch_add(1, Ordering::Relaxed);
                rest(20 + rand::random::<u64>() % 120).await;
            }
        }
    }

    /// One connection: what was not acknowledged is sent again in order, with the last that was.
    async fn connection(&mut self, shared: &Shared) -> Result<(), Lost> {
        let mut tab = self.writer.connect(&self.visitor).await?;
        let acked = (0..self.commands.len()).take_while(|n| self.acks.contains_key(&client_id(*n))).count();
        let mut next = acked.saturating_sub(1);
        let mut moved_at = Instant::now();
        let mut leave = std::pin::pin!(shared.leave());
        loop {
            if self.is_over() {
                tab.wire.close().await;
                return Ok(());
            }
            let may_send = next < self.commands.len() && next < self.acks.len() + WINDOW;
            // Who waits for leave to send hears what comes meanwhile: an answer is timed when it is there.
            let heard = tokio::select! {
                biased;
                () = &mut leave, if may_send => {
                    leave.set(shared.leave());
                    self.sent_at.insert(client_id(next), Instant::now());
                    tab.wire.send(&self.commands[next]).await?;
                    shared.resent.fetch_add(usize::from(next < acked), Ordering::Relaxed);
                    next += 1;
                    continue;
                }
                heard = tab.next() => heard,
            };
            // Nothing came for a while: a quiet connection is not a broken one.
            let frame = match heard {
                Err(Lost::Broken(why)) if why.starts_with("nothing came") => {
                    assert!(
                        moved_at.elapsed() < STRANDED,
                        "stranded after {:?}: {:?}",
                        self.control,
                        self.writer.at
                    );
                    continue;
                }
                frame => frame?,
            };
            moved_at = Instant::now();
            self.hear(&frame, shared).await?;
        }
    }

    async fn hear(&mut self, frame: &Value, shared: &Shared) -> Result<(), Lost> {
        self.writer.note(frame);
        match frame["type"].as_str().unwrap() {
            "entry" if frame["kind"] == "notice" => {
                let code = frame["code"].as_str().unwrap();
                if code != "nobody_there" {
                    self.control = code.to_owned();
                }
                if code == "back_to_bot" && self.requests < MOST_REQUESTS {
                    self.give(json!({"type": "human.request"}));
                }
            }
            "ack" => {
                let acked = Acked {
                    conversation: frame["conversation"].as_str().unwrap().to_owned(),
                    seq: frame["seq"].as_u64(),
                };
                let id = frame["client_id"].as_str().unwrap().to_owned();
                shared.took.lock().unwrap().extend(self.sent_at.remove(&id).map(|at| at.elapsed()));
                match self.acks.insert(id.clone(), acked.clone()) {
                    None => shared.acknowledged.send_modify(|count| *count += 1),
                    Some(before) => {
                        assert_eq!(before, acked, "another ack for the same command {id}");
                        shared.compared.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            // What they said called a human, who has ended the conversation before their own end of it came.
            "error" if frame["code"] == "rejected" && self.is_end(&frame["client_id"]) => {
                let (conversation, _) = self.writer.at.clone().unwrap();
                let id = frame["client_id"].as_str().unwrap().to_owned();
                if self.acks.insert(id, Acked { conversation, seq: None }).is_none() {
                    shared.acknowledged.send_modify(|count| *count += 1);
                }
            }
            "error" => {
                let code = frame["code"].as_str().unwrap_or_default();
                assert!(matches!(code, "rate_limited" | "store_unavailable"), "{frame}");
                // Sent again with everything after it, so that the order stays.
                rest(300).await;
                return Err(Lost::Broken(code.to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    /// Comes back once more and reads what came after the last look.
    pub async fn catch_up(&mut self) {
        self.writer.finish(&self.visitor).await;
        if let Some(reader) = &mut self.reader {
            reader.finish(&self.visitor).await;
        }
    }

    /// Conversations that this visitor was told of.
    pub fn conversations(&self) -> BTreeSet<&String> {
        self.acks.values().map(|acked| &acked.conversation).collect()
    }

    /// Every tab's view.
    pub fn views(&self) -> impl Iterator<Item = &Seen> {
        std::iter::once(&self.writer).chain(&self.reader)
    }
}

/// A second tab that only reads, until the first is done.
async fn read(visitor: &Visitor, shared: &Shared, mut is_over: watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    while !*is_over.borrow() {
        if let Ok(mut tab) = seen.connect(visitor).await {
            loop {
                tokio::select! {
                    _ = is_over.changed() => {
                        tab.wire.close().await;
                        return seen;
                    }
                    frame = tab.next() => match frame {
                        Ok(frame) => seen.note(&frame),
                        Err(_) => break,
                    },
                }
            }
        }
        shared.reconnects.fetch_add(1, Ordering::Relaxed);
        rest(20 + rand::random::<u64>() % 120).await;
    }
    seen
}
