//! Prefix buckets: every name that starts with a prefix, provably complete (spec F-8, F-9).
//!
//! A bucket is a run of links, each naming the next: from the one that covers the smallest possible name of the prefix
//! to the one that leads out of it. Every link is proved active, so none can be left out, added or altered. The proofs
//! share most of their digests; on the wire each digest stands once, in a table (F-10).

use std::collections::BTreeMap;

use commonware_codec::{Copying, DecodeExt as _};
use yilian_ledger::{Entry, Name};

use crate::{
    Prefix,
    compact::Common,
    link::Linked,
    snapshot::{FinalityError, VerifiedHeader},
};

/// Most links of one bucket.
pub const MAX_LINKS: usize = 1 << 14;

/// One link of a bucket; the entry only where the name is in the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub link: Linked,
    pub entry: Option<Vec<u8>>,
}

/// Links in order, beginning with the one that covers the prefix's first name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    members: Vec<Member>,
}

/// These links are no bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    #[error("a bucket has 1 to {MAX_LINKS} links")]
    Size,
    #[error("links are proved under different states")]
    States,
}

impl Bucket {
    /// A bucket of links proved under one state.
    pub fn new(members: Vec<Member>) -> Result<Self, BucketError> {
        let Some(first) = members.first().filter(|_| members.len() <= MAX_LINKS) else {
            return Err(BucketError::Size);
        };
        let common = Common::of(&first.link.proof);
        if members.iter().any(|m| Common::of(&m.link.proof) != common) {
            return Err(BucketError::States);
        }
        Ok(Self { members })
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub(crate) fn common(&self) -> Common {
        // `new` refuses a bucket without members.
        Common::of(&self.members[0].link.proof)
    }
}

/// The entries of every name under `prefix`; none is missing (F-9).
pub fn verify_bucket(
    header: &VerifiedHeader,
    prefix: &Prefix,
    bucket: &Bucket,
) -> Result<BTreeMap<Name, Entry>, FinalityError> {
    check_chain(prefix, bucket)?;
    let root = &header.header().state_root;
    let mut entries = BTreeMap::new();
    for member in &bucket.members {
        member.link.verify(root)?;
        if let Some(bytes) = &member.entry {
            let entry = Entry::decode(Copying(bytes)).map_err(|_| FinalityError::Entry)?;
            if entry.digest() != member.link.link.value {
                return Err(FinalityError::Entry);
            }
            entries.insert(member.link.link.name, entry);
        }
    }
    Ok(entries)
}

/// The members are the links that an honest walk through the prefix meets, no fewer and no more, and exactly those of
/// the prefix bring an entry (F-9).
fn check_chain(prefix: &Prefix, bucket: &Bucket) -> Result<(), FinalityError> {
    let mut members = bucket.members.iter();
    let first = members.next().ok_or(FinalityError::Incomplete)?;
    let mut walk = Walk::start(prefix, &first.link).ok_or(FinalityError::Incomplete)?;
    if first.entry.is_some() != walk.first_belongs() {
        return Err(FinalityError::Incomplete);
    }
    for member in members {
        if walk.next() != Some(member.link.link.name) || member.entry.is_none() {
            return Err(FinalityError::Incomplete);
        }
        walk.step(&member.link);
    }
    match walk.next() {
        Some(_) => Err(FinalityError::Incomplete),
        None => Ok(()),
    }
}

/// A walk along the list through a prefix: used to build a bucket and to verify one.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    prefix: &'a Prefix,
    first: bool,
    next: Option<Name>,
}

impl<'a> Walk<'a> {
    /// Starts at the link that covers the prefix's first name; `None` if `link` does not.
    pub fn start(prefix: &'a Prefix, link: &Linked) -> Option<Self> {
        let link = &link.link;
        if !link.covers(&prefix.first()) {
            return None;
        }
        let first = link.name == prefix.first();
        // Where the first link lies before the prefix, its successor is the smallest name not below the prefix's first:
        // even the last link's, which is the smallest name of all.
        let ends = first && link.is_last();
        let next = (!ends && prefix.contains(&link.next)).then_some(link.next);
        Some(Self { prefix, first, next })
    }

    /// Whether the link started at is itself in the prefix.
    pub fn first_belongs(&self) -> bool {
        self.first
    }

    /// The next name of the prefix, if there is one.
    pub fn next(&self) -> Option<Name> {
        self.next
    }

    /// Steps onto the link of `next()`.
    pub fn step(&mut self, link: &Linked) {
        let link = &link.link;
        self.next = (!link.is_last() && self.prefix.contains(&link.next)).then_some(link.next);
    }
}
