//! Content: uploads against payment, pins by their keys, the trustless gateway (spec CS-11 to CS-14).
//!
//! Guarantees: no byte is taken before it is paid for, none is served that does not hash to its name. Bodies are
//! bounded by the routes' signatures, downloads in number and in how long a client may keep one waiting.

mod downloads;
mod gateway;
mod link;
pub(crate) mod negotiation;
mod payment;
mod pins;
pub(crate) mod problem;
mod settings;
mod uploads;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::signing::Audience;
use yilian_content::Store;

use self::downloads::Downloads;
pub use self::{payment::PaymentVerifier, settings::ContentSettings};
use super::error::{ApiError, ApiResult};
use crate::copies::Copies;

/// Downloads of whole objects at once; each holds a few leaves.
const DOWNLOADS: usize = 64;

/// What the content routes need; cheap to clone.
#[derive(Clone)]
pub struct Content {
    store: Arc<Store>,
    audience: Audience,
    payments: Arc<dyn PaymentVerifier>,
    downloads: Arc<Downloads>,
    copies: Option<Arc<Copies>>,
}

impl Content {
    pub fn new(store: Arc<Store>, audience: Audience, payments: Arc<dyn PaymentVerifier>) -> Self {
        Self { store, audience, payments, downloads: Downloads::new(DOWNLOADS), copies: None }
    }

    /// Takes part in keeping copies at several nodes.
    pub fn with_copies(self, copies: Arc<Copies>) -> Self {
        Self { copies: Some(copies), ..self }
    }

    pub fn copies(&self) -> Option<&Arc<Copies>> {
        self.copies.as_ref()
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Collects unpinned objects and idle uploads every `interval`, for ever; `grace` as the store's.
    pub async fn collect_every(&self, interval: Duration, grace: Duration) {
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        loop {
            tokio::time::sleep(interval).await;
            let store = self.store.clone();
            match crate::blocking(move || store.collect(crate::app::now_ms(), grace)).await {
                Ok(collected) => tracing::debug!(?collected, "content collected"),
                Err(error) => tracing::error!(%error, "content could not be collected"),
            }
        }
    }

    /// Runs a call of the store where it may wait for the disk.
    async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Arc<Store>) -> Result<T, yilian_content::StoreError> + Send + 'static,
    ) -> ApiResult<T> {
        let store = self.store.clone();
        crate::blocking(move || call(&store)).await.map_err(problem::of)
    }
}

/// All content routes, for any state that carries a `Content`.
pub fn router<S>() -> OpenApiRouter<S>
where
    Content: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    OpenApiRouter::new()
        .routes(routes!(uploads::open))
        .routes(routes!(uploads::status))
        .routes(routes!(uploads::leaf))
        .routes(routes!(uploads::finish))
        .routes(routes!(pins::pin, pins::unpin))
        .routes(routes!(gateway::get))
        .routes(routes!(link::holds))
        .routes(routes!(link::block))
}

/// A CID in a path or a field.
pub(crate) fn parse_cid(text: &str) -> ApiResult<yilian_dag::Cid> {
    text.parse()
        .map_err(|error| ApiError::of(yilian_api::problem::Code::ContentCid, &error as &yilian_dag::CidError))
}
