//! The routes of the HTTP service (spec M-15): bounded bodies, problem details with stable codes. No logic of its own. The time limit
//! and all else that holds for every request is what the listener puts around them.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Semaphore;
use yilian_api::{
    authority::{Application, EnrolRequest, RedeemRequest, TicketRequest},
    encoding::digest_from_hex,
    problem::{Code, Problem},
};
use yilian_ledger::{Time, name::MemberId};
use yilian_transport::problem::{refuse, respond};

use crate::{Authority, AuthorityError, Chain, Standing, chain, enrolment, tickets};

/// Longest body: 64 blinded messages in base64 with room.
const MAX_BODY: usize = 64 << 10;

/// Unix milliseconds whenever it is asked.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

struct Service {
    authority: Arc<Authority>,
    chain: Arc<dyn Chain>,
    clock: Clock,
    /// Blind signing costs milliseconds of computing each: no more at once than there are processors.
    signing: Semaphore,
}

type Shared = State<Arc<Service>>;

/// The service of `yilian_api::authority` by the system's clock. Whether members are certified is asked of `chain`.
pub fn router(authority: Arc<Authority>, chain: Arc<dyn Chain>) -> Router {
    router_at(authority, chain, Arc::new(now))
}

/// The same by another clock.
pub fn router_at(authority: Arc<Authority>, chain: Arc<dyn Chain>, clock: Clock) -> Router {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let service = Arc::new(Service { authority, chain, clock, signing: Semaphore::new(processors) });
    Router::new()
        .route("/v1/authority", get(info))
        .route("/v1/enrolments", post(enrol))
        .route("/v1/enrolments/redeem", post(redeem))
        .route("/v1/tickets", post(issue_tickets))
        .route("/v1/applications", post(apply))
        .route("/v1/applications/{id}", get(application))
        .fallback(|| async { refuse(Code::RouteNotFound, "see the documentation for the routes") })
        .method_not_allowed_fallback(|| async { refuse(Code::RouteMethod, "another method is taken here") })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(service)
}

/// By the system's clock.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

async fn info(State(service): Shared) -> Response {
    Json(service.authority.info((service.clock)())).into_response()
}

async fn enrol(State(service): Shared, body: Result<Bytes, BytesRejection>) -> Result<Response, Failure> {
    let request: EnrolRequest = parse(body)?;
    let id = MemberId(enrolment::institution(&request)?);
    let standing = standing(&service, id).await?;
    let now = (service.clock)();
    blocking(&service, move |authority| authority.enrol(&request, &standing, now)).await
}

async fn redeem(State(service): Shared, body: Result<Bytes, BytesRejection>) -> Result<Response, Failure> {
    let request: RedeemRequest = parse(body)?;
    let now = (service.clock)();
    blocking(&service, move |authority| authority.redeem(&request, now)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn issue_tickets(
    State(service): Shared,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let request: TicketRequest = parse(body)?;
    let standing = match tickets::member(&request)? {
        Some(id) => Some(standing(&service, MemberId(id)).await?),
        None => None,
    };
    let _turn =
        service.signing.acquire().await.map_err(|_| Failure::new(Code::Unavailable, "shutting down"))?;
    let now = (service.clock)();
    blocking(&service, move |authority| authority.issue_tickets(&request, standing.as_ref(), now)).await
}

async fn apply(State(service): Shared, body: Result<Bytes, BytesRejection>) -> Result<Response, Failure> {
    let application: Application = parse(body)?;
    blocking(&service, move |authority| authority.apply(&application)).await
}

async fn application(State(service): Shared, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = digest_from_hex(&id).map_err(|error| Failure::new(Code::RequestPath, error))?;
    blocking(&service, move |authority| authority.application(&id)).await
}

/// Proved by the chain at the time of the request: a revoked member gets nothing any more.
async fn standing(service: &Service, id: MemberId) -> Result<Standing, Failure> {
    match chain::standing(service.chain.as_ref(), id, (service.clock)()).await {
        Ok(standing) => Ok(standing?),
        Err(error) => {
            tracing::warn!(%error, "the chain does not answer");
            Err(Failure::new(Code::Unavailable, "the chain cannot be asked about the member now"))
        }
    }
}

/// Off the runtime's threads: these write to disk and compute.
async fn blocking<T: Serialize + Send + 'static>(
    service: &Service,
    work: impl FnOnce(&Authority) -> Result<T, AuthorityError> + Send + 'static,
) -> Result<Response, Failure> {
    let authority = Arc::clone(&service.authority);
    let done = tokio::task::spawn_blocking(move || work(&authority)).await;
    let value = done.map_err(|_| Failure::new(Code::Internal, "see the authority's log"))??;
    Ok(Json(value).into_response())
}

fn parse<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Failure> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::new(Code::RequestTooLarge, format!("at most {MAX_BODY} bytes"))
        }
        _ => Failure::new(Code::RequestMalformed, "the body did not arrive"),
    })?;
    serde_json::from_slice(&body).map_err(|error| Failure::new(Code::RequestMalformed, error))
}

/// An error on its way out.
struct Failure(Problem);

impl Failure {
    fn new(code: Code, detail: impl ToString) -> Self {
        Self(Problem::new(code, detail.to_string()))
    }
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        if error.code().1 == 500 {
            tracing::error!(%error, "request failed");
        }
        Self(error.problem())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        respond(self.0)
    }
}
