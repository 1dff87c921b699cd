//! A running authority: its HTTP service, the schedule of ticket keys, the operator's socket.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{net::TcpListener, sync::watch};
use yilian_authority::{Authority, Chain, http, schedule};
use yilian_crypto::certificate::Level;
use yilian_ledger::{Entry, Kind, Refusal, name::MemberId, transaction::AddMember};
use yilian_node::config::read_genesis;
use yilian_transport::{
    Bounds, Listener, ServeSettings, Surroundings,
    metrics::{Collect, Page, http::HttpMetrics, process},
    tls::Tls,
};

use super::{
    folder::{Folder, Opened},
    operator, transport,
};
use crate::{failure, passphrase, process::ReloadSignal, trust::Trust};

/// Between two tries to reach the chain at start.
const PAUSE: Duration = Duration::from_millis(300);
/// Connections of those who read metrics.
const METRICS_CONNECTIONS: usize = 16;

/// Serves until `stop` resolves. The issuer's certificate is in the ledger before the first request is answered.
pub async fn serve(
    folder: &Folder,
    stop: impl Future<Output = ()> + Send + 'static,
    reload: ReloadSignal,
) -> anyhow::Result<()> {
    let settings = folder.settings()?;
    let genesis = read_genesis(&folder.path(&settings.genesis))?;
    let file = settings.passphrase_file.as_ref().map(|file| folder.path(file));
    let passphrase = passphrase::obtain(file.as_deref(), "Passphrase of the authority: ")?;
    let Opened { issuer, store } = folder.open(passphrase.expose())?;
    let trust = Trust::consortium(&genesis).with_plain(settings.allow_plain_http);
    let chain = transport::chain(&settings.nodes, genesis.clone(), &trust)?;
    let tls = settings.tls.as_ref().map(|tls| Tls::load(tls.below(&folder.path("")), genesis.roots.clone()));
    let tls = tls.transpose()?;
    let limits = yilian_authority::Settings {
        tickets_per_period: settings.tickets_per_period,
        code_life_ms: u64::from(settings.code_hours) * 3_600_000,
    };
    let authority = Arc::new(Authority::new(genesis, issuer, store, limits)?);
    // Before the chain is asked, so that a port in use is found out at once.
    let socket = listen(settings.listen).await?;
    let scraped = match settings.metrics {
        Some(address) => Some(listen(address).await?),
        None => None,
    };

    let (ended, mut over) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        stop.await;
        ended.send_replace(true);
    });
    let root = folder.root_id()?;
    tokio::select! {
        registered = register(&authority, root, chain.as_ref()) => registered?,
        _ = over.wait_for(|over| *over) => return Ok(()),
    }
    let counted = HttpMetrics::new();
    let surroundings = Surroundings::new(&settings.serve, counted.clone());
    let router =
        surroundings.around(http::router(Arc::clone(&authority), Arc::clone(&chain)), |router| router);
    let (bounds, metrics) = (settings.serve.bounds(), counted.clone());
    let server = Listener { socket, tls: tls.clone(), bounds, metrics }.serve(router, over.clone());
    tracing::info!(listen = %settings.listen, tls = tls.is_some(), "authority started");
    crate::process::notify(crate::process::READY);
    let socket = folder.socket();
    tokio::select! {
        // Ends when it was asked to, with open requests answered or cut.
        () = server => {}
        failed = operator::serve(&socket, Arc::clone(&authority), Arc::clone(&chain)) => failed?,
        () = schedule::run(authority, chain, http::now) => {}
        () = renewals(tls.clone(), reload) => {}
        () = serve_metrics(scraped, counted, tls, over) => {}
    }
    let _ = std::fs::remove_file(&socket);
    tracing::info!("authority stopped");
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen at {address}"))
}

/// Never ends.
async fn renewals(tls: Option<Tls>, mut reload: ReloadSignal) {
    let Some(tls) = tls else { return std::future::pending().await };
    let asked = async {
        loop {
            reload.next().await;
            tls.renew();
        }
    };
    futures::future::join(tls.clone().watch(), asked).await;
}

/// Never ends before the service does.
async fn serve_metrics(
    socket: Option<TcpListener>,
    counted: Arc<HttpMetrics>,
    tls: Option<Tls>,
    stop: watch::Receiver<bool>,
) {
    let Some(socket) = socket else { return std::future::pending().await };
    let collect: Collect = Arc::new(move || {
        let (counted, tls) = (counted.clone(), tls.clone());
        Box::pin(async move {
            let mut page = Page::default();
            process::write(&mut page);
            counted.write(&mut page);
            if let Some(tls) = tls {
                tls.write(&mut page);
            }
            page
        })
    });
    let bounds = Bounds { connections: METRICS_CONNECTIONS, ..ServeSettings::default().bounds() };
    let listener = Listener { socket, tls: None, bounds, metrics: HttpMetrics::new() };
    listener.serve(yilian_transport::metrics::router(collect), stop).await;
    std::future::pending().await
}

/// Brings the issuer's certificate into the ledger, unless it is there; waits for a chain that is still starting.
async fn register(authority: &Authority, root: MemberId, chain: &dyn Chain) -> anyhow::Result<()> {
    let mut told = false;
    loop {
        let Err(error) = register_once(authority, root, chain).await else { return Ok(()) };
        // Another refusal of the ledger will not go away.
        match failure::code(&error).and_then(Refusal::from_code) {
            Some(Refusal::CertificateSeen) => return Ok(()),
            Some(_) => return Err(error.context("the ledger does not take the authority's certificate")),
            None => {}
        }
        if !told {
            tracing::info!(%error, "waiting for the chain");
            told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn register_once(authority: &Authority, root: MemberId, chain: &dyn Chain) -> anyhow::Result<()> {
    let issuer = authority.issuer();
    let name = issuer.id().name(Kind::from(Level::Intermediate));
    let known = chain.entry(name, http::now()).await?;
    let id = issuer.certificate().id();
    if matches!(known, Some(Entry::Member(member)) if member.certificate(&id).is_some()) {
        return Ok(());
    }
    let transaction = AddMember::transaction(authority.chain(), root, issuer.certificate());
    transport::submit(chain, &transaction).await
}
