//! Blocks as history: headers and what their transactions were, never the transactions themselves.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    encoding,
    ledger::{BlockBody, BlockSummary, MAX_BLOCKS, TransactionSummary},
    problem::{Code, Problem},
};
use yilian_ledger::{Height, Outcome};

use super::{
    chain::snapshot_body,
    error::{ApiError, ApiResult},
    extract::{Path, Query},
    transactions::chain_error,
};
use crate::app::App;

const DEFAULT_LIMIT: usize = 20;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(blocks)).routes(routes!(block))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Blocks below this height; without, from the newest.
    before: Option<u64>,
    /// At most 100; 20 without.
    #[param(maximum = 100)]
    limit: Option<usize>,
}

/// Newest first.
#[utoipa::path(get, path = "/v1/blocks", tag = "chain", params(Page),
    responses((status = 200, body = Vec<BlockSummary>), (status = "default", body = Problem)))]
async fn blocks(State(app): State<App>, Query(page): Query<Page>) -> ApiResult<Json<Vec<BlockSummary>>> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_BLOCKS);
    let blocks = app.chain.blocks(page.before.map(Height), limit).await.map_err(chain_error)?;
    Ok(Json(blocks.iter().map(summary).collect()))
}

/// One block.
#[utoipa::path(get, path = "/v1/blocks/{height}", tag = "chain", params(("height" = u64, Path)),
    responses((status = 200, body = BlockBody), (status = "default", body = Problem)))]
async fn block(State(app): State<App>, Path(height): Path<u64>) -> ApiResult<Json<BlockBody>> {
    let unknown = || ApiError::new(Code::BlockUnknown, "Not final yet, or older than this node keeps.");
    let view = app.chain.block(Height(height)).await.map_err(chain_error)?.ok_or_else(unknown)?;
    Ok(Json(BlockBody {
        summary: summary(&view.summary),
        snapshot: view.snapshot.as_ref().map(snapshot_body),
        transactions: view.transactions.iter().map(transaction).collect(),
    }))
}

pub fn summary(block: &yilian_chain::BlockSummary) -> BlockSummary {
    BlockSummary {
        height: block.height.0,
        digest: encoding::to_hex(&block.digest.0),
        time: block.time.0,
        epoch: block.epoch.0,
        transactions: block.transactions,
        bytes: block.bytes,
    }
}

fn transaction(transaction: &yilian_chain::TransactionSummary) -> TransactionSummary {
    TransactionSummary {
        digest: encoding::to_hex(&transaction.digest.0),
        kind: transaction.kind.into(),
        bytes: transaction.bytes,
        outcome: match transaction.outcome {
            Outcome::Applied => "applied".into(),
            Outcome::Failed(refusal) => refusal.code().to_string(),
        },
    }
}
