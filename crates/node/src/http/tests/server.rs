//! A listener with routes of all shapes, and a client that speaks as badly as asked to.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use yilian_api::problem::{MEDIA_TYPE, Problem};

use yilian_transport::{
    Bounds, Listener, ServeSettings, Surroundings, admission::Admission, envelope::Envelope,
    metrics::http::HttpMetrics,
};

use crate::http::{
    extract::{Json, Octets, Path, Query},
    finish,
};

pub const MAX: usize = 64;
pub const SLOW: Duration = Duration::from_millis(300);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    number: u32,
}

pub struct Server {
    pub address: SocketAddr,
    pub stop: watch::Sender<bool>,
    pub served: JoinHandle<()>,
}

impl Server {
    pub async fn start(connections: usize) -> Self {
        let router = Router::new()
            .route("/json", post(|Json(body): Json<Body, MAX>| async move { body.number.to_string() }))
            .route("/octets", post(|Octets(bytes): Octets<MAX>| async move { bytes.len().to_string() }))
            .route("/path/{number}", get(|Path(number): Path<u32>| async move { number.to_string() }))
            .route("/query", get(|Query(body): Query<Body>| async move { body.number.to_string() }))
            .route("/panic", get(panics))
            .route("/large", get(|| async { vec![b'a'; 64 << 20] }))
            .route("/slow", get(|| async { tokio::time::sleep(SLOW / 3).await }));
        let (settings, metrics) = (ServeSettings::default(), HttpMetrics::new());
        let envelope = Envelope { limit: SLOW, metrics: metrics.clone() };
        let surroundings = Surroundings { admission: Admission::new(&settings), envelope };
        let router = finish(router, crate::http::document(), surroundings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let bounds = Bounds { connections, head: SLOW, stall: SLOW, grace: SLOW, ..settings.bounds() };
        let listener = Listener { socket: listener, tls: None, bounds, metrics };
        let served = tokio::spawn(listener.serve(router, stopped));
        Self { address, stop, served }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes and reads the answer to its end.
    pub async fn send(&self, request: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
    }

    pub async fn post(&self, path: &str, media_type: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }
}

async fn panics() -> &'static str {
    panic!("secret in a panic")
}

pub async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A connection cut by the server is an answer as far as it came.
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.unwrap();
    Answer(String::from_utf8(bytes).unwrap())
}

#[derive(Debug)]
pub struct Answer(pub String);

impl Answer {
    pub fn status(&self) -> u16 {
        self.0.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| *n == name).map(|(_, v)| v))
    }

    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// The problem, well-formed in every respect.
    pub fn problem(&self) -> Problem {
        assert_eq!(self.header("content-type"), Some(MEDIA_TYPE), "{}", self.0);
        let problem: Problem = serde_json::from_str(self.body()).unwrap();
        assert_eq!(problem.status, self.status());
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        assert_eq!(self.header("x-request-id").unwrap().len(), 16);
        problem
    }

    pub fn code(&self) -> String {
        self.problem().code
    }
}
