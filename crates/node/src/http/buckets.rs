//! Entries and buckets with their proofs, each under one certified state.

use axum::{Json, extract::State};
use commonware_codec::Encode as _;
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    encoding,
    ledger::{BucketAnswer, EntryAnswer},
    problem::{Code, Problem},
};
use yilian_finality::Prefix;
use yilian_ledger::{Kind, Name};

use super::{
    chain::snapshot_body,
    error::{ApiError, ApiResult},
    extract::Path,
    transactions::chain_error,
};
use crate::app::App;

/// Bits by which a prefix may be shorter than the counts ask for: a client's header may be some blocks older.
const SLACK: u8 = 1;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(entry)).routes(routes!(bucket))
}

/// One name's entry, or the proof of its absence. Asking for a bucket tells the node less.
#[utoipa::path(get, path = "/v1/entries/{name}", tag = "chain",
    params(("name" = String, Path, description = "64 hex digits")),
    responses((status = 200, body = EntryAnswer), (status = "default", body = Problem)))]
async fn entry(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Json<EntryAnswer>> {
    let name = Name(encoding::from_hex(&name).map_err(|error| ApiError::path("name", error))?);
    let answered = app.chain.answer(name).await.map_err(chain_error)?;
    Ok(Json(EntryAnswer {
        snapshot: snapshot_body(&answered.snapshot),
        answer: encoding::to_base64(&answered.answer.encode()),
    }))
}

/// Every entry whose name starts with a prefix, provably complete.
#[utoipa::path(get, path = "/v1/buckets/{kind}/{bits}/{prefix}", tag = "chain",
    params(
        ("kind" = String, Path, description = "record, grant, slot, practitioner, institution, intermediate, root, ticket-key or parameters"),
        ("bits" = u8, Path, description = "length of the prefix, 0 to 248"),
        ("prefix" = String, Path, description = "62 hex digits, unused bits zero"),
    ),
    responses((status = 200, body = BucketAnswer), (status = "default", body = Problem)))]
async fn bucket(
    State(app): State<App>,
    Path((kind, bits, prefix)): Path<(String, u8, String)>,
) -> ApiResult<Json<BucketAnswer>> {
    let prefix = parse_prefix(&kind, bits, &prefix)?;
    refuse_wide(&prefix, &app)?;
    let bucketed = app.chain.bucket(prefix).await.map_err(chain_error)?;
    Ok(Json(BucketAnswer {
        snapshot: snapshot_body(&bucketed.snapshot),
        bucket: encoding::to_base64(&bucketed.bucket.encode()),
    }))
}

fn parse_prefix(kind: &str, bits: u8, prefix: &str) -> ApiResult<Prefix> {
    let kind =
        parse_kind(kind).ok_or_else(|| ApiError::new(Code::PrefixMalformed, "There is no such kind."))?;
    let value = encoding::from_hex(prefix).map_err(|error| ApiError::path("prefix", error))?;
    let malformed = || ApiError::new(Code::PrefixMalformed, "At most 248 bits, and the unused ones zero.");
    Prefix::new(kind, bits, value).ok_or_else(malformed)
}

fn parse_kind(text: &str) -> Option<Kind> {
    Some(match text {
        "record" => Kind::Record,
        "grant" => Kind::Grant,
        "slot" => Kind::Slot,
        "practitioner" => Kind::Practitioner,
        "institution" => Kind::Institution,
        "intermediate" => Kind::Intermediate,
        "root" => Kind::Root,
        "ticket-key" => Kind::TicketKey,
        "parameters" => Kind::Parameters,
        _ => return None,
    })
}

/// A prefix far shorter than the rule's would have the node prove a large part of the state in one answer.
fn refuse_wide(prefix: &Prefix, app: &App) -> ApiResult<()> {
    let rule = Prefix::of(&prefix.first(), &app.chain.status().counts);
    let least = rule.map_or(0, |rule| rule.bits.saturating_sub(SLACK));
    if prefix.bits >= least {
        return Ok(());
    }
    Err(ApiError::new(Code::PrefixTooWide, format!("Ask for at least {least} bits.")))
}
