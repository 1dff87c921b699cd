//! CIDv1 with sha2-256 and one of two codecs (spec DG-1).
//!
//! Refused: other versions, hashes, codecs and digest lengths, and any text but the lower-case base32 of the same bytes,
//! so that one content has one name.

use std::{fmt, str::FromStr};

use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, ReadExt as _, Write};
use multihash::Multihash;
use sha2::{Digest as _, Sha256};

const SHA2_256: u64 = 0x12;

/// What a block's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Bytes of the file.
    Raw = 0x55,
    /// An interior node, dag-pb.
    DagPb = 0x70,
}

/// Address of a block, or of a file by its root block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    codec: Codec,
    digest: [u8; 32],
}

/// Why a text or byte string is no CID of this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidError {
    #[error("not a CID")]
    Malformed,
    #[error("not a CIDv1")]
    Version,
    #[error("codec {0:#x} is neither raw nor dag-pb")]
    Codec(u64),
    #[error("hash {0:#x} is not sha2-256 of 32 bytes")]
    Hash(u64),
    #[error("not in the canonical lower-case base32 form")]
    Base,
}

impl Codec {
    /// The multicodec's number as a codec this system reads.
    pub fn from_u64(code: u64) -> Result<Self, CidError> {
        match code {
            0x55 => Ok(Self::Raw),
            0x70 => Ok(Self::DagPb),
            other => Err(CidError::Codec(other)),
        }
    }
}

impl Cid {
    /// Bytes of the binary form: version, codec, hash, length, digest.
    pub const BINARY: usize = 36;

    pub const fn new(codec: Codec, digest: [u8; 32]) -> Self {
        Self { codec, digest }
    }

    /// Address of a block by its bytes.
    pub fn of(codec: Codec, block: &[u8]) -> Self {
        Self::new(codec, Sha256::digest(block).into())
    }

    pub const fn codec(&self) -> Codec {
        self.codec
    }

    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether these are the bytes addressed.
    pub fn matches(&self, block: &[u8]) -> bool {
        Sha256::digest(block)[..] == self.digest
    }

    /// The binary form, 36 bytes, as in dag-pb links and CAR frames.
    pub fn to_binary(&self) -> [u8; Self::BINARY] {
        let mut out = [0; Self::BINARY];
        out[..4].copy_from_slice(&[0x01, self.codec as u8, SHA2_256 as u8, 32]);
        out[4..].copy_from_slice(&self.digest);
        out
    }

    /// Reads exactly the 36 bytes of the binary form.
    pub fn from_binary(bytes: &[u8]) -> Result<Self, CidError> {
        let (head, digest) = bytes.split_at_checked(4).ok_or(CidError::Malformed)?;
        let digest: [u8; 32] = digest.try_into().map_err(|_| CidError::Malformed)?;
        match head {
            [0x01, codec, 0x12, 32] => Ok(Self::new(Codec::from_u64(u64::from(*codec))?, digest)),
            [0x01, _, hash, _] => Err(CidError::Hash(u64::from(*hash))),
            _ => Err(CidError::Version),
        }
    }

    /// Codec byte and digest, 33 bytes: the form inside the protocol's own messages.
    pub fn to_compact(&self) -> [u8; 33] {
        let mut out = [0; 33];
        out[0] = self.codec as u8;
        out[1..].copy_from_slice(&self.digest);
        out
    }

    /// Reads the 33-byte form.
    pub fn from_compact(bytes: &[u8; 33]) -> Result<Self, CidError> {
        let (codec, digest) = bytes.split_first().ok_or(CidError::Malformed)?;
        let digest = digest.try_into().map_err(|_| CidError::Malformed)?;
        Ok(Self::new(Codec::from_u64(u64::from(*codec))?, digest))
    }

    fn library(&self) -> cid::Cid {
        let hash = Multihash::wrap(SHA2_256, &self.digest).expect("32 bytes fit into a multihash of 64");
        cid::Cid::new_v1(self.codec as u64, hash)
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        // 36 bytes are 58 base32 digits and the prefix; other bases differ a little, nothing is much longer.
        if text.len() > 128 {
            return Err(CidError::Malformed);
        }
        let parsed = cid::Cid::try_from(text).map_err(|_| CidError::Malformed)?;
        if parsed.version() != cid::Version::V1 {
            return Err(CidError::Version);
        }
        let codec = Codec::from_u64(parsed.codec())?;
        let hash = parsed.hash();
        if hash.code() != SHA2_256 {
            return Err(CidError::Hash(hash.code()));
        }
        let digest = hash.digest().try_into().map_err(|_| CidError::Hash(SHA2_256))?;
        let cid = Self::new(codec, digest);
        if cid.to_string() == text { Ok(cid) } else { Err(CidError::Base) }
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.library(), f)
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Write for Cid {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.to_compact());
    }
}

impl Read for Cid {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        let bytes = <[u8; 33]>::read(buf)?;
        Self::from_compact(&bytes).map_err(|_| CodecError::Invalid("Cid", "codec is neither raw nor dag-pb"))
    }
}

impl FixedSize for Cid {
    const SIZE: usize = 33;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use commonware_codec::{DecodeExt as _, Encode as _};
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    #[test]
    fn names_the_empty_block_as_ipfs_does() {
        assert_eq!(Cid::of(Codec::Raw, b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse::<Cid>().unwrap(), Cid::of(Codec::Raw, b""));
    }

    #[test]
    fn refuses_every_other_kind_of_cid() {
        let digest = Sha256::digest(b"x");
        let hash = Multihash::wrap(0x12, &digest).unwrap();
        let text = |codec, hash| cid::Cid::new_v1(codec, hash).to_string();
        assert_eq!("".parse::<Cid>(), Err(CidError::Malformed));
        assert_eq!("hello".parse::<Cid>(), Err(CidError::Malformed));
        assert_eq!("b".repeat(200).parse::<Cid>(), Err(CidError::Malformed));
        assert_eq!(text(0x71, hash).parse::<Cid>(), Err(CidError::Codec(0x71)));
        let blake = Multihash::wrap(0x1e, &digest).unwrap();
        assert_eq!(text(0x55, blake).parse::<Cid>(), Err(CidError::Hash(0x1e)));
        let short = Multihash::wrap(0x12, &digest[..20]).unwrap();
        assert_eq!(text(0x55, short).parse::<Cid>(), Err(CidError::Hash(0x12)));
        let v0 = cid::Cid::new_v0(hash).unwrap().to_string();
        assert_eq!(v0.parse::<Cid>(), Err(CidError::Version));
        assert_eq!(EMPTY.to_uppercase().parse::<Cid>(), Err(CidError::Base));
    }

    fn decode(bytes: &[u8]) -> Result<Cid, CodecError> {
        Cid::decode(bytes::Bytes::copy_from_slice(bytes))
    }

    #[test]
    fn codec_round_trips_and_refuses_truncation_and_trailing_bytes() {
        let cid = Cid::of(Codec::DagPb, b"node");
        let bytes = cid.encode().to_vec();
        assert_eq!(decode(&bytes).unwrap(), cid);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(decode(&longer).is_err());
        let mut foreign = bytes;
        foreign[0] = 0x71;
        assert!(decode(&foreign).is_err());
    }

    #[test]
    fn binary_form_refuses_other_lengths() {
        let binary = Cid::of(Codec::Raw, b"x").to_binary();
        assert_eq!(Cid::from_binary(&binary).unwrap(), Cid::of(Codec::Raw, b"x"));
        for end in 0..binary.len() {
            assert_eq!(Cid::from_binary(&binary[..end]), Err(CidError::Malformed));
        }
        assert!(Cid::from_binary(&[binary.as_slice(), &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn text_never_panics_and_round_trips(text in ".{0,80}", codec: bool, digest: [u8; 32]) {
            let _ = text.parse::<Cid>();
            let cid = Cid::new(if codec { Codec::Raw } else { Codec::DagPb }, digest);
            prop_assert_eq!(cid.to_string().parse::<Cid>().unwrap(), cid);
            prop_assert_eq!(Cid::from_binary(&cid.to_binary()).unwrap(), cid);
        }
    }
}
