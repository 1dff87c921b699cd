//! Extractors whose rejections are problem details, and whose bodies are bounded by the handler's own signature, all
//! large ones together by one budget: a thousand connections must not take the memory that consensus needs.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request, rejection::QueryRejection},
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};
use yilian_api::problem::Code;

use super::error::ApiError;

/// Bytes of a body that are read without asking the budget.
const SMALL: usize = 64 << 10;
/// Kilobytes that larger bodies have together while they are read. Only what has come counts: announcing holds nothing.
static BUDGET: Semaphore = Semaphore::const_new(128 << 10);

/// A JSON body of at most `MAX` bytes.
#[derive(Clone, Debug)]
pub struct Json<T, const MAX: usize>(pub T);

/// An `application/octet-stream` body of at most `MAX` bytes.
#[derive(Clone, Debug)]
pub struct Octets<const MAX: usize>(pub Bytes);

/// Parts of the path.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

/// The query.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for Json<T, MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        require_media_type(request.headers(), "application/json")?;
        let (body, _room) = read(request, MAX).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            ApiError::new(Code::RequestMalformed, error.to_string().chars().take(200).collect::<String>())
        })
    }
}

impl<S: Sync, const MAX: usize> FromRequest<S> for Octets<MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        require_media_type(request.headers(), "application/octet-stream")?;
        read(request, MAX).await.map(|(body, _)| Self(body))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            Err(rejection) => Err(ApiError::new(Code::RequestPath, rejection.body_text())),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let rejected = |r: QueryRejection| ApiError::new(Code::RequestQuery, r.body_text());
        let axum::extract::Query(query) =
            axum::extract::Query::from_request_parts(parts, state).await.map_err(rejected)?;
        Ok(Self(query))
    }
}

fn require_media_type(headers: &HeaderMap, wanted: &str) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(ApiError::new(Code::RequestMediaType, format!("Send the body as `{wanted}`.")))
}

/// Reads at most `max` bytes; an announced length above it is refused before the first byte is read. With the body comes
/// its part of the budget.
async fn read(request: Request<Body>, max: usize) -> Result<(Bytes, Room<'static>), ApiError> {
    let too_large = || ApiError::new(Code::RequestTooLarge, format!("This route takes at most {max} bytes."));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|bytes| bytes > max as u64) {
        return Err(too_large());
    }
    let (mut body, mut read, mut room) = (request.into_body(), BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        let ended = |_| ApiError::new(Code::RequestMalformed, "The body ended early.");
        let Ok(data) = frame.map_err(ended)?.into_data() else { continue };
        if data.len() > max - read.len() {
            return Err(too_large());
        }
        read.extend_from_slice(&data);
        hold(&BUDGET, &mut room, read.len())?;
    }
    Ok((read.freeze(), room))
}

type Room<'s> = Option<SemaphorePermit<'s>>;

/// Takes as much of the budget as a body of so many bytes needs.
fn hold<'s>(budget: &'s Semaphore, room: &mut Room<'s>, bytes: usize) -> Result<(), ApiError> {
    if bytes <= SMALL {
        return Ok(());
    }
    let held = room.as_ref().map_or(0, SemaphorePermit::num_permits);
    let more = bytes.div_ceil(1 << 10).saturating_sub(held);
    let busy =
        |_| ApiError::new(Code::Unavailable, "Too many large requests are under way; try again later.");
    let more = budget.try_acquire_many(u32::try_from(more).unwrap_or(u32::MAX)).map_err(busy)?;
    match room {
        Some(room) => room.merge(more),
        None => *room = Some(more),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn large_bodies_share_a_budget_and_small_ones_need_none() {
        let budget = Semaphore::new(100);
        let (mut first, mut second, mut small) = (None, None, None);
        hold(&budget, &mut small, SMALL).unwrap();
        assert!(small.is_none());
        hold(&budget, &mut first, SMALL + 1).unwrap();
        hold(&budget, &mut first, 90 << 10).unwrap();
        assert_eq!(budget.available_permits(), 10);
        let refused = hold(&budget, &mut second, SMALL + 1).unwrap_err();
        assert_eq!(refused.0.code, Code::Unavailable.text());
        drop(first);
        hold(&budget, &mut second, SMALL + 1).unwrap();
        assert_eq!(budget.available_permits(), 100 - 65);
    }
}
