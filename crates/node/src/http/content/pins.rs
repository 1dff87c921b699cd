//! Pins (spec CS-13): renewed and released by the key that an upload named, by signature, once.

use axum::{extract::State, http::StatusCode};
use yilian_api::{
    content::PinRequest,
    encoding,
    mailbox::REQUEST_WINDOW_MS,
    problem::{Code, Problem},
    signing::{PinVerb, Statement},
};
use yilian_content::PinKey;
use yilian_dag::Cid;

use super::{Content, parse_cid};
use crate::{
    app::now_ms,
    http::{
        error::{ApiError, ApiResult},
        extract::Json,
    },
};

const MAX_REQUEST: usize = 4 << 10;

/// Renews a pin that was released and whose content is still here.
#[utoipa::path(post, path = "/v1/pins", tag = "content", request_body = PinRequest,
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn pin(
    State(content): State<Content>,
    Json(request): Json<PinRequest, MAX_REQUEST>,
) -> ApiResult<StatusCode> {
    let (root, key) = authorize(&content, PinVerb::Pin, &request)?;
    content.ask(move |store| store.pin(&root, &key, request.time, now_ms())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Releases a pin; content without any goes after a grace time.
#[utoipa::path(delete, path = "/v1/pins", tag = "content", request_body = PinRequest,
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn unpin(
    State(content): State<Content>,
    Json(request): Json<PinRequest, MAX_REQUEST>,
) -> ApiResult<StatusCode> {
    let (root, key) = authorize(&content, PinVerb::Unpin, &request)?;
    content.ask(move |store| store.unpin(&root, &key, request.time, now_ms())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The signature by the pin key, within the time window. The store refuses times not newer than the last one.
fn authorize(content: &Content, verb: PinVerb, request: &PinRequest) -> ApiResult<(Cid, PinKey)> {
    let root = parse_cid(&request.cid)?;
    let key = encoding::key_from_hex(&request.pin_key).map_err(|error| ApiError::field("pin_key", error))?;
    let signature = encoding::signature_from_hex(&request.signature)
        .map_err(|error| ApiError::field("signature", error))?;
    if request.time.abs_diff(now_ms()) > REQUEST_WINDOW_MS {
        let detail = format!("Sign a time within {REQUEST_WINDOW_MS} ms of the node's clock.");
        return Err(ApiError::new(Code::RequestExpired, detail));
    }
    Statement::pin(&content.audience, verb, &request.cid, request.time)
        .verify(&key, &signature)
        .map_err(|error| ApiError::new(Code::RequestUnauthorized, error.to_string()))?;
    Ok((root, PinKey(encoding::key_to_bytes(&key))))
}
