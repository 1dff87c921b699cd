//! Prefixes of names (spec F-8): what a client asks for instead of a name, so that the node asked learns little.

use yilian_ledger::{Kind, Name, transition::Counts};

/// Entries a bucket holds at least, in the mean.
pub const BUCKET: u64 = 64;

/// Kind and the first `bits` bits of the 31 bytes that follow (unused bits zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    pub kind: Kind,
    /// 0 to 248.
    pub bits: u8,
    pub value: [u8; 31],
}

impl Prefix {
    /// Most bits of a prefix.
    pub const MAX_BITS: u8 = 248;

    /// A prefix as asked for; `None` if longer than a name or with unused bits set.
    pub fn new(kind: Kind, bits: u8, value: [u8; 31]) -> Option<Self> {
        (bits <= Self::MAX_BITS && cut(&value, bits, 0) == value).then_some(Self { kind, bits, value })
    }

    /// The prefix to ask for about `name`: as long as keeps at least 64 entries in the mean, by the header's counts;
    /// institutions and all that is not counted come whole. `None` if the first byte of `name` is of no kind.
    pub fn of(name: &Name, counts: &Counts) -> Option<Self> {
        let kind = name.kind()?;
        let entries = match kind {
            Kind::Record => counts.records,
            Kind::Grant => counts.grants,
            Kind::Slot => counts.slots,
            Kind::Practitioner => counts.practitioners,
            _ => 0,
        };
        let bits = (entries / BUCKET).checked_ilog2().unwrap_or(0) as u8;
        let mut value = [0; 31];
        value.copy_from_slice(&name.0[1..]);
        Some(Self { kind, bits, value: cut(&value, bits, 0) })
    }

    pub fn contains(&self, name: &Name) -> bool {
        self.first() <= *name && *name <= self.last()
    }

    /// The smallest name with this prefix.
    pub fn first(&self) -> Name {
        self.filled(0)
    }

    /// The largest name with this prefix.
    pub fn last(&self) -> Name {
        self.filled(0xff)
    }

    fn filled(&self, filler: u8) -> Name {
        let mut name = [self.kind as u8; 32];
        name[1..].copy_from_slice(&cut(&self.value, self.bits, filler));
        Name(name)
    }
}

/// The first `bits` bits of `value`, the rest taken from `filler`.
fn cut(value: &[u8; 31], bits: u8, filler: u8) -> [u8; 31] {
    let mut out = *value;
    for (i, byte) in out.iter_mut().enumerate() {
        let kept = usize::from(bits).saturating_sub(i * 8).min(8);
        let mask = if kept == 0 { 0 } else { 0xffu8 << (8 - kept) };
        *byte = (*byte & mask) | (filler & !mask);
    }
    out
}
