//! A listener with routes that limits can be seen on, and a client that speaks HTTP by hand.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use crate::{Bounds, Listener, ServeSettings, Surroundings, metrics::http::HttpMetrics, tls::Tls};

pub const SLOW: Duration = Duration::from_millis(300);

pub struct Server {
    pub address: SocketAddr,
    pub stop: watch::Sender<bool>,
    pub served: JoinHandle<()>,
    pub metrics: Arc<HttpMetrics>,
}

/// Everything off but for a few connections; limits hold for loopback, too.
pub fn settings() -> ServeSettings {
    ServeSettings {
        connections: 16,
        connections_per_address: 0,
        requests_per_connection: 0,
        requests: 0,
        requests_per_second: 0,
        limit_loopback: true,
        ..ServeSettings::default()
    }
}

impl Server {
    pub async fn start(settings: &ServeSettings, tls: Option<Tls>) -> Self {
        let metrics = HttpMetrics::new();
        let router = Router::new()
            .route("/things/{id}", get(|| async { "7" }))
            .route("/bytes", post(|body: axum::body::Bytes| async move { body.len().to_string() }))
            .route("/slow", get(|| async { tokio::time::sleep(SLOW / 3).await }));
        let mut surroundings = Surroundings::new(settings, metrics.clone());
        surroundings.envelope.limit = SLOW * 4;
        let router = surroundings.around(router, |router| router);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let bounds = Bounds { head: SLOW, stall: SLOW, grace: SLOW, ..settings.bounds() };
        let listener = Listener { socket, tls, bounds, metrics: metrics.clone() };
        let served = tokio::spawn(listener.serve(router, stopped));
        Self { address, stop, served, metrics }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// One request on a connection of its own, read to its end.
    pub async fn get(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        ask(&mut stream, path).await;
        read(&mut stream).await
    }
}

/// Sends a request that asks for the connection to be closed.
pub async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    // The server may be gone already; what it said before is read next.
    let _ = stream.write_all(request.as_bytes()).await;
}

/// What comes until the connection ends, however it ends.
pub async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

pub fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| *n == name).map(|(_, value)| value))
}

pub fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
