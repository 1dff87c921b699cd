//! The listener: bounded connections, bounded time for a request's head and for taking an answer, graceful end.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

use super::stall::Patient;

/// What one listener takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// For a request's head, and for an idle connection.
    pub head: Duration,
    /// For a client to take a part of its answer: one that never reads would hold its connection for ever.
    pub stall: Duration,
    /// For open requests once shutdown began.
    pub grace: Duration,
}

/// Serves until `stop` turns true or its sender is gone.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accept = async {
            let permit = permits.clone().acquire_owned().await.ok()?;
            Some((permit, listener.accept().await))
        };
        let (permit, accepted) = tokio::select! {
            accepted = accept => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = graceful.watch(connection(stream, router.clone(), limits));
                tokio::spawn(async move {
                    // A client that breaks off is no event.
                    let _ = connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of descriptors, or the peer is gone already: wait instead of spinning.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still open at shutdown were cut");
    }
}

fn connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
) -> http1::Connection<TokioIo<Patient<TcpStream>>, TowerToHyperService<Router>> {
    // Small answers must not wait for acknowledgements; failing to set it costs only time.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.stall)), TowerToHyperService::new(router))
}
