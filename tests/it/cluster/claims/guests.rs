//! The visitors of the race: each asks for a person, says something, waits until a person
//! has ended it, and asks again; at another node after every loss, with what was not acknowledged.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::racers::{Prize, Race};
use crate::kill::visitors::{Acked, Place, Seen, client_id};
use crate::support::proxy::rest;
use crate::support::visitor::{Door, Visitor};
use crate::support::wire::Lost;

/// How long somebody who asked for a person may see nothing new. Far longer than a lease and a grace together.
const STRANDED: Duration = Duration::from_secs(120);

/// A visitor, and what they know in the end.
pub struct Guest {
    pub visitor: Visitor,
    /// In the order they were given, each under the client id `c` and its number.
    pub commands: Vec<Value>,
    pub acks: BTreeMap<String, Acked>,
    pub seen: Seen,
    /// Where a person ended a conversation last.
    resolved: Option<Place>,
}

impl Guest {
    pub fn new(visitor: Visitor) -> Self {
        Self { visitor, commands: Vec::new(), acks: BTreeMap::new(), seen: Seen::default(), resolved: None }
    }

    /// Asks again and again until the doors close, and does not leave before it is answered.
    pub async fn live(mut self, doors: &[Door], n: usize, race: &Race) -> Self {
        let mut node = n;
        while !(*race.is_closing.borrow() && self.is_served()) {
            node += 1;
            if self.connection(&doors[node % doors.len()], race).await.is_err() {
                rest(Duration::from_millis(20 + rand::random::<u64>() % 60)).await;
            }
        }
        self
    }

    /// Whether everything is acknowledged and a person has ended what was said last.
    fn is_served(&self) -> bool {
        if self.acks.len() < self.commands.len() {
            return false;
        }
        let Some(last) = self.commands.len().checked_sub(1) else { return true };
        let acked = &self.acks[&client_id(last)];
        self.resolved
            .as_ref()
            .is_some_and(|(conversation, seq)| *conversation == acked.conversation && Some(*seq) > acked.seq)
    }

    fn ask(&mut self) {
        let text = format!("Is anybody there? {}", self.commands.len() / 2);
        for mut command in [json!({"type": "human.request"}), json!({"type": "message.send", "text": text})] {
            command["client_id"] = client_id(self.commands.len()).into();
            self.commands.push(command);
        }
    }

    /// One connection: what was not acknowledged is sent again in order.
    async fn connection(&mut self, door: &Door, race: &Race) -> Result<(), Lost> {
        let mut tab = self.seen.connect(&self.visitor.at(door)).await?;
        let mut next = (0..self.commands.len())
            .position(|n| !self.acks.contains_key(&client_id(n)))
            .unwrap_or(self.commands.len());
        let mut moved_at = Instant::now();
        loop {
            if self.is_served() {
                if *race.is_closing.borrow() {
                    tab.wire.close().await;
                    return Ok(());
                }
                self.ask();
            }
            while let Some(command) = self.commands.get(next) {
                tab.wire.send(command).await?;
                next += 1;
            }
            // Nothing came for a while: a quiet connection is not a broken one.
            let frame = match tab.wire.hear().await {
                Err(Lost::Broken(why)) if why.starts_with("nothing came") => {
                    assert!(moved_at.elapsed() < STRANDED, "stranded: {:?}", self.acks.last_key_value());
                    continue;
                }
                frame => frame?,
            };
            moved_at = Instant::now();
            self.hear(&frame, race).await?;
        }
    }

    async fn hear(&mut self, frame: &Value, race: &Race) -> Result<(), Lost> {
        self.seen.note(frame);
        let word = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str().unwrap_or_default() {
            "entry" if frame["code"] == "resolved" => {
                self.resolved = Some((word("conversation"), frame["seq"].as_u64().unwrap()));
            }
            "ack" => {
                let acked = Acked { conversation: word("conversation"), seq: frame["seq"].as_u64() };
                let n: usize = word("client_id")[1..].parse().unwrap();
                let before = self.acks.insert(client_id(n), acked.clone());
                assert!(before.is_none_or(|before| before == acked), "another ack: {frame}");
                if self.commands[n]["type"] == "human.request" {
                    let _ = race.prizes.send(Prize::Waiting(acked.conversation));
                }
            }
            "error" => {
                let code = word("code");
                assert!(matches!(code.as_str(), "store_unavailable" | "conflict"), "{frame}");
                // Sent again with everything after it, so that the order stays.
                rest(Duration::from_millis(200)).await;
                return Err(Lost::Broken(code));
            }
            _ => {}
        }
        Ok(())
    }
}
