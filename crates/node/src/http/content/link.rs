//! The answering end of the link between nodes (spec CC-4): for nodes of the committee, by signature.

use axum::{Json as Answer, extract::State};
use bytes::Bytes;
use yilian_api::{
    link::{BlockRequest, HoldsAnswer, HoldsRequest},
    problem::Problem,
};

use super::{Content, parse_cid, problem};
use crate::{
    copies::{Copies, LinkRefusal},
    http::{
        error::{ApiError, ApiResult},
        extract::Json,
    },
};

const MAX_REQUEST: usize = 2 << 10;

/// What changed of the pins whose content the asking node is to hold.
#[utoipa::path(post, path = "/v1/link/holds", tag = "link", request_body = HoldsRequest,
    responses((status = 200, body = HoldsAnswer), (status = "default", body = Problem)))]
pub async fn holds(
    State(content): State<Content>,
    Json(request): Json<HoldsRequest, MAX_REQUEST>,
) -> ApiResult<Answer<HoldsAnswer>> {
    copies(&content)?.answer_holds(&request).await.map(Answer)
}

/// A block that lies here. It is never fetched from elsewhere, so that two nodes cannot send each other in circles.
#[utoipa::path(post, path = "/v1/link/blocks", tag = "link", request_body = BlockRequest,
    responses((status = 200, description = "The block's bytes", content_type = "application/octet-stream"),
        (status = "default", body = Problem)))]
pub async fn block(
    State(content): State<Content>,
    Json(request): Json<BlockRequest, MAX_REQUEST>,
) -> ApiResult<Bytes> {
    let cid = parse_cid(&request.cid)?;
    let block = copies(&content)?.answer_block(&request.by, cid).await?;
    block.map_err(problem::of)?.ok_or_else(super::gateway::unknown)
}

/// A node that takes part in no copies knows no other nodes.
fn copies(content: &Content) -> ApiResult<&Copies> {
    content.copies.as_deref().ok_or_else(|| ApiError::from(LinkRefusal::Stranger))
}
