//! What must hold after everything: acknowledged = stored = seen by everyone in order, nothing
//! twice, one owner at every moment, nobody stranded. Read from the database of a server that
//! has ended, and from what visitors and agents kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use baton::domain::conversation::{Author, Conversation, Entry, EntryKind, Notice, StateName};
use baton::domain::handoff::HandoffStatus;
use baton::flow::ports::Store as _;
use baton::store::sql::SqlStore;

use super::agents::{Agent, Answer, fingerprint};
use super::visitors::{Life, Place, Seen, client_id};

/// Everything that is stored.
pub struct Stored {
    pub conversations: Vec<Conversation>,
    /// The log of each conversation.
    logs: HashMap<String, Vec<Entry>>,
    /// Statuses of the open handoffs of each conversation.
    handoffs: HashMap<String, Vec<HandoffStatus>>,
}

/// What was counted while it was checked.
#[derive(Debug, Default)]
pub struct Counts {
    pub conversations: usize,
    pub entries: usize,
    pub visitors: usize,
    /// Messages of visitors, acknowledged and stored.
    pub said: usize,
    /// Commands of agents, acknowledged and stored.
    pub done: usize,
    pub refused: usize,
    /// Times that a human took a conversation.
    pub joined: usize,
    /// Views of entries that were compared with what is stored.
    pub seen: usize,
}

/// Conversations in which somebody waits for a human, has one, or is not decided about. Also while a server runs.
pub async fn unfinished(store: &SqlStore) -> Vec<String> {
    let is_unfinished = |c: &&Conversation| {
        use StateName::{Closed, LeftMessage, WithBot, WrapUp};
        !matches!(c.state.name(), WithBot | LeftMessage | WrapUp | Closed) || c.is_undecided()
    };
    let describe = |c: &Conversation| format!("{}: {:?}, undecided: {}", c.id, c.state, c.is_undecided());
    let all = store.opened_between(None, None, None, 10_000_000).await.unwrap();
    all.iter().filter(is_unfinished).map(describe).collect()
}

impl Stored {
    pub async fn read(store: &SqlStore) -> Self {
        let conversations = store.opened_between(None, None, None, 10_000_000).await.unwrap();
        let (mut logs, mut handoffs) = (HashMap::new(), HashMap::new());
        for conversation in &conversations {
            let id = &conversation.id;
            logs.insert(id.to_string(), store.entries(id, 0, 1_000_000).await.unwrap());
            let open = store.handoffs(id).await.unwrap().into_iter().map(|handoff| handoff.status);
            let is_open =
                |status: &HandoffStatus| matches!(status, HandoffStatus::Initiated | HandoffStatus::Accepted);
            handoffs.insert(id.to_string(), open.filter(is_open).collect());
        }
        Self { conversations, logs, handoffs }
    }

    /// What visitors may see of a conversation, by their sequence.
    fn visible(&self, conversation: &str) -> impl Iterator<Item = (u64, &Entry)> {
        self.logs[conversation].iter().filter_map(|entry| Some((entry.visitor_seq?, entry)))
    }

    fn visible_at(&self, place: &Place) -> Option<&Entry> {
        self.visible(&place.0).find(|(seq, _)| *seq == place.1).map(|(_, entry)| entry)
    }

    /// Whether a visitor's tabs have seen everything there is for them.
    pub fn is_seen_by(&self, life: &Life) -> bool {
        life.views().all(|seen| self.is_all_seen(seen, &life.conversations()))
    }

    /// Checks everything, and counts.
    pub fn check(&self, lives: &[Life], agents: &[Agent]) -> Counts {
        let mut counts =
            Counts { conversations: self.conversations.len(), visitors: lives.len(), ..Counts::default() };
        (counts.entries, counts.joined) = self.check_conversations();
        for life in lives {
            let (said, seen) = self.check_visitor(life);
            counts.said += said;
            counts.seen += seen;
        }
        for agent in agents {
            self.check_agent(agent, &mut counts);
        }
        let visitors_messages = |entry: &&Entry| {
            entry.author == Author::Visitor && matches!(entry.kind, EntryKind::Message { .. })
        };
        let n_stored = self.logs.values().flatten().filter(visitors_messages).count();
        assert_eq!(n_stored, counts.said, "stored as often as it was said, nothing twice");
        counts
    }

    /// Numbers without gaps, and one owner at every moment: the log is one order, and in it nobody joins a conversation
    /// that somebody has, or speaks in one that is somebody else's.
    fn check_log(&self, conversation: &Conversation) -> (usize, usize) {
        let (id, log) = (conversation.id.to_string(), &self.logs[conversation.id.as_str()]);
        let (mut owner, mut n_joined, mut seq): (Option<String>, usize, u64) = (None, 0, 0);
        for (index, entry) in log.iter().enumerate() {
            assert_eq!(entry.position, index as u64 + 1, "{id}: positions are 1 to n");
            if let Some(found) = entry.visitor_seq {
                seq += 1;
                assert_eq!(found, seq, "{id}: what the visitor may see is gap-free");
            }
            assert_eq!(
                entry.visitor_seq.is_some(),
                entry.kind.is_for_visitor(),
                "{id} at {}",
                entry.position
            );
            match (&entry.kind, &entry.author) {
                (EntryKind::Notice { code: Notice::AgentJoined, params }, _) => {
                    let agent = &params["agent"];
                    assert_eq!(
                        owner, None,
                        "{id} at {}: {agent} was told \"yours\" of somebody's",
                        entry.position
                    );
                    owner = Some(agent.clone());
                    n_joined += 1;
                }
                (EntryKind::Notice { code, .. }, _) if *code != Notice::NobodyThere => owner = None,
                (EntryKind::Message { .. }, Author::Agent { name, .. }) => {
                    assert_eq!(
                        owner.as_ref(),
                        Some(name),
                        "{id} at {}: not their conversation",
                        entry.position
                    );
                }
                _ => {}
            }
        }
        let counters = (conversation.last_position, conversation.last_visitor_seq);
        assert_eq!(counters, (log.len() as u64, seq), "{id}: the counters of the row");
        (log.len(), n_joined)
    }

    /// Each state has the open handoff that it needs and no other: a way out (invariant 7).
    fn check_handoffs(&self, conversation: &Conversation) {
        let (id, state) = (conversation.id.as_str(), &conversation.state);
        let wanted: &[HandoffStatus] = match state.name() {
            StateName::Queued | StateName::Offered | StateName::LeftMessage => &[HandoffStatus::Initiated],
            StateName::WithAgent => &[HandoffStatus::Accepted],
            StateName::WithBot | StateName::WrapUp | StateName::Closed => &[],
        };
        assert_eq!(self.handoffs[id], wanted, "invariant 7: {id} is {state:?}");
    }

    /// What every conversation must be by itself; gives its entries, and how often a human came.
    pub fn check_conversations(&self) -> (usize, usize) {
        let (mut n_entries, mut n_joined) = (0, 0);
        for conversation in &self.conversations {
            let (entries, joined) = self.check_log(conversation);
            n_entries += entries;
            n_joined += joined;
            self.check_handoffs(conversation);
        }
        (n_entries, n_joined)
    }

    /// What a visitor's ack says was said where.
    pub fn check_said(&self, place: &Place, text: &str, client_id: &str) {
        let entry =
            self.visible_at(place).unwrap_or_else(|| panic!("{place:?} was acknowledged and is not stored"));
        let EntryKind::Message { body, .. } = &entry.kind else { panic!("{place:?} is no message") };
        assert_eq!((body.as_str(), entry.client_id.as_deref()), (text, Some(client_id)), "{place:?}");
    }

    /// Whether what a tab has seen is what is stored; gives how much that was.
    pub fn check_seen(&self, seen: &Seen) -> usize {
        for (place, found) in &seen.entries {
            let entry =
                self.visible_at(place).unwrap_or_else(|| panic!("{place:?} was seen and is not stored"));
            let own = entry.client_id.clone().filter(|_| entry.author == Author::Visitor);
            assert_eq!(*found, (words_of(entry), own), "{place:?}");
        }
        seen.entries.len()
    }

    /// One entry.
    pub fn entry_at(&self, conversation: &str, position: u64) -> &Entry {
        let log = self.logs.get(conversation).unwrap_or_else(|| panic!("{conversation} is not stored"));
        let found = log.get(position as usize - 1);
        found.unwrap_or_else(|| panic!("{conversation} at {position} was acknowledged and is not stored"))
    }

    /// Whether a tab has seen everything that there is for it in these conversations.
    pub fn is_all_seen(&self, seen: &Seen, conversations: &BTreeSet<&String>) -> bool {
        conversations
            .iter()
            .all(|id| self.visible(id).all(|(seq, _)| seen.entries.contains_key(&((*id).clone(), seq))))
    }

    fn check_visitor(&self, life: &Life) -> (usize, usize) {
        assert_eq!(life.acks.len(), life.commands.len());
        let (mut n_said, mut n_seen, mut last) = (0, 0, None);
        for (n, command) in life.commands.iter().enumerate() {
            if command["type"] != "message.send" {
                continue;
            }
            let acked = &life.acks[&client_id(n)];
            let place = (acked.conversation.clone(), acked.seq.unwrap());
            self.check_said(&place, command["text"].as_str().unwrap(), &client_id(n));
            assert!(last < Some(place.clone()), "{place:?} is stored before what was said before it");
            last = Some(place);
            n_said += 1;
        }
        n_seen += life.views().map(|seen| self.check_seen(seen)).sum::<usize>();
        for acked in life.acks.values().filter_map(|acked| Some((acked.conversation.clone(), acked.seq?))) {
            assert!(life.writer.entries.contains_key(&acked), "{acked:?} was acknowledged and not seen");
        }
        (n_said, n_seen)
    }

    fn check_agent(&self, agent: &Agent, counts: &mut Counts) {
        let mut by_client_id: BTreeMap<&str, Vec<(&str, &Entry)>> = BTreeMap::new();
        for (id, log) in &self.logs {
            for entry in log {
                if let (Author::Agent { name, .. }, Some(client_id)) = (&entry.author, &entry.client_id)
                    && *name == agent.name
                {
                    by_client_id.entry(client_id).or_default().push((id, entry));
                }
            }
        }
        for (id, command) in &agent.commands {
            let stored = by_client_id.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            assert!(stored.len() <= 1, "{id} is stored {} times", stored.len());
            let is_said = ["message.send", "note.add"].contains(&command["type"].as_str().unwrap());
            match agent.answers.get(id) {
                Some(Answer::Acked(position)) => {
                    counts.done += 1;
                    if is_said {
                        let (conversation, entry) = stored.first().unwrap_or_else(|| {
                            panic!("{command} was acknowledged and is not stored");
                        });
                        assert_eq!(command["conversation"], *conversation);
                        assert_eq!(
                            (Some(entry.position), command["text"].as_str().unwrap()),
                            (*position, &*words_of(entry))
                        );
                    }
                    if command["type"] == "offer.accept" {
                        let log = &self.logs[command["conversation"].as_str().unwrap()];
                        let joined = &log[position.unwrap() as usize - 1];
                        let EntryKind::Notice { code: Notice::AgentJoined, params } = &joined.kind else {
                            panic!("{command}: acknowledged at {position:?}, where nobody joins")
                        };
                        assert_eq!(params["agent"], agent.name, "{command}: two were told \"yours\"");
                    }
                }
                Some(Answer::Refused(_)) => {
                    counts.refused += 1;
                    assert!(stored.is_empty(), "{command} was refused and is stored");
                }
                None => panic!("{command} was never answered"),
            }
        }
        for ((conversation, position), found) in &agent.seen {
            let entry = &self.logs[conversation][*position as usize - 1];
            let stored = fingerprint(entry.kind.name(), &words_of(entry));
            assert_eq!(*found, stored, "{conversation} at {position}: an agent saw something else");
            counts.seen += 1;
        }
    }

    /// Client ids under which entries of visitors stand, to be sure that none stands twice.
    pub fn check_client_ids(&self) {
        for (id, log) in &self.logs {
            let own = log.iter().filter(|entry| entry.author == Author::Visitor);
            let ids: Vec<_> = own.filter_map(|entry| entry.client_id.as_ref()).collect();
            assert_eq!(
                ids.len(),
                ids.iter().collect::<BTreeSet<_>>().len(),
                "{id}: a client id stands twice"
            );
        }
    }
}

/// What people see of an entry.
fn words_of(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Message { body, .. } | EntryKind::Note { body } | EntryKind::Unsent { body } => {
            body.as_str().to_owned()
        }
        EntryKind::Notice { code, .. } => code.as_str().to_owned(),
        EntryKind::Decision(_) => String::new(),
    }
}
