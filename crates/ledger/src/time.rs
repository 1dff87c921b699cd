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

/// How heights fall into epochs: so many blocks each, the genesis block being the first of epoch 0 (spec L-105).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// At least 2.
    pub blocks: u64,
}

impl Epochs {
    /// The epoch of a block.
    pub const fn of(self, height: Height) -> Epoch {
        Epoch(height.0 / self.blocks)
    }

    /// Its last block's height, saturating.
    pub const fn last(self, epoch: Epoch) -> Height {
        Height(epoch.0.saturating_add(1).saturating_mul(self.blocks).saturating_sub(1))
    }

    /// Whether a block is the last of its epoch.
    pub const fn is_last(self, height: Height) -> bool {
        self.last(self.of(height)).0 == height.0
    }

    /// The epoch of the block after this one.
    pub const fn after(self, height: Height) -> Epoch {
        self.of(Height(height.0.saturating_add(1)))
    }
}

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
