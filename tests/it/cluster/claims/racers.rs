//! The agents of the race: each has a socket at every node, and all of them claim what one of
//! them hears of. What is won is answered, resolved and wrapped up at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::Rng as _;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use crate::support::agent::Desk;
use crate::support::cluster::Staff;
use crate::support::proxy::rest;
use crate::support::wire::Lost;

/// How likely a socket tries to take a conversation that waits.
const TAKES: f64 = 0.2;

/// How long something may lie on a desk before a socket that did not win it ends it: whoever did may be gone.
const LEFT_LYING: Duration = Duration::from_secs(1);

/// What one of them has heard of: all sockets in this process claim it at the same moment.
#[derive(Debug, Clone)]
pub enum Prize {
    /// A conversation waits: whoever has room may take it.
    Waiting(String),
    /// It is offered to this agent, who accepts it at every node at once.
    Offered { agent: String, conversation: String, offer: String },
}

/// A claim that was acknowledged.
#[derive(Debug, Clone)]
pub struct Won {
    pub agent: String,
    pub conversation: String,
    pub position: u64,
    /// None where it was taken out of turn.
    pub offer: Option<String>,
}

/// What an agent said and was acknowledged.
#[derive(Debug, Clone)]
pub struct Said {
    pub agent: String,
    pub conversation: String,
    pub position: u64,
    pub client_id: String,
}

/// What all of them share, and know in the end.
pub struct Race {
    pub prizes: broadcast::Sender<Prize>,
    /// Attempts by what and how they were answered: `accept won`, or with the code of the refusal.
    pub answers: Mutex<BTreeMap<String, usize>>,
    /// Attempts that were decided on. Those that a node without its database could not take count for nothing.
    pub claims: AtomicUsize,
    pub won: Mutex<Vec<Won>>,
    pub said: Mutex<Vec<Said>>,
    /// No new visitors come.
    pub is_closing: watch::Sender<bool>,
    /// Everybody goes home.
    pub is_over: watch::Sender<bool>,
}

impl Race {
    pub fn new() -> Self {
        Self {
            prizes: broadcast::Sender::new(4_096),
            answers: Mutex::default(),
            claims: AtomicUsize::new(0),
            won: Mutex::default(),
            said: Mutex::default(),
            is_closing: watch::Sender::new(false),
            is_over: watch::Sender::new(false),
        }
    }
}

/// One socket of one agent: claims until everybody goes home, and comes back when it breaks.
pub async fn work(base: &str, staff: &Staff, race: &Race) {
    let mut over = race.is_over.subscribe();
    while !*over.borrow() {
        let working = async {
            let desk = staff.try_open(base).await?;
            Socket::new(desk, staff, race).work().await
        };
        tokio::select! {
            _ = over.wait_for(|is_over| *is_over) => return,
            lost = working => drop::<Result<(), Lost>>(lost),
        }
        rest(Duration::from_millis(50)).await;
    }
}

/// A command that is not answered yet.
enum Sent {
    Claim { conversation: String, offer: Option<String> },
    Message { conversation: String },
}

struct Socket<'a> {
    desk: Desk,
    staff: &'a Staff,
    race: &'a Race,
    prizes: broadcast::Receiver<Prize>,
    /// Unique for this socket.
    name: String,
    n_commands: usize,
    sent: BTreeMap<String, Sent>,
    /// Offers that this socket has claimed.
    offers: BTreeSet<String>,
    /// Since when something lies on the desk.
    lying: BTreeMap<String, Instant>,
}

impl<'a> Socket<'a> {
    fn new(desk: Desk, staff: &'a Staff, race: &'a Race) -> Self {
        Self {
            desk,
            staff,
            race,
            prizes: race.prizes.subscribe(),
            name: format!("{}-{:x}", staff.name, rand::random::<u64>()),
            n_commands: 0,
            sent: BTreeMap::new(),
            offers: BTreeSet::new(),
            lying: BTreeMap::new(),
        }
    }

    async fn send(&mut self, mut command: Value) -> Result<String, Lost> {
        self.n_commands += 1;
        let id = format!("{}-{}", self.name, self.n_commands);
        command["client_id"] = id.clone().into();
        self.desk.wire.send(&command).await?;
        Ok(id)
    }

    async fn work(mut self) -> Result<(), Lost> {
        self.send(json!({"type": "presence.set", "presence": "online"})).await?;
        loop {
            let oldest = self.lying.iter().min_by_key(|(_, since)| **since);
            let oldest = oldest.map(|(conversation, since)| (conversation.clone(), *since + LEFT_LYING));
            let pause =
                oldest.as_ref().map_or(LEFT_LYING, |(_, at)| at.saturating_duration_since(Instant::now()));
            tokio::select! {
                prize = self.prizes.recv() => match prize {
                    Ok(prize) => self.claim(prize).await?,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
                frame = self.desk.wire.hear() => match frame {
                    // A quiet socket is not a broken one.
                    Err(Lost::Broken(why)) if why.starts_with("nothing came") => {}
                    frame => self.hear(&frame?).await?,
                },
                () = rest(pause) => {
                    if let Some((conversation, _)) = oldest {
                        self.lying.insert(conversation.clone(), Instant::now());
                        self.leave(&conversation).await?;
                    }
                }
            }
        }
    }

    async fn claim(&mut self, prize: Prize) -> Result<(), Lost> {
        let (command, conversation, offer) = match prize {
            Prize::Waiting(conversation) => {
                if !rand::rng().random_bool(TAKES) {
                    return Ok(());
                }
                let take = json!({"type": "conversation.take", "conversation": conversation});
                (take, conversation, None)
            }
            Prize::Offered { agent, conversation, offer } => {
                if agent != self.staff.id || !self.offers.insert(offer.clone()) {
                    return Ok(());
                }
                let accept = json!({"type": "offer.accept", "conversation": conversation, "offer": offer});
                (accept, conversation, Some(offer))
            }
        };
        let id = self.send(command).await?;
        self.sent.insert(id, Sent::Claim { conversation, offer });
        Ok(())
    }

    /// Everything that is still to do with a conversation.
    async fn leave(&mut self, conversation: &str) -> Result<(), Lost> {
        self.send(json!({"type": "conversation.resolve", "conversation": conversation})).await?;
        let wrap_up = json!({"type": "conversation.wrap_up", "conversation": conversation,
                             "disposition": "solved", "label": null});
        self.send(wrap_up).await.map(drop)
    }

    async fn hear(&mut self, frame: &Value) -> Result<(), Lost> {
        let word = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str() {
            Some("offer") => {
                let (agent, conversation, offer) =
                    (self.staff.id.clone(), word("conversation"), word("offer"));
                let _ = self.race.prizes.send(Prize::Offered { agent, conversation, offer });
            }
            // What was won and not acknowledged before a socket broke is on the desk.
            Some("overview") => {
                let mine = frame["mine"].as_array().into_iter().flatten();
                let held: BTreeSet<String> = mine
                    .filter(|card| card["state"] == "agent" || card["state"] == "wrap_up")
                    .filter_map(|card| card["conversation"].as_str().map(str::to_owned))
                    .collect();
                self.lying.retain(|conversation, _| held.contains(conversation));
                for conversation in held {
                    self.lying.entry(conversation).or_insert_with(Instant::now);
                }
            }
            Some("ack") => self.acknowledged(&word("client_id"), frame["position"].as_u64()).await?,
            Some("error") => {
                if let Some(Sent::Claim { offer, .. }) = self.sent.remove(&word("client_id")) {
                    self.answered(offer.as_ref(), &word("code"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answered(&self, offer: Option<&String>, how: &str) {
        let what = if offer.is_some() { "accept" } else { "take" };
        *self.race.answers.lock().unwrap().entry(format!("{what} {how}")).or_default() += 1;
        self.race.claims.fetch_add(usize::from(how != "store_unavailable"), Ordering::Relaxed);
    }

    async fn acknowledged(&mut self, client_id: &str, position: Option<u64>) -> Result<(), Lost> {
        let agent = self.staff.name.clone();
        match self.sent.remove(client_id) {
            Some(Sent::Claim { conversation, offer }) => {
                self.answered(offer.as_ref(), "won");
                let position = position.expect("a claim that is won is an entry");
                let won = Won { agent, conversation: conversation.clone(), position, offer };
                self.race.won.lock().unwrap().push(won);
                let text = format!("{} is here.", self.name);
                let message = json!({"type": "message.send", "conversation": conversation, "text": text});
                let id = self.send(message).await?;
                self.sent.insert(id, Sent::Message { conversation: conversation.clone() });
                self.leave(&conversation).await?;
            }
            Some(Sent::Message { conversation }) => {
                let position = position.expect("a message is an entry");
                let said = Said { agent, conversation, position, client_id: client_id.to_owned() };
                self.race.said.lock().unwrap().push(said);
            }
            None => {}
        }
        Ok(())
    }
}
