//! SHA-256 with domain separation (spec C-2).

use std::fmt;

use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, ReadExt as _, Write};
use sha2::{Digest as _, Sha256};

use crate::Label;

/// 32 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

/// SHA-256 of [`Label::frame`], `len8(label) ‖ label ‖ (len64(part) ‖ part)*`: no two (label, parts) share an input.
pub fn tagged(label: Label, parts: &[&[u8]]) -> Digest {
    let text = label.text().as_bytes();
    let mut h = Sha256::new();
    h.update([text.len() as u8]);
    h.update(text);
    for part in parts {
        h.update((part.len() as u64).to_be_bytes());
        h.update(part);
    }
    Digest(h.finalize().into())
}

/// Plain SHA-256, only for content addresses.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Write for Digest {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }
}

impl Read for Digest {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self(<[u8; 32]>::read(buf)?))
    }
}

impl FixedSize for Digest {
    const SIZE: usize = 32;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test::codec_behaves;

    #[test]
    fn tagged_hashes_the_frame_without_building_it() {
        let cases: [&[&[u8]]; 4] = [&[], &[b""], &[b"one"], &[b"one", &[0; 300]]];
        for parts in cases {
            assert_eq!(tagged(Label::Aid, parts), sha256(&Label::Aid.frame(parts)));
        }
    }

    /// FIPS 180-4 example: one block.
    #[test]
    fn sha256_matches_the_standard() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc").to_string(), abc);
    }

    #[test]
    fn codec() {
        codec_behaves(&sha256(b"abc"));
    }
}
