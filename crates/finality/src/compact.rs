//! A bucket's encoding (spec F-10): what all proofs have in common once, every digest once, in a table.
//!
//! Canonical: the table is in order of first use and holds nothing unused or twice, so a bucket has one encoding.

use std::collections::{HashMap, HashSet};

use bytes::BufMut;
use commonware_codec::{
    Buf, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write, varint::UInt,
};
use commonware_cryptography::sha256;
use commonware_storage::{merkle::Proof as Path, mmr::Location, qmdb::current::proof::RangeProof};
use yilian_crypto::Digest;

use crate::{
    bucket::{Bucket, MAX_LINKS, Member},
    link::{Link, Linked, MAX_DIGESTS, Proof},
    proof::MAX_ENTRY,
};

/// Most digests of a bucket's table.
const MAX_TABLE: usize = 1 << 18;

/// What the proofs of one state have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Common {
    leaves: Location,
    inactive_peaks: usize,
    partial_chunk: Option<sha256::Digest>,
    operations_root: sha256::Digest,
}

impl Common {
    pub(crate) fn of(proof: &Proof) -> Self {
        let range = &proof.range_proof;
        Self {
            leaves: range.proof.leaves,
            inactive_peaks: range.proof.inactive_peaks,
            partial_chunk: range.partial_chunk_digest,
            operations_root: range.ops_root,
        }
    }

    fn proof(&self, location: Location, chunk: [u8; 32], digests: Vec<sha256::Digest>) -> Proof {
        Proof {
            loc: location,
            chunk,
            range_proof: RangeProof {
                proof: Path { leaves: self.leaves, inactive_peaks: self.inactive_peaks, digests },
                pending_chunk_digest: Default::default(),
                partial_chunk_digest: self.partial_chunk,
                ops_root: self.operations_root,
            },
        }
    }
}

impl Write for Common {
    fn write(&self, buf: &mut impl BufMut) {
        self.leaves.write(buf);
        UInt(self.inactive_peaks as u64).write(buf);
        self.partial_chunk.write(buf);
        self.operations_root.write(buf);
    }
}

impl EncodeSize for Common {
    fn encode_size(&self) -> usize {
        self.leaves.encode_size()
            + UInt(self.inactive_peaks as u64).encode_size()
            + self.partial_chunk.encode_size()
            + 32
    }
}

impl Read for Common {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            leaves: Location::read(buf)?,
            inactive_peaks: usize::try_from(UInt::<u64>::read(buf)?.0)
                .map_err(|_| CodecError::Invalid("Bucket", "inactive peaks"))?,
            partial_chunk: Option::read(buf)?,
            operations_root: sha256::Digest::read(buf)?,
        })
    }
}

/// Distinct 32-byte strings in order of first use.
#[derive(Default)]
struct Table {
    values: Vec<Digest>,
    index: HashMap<[u8; 32], u32>,
}

impl Table {
    fn place(&mut self, value: [u8; 32]) -> u32 {
        *self.index.entry(value).or_insert_with(|| {
            self.values.push(Digest(value));
            (self.values.len() - 1) as u32
        })
    }

    /// Places in the table of a proof's chunk and path.
    fn places(&mut self, proof: &Proof) -> Vec<u32> {
        let path = proof.range_proof.proof.digests.iter().map(|d| d.0);
        std::iter::once(proof.chunk).chain(path).map(|d| self.place(d)).collect()
    }
}

/// A table being read: places must appear in order of first use.
struct Lookup {
    values: Vec<Digest>,
    used: usize,
}

impl Lookup {
    fn read(buf: &mut impl Buf) -> Result<Self, CodecError> {
        let values = Vec::<Digest>::read_cfg(buf, &(RangeCfg::new(0..=MAX_TABLE), ()))?;
        let mut seen = HashSet::new();
        if !values.iter().all(|v| seen.insert(v.0)) {
            return Err(CodecError::Invalid("Bucket", "digest twice in the table"));
        }
        Ok(Self { values, used: 0 })
    }

    fn at(&mut self, place: u32) -> Result<[u8; 32], CodecError> {
        let place = place as usize;
        if place > self.used {
            return Err(CodecError::Invalid("Bucket", "table is not in order of first use"));
        }
        let value = self.values.get(place).ok_or(CodecError::Invalid("Bucket", "place outside the table"))?;
        if place == self.used {
            self.used += 1;
        }
        Ok(value.0)
    }

    fn finish(self) -> Result<(), CodecError> {
        if self.used == self.values.len() {
            Ok(())
        } else {
            Err(CodecError::Invalid("Bucket", "unused digest in the table"))
        }
    }
}

/// A member as it stands on the wire.
struct Compact<'a> {
    link: &'a Link,
    location: Location,
    places: Vec<UInt<u32>>,
    entry: &'a Option<Vec<u8>>,
}

impl<'a> Compact<'a> {
    fn of(member: &'a Member, table: &mut Table) -> Self {
        let Linked { link, proof } = &member.link;
        let places = table.places(proof).into_iter().map(UInt).collect();
        Self { link, location: proof.loc, places, entry: &member.entry }
    }
}

impl Write for Compact<'_> {
    fn write(&self, buf: &mut impl BufMut) {
        self.link.write(buf);
        self.location.write(buf);
        self.places.write(buf);
        self.entry.write(buf);
    }
}

impl EncodeSize for Compact<'_> {
    fn encode_size(&self) -> usize {
        self.link.encode_size()
            + self.location.encode_size()
            + self.places.encode_size()
            + self.entry.encode_size()
    }
}

fn read_member(buf: &mut impl Buf, common: &Common, table: &mut Lookup) -> Result<Member, CodecError> {
    let link = Link::read(buf)?;
    let location = Location::read(buf)?;
    let places = Vec::<UInt<u32>>::read_cfg(buf, &(RangeCfg::new(1..=MAX_DIGESTS + 1), ()))?;
    let entry = Option::<Vec<u8>>::read_cfg(buf, &(RangeCfg::new(0..=MAX_ENTRY), ()))?;
    let digests = places.into_iter().map(|p| table.at(p.0)).collect::<Result<Vec<_>, _>>()?;
    let [chunk, path @ ..] = digests.as_slice() else {
        return Err(CodecError::Invalid("Bucket", "link without a chunk"));
    };
    let path = path.iter().map(|d| sha256::Digest::from(*d)).collect();
    Ok(Member { link: Linked { link, proof: common.proof(location, *chunk, path) }, entry })
}

fn compact(bucket: &Bucket) -> (Table, Vec<Compact<'_>>) {
    let mut table = Table::default();
    let members = bucket.members().iter().map(|m| Compact::of(m, &mut table)).collect();
    (table, members)
}

impl Write for Bucket {
    fn write(&self, buf: &mut impl BufMut) {
        let (table, members) = compact(self);
        self.common().write(buf);
        table.values.write(buf);
        members.write(buf);
    }
}

impl EncodeSize for Bucket {
    fn encode_size(&self) -> usize {
        let (table, members) = compact(self);
        self.common().encode_size() + table.values.encode_size() + members.encode_size()
    }
}

impl Read for Bucket {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        let common = Common::read(buf)?;
        let mut table = Lookup::read(buf)?;
        let count = usize::read_cfg(buf, &RangeCfg::new(1..=MAX_LINKS))?;
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(read_member(buf, &common, &mut table)?);
        }
        table.finish()?;
        Self::new(members).map_err(|_| CodecError::Invalid("Bucket", "no members"))
    }
}
