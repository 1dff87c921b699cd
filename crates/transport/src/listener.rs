//! The listener (spec N-20, N-22, N-26): bounded connections, overall and by address; bounded time for the handshake, for a
//! request's head and for taking an answer; graceful end.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use crate::{
    metrics::http::{HttpMetrics, Refused},
    prefix::{self, Prefix},
    slots::{Slot, Slots},
    stall::Patient,
    tls::Tls,
};

/// Longest head of a request that is read, bytes.
const MAX_HEAD: usize = 64 << 10;

/// What one listener takes.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// Connections of one address at a time; more are closed.
    pub per_address: Option<usize>,
    /// Requests of one connection.
    pub requests: Option<u64>,
    /// For the handshake, for a request's head, and for an idle connection.
    pub head: Duration,
    /// For a client to take a part of its answer: one that never reads would hold its connection for ever.
    pub stall: Duration,
    /// For open requests once shutdown began.
    pub grace: Duration,
    /// Addresses that may have any number of connections.
    pub unlimited: Vec<IpAddr>,
    pub limit_loopback: bool,
}

/// Who is at the other end of a request's connection; an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A socket with what is spoken on it.
pub struct Listener {
    pub socket: TcpListener,
    /// Plain HTTP without.
    pub tls: Option<Tls>,
    pub bounds: Bounds,
    pub metrics: Arc<HttpMetrics>,
}

/// What a connection's task needs.
#[derive(Clone)]
struct Shared {
    router: Router,
    bounds: Arc<Bounds>,
    metrics: Arc<HttpMetrics>,
}

impl Listener {
    /// Serves until `stop` turns true or its sender is gone, then lets open requests end.
    pub async fn serve(self, router: Router, mut stop: watch::Receiver<bool>) {
        let permits = Arc::new(Semaphore::new(self.bounds.connections));
        let slots = self.bounds.per_address.map(Slots::new);
        let shared = Shared { router, bounds: Arc::new(self.bounds), metrics: self.metrics };
        let graceful = GracefulShutdown::new();
        loop {
            let accept = async {
                let permit = permits.clone().acquire_owned().await.ok()?;
                Some((permit, self.socket.accept().await))
            };
            let (permit, accepted) = tokio::select! {
                accepted = accept => match accepted {
                    Some(accepted) => accepted,
                    None => break,
                },
                _ = stop.wait_for(|stopped| *stopped) => break,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, or the peer is gone already: wait instead of spinning.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(slot) = slot(slots.as_ref(), &shared.bounds, address) else {
                shared.metrics.refused(Refused::Address);
                continue;
            };
            let held = Held { _permit: permit, _slot: slot };
            let acceptor = self.tls.as_ref().map(Tls::acceptor);
            tokio::spawn(connection(stream, address, acceptor, shared.clone(), graceful.watcher(), held));
        }
        drop(self.socket);
        if tokio::time::timeout(shared.bounds.grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests still open at shutdown were cut");
        }
    }
}

/// A connection's places, free again when it ends.
struct Held {
    _permit: OwnedSemaphorePermit,
    _slot: Option<Slot>,
}

struct Full;

fn slot(slots: Option<&Slots>, bounds: &Bounds, address: SocketAddr) -> Result<Option<Slot>, Full> {
    let ip = address.ip().to_canonical();
    let exempt = bounds.unlimited.contains(&ip) || (prefix::is_loopback(ip) && !bounds.limit_loopback);
    match slots.filter(|_| !exempt) {
        Some(slots) => slots.take(Prefix::of(ip)).map(Some).ok_or(Full),
        None => Ok(None),
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    shared: Shared,
    watcher: Watcher,
    _held: Held,
) {
    let metrics = shared.metrics.clone();
    let _open = metrics.connection();
    // Small answers must not wait for acknowledgements; failing to set it costs only time.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(stream, shared.bounds.stall);
    let Some(acceptor) = acceptor else {
        return answer(stream, address, shared, watcher).await;
    };
    match tokio::time::timeout(shared.bounds.head, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => answer(stream, address, shared, watcher).await,
        // Whoever speaks something else, or nothing: no event but for its number.
        Ok(Err(_)) | Err(_) => metrics.refused(Refused::Handshake),
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    address: SocketAddr,
    shared: Shared,
    watcher: Watcher,
) {
    let (peer, most, answered) =
        (Peer(address.ip().to_canonical()), shared.bounds.requests, AtomicU64::new(0));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let count = answered.fetch_add(1, Ordering::Relaxed) + 1;
        let last = most.is_some_and(|most| count >= most);
        let answer = shared.router.clone().call(request.map(Body::new));
        async move {
            let mut response: Response = answer.await?;
            if last {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.bounds.head)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // A client that breaks off is no event.
    let _ = watcher.watch(connection).await;
}
