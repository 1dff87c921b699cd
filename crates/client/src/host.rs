//! What the flows need from where they run: requests, a clock, a pause. No runtime, no threads.

use std::fmt;

use yilian_ledger::Time;

/// Base address of a node or an authority, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeUrl(String);

impl NodeUrl {
    pub fn new(url: &str) -> Self {
        Self(url.trim_end_matches('/').to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// `path` starts with a slash and carries the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub content_type: Option<&'static str>,
    pub body: Vec<u8>,
}

/// Any answer, errors of the server included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Largest answer a host should take in, bytes; more is `TransportError::TooLarge`.
pub const MAX_RESPONSE: usize = 64 << 20;

/// No answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    #[error("unreachable: {0}")]
    Unreachable(String),
    #[error("timed out")]
    Timeout,
    #[error("answer is too large")]
    TooLarge,
}

/// Implemented over `reqwest` natively and over `fetch` in the browser. The futures need not be `Send`.
#[allow(async_fn_in_trait)]
pub trait Host {
    /// One exchange. A status that is not 2xx is a `Response`, not an error.
    async fn request(&self, node: &NodeUrl, request: Request) -> Result<Response, TransportError>;
    /// The device's clock.
    fn now(&self) -> Time;
    /// 32 bytes that nobody saw before: what a node signs over them it signed just now.
    fn nonce(&self) -> [u8; 32];
    /// Returns after about so many milliseconds.
    async fn pause(&self, milliseconds: u64);
}

impl<H: Host> Host for &H {
    async fn request(&self, node: &NodeUrl, request: Request) -> Result<Response, TransportError> {
        H::request(self, node, request).await
    }

    fn now(&self) -> Time {
        H::now(self)
    }

    fn nonce(&self) -> [u8; 32] {
        H::nonce(self)
    }

    async fn pause(&self, milliseconds: u64) {
        H::pause(self, milliseconds).await;
    }
}
