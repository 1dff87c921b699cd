//! Every error leaves the node as RFC 9457 problem details (spec H-3).

use std::fmt;

use axum::response::{IntoResponse, Response};
use yilian_api::{
    encoding::EncodingError,
    problem::{Code, Problem},
};

/// An answer that is a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError(pub Problem);

/// What a handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Problem::new(code, detail))
    }

    /// The cause goes to the log, not to the client.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "request failed inside the node");
        Self::new(Code::Internal, "The node could not answer; its log says why.")
    }

    /// A typed error with its code; the cause of a failure of the node itself is not told.
    pub fn of(code: Code, error: &dyn fmt::Display) -> Self {
        match code {
            Code::Internal => Self::internal(error),
            code => Self::new(code, error.to_string()),
        }
    }

    /// A body's field that does not decode.
    pub fn field(name: &str, error: EncodingError) -> Self {
        Self::new(Code::RequestField, format!("`{name}`: {error}"))
    }

    /// A path's part that does not decode.
    pub fn path(name: &str, error: EncodingError) -> Self {
        Self::new(Code::RequestPath, format!("`{name}`: {error}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        yilian_transport::problem::respond(self.0)
    }
}

impl From<crate::view::Unavailable> for ApiError {
    fn from(error: crate::view::Unavailable) -> Self {
        Self::of(Code::Unavailable, &error)
    }
}
