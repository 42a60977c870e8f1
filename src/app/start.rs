//! From a configuration to a running service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use super::desk::GatewayDesk;
use super::place::take_alone;
use super::policy;
use super::store::open_store;
use crate::auth::{Logins, Passwords, Tickets, Visitors};
use crate::bot::{KnowledgeBot, WebhookBot, WebhookSettings};
use crate::broker::{LocalBus, NatsBus};
use crate::config::{Backend, BotConfig, BotKind, BrokerConfig, Config, DEFAULT_POLICY};
use crate::demo;
use crate::domain::event::Event;
use crate::domain::id::QueueId;
use crate::domain::queue::Queue;
use crate::fault::point;
use crate::flow::ports::directory::Stamp;
use crate::flow::ports::{
    Analyzer, Bot, Bus, Clock, Company, Directory, DirectoryError, Disk, IdSource, Labels,
    ModelVersions as _, Nodes, Observer, Ports, Store as _,
};
use crate::flow::{Flow, Housekeeping, Keeping, Models, Settings, Tenure};
use crate::gateway::protocol::Close;
use crate::gateway::{self, Gateway};
use crate::http::{self, Http, Listener, Site};
use crate::nlp::{Builder, LexiconAnalyzer, ModelSwitch};
use crate::shutdown::Tracker;
use crate::store::{DatabaseFile, Elsewhere, SqlStore};
use crate::system::{SystemClock, TimeOrderedIds};
use crate::telemetry::Metrics;

/// How often what ended is forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(600);

/// What tests put in place of the machine's own. Empty in the service.
#[derive(Clone, Default)]
pub struct Replacements {
    /// Instead of the machine's clock.
    pub clock: Option<Arc<dyn Clock>>,
    /// Instead of time-ordered identifiers.
    pub ids: Option<Arc<dyn IdSource>>,
    /// Instead of the configured analyzer.
    pub analyzer: Option<Arc<dyn Analyzer>>,
    /// Instead of the configured bot.
    pub bot: Option<Arc<dyn Bot>>,
    /// Instead of the configured bus.
    pub bus: Option<Arc<dyn Bus>>,
}

/// The service, running.
pub struct App {
    /// The address that was bound.
    pub local: SocketAddr,
    /// What HTTP works with; through it everything can be reached.
    pub http: Http,
    /// The one-time link for the first admin, when there is no account.
    pub setup_url: Option<String>,
    tracker: Tracker,
    drain_timeout: Duration,
    /// Keeps every other service off a database that is a file.
    _alone: Option<std::fs::File>,
}

impl App {
    /// Starts everything.
    ///
    /// # Errors
    ///
    /// In one line what cannot be opened, bound or read.
    pub async fn start(config: Config, replacements: Replacements) -> anyhow::Result<Self> {
        let config = Arc::new(config);
        let tracker = Tracker::new();
        let metrics = Metrics::new();
        let clock = replacements.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let ids = replacements.ids.unwrap_or_else(|| Arc::new(TimeOrderedIds));
        let listener = Listener::bind(&config.server, &config.gateway).await?;
        let local = listener.local();
        let public_url = config.public_url(local);

        // One file is for one process, and a lock says so; PostgreSQL is for several.
        let is_shared = config.store.url.is_some();
        let company = if is_shared { Company::Others } else { Company::Alone };
        let alone = (!is_shared).then(|| take_alone(&config)).transpose()?;
        let store = open_store(&config, &*ids)?;
        let directory: Arc<dyn Directory> = Arc::new(store.clone());
        let nodes: Arc<dyn Nodes> = Arc::new(store.clone());
        let labels: Arc<dyn Labels> = Arc::new(store.clone());
        let switch = Arc::new(model_switch(&config, replacements.analyzer, &store).await?);
        let models = Models::new(Arc::new(store.clone()), switch.clone());
        let analyzer: Arc<dyn Analyzer> = switch;
        let bot = match replacements.bot {
            Some(bot) => bot,
            None => bot_of(&config.bot, &directory, &analyzer, &clock)?,
        };
        first_start(&*directory, &*clock).await?;
        let demo_widget = match config.server.demo {
            true => Some(demo::prepare(&*directory, &*ids, clock.now()).await?),
            false => None,
        };
        let policy = policy::live_policy(&*directory).await?;

        let housekeeping = housekeeping_of(&config, &store, &clock, &ids);
        let bus = match replacements.bus {
            Some(bus) => bus,
            None => bus_of(&config.broker, company, &store.history_id(), &tracker).await?,
        };
        let ports = Ports {
            store: Arc::new(store),
            nodes: Arc::clone(&nodes),
            directory: Arc::clone(&directory),
            analyzer,
            bot,
            bus,
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            observer: Arc::new(Counting(metrics.clone())),
        };
        let settings = Settings {
            analysis_budget: config.nlp.budget,
            agent_grace: config.gateway.pong_timeout,
            tenure: Tenure { company, lease: config.nodes.lease, renewal: config.nodes.renewal },
        };
        let flow = Flow::new(ports, settings, policy, tracker.clone());
        housekeeping.serves(flow.clone());

        let passwords = Passwords::new(&config.auth)?;
        let tickets = match company {
            Company::Alone => Tickets::new(&config.auth),
            Company::Others => Tickets::new(&config.auth).shared(Arc::clone(&nodes)),
        };
        let tickets = Arc::new(tickets);
        let logins = Logins::new(
            Arc::clone(&directory),
            Arc::clone(&clock),
            Arc::clone(&ids),
            passwords,
            config.auth.clone(),
        );
        let logins = Arc::new(logins);
        let visitors = Visitors::new(directory, Arc::clone(&clock), ids, Arc::clone(&tickets));
        let setup_url = logins.setup_link().await?;
        let setup_url = setup_url.map(|secret| public_url.join(&format!("/setup?token={}", secret.expose())));
        let site = Site { public_url, build: http::build(), demo_widget };
        let gateway = Gateway::new(
            flow.clone(),
            Arc::clone(&tickets),
            config.gateway.clone(),
            config.server.clone(),
            tracker.clone(),
            metrics.clone(),
        );
        let http = Http {
            config: Arc::clone(&config),
            site: Arc::new(site),
            flow: flow.clone(),
            desk: Arc::new(GatewayDesk(flow.clone())),
            labels,
            models: models.clone(),
            housekeeping: housekeeping.clone(),
            logins: Arc::clone(&logins),
            visitors: Arc::new(visitors),
            tickets,
            metrics,
        };
        let router: Router =
            http::router(http.clone()).merge(gateway::routes::<Gateway>().with_state(gateway.clone()));

        flow.start().await?;
        close_sockets_of_revoked(&tracker, &logins, gateway);
        let (keeper, stopping) = (housekeeping.clone(), tracker.token());
        tracker.spawn("upkeep", async move { keeper.keep_up(stopping).await });
        let stopping = tracker.token();
        tracker.spawn("person", async move { housekeeping.follow_erasures(stopping).await });
        let stopping = tracker.token();
        let keeps_time = Arc::clone(&clock);
        if company == Company::Others {
            policy::follow(&tracker, flow.clone(), nodes, Arc::clone(&http.flow.ports().directory));
        }
        tracker.spawn("models", async move { models.keep_up(keeps_time, stopping).await });
        sweep(&tracker, clock, logins);
        let serving = tracker.clone();
        tracker.spawn("http.listen", async move { listener.serve(router, serving).await });
        Ok(Self {
            local,
            http,
            setup_url,
            tracker,
            drain_timeout: config.server.drain_timeout,
            _alone: alone,
        })
    }

    /// Tells everything to stop and waits until it has, or the drain time-out is over.
    ///
    /// # Errors
    ///
    /// Names what would not end.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.tracker.stop();
        point("app.draining");
        self.tracker.wait(self.drain_timeout).await.map_err(|running| {
            anyhow::anyhow!("still running after {:?}: {}", self.drain_timeout, running.join(", "))
        })
    }
}

/// Turns events into numbers.
struct Counting(Metrics);

impl Observer for Counting {
    fn observe(&self, event: &Event) {
        self.0.observe(event);
    }
}

/// The configured analyzer, behind a switch. The model is loaded on its own thread; until then, and whenever it fails,
/// words answer. A model that was adopted is made live by [`Models::keep_up`], and nothing is loaded in its place before.
async fn model_switch(
    config: &Config,
    replacement: Option<Arc<dyn Analyzer>>,
    store: &SqlStore,
) -> anyhow::Result<ModelSwitch> {
    let nlp = &config.nlp;
    let folder = config.server.data.join("models");
    let builder = Builder::default()
        .model(nlp.model.clone())
        .queue(nlp.queue.get())
        .batch(nlp.batch.get())
        .threads(nlp.threads.get())
        .repeats(nlp.repeats);
    let (first, builder): (Arc<dyn Analyzer>, _) = match (replacement, nlp.backend) {
        (Some(replacement), _) => (replacement, None),
        (None, Backend::Lexicon) => (Arc::new(LexiconAnalyzer::new("nlp.backend is lexicon")), None),
        (None, Backend::RustBert) if store.model_versions().await?.is_empty() => {
            (builder.clone().build(), Some(builder))
        }
        (None, Backend::RustBert) => (Arc::new(LexiconAnalyzer::while_loading()), Some(builder)),
    };
    Ok(ModelSwitch::new(first, builder, folder))
}

/// What looks after the data.
pub(crate) fn housekeeping_of(
    config: &Config,
    store: &SqlStore,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdSource>,
) -> Housekeeping {
    let keeping = Keeping {
        closed: config.store.keep_closed,
        commands: config.store.keep_commands,
        least_free: config.store.least_free,
    };
    let disk: Arc<dyn Disk> = match config.store.url {
        Some(_) => Arc::new(Elsewhere),
        None => Arc::new(DatabaseFile::new(&config.database())),
    };
    let (conversations, upkeep) = (Arc::new(store.clone()), Arc::new(store.clone()));
    Housekeeping::new(conversations, upkeep, disk, Arc::clone(clock), Arc::clone(ids), keeping)
}

/// The configured bot.
fn bot_of(
    config: &BotConfig,
    directory: &Arc<dyn Directory>,
    analyzer: &Arc<dyn Analyzer>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn Bot>> {
    match (config.kind, &config.url, &config.secret) {
        (BotKind::Webhook, Some(url), Some(secret)) => {
            let settings = WebhookSettings {
                url: url.clone(),
                secret: secret.clone(),
                deadline: config.deadline,
                retries: config.retries,
                breaker_failures: config.breaker_failures.get(),
                breaker_pause: config.breaker_pause,
            };
            Ok(Arc::new(WebhookBot::new(settings, Arc::clone(clock))?))
        }
        _ => Ok(Arc::new(KnowledgeBot::new(Arc::clone(directory), Arc::clone(analyzer)))),
    }
}

/// How hints travel: inside this process where it is alone; else through the broker that is configured.
async fn bus_of(
    config: &BrokerConfig,
    company: Company,
    history_id: &str,
    tracker: &Tracker,
) -> anyhow::Result<Arc<dyn Bus>> {
    Ok(match (company, &config.url) {
        (Company::Alone, _) => Arc::new(LocalBus::new()),
        (Company::Others, None) => Arc::new(LocalBus::without_broker()),
        (Company::Others, Some(url)) => Arc::new(NatsBus::start(url, history_id, tracker).await?),
    })
}

/// What must be there before the first conversation: a policy and a queue.
async fn first_start(directory: &dyn Directory, clock: &dyn Clock) -> anyhow::Result<()> {
    let stamp = Stamp { by: None, at: clock.now() };
    if directory.policies().await?.is_empty() {
        let (name, toml) = ("default".to_owned(), DEFAULT_POLICY.to_owned());
        let comment = "The policy that comes with Baton".to_owned();
        match directory.publish_policy(stamp.clone(), name, toml, comment, 0).await {
            // Another node has its first start at the same time.
            Ok(_) | Err(DirectoryError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if directory.queues().await?.is_empty() {
        let queue = Queue {
            id: QueueId::from_suffix("general"),
            name: "General".into(),
            skills: vec![],
            tier: 1,
            hours: None,
            intents: vec![],
            is_default: true,
        };
        directory.save_queue(stamp, queue).await?;
    }
    Ok(())
}

/// Closes the sockets of accounts that lost the right to them.
fn close_sockets_of_revoked(tracker: &Tracker, logins: &Arc<Logins>, gateway: Gateway) {
    let mut revoked = logins.revoked();
    let stopping = tracker.token();
    tracker.spawn("auth.revoked", async move {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                account = revoked.recv() => match account {
                    Ok(account) => gateway.registry().close_agent(&account, Close::NotAllowed),
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                },
            }
        }
    });
}

/// Forgets logins and links that ended.
fn sweep(tracker: &Tracker, clock: Arc<dyn Clock>, logins: Arc<Logins>) {
    let stopping = tracker.token();
    tracker.spawn("auth.sweep", async move {
        loop {
            if let Err(error) = logins.sweep().await {
                tracing::warn!(error = %error, "Old logins were not forgotten: {error}");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = clock.sleep(SWEEP_INTERVAL) => {}
            }
        }
    });
}
