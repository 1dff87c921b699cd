//! Which form of content a client asks for: the `format` of the query, else the `Accept` header.

use axum::http::{HeaderMap, header};
use yilian_api::problem::Code;

use crate::http::error::{ApiError, ApiResult};

pub const RAW: &str = "application/vnd.ipld.raw";
pub const CAR: &str = "application/vnd.ipld.car";

/// The gateway's answers; nothing that a browser would render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Raw,
    Car,
}

pub fn format(query: Option<&str>, headers: &HeaderMap) -> ApiResult<Format> {
    match query {
        Some("raw") => Ok(Format::Raw),
        Some("car") => Ok(Format::Car),
        Some(_) => Err(unknown()),
        None => accepted(headers).ok_or_else(unknown),
    }
}

/// The first acceptable type in the header's order; a CAR of another version than 1 is none.
fn accepted(headers: &HeaderMap) -> Option<Format> {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).find_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let mut refused =
            parts.filter_map(|part| part.split_once('=')).map(|(key, value)| (key.trim(), value.trim()));
        if essence.eq_ignore_ascii_case(RAW) {
            return Some(Format::Raw);
        }
        let other =
            refused.any(|(key, value)| key == "version" && value != "1" || key == "q" && value == "0");
        (essence.eq_ignore_ascii_case(CAR) && !other).then_some(Format::Car)
    })
}

fn unknown() -> ApiError {
    ApiError::new(
        Code::ContentFormat,
        format!("Ask with `?format=raw` or `?format=car`, or accept `{RAW}` or `{CAR}`."),
    )
}

/// Whether the client holds the answer of this tag already.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let held = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    held.flat_map(|value| value.split(',')).map(str::trim).any(|held| held.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_query_counts_before_the_header() {
        let headers = with(header::ACCEPT, CAR);
        assert_eq!(format(Some("raw"), &headers).unwrap(), Format::Raw);
        assert_eq!(format(None, &headers).unwrap(), Format::Car);
        assert!(format(Some("tar"), &headers).is_err());
        assert!(format(None, &HeaderMap::new()).is_err());
    }

    #[test]
    fn reads_accept_lists_with_parameters() {
        let accept = |text| format(None, &with(header::ACCEPT, text));
        let car = "text/html, application/vnd.ipld.car; version=1; order=dfs; dups=y, */*;q=0.1";
        assert_eq!(accept(car).unwrap(), Format::Car);
        assert_eq!(
            accept("application/vnd.ipld.car;version=2, application/vnd.ipld.raw").unwrap(),
            Format::Raw
        );
        assert!(accept("application/vnd.ipld.car;version=2").is_err());
        assert!(accept("text/html, */*").is_err());
    }

    #[test]
    fn knows_tags_in_lists_and_weak_ones() {
        let known = |text| is_known(&with(header::IF_NONE_MATCH, text), "\"a.raw\"");
        assert!(known("\"a.raw\"") && known("\"b\", W/\"a.raw\""));
        assert!(!known("\"a.car\"") && !known("a.raw"));
    }
}
