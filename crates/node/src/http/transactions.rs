//! Submitting transactions, and what became of them.

use std::time::{Duration, Instant};

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    encoding,
    ledger::{FINALITY_WAIT_MS, Submitted, TransactionStatus},
    problem::{Code, Problem},
};
use yilian_chain::{ChainError, Included, SubmitError, TransactionStatus as Status};
use yilian_crypto::Digest;
use yilian_ledger::{Outcome, Refusal, transaction::MAX_TRANSACTION};

use super::{
    error::{ApiError, ApiResult},
    extract::{Octets, Path, Query},
};
use crate::app::App;

/// One byte more than a transaction may have, so that the ledger names the rule.
const MAX_BODY: usize = MAX_TRANSACTION + 1;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(submit)).routes(routes!(transaction))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wait {
    /// `pooled` (default): answer at once. `finalized`: wait up to 10 s, then answer `pooled`.
    #[serde(default)]
    #[param(inline)]
    wait: WaitFor,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
enum WaitFor {
    #[default]
    Pooled,
    Finalized,
}

/// Checks, pools and spreads an encoded transaction. A refused one is answered with the ledger's code.
#[utoipa::path(post, path = "/v1/transactions", tag = "chain", params(Wait),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Submitted), (status = "default", body = Problem)))]
async fn submit(
    State(app): State<App>,
    Query(Wait { wait }): Query<Wait>,
    Octets(bytes): Octets<MAX_BODY>,
) -> ApiResult<Json<Submitted>> {
    let arrived = Instant::now();
    let digest = app.chain.submit(bytes).await.map_err(refused)?;
    let status = match wait {
        WaitFor::Pooled => current(&app, digest).await?.unwrap_or(TransactionStatus::Pooled),
        WaitFor::Finalized => {
            let limit = Duration::from_millis(FINALITY_WAIT_MS);
            match tokio::time::timeout(limit, app.chain.wait_final(digest)).await {
                Ok(included) => {
                    let included = included.map_err(chain_error)?;
                    app.metrics.finalized(arrived.elapsed());
                    included_status(included)
                }
                Err(_) => TransactionStatus::Pooled,
            }
        }
    };
    Ok(Json(Submitted { digest: digest.to_string(), status }))
}

/// Where a transaction stands. One that this node found to fit into no block is answered with the ledger's code.
#[utoipa::path(get, path = "/v1/transactions/{digest}", tag = "chain",
    params(("digest" = String, Path, description = "64 hex digits")),
    responses((status = 200, body = TransactionStatus), (status = "default", body = Problem)))]
async fn transaction(
    State(app): State<App>,
    Path(digest): Path<String>,
) -> ApiResult<Json<TransactionStatus>> {
    let digest = encoding::digest_from_hex(&digest).map_err(|error| ApiError::path("digest", error))?;
    let unknown = || ApiError::new(Code::TransactionUnknown, "Never seen here, dropped, or long ago.");
    current(&app, digest).await?.map(Json).ok_or_else(unknown)
}

async fn current(app: &App, digest: Digest) -> ApiResult<Option<TransactionStatus>> {
    Ok(match app.chain.transaction(digest).await.map_err(chain_error)? {
        None => None,
        Some(Status::Pooled) => Some(TransactionStatus::Pooled),
        Some(Status::Refused(refusal)) => return Err(refusal_problem(refusal)),
        Some(Status::Included(included)) => Some(included_status(included)),
    })
}

fn included_status(included: Included) -> TransactionStatus {
    let (height, time) = (included.height.0, included.time.0);
    match included.outcome {
        Outcome::Applied => TransactionStatus::Applied { height, time },
        Outcome::Failed(refusal) => TransactionStatus::Failed {
            height,
            time,
            code: refusal.code().to_string(),
            detail: refusal.to_string(),
        },
    }
}

fn refused(error: SubmitError) -> ApiError {
    match error {
        SubmitError::Refused(refusal) => refusal_problem(refusal),
        SubmitError::PoolFull => ApiError::new(Code::TransactionPool, "Try again later, or at another node."),
        SubmitError::Stopped => chain_error(ChainError::Stopped),
    }
}

/// The ledger's code and message; the status tells form from rule.
fn refusal_problem(refusal: Refusal) -> ApiError {
    let status = match refusal {
        Refusal::TooLarge => 413,
        Refusal::Malformed => 400,
        _ => 422,
    };
    let title = "The ledger refuses the transaction";
    ApiError(Problem::with(status, refusal.code().0, title, refusal.to_string()))
}

pub fn chain_error(error: ChainError) -> ApiError {
    let code = match error {
        ChainError::NotReady => Code::StateUnready,
        ChainError::BucketTooLarge => Code::PrefixTooWide,
        ChainError::Dropped => Code::TransactionPool,
        ChainError::Refused(refusal) => return refusal_problem(refusal),
        ChainError::Stopped | ChainError::Damaged => Code::Unavailable,
    };
    ApiError::new(code, error.to_string())
}
