//! Requests over HTTP by `reqwest`: time-outs, a bound on what an answer may hold, errors that say what failed.

use std::time::Duration;

use anyhow::Context as _;

/// Longest answer accepted by `send`: a bucket or one block of content, with room.
pub const MAX_ANSWER: usize = 16 << 20;

/// No answer came, or too much of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("the answer is too large")]
    TooLarge,
    #[error("timed out")]
    Timeout,
    #[error("{0}")]
    Unreachable(String),
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Self::Unreachable(cause.to_string())
    }
}

/// One connection pool for everything a process asks. Never through a proxy: nodes are asked directly.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    pub fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .user_agent(concat!("yilian/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot set up the HTTP client")?;
        Ok(Self { client })
    }

    /// Sends one request; returns status and body, the body bounded by `MAX_ANSWER`. Errors name the address.
    pub async fn send(
        &self,
        method: reqwest::Method,
        url: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let content_type = (!body.is_empty()).then_some(content_type);
        self.exchange(method, url, content_type, body, MAX_ANSWER).await.with_context(|| url.to_owned())
    }

    /// The same with the caller's own limit and typed errors.
    pub async fn exchange(
        &self,
        method: reqwest::Method,
        url: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<(u16, Vec<u8>), HttpError> {
        let mut request = self.client.request(method, url).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let mut response = request.send().await?;
        let mut out = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if out.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge);
            }
            out.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), out))
    }
}
