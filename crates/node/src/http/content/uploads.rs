//! Uploads (spec CS-11, CS-12): opened against payment, leaves in order, finished if the root is the CID announced.

use axum::{Json as Answer, extract::State};
use yilian_api::{
    content::{UploadFinished, UploadOpened, UploadRequest, price},
    encoding,
    problem::{Code, Problem},
    signing::Statement,
};
use yilian_content::{Opened, PinKey, UploadId, UploadRequest as Wanted, UploadStatus};
use yilian_dag::LEAF;

use super::{Content, parse_cid};
use crate::{
    app::now_ms,
    http::{
        error::{ApiError, ApiResult},
        extract::{Json, Octets, Path},
    },
};

/// Tickets of the largest payment, about 800 bytes each in JSON.
const MAX_REQUEST: usize = 4 << 20;

/// Opens an upload, or resumes the one under way for the same content and pin key.
#[utoipa::path(post, path = "/v1/uploads", tag = "content", request_body = UploadRequest,
    responses((status = 200, body = UploadOpened), (status = "default", body = Problem)))]
pub async fn open(
    State(content): State<Content>,
    Json(body): Json<UploadRequest, MAX_REQUEST>,
) -> ApiResult<Answer<UploadOpened>> {
    let root = parse_cid(&body.cid)?;
    let limit = content.store.limits().object;
    if body.bytes > limit {
        let detail = format!("At most {limit} bytes; cut larger content into several objects.");
        return Err(ApiError::new(Code::ContentTooLarge, detail));
    }
    let pin_key = encoding::key_from_hex(&body.pin_key).map_err(|error| ApiError::field("pin_key", error))?;
    let statement = Statement::upload(&content.audience, &body.cid, body.bytes, &pin_key);
    let tickets = usize::try_from(price(body.bytes)).unwrap_or(usize::MAX);
    let paid = content.payments.verify(&body.payment, &statement, tickets).await?;

    let wanted = Wanted { root, bytes: body.bytes, pin: PinKey(encoding::key_to_bytes(&pin_key)) };
    let id = fresh_id()?;
    let opened = content.ask(move |store| store.open_upload(&wanted, &paid, id, now_ms())).await?;
    Ok(Answer(match opened {
        Opened::Upload(id, status) => progress(&id, &status),
        Opened::Complete => UploadOpened { id: String::new(), next_leaf: 0, complete: true },
    }))
}

/// How far an upload is.
#[utoipa::path(get, path = "/v1/uploads/{id}", tag = "content", params(("id" = String, Path)),
    responses((status = 200, body = UploadOpened), (status = "default", body = Problem)))]
pub async fn status(
    State(content): State<Content>,
    Path(id): Path<String>,
) -> ApiResult<Answer<UploadOpened>> {
    let id = parse_id(&id)?;
    let status = content.ask(move |store| store.upload(&id, now_ms())).await?;
    Ok(Answer(progress(&id, &status)))
}

/// Stores the next leaf, 262,144 bytes but for the last. The last one stored may be sent again.
#[utoipa::path(put, path = "/v1/uploads/{id}/{leaf}", tag = "content",
    params(("id" = String, Path), ("leaf" = u64, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadOpened), (status = "default", body = Problem)))]
pub async fn leaf(
    State(content): State<Content>,
    Path((id, leaf)): Path<(String, u64)>,
    Octets(bytes): Octets<LEAF>,
) -> ApiResult<Answer<UploadOpened>> {
    let id = parse_id(&id)?;
    let status = content.ask(move |store| store.put_leaf(&id, leaf, &bytes, now_ms())).await?;
    Ok(Answer(progress(&id, &status)))
}

/// Makes the content available, pinned by the upload's pin key; on return it is on disk for good.
#[utoipa::path(post, path = "/v1/uploads/{id}/finish", tag = "content", params(("id" = String, Path)),
    responses((status = 200, body = UploadFinished), (status = "default", body = Problem)))]
pub async fn finish(
    State(content): State<Content>,
    Path(id): Path<String>,
) -> ApiResult<Answer<UploadFinished>> {
    let id = parse_id(&id)?;
    let root = content.ask(move |store| store.finish_upload(&id, now_ms())).await?;
    Ok(Answer(UploadFinished { cid: root.to_string() }))
}

fn progress(id: &UploadId, status: &UploadStatus) -> UploadOpened {
    UploadOpened { id: id.to_string(), next_leaf: status.next_leaf, complete: false }
}

fn parse_id(text: &str) -> ApiResult<UploadId> {
    Ok(UploadId(encoding::from_hex(text).map_err(|error| ApiError::path("id", error))?))
}

fn fresh_id() -> ApiResult<UploadId> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(ApiError::internal)?;
    Ok(UploadId(id))
}
