//! The HTTP interface (spec H-*): routes, their OpenAPI document, what surrounds every request.

mod backup;
mod blocks;
mod buckets;
mod chain;
mod committee;
pub mod content;
pub mod envelope;
pub mod error;
mod events;
pub mod extract;
mod governance;
mod mailbox;
pub mod serve;
mod stall;
#[cfg(test)]
mod tests;
mod transactions;

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderName, Method, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use tower_http::cors::{Any, CorsLayer};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use yilian_api::problem::Code;

use self::{
    envelope::{REQUEST_ID, TimeLimit},
    error::ApiError,
};
use crate::app::App;

/// From a request's first byte to its answer's head.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
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
        .merge(committee::router())
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
pub fn router(app: App) -> Router {
    let (router, document) = routes().split_for_parts();
    finish(router.with_state(app), document, TimeLimit(REQUEST_LIMIT))
}

/// Fallbacks, limits and headers that all routes share.
fn finish(router: Router, document: utoipa::openapi::OpenApi, limit: TimeLimit) -> Router {
    let document = serde_json::to_vec(&document).unwrap_or_default();
    let served = move || async move { ([(header::CONTENT_TYPE, "application/json")], document) };
    router
        .route("/v1/openapi.json", get(served))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(cors())
        .layer(middleware::from_fn_with_state(limit, envelope::envelope))
}

async fn unknown_route() -> Response {
    ApiError::new(Code::RouteNotFound, "See /v1/openapi.json for the routes.").into_response()
}

async fn unknown_method(method: Method) -> Response {
    ApiError::new(Code::RouteMethod, format!("`{method}` is not taken; see /v1/openapi.json."))
        .into_response()
}

/// Any page may ask: there are no cookies, and every request that needs authority is signed.
fn cors() -> CorsLayer {
    const RANGE: HeaderName = header::RANGE;
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, header::ACCEPT, RANGE])
        .expose_headers([REQUEST_ID])
        .max_age(PREFLIGHT_AGE)
}
