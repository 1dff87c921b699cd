//! Heights, epochs and chain time. The only clock of the ledger is the header of the block it executes.

use crate::codec::codec_newtype;

/// Milliseconds since the Unix epoch, by the chain's headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// Number of a block; genesis has 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

/// Term of a committee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

codec_newtype!(Time(u64));
codec_newtype!(Height(u64));
codec_newtype!(Epoch(u64));

impl Time {
    /// Unix seconds, rounded down: the unit of certificates.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Later by `ms`, saturating.
    pub const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}
