//! `Host` over the process's HTTP client and clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use yilian_client::{Host, Method, NodeUrl, Request, Response, TransportError, host::MAX_RESPONSE};
use yilian_crypto::Secret;
use yilian_ledger::Time;

use super::rng;
use crate::http::{Http, HttpError};

/// Cheap to clone; clones share the connections and the clock's shift.
#[derive(Clone, Debug)]
pub struct NativeHost {
    http: Http,
    /// Milliseconds added to the clock; the demonstration plays a device whose clock is wrong.
    shift: Arc<AtomicI64>,
}

impl NativeHost {
    pub fn new(http: Http) -> Self {
        Self { http, shift: Arc::new(AtomicI64::new(0)) }
    }

    /// A host of the same connections whose clock differs by so many milliseconds.
    pub fn with_clock_shift(&self, milliseconds: i64) -> Self {
        Self { http: self.http.clone(), shift: Arc::new(AtomicI64::new(milliseconds)) }
    }
}

impl Host for NativeHost {
    async fn request(&self, node: &NodeUrl, request: Request) -> Result<Response, TransportError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let url = format!("{node}{}", request.path);
        let sent = self.http.exchange(method, &url, request.content_type, request.body, MAX_RESPONSE).await;
        match sent {
            Ok((status, body)) => Ok(Response { status, body }),
            Err(HttpError::TooLarge) => Err(TransportError::TooLarge),
            Err(HttpError::Timeout) => Err(TransportError::Timeout),
            Err(other) => Err(TransportError::Unreachable(other.to_string())),
        }
    }

    fn now(&self) -> Time {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        Time(now.saturating_add_signed(self.shift.load(Ordering::Relaxed)))
    }

    fn nonce(&self) -> [u8; 32] {
        *Secret::<[u8; 32]>::random(&mut rng()).expose()
    }

    async fn pause(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}
