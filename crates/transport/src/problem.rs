//! Refusals on their way out: problem details (RFC 9457, spec H-3) with what the client should know besides.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use yilian_api::problem::{Code, MEDIA_TYPE, Problem};

/// The answer for a problem. It stays attached, so that the envelope can add the request's id.
pub fn respond(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body(&problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    // The body may not have been read: the connection ends, and the client must know not to use it again.
    if matches!(problem.status, 408 | 413 | 415) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(seconds) = Code::parse(&problem.code).and_then(Code::retry_after) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.extensions_mut().insert(problem);
    response
}

/// One of the codes that all services share.
pub fn refuse(code: Code, detail: &str) -> Response {
    respond(Problem::new(code, detail))
}

/// Names the request in the problem of an answer that is one (spec H-5).
pub fn identify(response: &mut Response, id: &str) {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else { return };
    problem.instance = Some(format!("urn:yilian:request:{id}").into());
    let body = body(&problem);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = body.into();
}

fn body(problem: &Problem) -> Vec<u8> {
    serde_json::to_vec(problem).unwrap_or_default()
}
