//! Around every request: an id, a time limit, a net under panics, one log line, one count (spec H-5).
//!
//! The log names method, route *template*, status and duration. Never a path, a query, a header, a body or an
//! address: paths carry names of records and mailboxes, and addresses tell who asks for them.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::{self, Next},
    response::Response,
};
use futures::FutureExt as _;
use tracing::Instrument as _;
use yilian_api::problem::Code;

use crate::{
    admission::{self, Admission},
    metrics::http::HttpMetrics,
    problem,
    settings::ServeSettings,
};

/// In every answer, so that a report can be found in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone, Debug)]
pub struct Envelope {
    /// From the end of a request's head to the head of its answer: a slow body ends here.
    pub limit: Duration,
    pub metrics: Arc<HttpMetrics>,
}

/// What surrounds all routes of one listener.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub admission: Admission,
    pub envelope: Envelope,
}

impl Surroundings {
    pub fn new(settings: &ServeSettings, metrics: Arc<HttpMetrics>) -> Self {
        let envelope = Envelope { limit: settings.request_limit(), metrics };
        Self { admission: Admission::new(settings), envelope }
    }

    /// The routes with what surrounds them; `inner` comes between, such as what every answer needs, refusals too.
    pub fn around(self, router: Router, inner: impl FnOnce(Router) -> Router) -> Router {
        let router = router.layer(middleware::from_fn_with_state(self.admission, admission::admit));
        inner(router).layer(middleware::from_fn_with_state(self.envelope, envelope))
    }
}

/// Middleware, outermost.
pub async fn envelope(State(envelope): State<Envelope>, request: Request, next: Next) -> Response {
    let id = format!("{:016x}", next_id());
    let method = name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();

    // What is logged while the request is answered carries its id.
    let span = tracing::info_span!("request", id);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = match tokio::time::timeout(envelope.limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            span.in_scope(|| tracing::error!("panic while answering"));
            problem::refuse(Code::Internal, "The service could not answer; its log says why.")
        }
        Err(_) => problem::refuse(Code::RequestTimeout, "The request took too long."),
    };

    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let (status, took) = (response.status(), started.elapsed());
    let ms = took.as_millis() as u64;
    span.in_scope(|| tracing::debug!(method, route, status = status.as_u16(), ms, "answered"));
    envelope.metrics.answered(method, route, status, took);
    problem::identify(&mut response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Of the methods that exist here: any other is a text that a client chose.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Unique in a process; scrambled (a bijection), so that ids do not count requests for whoever reads them.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
}
