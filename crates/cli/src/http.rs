//! Requests over HTTP by `reqwest`: TLS with whom this process trusts, time-outs, a bound on what an answer may hold, errors that say
//! what failed.

use std::time::Duration;

use anyhow::Context as _;
use yilian_transport::tls::{self, Disbelief};

use crate::trust::Trust;

/// Longest answer accepted by `send`: a bucket or one block of content, with room.
pub const MAX_ANSWER: usize = 16 << 20;

/// No answer came, or too much of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("the answer is too large")]
    TooLarge,
    #[error("timed out")]
    Timeout,
    /// Refused here, before anything was sent.
    #[error(
        "plain http:// is for this machine only, since everybody in between sees what is asked for; use the server's https:// \
         address, or allow it with --allow-plain-http"
    )]
    Plain,
    /// Nothing was sent to a server that is not believed.
    #[error("{0}")]
    Disbelieved(Disbelief),
    #[error("{0}")]
    Unreachable(String),
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        if let Some(disbelief) = Disbelief::of(&error) {
            return Self::Disbelieved(disbelief);
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
    allows_plain: bool,
}

impl Http {
    pub fn new(trust: &Trust) -> anyhow::Result<Self> {
        let tls = tls::client_config(trust.roots()).context("cannot set up TLS")?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // A redirection could lead anywhere; no service here sends one.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .user_agent(concat!("yilian/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot set up the HTTP client")?;
        Ok(Self { client, allows_plain: trust.allows_plain() })
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
        let url = reqwest::Url::parse(url)
            .map_err(|error| HttpError::Unreachable(format!("not an address: {error}")))?;
        let private = || url.host_str().is_some_and(tls::plain_is_private);
        if url.scheme() == "http" && !self.allows_plain && !private() {
            return Err(HttpError::Plain);
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn get(http: &Http, url: &str) -> HttpError {
        http.exchange(reqwest::Method::GET, url, None, Vec::new(), 1000).await.unwrap_err()
    }

    #[tokio::test]
    async fn plain_http_leaves_the_machine_only_when_allowed() {
        let careful = Http::new(&Trust::default()).unwrap();
        assert_eq!(get(&careful, "http://node.example:8080/v1/status").await, HttpError::Plain);
        assert_eq!(get(&careful, "http://192.0.2.1/").await, HttpError::Plain);
        // Nobody listens at this port; what matters is that it was tried.
        assert!(matches!(get(&careful, "http://127.0.0.1:1/").await, HttpError::Unreachable(_)));
        let allowed = Http::new(&Trust::default().with_plain(true)).unwrap();
        assert!(!matches!(get(&allowed, "http://nowhere.invalid/").await, HttpError::Plain));
    }
}
