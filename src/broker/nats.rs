//! Several nodes: hints through NATS core, at most once and never data.
//!
//! What cannot be sent at once is dropped and counted: nodes find everything in the
//! store by themselves (`gateway/follow.rs`). Nothing that people write, and nobody's
//! name, travels here. Not JetStream, and no store of record.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use futures_util::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{broadcast, mpsc};

use super::wire;
use crate::flow::ports::{Bus, Hint, HintCounts, Hints};
use crate::shutdown::Tracker;

/// Hints that wait to be sent, or that a listener may be behind.
const CAPACITY: usize = 4096;

/// How often the connection is tried: one that is half open is found within three times this.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// How long one hint may take to be handed over; it is worth nothing later.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest pause between two tries to connect.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// An address of NATS that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("broker.url: {0}")]
pub struct InvalidAddress(String);

/// Carries hints inside this process and to the others.
pub struct NatsBus {
    listeners: broadcast::Sender<Hint>,
    waiting: mpsc::Sender<Hint>,
    state: Arc<State>,
}

/// What the tasks and the bus share.
#[derive(Debug, Default)]
struct State {
    /// Why hints do not flow; none while they do.
    trouble: Mutex<Option<String>>,
    sent: AtomicU64,
    dropped: AtomicU64,
    heard: AtomicU64,
    ignored: AtomicU64,
}

impl State {
    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, why: Option<&str>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (trouble.as_deref(), why) {
            (None, Some(why)) => tracing::warn!("Nodes follow each other by polling only: {why}"),
            (Some(_), None) => tracing::info!("Hints flow between nodes"),
            _ => {}
        }
        *trouble = why.map(str::to_owned);
    }
}

impl NatsBus {
    /// Begins to connect, and goes on for ever: a broker that is not there is no reason not to serve. `history_id`
    /// keeps installations that share a broker apart.
    ///
    /// # Errors
    ///
    /// [`InvalidAddress`] when the text is not the address of a server.
    pub async fn start(
        url: &SecretString,
        history_id: &str,
        tracker: &Tracker,
    ) -> Result<Self, InvalidAddress> {
        let servers: Result<Vec<ServerAddr>, _> = url.expose_secret().split(',').map(str::parse).collect();
        // The reason names no part of the address: a password may stand in it.
        let servers = servers.map_err(|_| InvalidAddress("not the address of a NATS server".to_owned()))?;
        let state = Arc::new(State::default());
        state.set_trouble(Some("NATS is not connected yet"));
        let told = Arc::clone(&state);
        let client = ConnectOptions::new()
            .name("baton")
            .no_echo()
            .retry_on_initial_connect()
            .max_reconnects(None)
            .connection_timeout(Duration::from_secs(2))
            .ping_interval(PING_INTERVAL)
            .client_capacity(CAPACITY)
            .subscription_capacity(CAPACITY)
            .reconnect_delay_callback(|tries| {
                let pause = Duration::from_millis(25) * 2_u32.pow(u32::try_from(tries.min(6)).unwrap_or(6));
                pause.min(RECONNECT_PAUSE)
            })
            .event_callback(move |event| {
                match event {
                    Event::Connected => told.set_trouble(None),
                    Event::Disconnected | Event::Closed | Event::Draining => {
                        told.set_trouble(Some("NATS cannot be reached"));
                    }
                    Event::SlowConsumer(_) => _ = told.ignored.fetch_add(1, Ordering::Relaxed),
                    _ => {}
                }
                std::future::ready(())
            })
            .connect(servers)
            .await
            .map_err(|error| InvalidAddress(error.kind().to_string()))?;
        let subject = format!("baton.{history_id}.hints");
        let (listeners, (waiting, queued)) = (broadcast::Sender::new(CAPACITY), mpsc::channel(CAPACITY));
        let hears = hear(client.clone(), subject.clone(), listeners.clone(), Arc::clone(&state));
        let sends = send(client, subject, queued, Arc::clone(&state));
        for (name, work) in [
            ("broker.hear", Box::pin(hears) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>),
            ("broker.send", Box::pin(sends)),
        ] {
            let stopping = tracker.token();
            tracker.spawn(name, async move {
                tokio::select! {
                    () = stopping.cancelled() => {}
                    () = work => {}
                }
            });
        }
        Ok(Self { listeners, waiting, state })
    }
}

/// Passes on what other nodes say.
async fn hear(client: Client, subject: String, listeners: broadcast::Sender<Hint>, state: Arc<State>) {
    loop {
        let Ok(mut heard) = client.subscribe(subject.clone()).await else {
            tokio::time::sleep(RECONNECT_PAUSE).await;
            continue;
        };
        while let Some(message) = heard.next().await {
            match wire::read(&message.payload) {
                Some(hint) => {
                    state.heard.fetch_add(1, Ordering::Relaxed);
                    // Nobody listening is an ordinary state.
                    let _ = listeners.send(hint);
                }
                // From another version of Baton, or nonsense: the store has the truth.
                None => _ = state.ignored.fetch_add(1, Ordering::Relaxed),
            }
        }
    }
}

/// Tells other nodes.
async fn send(client: Client, subject: String, mut queued: mpsc::Receiver<Hint>, state: Arc<State>) {
    while let Some(hint) = queued.recv().await {
        let is_sent = state.trouble().is_none() && {
            let published = client.publish(subject.clone(), wire::write(&hint).into());
            matches!(tokio::time::timeout(SEND_TIMEOUT, published).await, Ok(Ok(())))
        };
        let counted = if is_sent { &state.sent } else { &state.dropped };
        counted.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bus for NatsBus {
    fn hint(&self, hint: Hint) {
        if self.waiting.try_send(hint.clone()).is_err() {
            self.state.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.hint_here(hint);
    }

    fn hint_here(&self, hint: Hint) {
        // Nobody listening is an ordinary state: the hint is lost and the store has the truth (invariant 8).
        let _ = self.listeners.send(hint);
    }

    fn hints(&self) -> Hints {
        self.state.trouble().map_or(Hints::Flowing, Hints::PollingOnly)
    }

    fn counts(&self) -> HintCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HintCounts {
            sent: read(&self.state.sent),
            dropped: read(&self.state.dropped),
            heard: read(&self.state.heard),
            ignored: read(&self.state.ignored),
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.listeners.subscribe()
    }
}
