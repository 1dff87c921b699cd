//! What one listener counts: requests by route template, method and status class, with their time; connections.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;

use super::{Histogram, Page};

/// Upper bounds of answer times, seconds.
const BOUNDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Why a connection was closed before a request was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The address has its share.
    Address,
    /// No TLS, or not in time.
    Handshake,
}

#[derive(Debug, Default)]
pub struct HttpMetrics {
    answered: Mutex<Answered>,
    accepted: AtomicU64,
    open: AtomicU64,
    by_address: AtomicU64,
    by_handshake: AtomicU64,
}

#[derive(Debug, Default)]
struct Answered {
    /// By route, method and status class. Routes are templates, so this is bounded by the number of routes.
    requests: BTreeMap<(String, &'static str, &'static str), u64>,
    /// By route.
    times: BTreeMap<String, Histogram>,
    /// By status, of those that tell of limits.
    limited: BTreeMap<&'static str, u64>,
}

/// An open connection, counted until dropped.
#[derive(Debug)]
pub struct Open<'a>(&'a HttpMetrics);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpMetrics {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// `route`: a template, or `-`.
    pub fn answered(&self, method: &'static str, route: &str, status: StatusCode, took: Duration) {
        let mut answered = self.lock();
        *answered.requests.entry((route.to_owned(), method, class(status))).or_default() += 1;
        if let Some(limited) = limited(status) {
            *answered.limited.entry(limited).or_default() += 1;
        }
        answered.times.entry(route.to_owned()).or_insert_with(|| Histogram::new(BOUNDS)).observe(took);
    }

    pub fn connection(&self) -> Open<'_> {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    pub fn refused(&self, why: Refused) {
        match why {
            Refused::Address => &self.by_address,
            Refused::Handshake => &self.by_handshake,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    pub fn write(&self, page: &mut Page) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let answered = self.lock();
        let requests = answered.requests.iter().map(|((route, method, class), count)| {
            (vec![("route", route.as_str()), ("method", *method), ("status", *class)], *count)
        });
        page.counters("yilian_http_requests_total", "Requests answered.", requests);
        let times = answered.times.iter().map(|(route, times)| (vec![("route", route.as_str())], times));
        page.histograms(
            "yilian_http_request_seconds",
            "From a request's head to the head of its answer.",
            times,
        );
        let limited = ["rate", "busy"].map(|reason| {
            (vec![("reason", reason)], answered.limited.get(reason).copied().unwrap_or_default())
        });
        page.counters(
            "yilian_http_limited_total",
            "Requests refused with 429 (rate) or 503 (busy).",
            limited,
        );
        page.gauge("yilian_http_connections", "Open connections.", read(&self.open) as f64);
        page.counter("yilian_http_connections_total", "Connections accepted.", read(&self.accepted) as f64);
        let refused = [
            (vec![("reason", "address")], read(&self.by_address)),
            (vec![("reason", "handshake")], read(&self.by_handshake)),
        ];
        page.counters(
            "yilian_http_connections_refused_total",
            "Connections closed before a request: the address has its share, or no TLS was spoken.",
            refused,
        );
    }

    fn lock(&self) -> MutexGuard<'_, Answered> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn limited(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some("rate"),
        StatusCode::SERVICE_UNAVAILABLE => Some("busy"),
        _ => None,
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
