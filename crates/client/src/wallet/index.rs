//! Indexes from which a wallet's keys derive: a device lane in the high half, a counter in the low half (spec W-10), so
//! that two devices on one seed never draw the same one.

use std::fmt;

use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedSize, Read, Write};

/// Lanes a seed has.
pub const LANES: u16 = 256;

/// One device's share of all indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(u16);

impl Lane {
    pub const FIRST: Self = Self(0);

    /// `None` from `LANES` on.
    pub fn new(lane: u16) -> Option<Self> {
        (lane < LANES).then_some(Self(lane))
    }

    pub const fn number(self) -> u16 {
        self.0
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (0..LANES).map(Self)
    }

    const fn index(self, counter: u32) -> u64 {
        (self.0 as u64) << 32 | counter as u64
    }
}

impl Write for Lane {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl FixedSize for Lane {
    const SIZE: usize = 2;
}

impl Read for Lane {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Self::new(u16::read_cfg(buf, &())?).ok_or(Error::Invalid("Lane", "out of range"))
    }
}

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            pub const fn new(lane: Lane, counter: u32) -> Self {
                Self(lane.index(counter))
            }

            pub fn lane(self) -> Lane {
                Lane((self.0 >> 32) as u16)
            }

            pub const fn counter(self) -> u32 {
                self.0 as u32
            }

            /// The number that enters the derivation.
            pub const fn number(self) -> u64 {
                self.0
            }

            /// `None` when the high half is no lane.
            pub fn from_number(number: u64) -> Option<Self> {
                (number >> 32 < LANES as u64).then_some(Self(number))
            }
        }

        impl fmt::Display for $name {
            /// `3` in the first lane, `2/3` in the others.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.lane() {
                    Lane::FIRST => write!(f, "{}", self.counter()),
                    Lane(lane) => write!(f, "{lane}/{}", self.counter()),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = IndexError;

            fn from_str(text: &str) -> Result<Self, IndexError> {
                let (lane, counter) = text.split_once('/').unwrap_or(("0", text));
                let lane = lane.parse().ok().and_then(Lane::new).ok_or(IndexError)?;
                Ok(Self::new(lane, counter.parse().map_err(|_| IndexError)?))
            }
        }

        impl Write for $name {
            fn write(&self, buf: &mut impl BufMut) {
                self.0.write(buf);
            }
        }

        impl FixedSize for $name {
            const SIZE: usize = 8;
        }

        impl Read for $name {
            type Cfg = ();

            fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
                Self::from_number(u64::read_cfg(buf, &())?).ok_or(Error::Invalid("index", "lane out of range"))
            }
        }
    };
}

index!(
    /// Which record of the wallet, from the offer on.
    RecordIndex
);
index!(
    /// Which grant of a record.
    GrantIndex
);
index!(
    /// Which stored object, for its pin key.
    ObjectIndex
);

/// Neither `counter` nor `lane/counter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an index: expected a number, or lane/number")]
pub struct IndexError;
