//! Errors: RFC 9457 problem details with a stable `code`.

use serde::{Deserialize, Serialize};

/// Media type of an error body.
pub const MEDIA_TYPE: &str = "application/problem+json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `"about:blank"` or a page of the documentation.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// Stable and machine-readable, e.g. `"ticket.spent"`.
    pub code: String,
    /// What was wrong and what to do.
    pub detail: String,
}
