//! A running authority: its HTTP service, the schedule of ticket keys, the operator's socket.

use std::{future::Future, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::net::TcpListener;
use yilian_authority::{Authority, Chain, http, schedule};
use yilian_crypto::certificate::Level;
use yilian_ledger::{Entry, Kind, Refusal, name::MemberId, transaction::AddMember};
use yilian_node::config::read_genesis;

use super::{
    folder::{Folder, Opened},
    operator, transport,
};
use crate::{failure, passphrase};

/// Between two tries to reach the chain at start.
const PAUSE: Duration = Duration::from_millis(300);
/// Within which open requests end at shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `stop` resolves. The issuer's certificate is in the ledger before the first request is answered.
pub async fn serve(folder: &Folder, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let settings = folder.settings()?;
    let genesis = read_genesis(&folder.path(&settings.genesis))?;
    let file = settings.passphrase_file.as_ref().map(|file| folder.path(file));
    let passphrase = passphrase::obtain(file.as_deref(), "Passphrase of the authority: ")?;
    let Opened { issuer, store } = folder.open(passphrase.expose())?;
    let chain = transport::chain(&settings.nodes, genesis.clone())?;
    let limits = yilian_authority::Settings {
        tickets_per_period: settings.tickets_per_period,
        code_life_ms: u64::from(settings.code_hours) * 3_600_000,
    };
    let authority = Arc::new(Authority::new(genesis, issuer, store, limits)?);
    // Before the chain is asked, so that a port in use is found out at once.
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.with_context(|| format!("cannot listen at {}", settings.listen))?;

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
    let router = http::router(Arc::clone(&authority), Arc::clone(&chain));
    let mut graceful = over.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        // A lost sender says the same.
        let _ = graceful.wait_for(|over| *over).await;
    });
    tracing::info!(listen = %settings.listen, "authority started");
    let socket = folder.socket();
    let deadline = async move {
        let _ = over.wait_for(|over| *over).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = std::future::IntoFuture::into_future(server) => served.context("the HTTP service failed")?,
        failed = operator::serve(&socket, Arc::clone(&authority), Arc::clone(&chain)) => failed?,
        () = schedule::run(authority, chain, http::now) => {}
        () = deadline => tracing::warn!("requests still open at shutdown were cut"),
    }
    let _ = std::fs::remove_file(&socket);
    tracing::info!("authority stopped");
    Ok(())
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
