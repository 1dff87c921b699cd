//! Mailbox routes: decode, ask the mailboxes, encode.

use axum::{Json as Answer, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    encoding::{self, EncodingError},
    mailbox::{FetchRequest, Fetched, MAX_MESSAGE, OwnerRequest, Post, Posted, Waiting},
    problem::{Code, Problem},
};
use yilian_crypto::Digest;

use super::{
    error::{ApiError, ApiResult},
    extract::{Json, Path},
};
use crate::{
    app::{App, now_ms},
    mailbox::{NewMessage, Owner},
};

/// A sealed message in base64, and a ticket.
const MAX_POST: usize = MAX_MESSAGE / 3 * 4 + (8 << 10);
const MAX_REQUEST: usize = 4 << 10;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(post))
        .routes(routes!(list))
        .routes(routes!(fetch))
        .routes(routes!(delete))
}

/// Leaves a sealed message. The same bytes again answer alike and change nothing.
#[utoipa::path(post, path = "/v1/mailboxes/{id}/messages", tag = "mailbox",
    params(("id" = String, Path, description = "64 hex digits")), request_body = Post,
    responses((status = 200, body = Posted), (status = "default", body = Problem)))]
async fn post(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(body): Json<Post, MAX_POST>,
) -> ApiResult<Answer<Posted>> {
    let sealed = match encoding::from_base64(&body.sealed, MAX_MESSAGE) {
        Err(EncodingError::TooLong(_)) => {
            let detail = format!("A sealed message has at most {MAX_MESSAGE} bytes.");
            return Err(ApiError::new(Code::MessageTooLarge, detail));
        }
        decoded => decoded.map_err(|error| ApiError::field("sealed", error))?,
    };
    let receipt = body.receipt.as_deref().map(encoding::digest_from_hex).transpose();
    let new = NewMessage {
        mailbox: mailbox(&id)?,
        sealed,
        receipt: receipt.map_err(|error| ApiError::field("receipt", error))?,
        time: body.time,
        payment: body.payment,
    };
    let (id, expires) = app.mailboxes.post(new, now_ms()).await?;
    Ok(Answer(Posted { id: id.to_string(), expires }))
}

/// What waits, oldest first; for the owner.
#[utoipa::path(post, path = "/v1/mailboxes/{id}/list", tag = "mailbox",
    params(("id" = String, Path, description = "64 hex digits")), request_body = OwnerRequest,
    responses((status = 200, body = Vec<Waiting>), (status = "default", body = Problem)))]
async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(request): Json<OwnerRequest, MAX_REQUEST>,
) -> ApiResult<Answer<Vec<Waiting>>> {
    let waiting = app.mailboxes.list(&owner(&id, &request)?, now_ms()).await?;
    let body = waiting.into_iter().map(|(id, envelope)| Waiting {
        id: id.to_string(),
        kind: envelope.kind,
        bytes: envelope.bytes as usize,
        received: envelope.received,
        expires: envelope.expires,
        receipt: envelope.receipt.map(|receipt| receipt.to_string()),
    });
    Ok(Answer(body.collect()))
}

/// Hands a message out to the owner, against a receipt where the envelope asks for one.
#[utoipa::path(post, path = "/v1/mailboxes/{id}/fetch", tag = "mailbox",
    params(("id" = String, Path, description = "64 hex digits")), request_body = FetchRequest,
    responses((status = 200, body = Fetched), (status = "default", body = Problem)))]
async fn fetch(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(body): Json<FetchRequest, MAX_REQUEST>,
) -> ApiResult<Answer<Fetched>> {
    let owner = owner(&id, &body.request)?;
    let receipt = body.receipt.as_deref().map(encoding::signature_from_hex).transpose();
    let receipt = receipt.map_err(|error| ApiError::field("receipt", error))?;
    let sealed = app.mailboxes.fetch(&owner, message(&body.message)?, receipt, now_ms()).await?;
    Ok(Answer(Fetched { sealed: encoding::to_base64(&sealed) }))
}

/// Drops a message; for the owner.
#[utoipa::path(post, path = "/v1/mailboxes/{id}/delete", tag = "mailbox",
    params(("id" = String, Path, description = "64 hex digits")), request_body = FetchRequest,
    responses((status = 204), (status = "default", body = Problem)))]
async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(body): Json<FetchRequest, MAX_REQUEST>,
) -> ApiResult<StatusCode> {
    let owner = owner(&id, &body.request)?;
    app.mailboxes.delete(&owner, message(&body.message)?, now_ms()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn mailbox(id: &str) -> ApiResult<Digest> {
    encoding::digest_from_hex(id).map_err(|error| ApiError::path("id", error))
}

fn message(id: &str) -> ApiResult<Digest> {
    encoding::digest_from_hex(id).map_err(|error| ApiError::field("message", error))
}

fn owner(id: &str, request: &OwnerRequest) -> ApiResult<Owner> {
    Owner::parse(mailbox(id)?, request).map_err(|(field, error)| ApiError::field(field, error))
}
