//! Presence and absence of one name under a verified header.

use crate::snapshot::{FinalityError, VerifiedHeader};
use yilian_ledger::{Entry, Name};

/// An answer about one name: `Some(entry)` with an inclusion proof or `None` with an exclusion proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub entry: Option<Vec<u8>>,
    pub proof: Vec<u8>,
}

pub fn verify_answer(
    _header: &VerifiedHeader,
    _name: &Name,
    _answer: &Answer,
) -> Result<Option<Entry>, FinalityError> {
    todo!()
}
