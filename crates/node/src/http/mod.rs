//! The HTTP interface (spec H-*): routes, their OpenAPI document, what surrounds every request.

mod backup;
mod blocks;
mod buckets;
mod chain;
pub mod content;
pub mod error;
mod events;
pub mod extract;
mod governance;
mod mailbox;
#[cfg(test)]
mod tests;
mod transactions;

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderName, Method, header},
    response::Response,
    routing::get,
};
use tower_http::cors::{Any, CorsLayer};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use yilian_api::problem::Code;
use yilian_transport::{Surroundings, envelope::REQUEST_ID, problem::refuse};

use crate::app::App;

/// Preflight answers may be kept so long.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3600);

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Yilian node",
    description = "Patient-owned health records: chain, content, mailboxes. Errors are problem details (RFC 9457) with \
                   a stable `code`. Whatever a client acts on it verifies itself: answers carry proofs."
))]
struct Document;

/// All routes with their document, without state.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(chain::router())
        .merge(transactions::router())
        .merge(buckets::router())
        .merge(blocks::router())
        .merge(events::router())
        .merge(governance::router())
        .merge(mailbox::router())
        .merge(backup::router())
        .merge(content::router())
}

/// The OpenAPI 3.1 document.
pub fn document() -> utoipa::openapi::OpenApi {
    routes().split_for_parts().1
}

/// The whole interface of a node.
pub fn router(app: App, surroundings: Surroundings) -> Router {
    let (router, document) = routes().split_for_parts();
    finish(router.with_state(app), document, surroundings)
}

/// Fallbacks, limits and headers that all routes share.
fn finish(router: Router, document: utoipa::openapi::OpenApi, surroundings: Surroundings) -> Router {
    let document = serde_json::to_vec(&document).unwrap_or_default();
    let served = move || async move { ([(header::CONTENT_TYPE, "application/json")], document) };
    let router = router
        .route("/v1/openapi.json", get(served))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method);
    // Cross-origin headers stand outside of what refuses, so that a page can read why it was refused.
    surroundings.around(router, |router| router.layer(cors()))
}

async fn unknown_route() -> Response {
    refuse(Code::RouteNotFound, "See /v1/openapi.json for the routes.")
}

async fn unknown_method(method: Method) -> Response {
    refuse(Code::RouteMethod, &format!("`{method}` is not taken; see /v1/openapi.json."))
}

/// Any page may ask: there are no cookies, and every request that needs authority is signed.
fn cors() -> CorsLayer {
    const RANGE: HeaderName = header::RANGE;
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, header::ACCEPT, RANGE])
        .expose_headers([REQUEST_ID, header::RETRY_AFTER])
        .max_age(PREFLIGHT_AGE)
}
