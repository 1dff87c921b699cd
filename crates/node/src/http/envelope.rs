//! Around every request: an id, a time limit, a net under panics, one log line (spec H-5).
//!
//! The log names method, route *template*, status and duration. Never a path, a query, a header, a body or an
//! address: paths carry names of records and mailboxes, and addresses tell who asks for them.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use yilian_api::problem::Code;

use super::error::ApiError;

/// Echoed in every answer, so that a report can be found in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// From the first byte of the head to the head of the answer: a slow body ends here.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(pub Duration);

pub async fn envelope(State(limit): State<TimeLimit>, request: Request, next: Next) -> Response {
    let id = next_id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();

    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(limit.0, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            ApiError::internal(format_args!("panic while answering, request {id:016x}")).into_response()
        }
        Err(_) => ApiError::new(Code::RequestTimeout, "The request took too long.").into_response(),
    };

    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let ms = started.elapsed().as_millis() as u64;
    tracing::debug!(id = format_args!("{id:016x}"), %method, route, status = response.status().as_u16(), ms, "answered");
    if let Ok(value) = HeaderValue::from_str(&format!("{id:016x}")) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Unique in a process; scrambled (a bijection), so that ids do not count requests for whoever reads them.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
}
