//! Who validates, and how committees followed each other (spec H-16, F-13).

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    encoding::to_hex,
    ledger::{CommitteeBody, CommitteeChange, CommitteeStep, MAX_STEPS},
    problem::Problem,
};
use yilian_finality::Step;
use yilian_ledger::{Epoch, ValidatorKey};

use super::{chain::snapshot_body, error::ApiResult, extract::Query, transactions::chain_error};
use crate::app::App;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(committee)).routes(routes!(committees))
}

/// Who validates the next block, and who will after the next change: the node's own view, unproved. The proof is in the
/// entry of the committee's name.
#[utoipa::path(get, path = "/v1/committee", tag = "chain",
    responses((status = 200, body = CommitteeBody), (status = "default", body = Problem)))]
async fn committee(State(app): State<App>) -> Json<CommitteeBody> {
    let (entry, epochs) = (app.chain.committee(), app.chain.epochs());
    let epoch = app.chain.status().epoch;
    let next = entry.next.as_ref().filter(|change| change.epoch > epoch);
    Json(CommitteeBody {
        epoch: epoch.0,
        epoch_blocks: epochs.blocks,
        last_height: epochs.last(epoch).0,
        sequence: entry.sequence,
        members: keys(entry.at(epoch)),
        next: next.map(|change| CommitteeChange { epoch: change.epoch.0, members: keys(&change.members) }),
    })
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Changes that begin in this epoch or later; without, all.
    from: Option<u64>,
    /// At most 32; as many without.
    #[param(maximum = 32)]
    limit: Option<usize>,
}

/// How committees followed each other, oldest first: each with the last header of the term before and its certificate, so
/// that a client goes from a committee it knows to the next one.
#[utoipa::path(get, path = "/v1/committees", tag = "chain", params(Page),
    responses((status = 200, body = Vec<CommitteeStep>), (status = "default", body = Problem)))]
async fn committees(State(app): State<App>, Query(page): Query<Page>) -> ApiResult<Json<Vec<CommitteeStep>>> {
    let limit = page.limit.unwrap_or(MAX_STEPS).min(MAX_STEPS);
    let steps = app.chain.steps(Epoch(page.from.unwrap_or(0)), limit).await.map_err(chain_error)?;
    Ok(Json(steps.iter().map(step).collect()))
}

fn step(step: &Step) -> CommitteeStep {
    CommitteeStep { last: snapshot_body(&step.last), members: keys(&step.members) }
}

fn keys(members: &[ValidatorKey]) -> Vec<String> {
    members.iter().map(|key| to_hex(key)).collect()
}
