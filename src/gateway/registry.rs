//! Who is connected to this node, and who has to be told what.
//!
//! Holds no frames and no conversations: a connection is told *that* something is
//! new, and reads the store for what it is (invariant 8).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use tokio::sync::Notify;

use super::limit::Bucket;
use super::protocol::Close;
use crate::domain::id::{AgentId, ConversationId, VisitorId};
use crate::flow::ports::{Hint, Side};

/// Most sockets of one visitor or agent; the oldest makes room for one more.
const PER_HOLDER: usize = 64;

/// Most signals of typing and reading kept for one connection; they are worth nothing later.
const MAX_SIGNALS: usize = 32;

/// What is new for one connection since it last asked. Bounded: what repeats is merged.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Hints may have been lost: look at everything.
    pub everything: bool,
    /// Nothing was told for a while: look whether something is new all the same, as cheaply as that goes.
    pub poll: bool,
    /// Who waits or could answer changed.
    pub queues: bool,
    /// Something is offered to this agent: what they are shown of it does not wait.
    pub offered: bool,
    /// These conversations have new entries or another state.
    pub conversations: BTreeSet<ConversationId>,
    /// Of these anything may have moved, also what has no entry: read marks, analyses.
    pub moved: BTreeSet<ConversationId>,
    /// Analyses or words of these were found late.
    pub explained: BTreeSet<ConversationId>,
    /// Somebody types there, or has stopped.
    pub typing: Vec<(ConversationId, Side, Typing)>,
    /// Somebody has read up to there.
    pub read: Vec<(ConversationId, Side, u64)>,
    /// Go away.
    pub close: Option<Close>,
}

/// Whether somebody types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// They have begun, or still do.
    Begun,
    /// They have stopped.
    Stopped,
}

impl Typing {
    /// True while somebody types.
    #[must_use]
    pub fn is_typing(self) -> bool {
        self == Self::Begun
    }
}

/// One live socket.
#[derive(Debug)]
pub struct Connection {
    /// Tells this socket from the holder's others.
    id: u64,
    /// Rung whenever there is news; the pump waits for it.
    bell: Notify,
    news: Mutex<News>,
    /// Whether news of the queues matter to it: to agents, and to visitors who wait and have heard of none since their
    /// last look.
    hears_queues: AtomicBool,
    /// A visitor's own message that was sent last as an entry, with nothing left out before it.
    sent: Mutex<Option<(ConversationId, u64)>>,
}

impl Connection {
    /// Resolves when there is news.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes what is new.
    #[must_use]
    pub fn take_news(&self) -> News {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on news of the queues matter to it, or do not.
    pub fn hear_queues_if(&self, matter: bool) {
        self.hears_queues.store(matter, Ordering::Relaxed);
    }

    /// Its visitor was sent everything up to here.
    pub fn note_sent(&self, id: &ConversationId, visitor_seq: u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *sent {
            Some((last, seq)) if last == id => *seq = visitor_seq,
            other => *other = Some((id.clone(), visitor_seq)),
        }
    }

    fn has_sent(&self, id: &ConversationId, visitor_seq: u64) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.as_ref().is_some_and(|(last, seq)| last == id && *seq >= visitor_seq)
    }

    fn tell(&self, change: impl FnOnce(&mut News)) {
        change(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_one();
    }
}

/// The live sockets of this node. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: AtomicU64,
    visitors: DashMap<VisitorId, Vec<Arc<Connection>>>,
    agents: DashMap<AgentId, Vec<Arc<Connection>>>,
    /// Whose conversation it is, for those of connected visitors.
    visitor_of: DashMap<ConversationId, VisitorId>,
    /// The same the other way round, so that a visitor's leaving costs what they had.
    conversations_of: DashMap<VisitorId, Vec<ConversationId>>,
    /// Agents' sockets that show something of a conversation.
    watchers: DashMap<ConversationId, Vec<Arc<Connection>>>,
    addresses: DashMap<IpAddr, usize>,
    buckets: DashMap<VisitorId, Bucket>,
}

/// How many sockets are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sockets {
    /// Of visitors.
    pub visitors: usize,
    /// Of agents.
    pub agents: usize,
}

/// One socket counted for its address; gives the place back when dropped.
#[derive(Debug)]
pub struct Place {
    registry: Registry,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let addresses = &self.registry.inner.addresses;
        if let Some(mut count) = addresses.get_mut(&self.address) {
            *count = count.saturating_sub(1);
        }
        addresses.remove_if(&self.address, |_, count| *count == 0);
    }
}

/// A registered socket; leaves the registry when dropped.
#[derive(Debug)]
pub struct Registered<K: Eq + Hash + Clone> {
    registry: Registry,
    holder: K,
    connection: Arc<Connection>,
    leave: fn(&Registry, &K, &Arc<Connection>),
}

impl<K: Eq + Hash + Clone> Registered<K> {
    /// What the pump and the session share.
    #[must_use]
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl<K: Eq + Hash + Clone> Drop for Registered<K> {
    fn drop(&mut self) {
        (self.leave)(&self.registry, &self.holder, &self.connection);
    }
}

impl Registry {
    /// Nobody is connected.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a socket for its address, unless it has `most` already.
    #[must_use]
    pub fn admit(&self, address: IpAddr, most: usize) -> Option<Place> {
        let mut count = self.inner.addresses.entry(address).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { registry: self.clone(), address })
    }

    /// Registers a visitor's socket.
    #[must_use]
    pub fn add_visitor(&self, visitor: &VisitorId) -> Registered<VisitorId> {
        let connection = self.connection(&self.inner.visitors, visitor);
        let leave: fn(&Self, &VisitorId, &Arc<Connection>) = |registry, visitor, connection| {
            if leave(&registry.inner.visitors, visitor, connection) {
                let (_, conversations) =
                    registry.inner.conversations_of.remove(visitor).unwrap_or((visitor.clone(), Vec::new()));
                for conversation in conversations {
                    registry.inner.visitor_of.remove_if(&conversation, |_, owner| owner == visitor);
                }
            }
        };
        Registered { registry: self.clone(), holder: visitor.clone(), connection, leave }
    }

    /// Registers an agent's socket.
    #[must_use]
    pub fn add_agent(&self, agent: &AgentId) -> Registered<AgentId> {
        let connection = self.connection(&self.inner.agents, agent);
        connection.hear_queues_if(true);
        let leave: fn(&Self, &AgentId, &Arc<Connection>) = |registry, agent, connection| {
            leave(&registry.inner.agents, agent, connection);
        };
        Registered { registry: self.clone(), holder: agent.clone(), connection, leave }
    }

    fn connection<K: Eq + Hash + Clone>(
        &self,
        of: &DashMap<K, Vec<Arc<Connection>>>,
        holder: &K,
    ) -> Arc<Connection> {
        let connection = Arc::new(Connection {
            id: self.inner.next.fetch_add(1, Ordering::Relaxed),
            bell: Notify::new(),
            news: Mutex::new(News::default()),
            hears_queues: AtomicBool::new(false),
            sent: Mutex::default(),
        });
        let mut connections = of.entry(holder.clone()).or_default();
        connections.push(Arc::clone(&connection));
        if connections.len() > PER_HOLDER {
            connections.remove(0).tell(|news| news.close = Some(Close::Replaced));
        }
        connection
    }

    /// Whether the visitor has a socket here.
    #[must_use]
    pub fn has_visitor(&self, visitor: &VisitorId) -> bool {
        self.inner.visitors.contains_key(visitor)
    }

    /// Whether the agent has a socket here.
    #[must_use]
    pub fn has_agent(&self, agent: &AgentId) -> bool {
        self.inner.agents.contains_key(agent)
    }

    /// How many sockets are open.
    #[must_use]
    pub fn sockets(&self) -> Sockets {
        Sockets {
            visitors: self.inner.visitors.iter().map(|entry| entry.value().len()).sum(),
            agents: self.inner.agents.iter().map(|entry| entry.value().len()).sum(),
        }
    }

    /// The conversation is this visitor's: from now on its hints reach all of their sockets, which look at once.
    pub fn follow(&self, conversation: &ConversationId, visitor: &VisitorId) {
        let Some(connections) = self.inner.visitors.get(visitor).map(|entry| entry.value().clone()) else {
            return;
        };
        let before = self.inner.visitor_of.insert(conversation.clone(), visitor.clone());
        if before.is_none() {
            self.inner.conversations_of.entry(visitor.clone()).or_default().push(conversation.clone());
            for connection in connections {
                connection.tell(|news| _ = news.conversations.insert(conversation.clone()));
            }
        }
    }

    /// The agent's socket shows something of this conversation.
    pub fn watch(&self, conversation: &ConversationId, connection: &Arc<Connection>) {
        let mut watchers = self.inner.watchers.entry(conversation.clone()).or_default();
        if !watchers.iter().any(|watcher| watcher.id == connection.id) {
            watchers.push(Arc::clone(connection));
        }
    }

    /// It does not any more.
    pub fn unwatch(&self, conversation: &ConversationId, connection: &Arc<Connection>) {
        leave(&self.inner.watchers, conversation, connection);
    }

    /// The visitor's allowance, shared by all of their sockets and kept over reconnects until it is full again.
    pub fn allowance<T>(
        &self,
        visitor: &VisitorId,
        full: impl FnOnce() -> Bucket,
        take: impl FnOnce(&mut Bucket) -> T,
    ) -> T {
        take(&mut self.inner.buckets.entry(visitor.clone()).or_insert_with(full))
    }

    /// Forgets allowances that are full again.
    pub fn sweep(&self, mut is_full: impl FnMut(&mut Bucket) -> bool) {
        self.inner.buckets.retain(|_, bucket| !is_full(bucket));
    }

    /// Closes every socket of an agent: the account may not come in any more.
    pub fn close_agent(&self, agent: &AgentId, why: Close) {
        for connection in self.inner.agents.get(agent).iter().flat_map(|entry| entry.value()) {
            connection.tell(|news| news.close = Some(why));
        }
    }

    /// Closes the sockets of all agents: they come back, here or elsewhere.
    pub fn close_agents(&self, why: Close) {
        for agent in &self.inner.agents {
            agent.value().iter().for_each(|connection| connection.tell(|news| news.close = Some(why)));
        }
    }

    /// Passes a hint on to the sockets it matters to.
    pub fn pass(&self, hint: &Hint) {
        match hint {
            Hint::Conversation { id, .. } => {
                self.tell_conversation(id, |news| _ = news.conversations.insert(id.clone()));
            }
            Hint::Message { id, visitor_seq, .. } => {
                let change = |news: &mut News| _ = news.conversations.insert(id.clone());
                let is_new = |connection: &Connection| !connection.has_sent(id, *visitor_seq);
                self.tell_visitor(id, is_new, change);
                self.tell_watchers(id, change);
            }
            Hint::Inside { id, .. } => {
                self.tell_watchers(id, |news| _ = news.conversations.insert(id.clone()));
            }
            Hint::Explained { id } => {
                self.tell_watchers(id, |news| _ = news.explained.insert(id.clone()));
            }
            Hint::Offered { agent } => {
                for connection in self.inner.agents.get(agent).iter().flat_map(|entry| entry.value()) {
                    connection.tell(|news| news.offered = true);
                }
            }
            Hint::Queues => self.tell_everybody(Audience::Queues, |news| news.queues = true),
            Hint::Typing { id, who, is_typing } => {
                let typing = if *is_typing { Typing::Begun } else { Typing::Stopped };
                self.tell_conversation(id, |news| {
                    news.typing.retain(|(other, side, _)| other != id || side != who);
                    if news.typing.len() < MAX_SIGNALS {
                        news.typing.push((id.clone(), who.clone(), typing));
                    }
                });
            }
            Hint::Read { id, who, visitor_seq } => self.tell_conversation(id, |news| {
                news.read.retain(|(other, side, _)| other != id || side != who);
                if news.read.len() < MAX_SIGNALS {
                    news.read.push((id.clone(), who.clone(), *visitor_seq));
                }
            }),
            Hint::Policy => self.tell_everybody(Audience::Agents, |news| news.everything = true),
            // Whose conversations they were is told for each of them.
            Hint::Erased => {}
        }
    }

    /// The conversations that agents' sockets show something of, and the visitors who have sockets.
    #[must_use]
    pub fn followed(&self) -> (Vec<ConversationId>, Vec<VisitorId>) {
        let conversations = self.inner.watchers.iter().map(|entry| entry.key().clone()).collect();
        (conversations, self.inner.visitors.iter().map(|entry| entry.key().clone()).collect())
    }

    /// Something of this conversation moved, and no hint said what: whoever follows it looks at all of it.
    pub fn look_at(&self, id: &ConversationId) {
        self.tell_conversation(id, |news| {
            _ = news.conversations.insert(id.clone());
            _ = news.moved.insert(id.clone());
        });
    }

    /// Hints were lost: everybody looks at everything.
    pub fn pass_everything(&self) {
        self.tell_everybody(Audience::Everybody, |news| news.everything = true);
    }

    fn tell_conversation(&self, id: &ConversationId, change: impl Fn(&mut News)) {
        self.tell_visitor(id, |_| true, &change);
        self.tell_watchers(id, change);
    }

    fn tell_visitor(
        &self,
        of: &ConversationId,
        is_meant: impl Fn(&Connection) -> bool,
        change: impl Fn(&mut News),
    ) {
        let visitor = self.inner.visitor_of.get(of).map(|entry| entry.value().clone());
        let connections = visitor.and_then(|visitor| self.inner.visitors.get(&visitor));
        let all = connections.iter().flat_map(|entry| entry.value());
        all.filter(|connection| is_meant(connection)).for_each(|connection| connection.tell(&change));
    }

    fn tell_watchers(&self, id: &ConversationId, change: impl Fn(&mut News)) {
        for connection in self.inner.watchers.get(id).iter().flat_map(|entry| entry.value()) {
            connection.tell(&change);
        }
    }

    fn tell_everybody(&self, audience: Audience, change: impl Fn(&mut News)) {
        let is_meant = |connection: &&Arc<Connection>| {
            audience != Audience::Queues || connection.hears_queues.load(Ordering::Relaxed)
        };
        for agent in &self.inner.agents {
            agent.value().iter().filter(is_meant).for_each(|connection| connection.tell(&change));
        }
        if audience != Audience::Agents {
            for visitor in &self.inner.visitors {
                visitor.value().iter().filter(is_meant).for_each(|connection| connection.tell(&change));
            }
        }
    }

    /// What is held for whom: for tests, which want it to be nothing in the end.
    #[must_use]
    pub fn held(&self) -> BTreeMap<&'static str, usize> {
        let inner = &self.inner;
        BTreeMap::from([
            ("visitors", inner.visitors.len()),
            ("agents", inner.agents.len()),
            ("conversations", inner.visitor_of.len() + inner.conversations_of.len()),
            ("watchers", inner.watchers.len()),
            ("addresses", inner.addresses.len()),
        ])
    }
}

/// Whom news are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Those to whom the queues matter.
    Queues,
    Agents,
    Everybody,
}

/// Takes a connection out of a list; true when the list is gone with it.
fn leave<K: Eq + Hash>(from: &DashMap<K, Vec<Arc<Connection>>>, key: &K, connection: &Connection) -> bool {
    if let Some(mut connections) = from.get_mut(key) {
        connections.retain(|other| other.id != connection.id);
    }
    from.remove_if(key, |_, connections| connections.is_empty()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cnv(suffix: &str) -> ConversationId {
        ConversationId::from_suffix(suffix)
    }

    #[tokio::test]
    async fn a_hint_reaches_every_socket_of_the_visitor_and_every_watching_agent() {
        let registry = Registry::new();
        let mara = VisitorId::from_suffix("mara");
        let (first, second) = (registry.add_visitor(&mara), registry.add_visitor(&mara));
        let agent = registry.add_agent(&AgentId::from_suffix("ana"));
        registry.follow(&cnv("1"), &mara);
        registry.watch(&cnv("1"), agent.connection());
        for connection in [first.connection(), second.connection()] {
            assert!(connection.take_news().conversations.contains(&cnv("1")), "followed: looks at once");
        }
        registry.pass(&Hint::Conversation { id: cnv("1"), position: 3 });
        registry.pass(&Hint::Conversation { id: cnv("2"), position: 3 });
        for connection in [first.connection(), second.connection(), agent.connection()] {
            connection.rung().await;
            assert_eq!(connection.take_news().conversations, BTreeSet::from([cnv("1")]));
        }
    }

    #[test]
    fn the_queues_matter_to_agents_and_to_visitors_who_wait() {
        let registry = Registry::new();
        let visitor = registry.add_visitor(&VisitorId::from_suffix("mara"));
        let agent = registry.add_agent(&AgentId::from_suffix("ana"));
        registry.pass(&Hint::Queues);
        assert!(agent.connection().take_news().queues);
        assert_eq!(visitor.connection().take_news(), News::default());
        visitor.connection().hear_queues_if(true);
        registry.pass(&Hint::Queues);
        assert!(visitor.connection().take_news().queues);
    }

    #[test]
    fn nothing_is_held_for_those_who_are_gone() {
        let registry = Registry::new();
        let place = registry.admit(IpAddr::from([127, 0, 0, 1]), 1).unwrap();
        assert!(registry.admit(IpAddr::from([127, 0, 0, 1]), 1).is_none());
        let mara = VisitorId::from_suffix("mara");
        let visitor = registry.add_visitor(&mara);
        let agent = registry.add_agent(&AgentId::from_suffix("ana"));
        registry.follow(&cnv("1"), &mara);
        registry.watch(&cnv("1"), agent.connection());
        registry.unwatch(&cnv("1"), agent.connection());
        drop((place, visitor, agent));
        assert!(registry.held().values().all(|held| *held == 0), "{:?}", registry.held());
        assert!(registry.admit(IpAddr::from([127, 0, 0, 1]), 1).is_some());
    }

    #[test]
    fn too_many_tabs_close_the_oldest() {
        let registry = Registry::new();
        let mara = VisitorId::from_suffix("mara");
        let tabs: Vec<_> = (0..=PER_HOLDER).map(|_| registry.add_visitor(&mara)).collect();
        assert_eq!(tabs[0].connection().take_news().close, Some(Close::Replaced));
        assert_eq!(tabs[1].connection().take_news().close, None);
    }
}
