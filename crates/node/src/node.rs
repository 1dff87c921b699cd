//! A running node: chain, HTTP interface and upkeep, from start to graceful end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

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

use crate::{
    app::{App, Parts, now_ms},
    backup::Backups,
    config::NodeConfig,
    copies::{Copies, CopiesError, Participant},
    database::{self, DatabaseError},
    datadir::{DataDir, DataDirError},
    governance::Policy,
    http::{
        self,
        content::Content,
        serve::{self, Limits},
    },
    mailbox::Mailboxes,
    operator,
    payment::{self, Payments},
    standing::Standing,
    view::{ChainView, LedgerView},
};

/// For a request's head, and for an idle connection.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// For a client to take a part of its answer.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// For open requests at shutdown.
const GRACE: Duration = Duration::from_secs(10);
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
        let listener = TcpListener::bind(config.http).await.map_err(listen)?;
        let http = listener.local_addr().map_err(listen)?;
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
        let mut tasks = JoinSet::new();
        let followed = chain.clone();
        tasks.spawn(async move { standing.follow(followed, genesis).await });
        tasks.spawn(upkeep(app.clone(), database));
        let (content, grace) = (app.content.clone(), config.content.grace());
        tasks.spawn(async move { content.collect_every(COLLECTION, grace).await });
        if let Some(copies) = app.content.copies() {
            copies.spawn(&mut tasks);
        }
        tasks.spawn(operator::serve(DataDir::operator(dir.path()), app.content.clone()));
        let limits = Limits {
            connections: config.limits.connections,
            head: HEAD_LIMIT,
            stall: STALL_LIMIT,
            grace: GRACE,
        };
        let server = tokio::spawn(serve::serve(listener, http::router(app), limits, stopped));
        tracing::info!(%http, "node started");
        Ok(Self { http, chain, stop, server, tasks })
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
    let payments = Payments::new(view.clone(), audience, database.clone());
    let mailboxes =
        Mailboxes::open(database.clone(), config.mailbox.clone(), payments.clone(), view.clone(), now_ms())?;
    let backups = Backups::open(database.clone(), config.backup.clone(), payments.clone())?;
    let policy = Policy::open(id, config.authorities.clone(), view, database)?;
    let committee = genesis.committee.clone();
    let participant = Participant {
        audience,
        signer: SigningKey::from_seed(config.chain.signer.clone()),
        peers: config.apis.clone(),
        committee: Arc::new(move || committee.clone()),
        settings: config.copies.clone(),
    };
    let copies = Copies::open(store.clone(), participant)?;
    let content = Content::new(store, audience, Arc::new(payments.clone())).with_copies(copies);
    Ok(App::new(Parts {
        audience,
        genesis: GenesisBody { chain: id.0.to_string(), genesis: encoding::to_base64(&genesis.encode()) },
        chain: chain.clone(),
        payments,
        mailboxes,
        backups,
        content,
        policy,
        subscribers: Arc::new(Semaphore::new(config.limits.subscribers)),
        stop,
    }))
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
