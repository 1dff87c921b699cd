//! Prefix buckets: every name that starts with a prefix, provably complete.

use crate::snapshot::{FinalityError, VerifiedHeader};
use std::collections::BTreeMap;
use yilian_ledger::{Entry, Kind, Name, transition::Counts};

/// Kind and the first `bits` bits of the 31 bytes that follow (unused bits zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub kind: Kind,
    pub bits: u8,
    pub value: [u8; 31],
}

impl Prefix {
    /// As long as keeps at least 64 entries in the mean, by the header's counts. Institutions: 0 bits.
    pub fn of(_name: &Name, _counts: &Counts) -> Self {
        todo!()
    }
    pub fn contains(&self, _name: &Name) -> bool {
        todo!()
    }
}

/// Encoded: entries with their proofs, and the proof of what follows the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub encoded: Vec<u8>,
}

pub fn verify_bucket(
    _header: &VerifiedHeader,
    _prefix: &Prefix,
    _bucket: &Bucket,
) -> Result<BTreeMap<Name, Entry>, FinalityError> {
    todo!()
}
