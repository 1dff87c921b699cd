//! A running node: chain, HTTP interface and upkeep, from start to graceful end.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use commonware_codec::Encode as _;
use redb::Database;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use yilian_api::{encoding, ledger::GenesisBody, signing::Audience};
use yilian_chain::{Chain, Handle};
use yilian_content::Store;
use yilian_crypto::sign::SigningKey;
use yilian_files::OpenError;
use yilian_ledger::Genesis;
use yilian_transport::{
    Bounds, Listener, ServeSettings, Surroundings,
    metrics::http::HttpMetrics,
    tls::{Tls, TlsError},
};

use crate::{
    app::{App, Parts, now_ms},
    backup::Backups,
    config::{NodeConfig, read_settings},
    copies::{Copies, CopiesError, Participant},
    database::{self, DatabaseError},
    datadir::{DataDir, DataDirError},
    governance::Policy,
    http::{self, content::Content},
    mailbox::Mailboxes,
    metrics::{self, Metrics},
    operator,
    payment::{self, Payments},
    standing::Standing,
    view::{ChainView, LedgerView},
};

/// Connections of those who read metrics.
const METRICS_CONNECTIONS: usize = 16;
/// Between two collections of content that nobody keeps.
const COLLECTION: Duration = Duration::from_secs(10 * 60);
/// Between two rounds of upkeep.
const UPKEEP: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("another node runs on this directory")]
    InUse,
    #[error(transparent)]
    Open(OpenError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("cannot listen for clients at {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("cannot listen for readers of metrics at {address}: {error}")]
    ListenMetrics { address: SocketAddr, error: std::io::Error },
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("content: {0}")]
    Content(#[from] yilian_content::StoreError),
    #[error("copies of content: {0}")]
    Copies(#[from] CopiesError),
    #[error("chain: {0}")]
    Chain(#[from] yilian_chain::StartError),
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        if matches!(error, OpenError::InUse { .. }) { Self::InUse } else { Self::Open(error) }
    }
}

/// A running node. Dropping it without `shutdown` stops it less gracefully.
pub struct Node {
    http: SocketAddr,
    metrics: Option<SocketAddr>,
    tls: Option<Tls>,
    chain: Handle,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    /// Standing mailboxes and upkeep; aborted when dropped.
    tasks: JoinSet<()>,
}

impl Node {
    /// Starts everything; returns when the node listens. Nothing runs on after an error.
    pub async fn start(config: NodeConfig) -> Result<Self, StartError> {
        let genesis = config.chain.genesis.clone();
        let dir = DataDir::open(&config.dir, genesis.chain_id())?;
        let database = Arc::new(database::open(&dir.database(), config.limits.cache_bytes)?);
        // Before the chain, so that a port in use costs nothing to find out.
        let listen = |error| StartError::Listen { address: config.http, error };
        let socket = TcpListener::bind(config.http).await.map_err(listen)?;
        let http = socket.local_addr().map_err(listen)?;
        let scraped = bind_metrics(config.metrics).await?;
        let tls = config.tls.clone().map(|tls| Tls::load(tls, genesis.roots.clone())).transpose()?;
        let chain_config = config.chain.clone();
        let chain = crate::blocking(move || Chain::start(chain_config)).await?;

        let (folder, limits) = (dir.content(), config.content.limits());
        let opened = crate::blocking(move || Store::open(folder, limits)).await;
        let store = match opened {
            Ok(store) => Arc::new(store),
            Err(error) => {
                chain.shutdown().await;
                return Err(error.into());
            }
        };

        let (stop, stopped) = watch::channel(false);
        let standing = Arc::new(Standing::default());
        let app =
            match assemble(&config, &genesis, &chain, &standing, store, database.clone(), stopped.clone()) {
                Ok(app) => app,
                Err(error) => {
                    chain.shutdown().await;
                    return Err(error);
                }
            };
        let counted = app.metrics.clone();
        let mut tasks = JoinSet::new();
        let followed = chain.clone();
        tasks.spawn(async move { standing.follow(followed, genesis).await });
        tasks.spawn(upkeep(app.clone(), database));
        tasks.spawn(follow_settings(config.dir.clone(), chain.clone()));
        let (content, grace) = (app.content.clone(), config.content.grace());
        tasks.spawn(async move { content.collect_every(COLLECTION, grace).await });
        if let Some(copies) = app.content.copies() {
            copies.spawn(&mut tasks);
        }
        tasks.spawn(operator::serve(DataDir::operator(dir.path()), app.content.clone()));
        tasks.spawn(counted.clone().follow(chain.clone()));
        if let Some(tls) = tls.clone() {
            tasks.spawn(tls.watch());
        }
        let metrics = scraped.as_ref().and_then(|socket| socket.local_addr().ok());
        if let Some(socket) = scraped {
            tasks.spawn(serve_metrics(socket, app.clone(), tls.clone(), stopped.clone()));
        }
        let surroundings = Surroundings::new(&config.serve, counted.http.clone());
        let validators = config.chain.peers.iter().map(|(_, address)| address.ip().to_canonical());
        surroundings.admission.exempt(validators.clone());
        let (mut bounds, http_metrics) = (config.serve.bounds(), counted.http.clone());
        bounds.unlimited.extend(validators);
        let listener = Listener { socket, tls: tls.clone(), bounds, metrics: http_metrics };
        let server = tokio::spawn(listener.serve(http::router(app, surroundings), stopped));
        tracing::info!(%http, tls = tls.is_some(), "node started");
        Ok(Self { http, metrics, tls, chain, stop, server, tasks })
    }

    /// Where metrics are read.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Reads what may change while the node runs, now: the TLS certificate. What is wrong with it is logged.
    pub async fn reload(&self) {
        let Some(tls) = self.tls.clone() else { return };
        crate::blocking(move || tls.renew()).await;
    }

    /// Where clients connect to.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    pub fn chain(&self) -> &Handle {
        &self.chain
    }

    /// Lets open requests end, then stops the chain; everything is on disk when this returns.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.server).await {
            tracing::error!(%error, "HTTP server ended badly");
        }
        self.tasks.shutdown().await;
        self.chain.shutdown().await;
        tracing::info!("node stopped");
    }
}

fn assemble(
    config: &NodeConfig,
    genesis: &Genesis,
    chain: &Handle,
    standing: &Arc<Standing>,
    store: Arc<Store>,
    database: Arc<Database>,
    stop: watch::Receiver<bool>,
) -> Result<App, StartError> {
    let id = genesis.chain_id();
    let audience = Audience { chain: id.0, node: chain.status().validator };
    let view: Arc<dyn LedgerView> = Arc::new(ChainView { chain: chain.clone(), standing: standing.clone() });
    let payments =
        Payments::new(view.clone(), audience, database.clone()).with_rate(config.serve.member_rate());
    let mailboxes =
        Mailboxes::open(database.clone(), config.mailbox.clone(), payments.clone(), view.clone(), now_ms())?;
    let backups = Backups::open(database.clone(), config.backup.clone(), payments.clone())?;
    let policy = Policy::open(id, config.authorities.clone(), view, database)?;
    let term = chain.clone();
    let participant = Participant {
        audience,
        signer: SigningKey::from_seed(config.chain.signer.clone()),
        peers: config.apis.clone(),
        committee: Arc::new(move || term.term().1.raw()),
        roots: genesis.roots.clone(),
        settings: config.copies.clone(),
    };
    let copies = Copies::open(store.clone(), participant)?;
    let content = Content::new(store, audience, Arc::new(payments.clone())).with_copies(copies);
    Ok(App::new(Parts {
        audience,
        identity: SigningKey::from_seed(config.chain.signer.clone()),
        genesis: GenesisBody { chain: id.0.to_string(), genesis: encoding::to_base64(&genesis.encode()) },
        chain: chain.clone(),
        payments,
        mailboxes,
        backups,
        content,
        policy,
        metrics: Metrics::new(),
        subscribers: Arc::new(Semaphore::new(config.limits.subscribers)),
        stop,
    }))
}

/// Takes up peers and followers that its operator adds or moves; a file that cannot be read changes nothing.
async fn follow_settings(dir: PathBuf, chain: Handle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let read = dir.clone();
        let directory = crate::blocking(move || read_settings(&read).and_then(|s| s.directory())).await;
        match directory {
            Ok((peers, followers)) => {
                if let Err(error) = chain.set_peers(&peers, &followers) {
                    tracing::warn!(%error, "peers are as before");
                }
            }
            Err(error) => tracing::warn!(%error, "settings cannot be read again: peers are as before"),
        }
    }
}

async fn bind_metrics(address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|error| StartError::ListenMetrics { address, error })
}

/// For operators: plain, few connections, nothing else.
async fn serve_metrics(socket: TcpListener, app: App, tls: Option<Tls>, stop: watch::Receiver<bool>) {
    let bounds = Bounds { connections: METRICS_CONNECTIONS, ..ServeSettings::default().bounds() };
    let router = yilian_transport::metrics::router(metrics::collect(app, tls));
    Listener { socket, tls: None, bounds, metrics: HttpMetrics::new() }.serve(router, stop).await;
}

/// Removes what has ended, again and again.
async fn upkeep(app: App, database: Arc<Database>) {
    let mut ticks = tokio::time::interval(UPKEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.mailboxes.prune(now_ms()).await {
            tracing::error!(%error, "expired messages could not be removed");
        }
        if let Err(error) = app.backups.prune(now_ms()).await {
            tracing::error!(%error, "abandoned backups could not be removed");
        }
        let Some(snapshot) = app.chain.snapshot() else { continue };
        let database = database.clone();
        let pruned = crate::blocking(move || payment::prune(&database, snapshot.header.time)).await;
        if let Err(error) = pruned {
            tracing::error!(%error, "used tickets could not be forgotten");
        }
    }
}
