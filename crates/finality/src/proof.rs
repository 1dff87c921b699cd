//! Presence and absence of one name under a verified header (spec F-7).

use bytes::BufMut;
use commonware_codec::{
    Buf, Copying, DecodeExt as _, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write,
};
use yilian_ledger::{Entry, Name};

use crate::{
    link::Linked,
    snapshot::{FinalityError, VerifiedHeader},
};

/// Largest encoded entry accepted, bytes.
pub const MAX_ENTRY: usize = 1 << 20;

/// An answer about one name: the encoded entry if the name exists, and the link that proves it present or absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub entry: Option<Vec<u8>>,
    pub link: Linked,
}

/// The entry that `name` stands for, `None` if it is proved absent (F-7).
///
/// There is no proof of an empty state: a certified one holds the genesis entries at least.
pub fn verify_answer(
    header: &VerifiedHeader,
    name: &Name,
    answer: &Answer,
) -> Result<Option<Entry>, FinalityError> {
    answer.link.verify(&header.header().state_root)?;
    let link = &answer.link.link;
    if !link.covers(name) {
        return Err(FinalityError::Proof);
    }
    match (link.name == *name, &answer.entry) {
        (true, Some(bytes)) => {
            let entry = Entry::decode(Copying(bytes)).map_err(|_| FinalityError::Entry)?;
            if entry.digest() != link.value {
                return Err(FinalityError::Entry);
            }
            Ok(Some(entry))
        }
        (false, None) => Ok(None),
        (true, None) | (false, Some(_)) => Err(FinalityError::Entry),
    }
}

impl Write for Answer {
    fn write(&self, buf: &mut impl BufMut) {
        self.entry.write(buf);
        self.link.write(buf);
    }
}

impl EncodeSize for Answer {
    fn encode_size(&self) -> usize {
        self.entry.encode_size() + self.link.encode_size()
    }
}

impl Read for Answer {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            entry: Option::<Vec<u8>>::read_cfg(buf, &(RangeCfg::new(0..=MAX_ENTRY), ()))?,
            link: Linked::read(buf)?,
        })
    }
}
