//! Metrics for Prometheus (spec N-30 to N-33): counts and times, never who, what or from where.
//!
//! Values are written to a [`Page`] when they are asked for. Labels are taken from closed sets: route templates, methods, status
//! classes, reasons. A label with an identifier would be a log of identifiers.

pub mod http;
mod page;
pub mod process;

use std::sync::Arc;

use axum::{Router, http::header, routing::get};
use futures::future::BoxFuture;

pub use page::{Histogram, Page};

/// Media type of the text format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes everything a service counts.
pub type Collect = Arc<dyn Fn() -> BoxFuture<'static, Page> + Send + Sync>;

/// `GET /metrics`, for a listener of its own: what stands there is for operators.
pub fn router(collect: Collect) -> Router {
    let page = move || {
        let page = collect();
        async move { ([(header::CONTENT_TYPE, MEDIA_TYPE)], page.await.finish()) }
    };
    Router::new().route("/metrics", get(page))
}
