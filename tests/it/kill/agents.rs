//! The agents of the kill test: each takes what is offered, answers, writes notes, transfers,
//! hands back, resolves and wraps up, and comes back after every loss with what was not
//! acknowledged, under the same client ids.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::visitors::Shared;
use crate::support::process::rest;
use crate::support::visitor::answer;
use crate::support::wire::{Lost, Wire, address, http_from};

/// Commands of one agent that are on their way at once.
const WINDOW: usize = 12;

/// Most conversations shown at once; the server allows fifty.
const MOST_SHOWN: usize = 40;

/// How long the unsteady agent stays away: longer than the grace.
const AWAY_MILLIS: u64 = 8_500;

/// What the server answered to a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Carried out; the position of its first entry.
    Acked(Option<u64>),
    /// Not carried out.
    Refused(String),
}

/// An agent at the desk, and what they know in the end.
pub struct Agent {
    pub name: String,
    email: String,
    password: String,
    id: String,
    seat: usize,
    /// Whether this one goes away now and then without a word.
    is_unsteady: bool,
    random: StdRng,
    cookie: Option<String>,
    /// Every command given, by client id.
    pub commands: BTreeMap<String, Value>,
    pub answers: BTreeMap<String, Answer>,
    /// Given and not answered, in order.
    waiting: VecDeque<String>,
    /// The last ones that were carried out: sent again after each loss, to compare.
    last_acked: VecDeque<String>,
    /// Conversations with work under way: how many commands of it are not answered.
    working: BTreeMap<String, usize>,
    /// Conversations shown on the present socket.
    shown: VecDeque<String>,
    /// The last position seen of each conversation.
    positions: BTreeMap<String, u64>,
    /// What was seen, by conversation and position.
    pub seen: BTreeMap<(String, u64), u64>,
    others: Vec<String>,
    queues: Vec<String>,
    /// Offers that were accepted or declined.
    offers: BTreeSet<String>,
}

/// What two views of one entry must agree on.
pub fn fingerprint(kind: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, text).hash(&mut hasher);
    hasher.finish()
}

impl Agent {
    pub fn new(name: &str, email: String, password: &str, seat: usize, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            email,
            password: password.to_owned(),
            id: String::new(),
            seat,
            is_unsteady: seat == 0,
            random: StdRng::seed_from_u64(seed ^ 0xa6e47 ^ (seat as u64) << 32),
            cookie: None,
            commands: BTreeMap::new(),
            answers: BTreeMap::new(),
            waiting: VecDeque::new(),
            last_acked: VecDeque::new(),
            working: BTreeMap::new(),
            shown: VecDeque::new(),
            positions: BTreeMap::new(),
            seen: BTreeMap::new(),
            others: Vec::new(),
            queues: Vec::new(),
            offers: BTreeSet::new(),
        }
    }

    /// Works until everybody goes home.
    pub async fn work(mut self, shared: Arc<Shared>) -> Self {
        while !(*shared.is_over.borrow() && self.waiting.is_empty()) {
            if self.connection(&shared).await.is_err() {
                shared.reconnects.fetch_add(1, Ordering::Relaxed);
                rest(20 + rand::random::<u64>() % 120).await;
            }
        }
        self
    }

    /// A ticket; logs in where that has not been done.
    pub async fn ticket(&mut self, base: &str) -> Result<String, Lost> {
        let broken = |error: reqwest::Error| Lost::Broken(error.to_string());
        let http = http_from(address(10_000 + self.seat));
        let own =
            |request: reqwest::RequestBuilder| request.header("origin", base).header("x-baton-csrf", "1");
        if self.cookie.is_none() {
            let login = json!({ "email": self.email, "password": self.password });
            let response =
                own(http.post(format!("{base}/api/v1/login"))).json(&login).send().await.map_err(broken)?;
            if !response.status().is_success() {
                return Err(Lost::Broken(format!("no login: {}", response.status())));
            }
            let cookie = response.headers()["set-cookie"].to_str().unwrap();
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        let cookie = self.cookie.as_deref().unwrap_or_default();
        let asked =
            own(http.post(format!("{base}/api/v1/tickets"))).header("cookie", cookie).json(&json!({}));
        Ok(answer(asked).await?["ticket"].as_str().unwrap().to_owned())
    }

    /// One connection: first what was not answered, and the last that were carried out.
    async fn connection(&mut self, shared: &Shared) -> Result<(), Lost> {
        let base = shared.door.base.clone();
        let ticket = self.ticket(&base).await?;
        let mut wire = Wire::open(&base, "/ws/agent", &ticket, address(10_000 + self.seat)).await?;
        self.shown.clear();
        wire.send(&json!({"type": "presence.set", "client_id": "here", "presence": "online"})).await?;
        for id in &self.last_acked {
            wire.send(&self.commands[id]).await?;
        }
        let mut n_sent = 0;
        let mut is_over = shared.is_over.subscribe();
        loop {
            while n_sent < self.waiting.len().min(WINDOW) {
                let command = &self.commands[&self.waiting[n_sent]];
                wire.send(command).await?;
                n_sent += 1;
            }
            if *is_over.borrow_and_update() && self.waiting.is_empty() {
                wire.close().await;
                return Ok(());
            }
            let frame = tokio::select! {
                _ = is_over.changed() => continue,
                frame = wire.hear() => match frame {
                    Err(Lost::Broken(why)) if why.starts_with("nothing came") => continue,
                    frame => frame?,
                },
            };
            let n_waiting = self.waiting.len();
            self.hear(&frame, &mut wire, shared).await?;
            n_sent = n_sent.saturating_sub(n_waiting.saturating_sub(self.waiting.len()));
            let is_called = shared.is_called_away.load(Ordering::Relaxed) && !self.working.is_empty();
            let goes = frame["type"] == "ack" && (self.random.random_bool(0.004) || is_called);
            if self.is_unsteady && goes {
                // Gone without a word, longer than the grace, with everything in hand.
                drop(wire);
                rest(AWAY_MILLIS).await;
                return Ok(());
            }
        }
    }

    async fn hear(&mut self, frame: &Value, wire: &mut Wire, shared: &Shared) -> Result<(), Lost> {
        let word = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str().unwrap() {
            "hello" => self.id = frame["account"]["id"].as_str().unwrap().to_owned(),
            "overview" => self.look_at(frame, wire).await?,
            "offer" => {
                let (conversation, offer) = (word("conversation"), word("offer"));
                if !self.offers.insert(offer.clone()) {
                    return Ok(());
                }
                let what = if self.random.random_bool(0.05) { "offer.decline" } else { "offer.accept" };
                self.give(json!({"type": what, "conversation": conversation, "offer": offer}));
            }
            "ack" => self.answered(&word("client_id"), Answer::Acked(frame["position"].as_u64()), shared),
            "error" => {
                let (id, code) = (word("client_id"), word("code"));
                if ["rate_limited", "store_unavailable"].contains(&code.as_str()) {
                    rest(300).await;
                    return Err(Lost::Broken(code));
                }
                self.answered(&id, Answer::Refused(code), shared);
            }
            "entry" => self.note(frame),
            _ => {}
        }
        Ok(())
    }

    fn give(&mut self, mut command: Value) -> String {
        let id = format!("{}-{}", self.name, self.commands.len());
        command["client_id"] = id.clone().into();
        self.commands.insert(id.clone(), command);
        self.waiting.push_back(id.clone());
        id
    }

    fn answered(&mut self, id: &str, found: Answer, shared: &Shared) {
        let Some(command) = self.commands.get(id) else { return };
        let conversation = command["conversation"].as_str().unwrap_or_default();
        match self.answers.get(id) {
            Some(first) => {
                assert_eq!(*first, found, "another answer to the same command: {command}");
                shared.compared.fetch_add(1, Ordering::Relaxed);
                return;
            }
            None if matches!(found, Answer::Acked(_)) => {
                shared.acknowledged.send_modify(|count| *count += 1);
                self.last_acked.push_back(id.to_owned());
                if self.last_acked.len() > 3 {
                    self.last_acked.pop_front();
                }
            }
            None => {}
        }
        if let Some(left) = self.working.get_mut(conversation) {
            *left -= usize::from(*left > 0);
            if *left == 0 {
                self.working.remove(conversation);
            }
        }
        self.answers.insert(id.to_owned(), found);
        self.waiting.retain(|waiting| waiting != id);
    }

    /// The desk: what is mine and has no work under way is begun.
    async fn look_at(&mut self, overview: &Value, wire: &mut Wire) -> Result<(), Lost> {
        let ids = |list: &Value| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.filter_map(|one| one["id"].as_str()).map(str::to_owned).collect()
        };
        self.others = ids(&overview["agents"]);
        self.others.retain(|other| *other != self.id);
        self.queues = ids(&overview["queues"]);
        let mine = overview["mine"].as_array().unwrap();
        let held: BTreeSet<&str> = mine.iter().filter_map(|card| card["conversation"].as_str()).collect();
        while self.shown.len() > MOST_SHOWN {
            let Some(place) = self.shown.iter().position(|shown| !held.contains(shown.as_str())) else {
                break;
            };
            let conversation = self.shown.remove(place).unwrap();
            wire.send(&json!({"type": "conversation.unwatch", "conversation": conversation})).await?;
        }
        for card in mine {
            let conversation = card["conversation"].as_str().unwrap().to_owned();
            if self.working.contains_key(&conversation) {
                continue;
            }
            match card["state"].as_str().unwrap() {
                "agent" => self.begin(conversation, wire).await?,
                "wrap_up" => {
                    self.working.insert(conversation.clone(), 1);
                    self.give(wrap_up(&conversation));
                }
                "offered" => {
                    let offer = card["offer"]["id"].as_str().unwrap_or_default().to_owned();
                    if self.offers.insert(offer.clone()) {
                        self.give(
                            json!({"type": "offer.accept", "conversation": conversation, "offer": offer}),
                        );
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Everything that this agent will do with a conversation, given at once.
    async fn begin(&mut self, conversation: String, wire: &mut Wire) -> Result<(), Lost> {
        if !self.shown.contains(&conversation) {
            let after = self.positions.get(&conversation).copied().unwrap_or(0);
            wire.send(&json!({"type": "conversation.watch", "conversation": conversation, "after": after}))
                .await?;
            self.shown.push_back(conversation.clone());
        }
        let mut work = Vec::new();
        for n in 0..self.random.random_range(6..12) {
            let text = format!("Answer {n} of {}", self.name);
            work.push(json!({"type": "message.send", "conversation": conversation, "text": text}));
        }
        if self.random.random_bool(0.3) {
            work.push(json!({"type": "note.add", "conversation": conversation, "text": "Seen this before."}));
        }
        match self.random.random_range(0..20) {
            0 | 1 => {
                let queue = &self.queues[self.random.random_range(0..self.queues.len())];
                work.push(
                    json!({"type": "conversation.transfer", "conversation": conversation, "queue": queue,
                                 "note": "Yours, I think."}),
                );
            }
            2 if !self.others.is_empty() => {
                let other = &self.others[self.random.random_range(0..self.others.len())];
                work.push(
                    json!({"type": "conversation.transfer", "conversation": conversation, "agent": other}),
                );
            }
            3 => work.push(json!({"type": "conversation.hand_back", "conversation": conversation})),
            _ => {
                work.push(json!({"type": "conversation.resolve", "conversation": conversation}));
                work.push(wrap_up(&conversation));
            }
        }
        self.working.insert(conversation, work.len());
        work.into_iter().for_each(|command| drop(self.give(command)));
        Ok(())
    }

    fn note(&mut self, frame: &Value) {
        let conversation = frame["conversation"].as_str().unwrap().to_owned();
        let position = frame["position"].as_u64().unwrap();
        let last = self.positions.entry(conversation.clone()).or_insert(0);
        assert_eq!(position, *last + 1, "{conversation}: a gap or a repetition before an agent");
        *last = position;
        let text = frame["text"].as_str().or(frame["code"].as_str()).unwrap_or_default();
        self.seen.insert((conversation, position), fingerprint(frame["kind"].as_str().unwrap(), text));
    }
}

fn wrap_up(conversation: &str) -> Value {
    json!({"type": "conversation.wrap_up", "conversation": conversation, "disposition": "solved", "label": null})
}
