//! The node and its chain at a glance: status, health, genesis, newest header.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use commonware_codec::Encode as _;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    encoding,
    ledger::{GenesisBody, Health, NodeStatus, SnapshotBody},
    problem::{Code, Problem},
    signing::Statement,
};
use yilian_finality::Snapshot;

use super::{
    error::{ApiError, ApiResult},
    extract::Query,
};
use crate::app::{App, now_ms};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(genesis))
        .routes(routes!(status))
        .routes(routes!(health))
        .routes(routes!(snapshot))
}

/// The chain's genesis; its digest is the chain id.
#[utoipa::path(get, path = "/v1/genesis", tag = "chain",
    responses((status = 200, body = GenesisBody), (status = "default", body = Problem)))]
async fn genesis(State(app): State<App>) -> Json<GenesisBody> {
    Json(app.genesis.clone())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// 64 hex digits, never used before: the answer is signed over them.
    nonce: Option<String>,
}

/// The node's own view, unproved. With a nonce it proves who says so (spec H-15).
#[utoipa::path(get, path = "/v1/status", tag = "chain", params(Asked),
    responses((status = 200, body = NodeStatus), (status = "default", body = Problem)))]
async fn status(State(app): State<App>, Query(Asked { nonce }): Query<Asked>) -> ApiResult<Json<NodeStatus>> {
    let nonce = nonce.map(|text| encoding::from_hex::<32>(&text)).transpose();
    let nonce = nonce.map_err(|error| ApiError::new(Code::RequestQuery, format!("`nonce`: {error}")))?;
    let status = app.chain.status();
    let signed = |nonce| {
        let statement = Statement::status(&app.audience, &nonce, status.height.0, status.time.0);
        encoding::signature_to_hex(&statement.sign(&app.identity))
    };
    Ok(Json(NodeStatus {
        signature: nonce.map(signed),
        version: env!("CARGO_PKG_VERSION").into(),
        chain: app.genesis.chain.clone(),
        validator: encoding::to_hex(&status.validator),
        height: status.height.0,
        time: status.time.0,
        pool: status.pool,
        peers: status.peers,
        records: status.counts.records,
        grants: status.counts.grants,
        practitioners: status.counts.practitioners,
        institutions: status.counts.institutions,
    }))
}

/// 200 when the newest header is fresh, else 503.
#[utoipa::path(get, path = "/v1/health", tag = "chain",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(app): State<App>) -> Response {
    let stale_after = app.chain.parameters().stale_after_ms;
    let (status, height, age_ms) = match app.chain.snapshot() {
        None => ("starting", 0, 0),
        Some(Snapshot { header, .. }) => {
            let age = now_ms().saturating_sub(header.time.0);
            (if age <= stale_after { "ok" } else { "stale" }, header.height.0, age)
        }
    };
    let code = if status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Health { status: status.into(), height, age_ms })).into_response()
}

/// Newest finalized header with its certificate.
#[utoipa::path(get, path = "/v1/snapshot", tag = "chain",
    responses((status = 200, body = SnapshotBody), (status = "default", body = Problem)))]
async fn snapshot(State(app): State<App>) -> ApiResult<Json<SnapshotBody>> {
    let snapshot = app.chain.snapshot().ok_or_else(|| {
        ApiError::new(Code::StateUnready, "No block is final yet, or the node has not caught up.")
    })?;
    Ok(Json(snapshot_body(&snapshot)))
}

pub fn snapshot_body(snapshot: &Snapshot) -> SnapshotBody {
    SnapshotBody {
        header: encoding::to_base64(&snapshot.header.encode()),
        finalization: encoding::to_base64(&snapshot.finalization),
    }
}
