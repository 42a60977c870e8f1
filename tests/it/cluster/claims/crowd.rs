//! A crowd that claims: agents with a socket at every node, and visitors who ask again and
//! again; and what must hold when everybody has gone home.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use baton::domain::conversation::{Author, EntryKind, Notice};
use baton::store::sql::SqlStore;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::guests::Guest;
use super::history;
use super::racers::{Race, work};
use crate::kill::oracle::{Stored, unfinished};
use crate::kill::visitors::client_id;
use crate::support::cluster::Cluster;
use crate::support::proxy::rest;
use crate::support::visitor::Door;

/// What each agent may hold.
const CAPACITY: u32 = 3;
/// Within which everything that waits is served in the end, on a machine that does much else.
const QUIET_WITHIN: Duration = Duration::from_secs(180);

/// Everybody, at work.
pub struct Crowd {
    race: Arc<Race>,
    agents: JoinSet<()>,
    guests: JoinSet<Guest>,
    doors: Arc<Vec<Door>>,
    store: SqlStore,
    /// How often somebody had taken a conversation before.
    taken_before: usize,
    began: Instant,
}

impl Crowd {
    /// Hires so many agents and lets in so many visitors. More visitors than there is room for make agents' room scarce.
    pub async fn gather(cluster: &Cluster, n_agents: usize, n_visitors: usize) -> Self {
        let boss = cluster.hire("boss", "admin", 91).await;
        let store = cluster.database.open("unused");
        history::begin(&cluster.database);
        let taken_before = Stored::read(&store).await.check_conversations().1;
        // The crowd needs the nodes' addresses only: what befalls the nodes needs the cluster.
        let doors: Arc<Vec<_>> = Arc::new((0..cluster.nodes.len()).map(|n| cluster.door(n)).collect());
        let race = Arc::new(Race::new());
        let (mut agents, mut guests) = (JoinSet::new(), JoinSet::new());
        for n in 0..n_agents {
            let agent = cluster.hire(&format!("racer{n}"), "agent", n).await;
            boss.set_capacity(&cluster.nodes[0], &agent, CAPACITY).await;
            for n in 0..doors.len() {
                let (doors, agent, race) = (Arc::clone(&doors), agent.clone(), Arc::clone(&race));
                agents.spawn(async move { work(&doors[n].base, &agent, &race).await });
            }
        }
        for n in 0..n_visitors {
            let guest = Guest::new(cluster.visitor(n % doors.len()).await);
            let (doors, race) = (Arc::clone(&doors), Arc::clone(&race));
            guests.spawn(async move { guest.live(&doors, n, &race).await });
        }
        Self { race, agents, guests, doors, store, taken_before, began: Instant::now() }
    }

    /// Claims that were decided on.
    pub fn claimed(&self) -> usize {
        self.race.claims.load(Ordering::Relaxed)
    }

    /// Waits until there were so many claims.
    pub async fn until_claimed(&mut self, n_claims: usize) {
        while self.claimed() < n_claims {
            tokio::select! {
                () = rest(Duration::from_millis(20)) => {}
                Some(ended) = self.agents.join_next() => { ended.unwrap(); panic!("an agent went home early") }
                Some(ended) = self.guests.join_next() => { drop(ended.unwrap()); panic!("a visitor went home early") }
            }
        }
    }

    /// Nobody is left behind: who asked is served, and then nobody waits for a human or has one. Everybody goes home,
    /// and everything that must hold is held against the store.
    pub async fn go_home(self) -> Value {
        let raced = self.began.elapsed();
        self.race.is_closing.send_replace(true);
        let mut guests: Vec<Guest> = self.guests.join_all().await;
        let ended = Instant::now();
        loop {
            let waiting = unfinished(&self.store).await;
            if waiting.is_empty() {
                break;
            }
            assert!(ended.elapsed() < QUIET_WITHIN, "stranded:\n{}", waiting.join("\n"));
            rest(Duration::from_millis(200)).await;
        }
        self.race.is_over.send_replace(true);
        self.agents.join_all().await;
        let catching_up = guests.iter_mut().enumerate().map(|(n, guest)| {
            let visitor = guest.visitor.at(&self.doors[n % self.doors.len()]);
            async move { guest.seen.finish(&visitor).await }
        });
        futures_util::future::join_all(catching_up).await;

        let stored = Stored::read(&self.store).await;
        let (n_entries, n_joined) = stored.check_conversations();
        stored.check_client_ids();
        let n_said = check_claims(&stored, &self.race);
        let n_seen = check_guests(&stored, &guests);
        let held = history::check(&self.store, CAPACITY as usize).await;
        let n_joined = n_joined - self.taken_before;
        assert_eq!(held.taken, n_joined, "as often as somebody took it, the log says so");
        let won = self.race.won.lock().unwrap();
        assert!(won.len() <= n_joined, "{} were told that they have one, and {n_joined} have", won.len());
        json!({
            "part": "cluster", "claims": self.race.claims.load(Ordering::Relaxed), "answers": *self.race.answers.lock().unwrap(),
            "conversations": stored.conversations.len(), "taken": n_joined, "won_and_acknowledged": won.len(),
            "most_held": format!("{} of {CAPACITY}", held.most), "changes_of_holders": held.steps,
            "requests_served": guests.iter().map(|guest| guest.commands.len() / 2).sum::<usize>(),
            "said_by_agents": n_said, "entries_stored": n_entries, "entries_seen_and_compared": n_seen,
            "two_winners": 0, "over_capacity": 0, "stranded": 0, "raced_seconds": raced.as_secs(),
            "seconds": self.began.elapsed().as_secs(),
        })
    }
}

/// Each claim that was acknowledged is the entry that says so, and no other was told the same; what agents said is
/// stored where they were told.
fn check_claims(stored: &Stored, race: &Race) -> usize {
    let (won, said) = (race.won.lock().unwrap(), race.said.lock().unwrap());
    let mut places = BTreeSet::new();
    let mut offers = BTreeSet::new();
    for claim in won.iter() {
        let entry = stored.entry_at(&claim.conversation, claim.position);
        let EntryKind::Notice { code: Notice::AgentJoined, params } = &entry.kind else {
            panic!("{claim:?} was acknowledged where nobody joins")
        };
        assert_eq!(params["agent"], claim.agent, "{claim:?}: two were told that they have it");
        assert!(places.insert((&claim.conversation, claim.position)), "{claim:?}: won twice");
        assert!(claim.offer.as_ref().is_none_or(|offer| offers.insert(offer)), "{claim:?}: won twice");
    }
    for message in said.iter() {
        let entry = stored.entry_at(&message.conversation, message.position);
        let Author::Agent { name, .. } = &entry.author else { panic!("{message:?} is somebody else's") };
        let found = (name, entry.client_id.as_deref());
        assert_eq!(found, (&message.agent, Some(message.client_id.as_str())), "{message:?}");
    }
    said.len()
}

/// What visitors were told is stored, in the order in which they said it, and they have seen all of it; gives how many
/// entries they saw.
fn check_guests(stored: &Stored, guests: &[Guest]) -> usize {
    let mut n_seen = 0;
    for guest in guests {
        assert_eq!(guest.acks.len(), guest.commands.len());
        let said = guest.commands.iter().enumerate().filter(|(_, command)| command["type"] == "message.send");
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for (n, command) in said {
            let acked = &guest.acks[&client_id(n)];
            let place = (acked.conversation.clone(), acked.seq.unwrap());
            stored.check_said(&place, command["text"].as_str().unwrap(), &client_id(n));
            let before = last.insert(&acked.conversation, place.1);
            assert!(before < Some(place.1), "{place:?} is stored before what was said before it");
            assert!(guest.seen.entries.contains_key(&place), "{place:?} was acknowledged and not seen");
        }
        n_seen += stored.check_seen(&guest.seen);
    }
    n_seen
}
