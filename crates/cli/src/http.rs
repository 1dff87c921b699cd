//! Requests over HTTP by `reqwest`: time-outs, a bound on what an answer may hold, and errors that name the node.

use std::time::Duration;

use anyhow::Context as _;

/// Longest answer accepted: a bucket or one block of content, with room.
pub const MAX_ANSWER: usize = 16 << 20;

/// One connection pool for everything a process asks.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    pub fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(60))
            .user_agent(concat!("yilian/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot set up the HTTP client")?;
        Ok(Self { client })
    }

    /// Sends one request; returns status and body, the body bounded by `MAX_ANSWER`.
    pub async fn send(
        &self,
        method: reqwest::Method,
        url: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut request = self.client.request(method, url);
        if !body.is_empty() {
            request = request.header("content-type", content_type).body(body);
        }
        let mut response = request.send().await.with_context(|| format!("{url} does not answer"))?;
        let mut out = Vec::new();
        while let Some(chunk) = response.chunk().await.with_context(|| format!("{url} broke off"))? {
            anyhow::ensure!(out.len() + chunk.len() <= MAX_ANSWER, "{url} answered more than {MAX_ANSWER} bytes");
            out.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), out))
    }
}
