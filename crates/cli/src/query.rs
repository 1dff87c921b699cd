//! Questions to nodes and the authority that need no proof, and how refusals come back: with their stable code.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde::{Serialize, de::DeserializeOwned};
use yilian_api::problem::Problem;

use crate::{failure::Refused, http::Http};

/// `GET`, the answer as JSON.
pub async fn get<T: DeserializeOwned>(http: &Http, base: &str, path: &str) -> anyhow::Result<T> {
    let url = format!("{}{path}", base.trim_end_matches('/'));
    let (status, body) = http.send(reqwest::Method::GET, &url, "", Vec::new()).await?;
    read(&url, status, &body)
}

/// `POST` of JSON, the answer as JSON.
pub async fn post<T: DeserializeOwned>(
    http: &Http,
    base: &str,
    path: &str,
    body: &impl Serialize,
) -> anyhow::Result<T> {
    let url = format!("{}{path}", base.trim_end_matches('/'));
    let body = serde_json::to_vec(body)?;
    let (status, body) = http.send(reqwest::Method::POST, &url, "application/json", body).await?;
    read(&url, status, &body)
}

/// A refusal becomes [`Refused`] with its code.
pub fn read<T: DeserializeOwned>(url: &str, status: u16, body: &[u8]) -> anyhow::Result<T> {
    if (200..300).contains(&status) {
        // An answer without content is JSON's nothing.
        let body = if body.is_empty() { b"null" } else { body };
        return serde_json::from_slice(body).with_context(|| format!("{url} answers what is not understood"));
    }
    let problem = serde_json::from_slice::<Problem>(body);
    Err(match problem {
        Ok(problem) => {
            Refused { message: format!("{}: {}", problem.title, problem.detail), code: problem.code }.into()
        }
        Err(_) => anyhow::anyhow!("{url} answers {status}"),
    })
}

/// Unix milliseconds by this machine's clock.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `83000` as `1 min 23 s ago`.
pub fn age(ms: u64) -> String {
    match ms / 1000 {
        0 => format!("{ms} ms ago"),
        seconds @ 1..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min {} s ago", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min ago", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_refusal_keeps_its_code() {
        let problem = Problem::with(409, "tickets.budget", "The authority refuses", "fetched already");
        let body = serde_json::to_vec(&problem).unwrap();
        let error = read::<()>("http://x", 409, &body).unwrap_err();
        assert_eq!(error.downcast_ref::<Refused>().unwrap().code, "tickets.budget");
        assert!(read::<()>("http://x", 502, b"<html>").unwrap_err().to_string().contains("502"));
    }

    #[test]
    fn ages_are_told_in_their_unit() {
        let ages: Vec<String> = [250, 59_999, 83_000, 7_265_000].map(age).into();
        assert_eq!(ages, ["250 ms ago", "59 s ago", "1 min 23 s ago", "2 h 1 min ago"]);
    }
}
