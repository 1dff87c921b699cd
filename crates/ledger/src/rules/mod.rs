//! What each kind of transaction demands of state and writes to it. A rule reads, checks, and hands back its writes.

pub(crate) mod expiry;
pub(crate) mod governance;
pub(crate) mod membership;
pub(crate) mod records;
