//! Extractors whose rejections are problem details, and whose bodies are bounded by the handler's own signature.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request, rejection::QueryRejection},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use yilian_api::problem::Code;

use super::error::ApiError;

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
        let body = read(request, MAX).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            ApiError::new(Code::RequestMalformed, error.to_string().chars().take(200).collect::<String>())
        })
    }
}

impl<S: Sync, const MAX: usize> FromRequest<S> for Octets<MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        require_media_type(request.headers(), "application/octet-stream")?;
        read(request, MAX).await.map(Self)
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

/// Reads at most `max` bytes; an announced length above it is refused before the first byte is read.
async fn read(request: Request<Body>, max: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(Code::RequestTooLarge, format!("This route takes at most {max} bytes."));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|bytes| bytes > max as u64) {
        return Err(too_large());
    }
    match Limited::new(request.into_body(), max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(ApiError::new(Code::RequestMalformed, "The body ended early.")),
    }
}
