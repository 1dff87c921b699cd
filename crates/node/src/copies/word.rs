//! What nodes tell one another of pins, in bytes (spec CC-3, CC-5): an origin's signed word on a pin, and pages of them.
//!
//! Words are signed by their origin, so that whoever kept one can pass it on; pages by who answers.

use bytes::BufMut;
use commonware_codec::{
    Buf, EncodeSize, Error as CodecError, FixedSize, RangeCfg, Read, ReadExt as _, Write,
};
use yilian_api::signing::Statement;
use yilian_content::{Hold, Payer, PinKey};
use yilian_crypto::{
    Digest,
    sign::{Signature, SigningKey, VerifyingKey},
};
use yilian_dag::Cid;

use super::placement::NodeKey;

/// Most words of a page.
pub const MAX_WORDS: usize = 512;

/// An origin's word on one pin; all but the signature is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    origin: NodeKey,
    root: Cid,
    bytes: u64,
    pin: PinKey,
    payer: Payer,
    active: bool,
    requested: u64,
    until: Option<u64>,
    version: u64,
}

/// With the origin's signature, not yet checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedWord {
    word: Word,
    signature: Signature,
}

/// A part of a node's journal, for one reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub journal: [u8; 16],
    /// `Placement::id`, by which the words were chosen.
    pub assignment: [u8; 16],
    pub next: u64,
    pub more: bool,
    pub words: Vec<SignedWord>,
}

impl SignedWord {
    /// A stored hold as it travels: another node's with its signature, this one's signed now.
    pub fn of(hold: &Hold, chain: &Digest, me: &NodeKey, signer: &SigningKey) -> Self {
        let word = Word {
            origin: hold.origin.unwrap_or(*me),
            root: hold.root,
            bytes: hold.bytes,
            pin: hold.pin,
            payer: hold.payer,
            active: hold.active,
            requested: hold.requested,
            until: hold.until,
            version: hold.version,
        };
        let signature = match hold.origin {
            Some(_) => Signature::from_bytes(hold.signature),
            None => word.statement(chain).sign(signer),
        };
        Self { word, signature }
    }

    pub fn origin(&self) -> &NodeKey {
        &self.word.origin
    }

    pub fn root(&self) -> &Cid {
        &self.word.root
    }

    /// As the store takes it, if its origin signed it.
    pub fn verify(&self, chain: &Digest, me: &NodeKey) -> Option<Hold> {
        let key = VerifyingKey::from_bytes(&self.word.origin).ok()?;
        self.word.statement(chain).verify(&key, &self.signature).ok()?;
        let Word { origin, root, bytes, pin, payer, active, requested, until, version } = self.word;
        let own = origin == *me;
        Some(Hold {
            root,
            bytes,
            pin,
            origin: (!own).then_some(origin),
            payer,
            active,
            requested,
            until,
            version,
            signature: if own { [0; 64] } else { *self.signature.as_bytes() },
        })
    }
}

impl Word {
    fn statement(&self, chain: &Digest) -> Statement {
        let mut bytes = Vec::with_capacity(Self::SIZE);
        self.write(&mut bytes);
        Statement::content_hold(chain, &bytes)
    }
}

impl Write for Word {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.origin);
        buf.put_slice(&self.root.to_compact());
        self.bytes.write(buf);
        buf.put_slice(&self.pin.0);
        buf.put_u8(self.payer as u8);
        self.active.write(buf);
        self.requested.write(buf);
        // An end at 0 would be over before it began.
        self.until.unwrap_or(0).write(buf);
        self.version.write(buf);
    }
}

impl FixedSize for Word {
    const SIZE: usize = 32 + 33 + 8 + 33 + 1 + 1 + 8 + 8 + 8;
}

impl Read for Word {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            origin: <[u8; 32]>::read(buf)?,
            root: Cid::from_compact(&<[u8; 33]>::read(buf)?)
                .map_err(|_| CodecError::Invalid("Word", "not a CID of this system"))?,
            bytes: u64::read(buf)?,
            pin: PinKey(<[u8; 33]>::read(buf)?),
            payer: match u8::read(buf)? {
                0 => Payer::Tickets,
                1 => Payer::Member,
                other => return Err(CodecError::InvalidEnum(other)),
            },
            active: bool::read(buf)?,
            requested: u64::read(buf)?,
            until: Some(u64::read(buf)?).filter(|until| *until > 0),
            version: u64::read(buf)?,
        })
    }
}

impl Write for SignedWord {
    fn write(&self, buf: &mut impl BufMut) {
        self.word.write(buf);
        self.signature.write(buf);
    }
}

impl FixedSize for SignedWord {
    const SIZE: usize = Word::SIZE + Signature::SIZE;
}

impl Read for SignedWord {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self { word: Word::read(buf)?, signature: Signature::read(buf)? })
    }
}

impl Write for Page {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.journal);
        buf.put_slice(&self.assignment);
        self.next.write(buf);
        self.more.write(buf);
        self.words.write(buf);
    }
}

impl EncodeSize for Page {
    fn encode_size(&self) -> usize {
        16 + 16 + 8 + 1 + self.words.encode_size()
    }
}

impl Read for Page {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            journal: <[u8; 16]>::read(buf)?,
            assignment: <[u8; 16]>::read(buf)?,
            next: u64::read(buf)?,
            more: bool::read(buf)?,
            words: Vec::read_cfg(buf, &(RangeCfg::new(..=MAX_WORDS), ()))?,
        })
    }
}

impl Page {
    /// Largest encoding, bytes.
    pub const MAX: usize = 64 + MAX_WORDS * SignedWord::SIZE;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use commonware_codec::{DecodeExt as _, Encode as _};
    use yilian_crypto::Secret;
    use yilian_dag::Codec;

    use super::*;

    const CHAIN: Digest = Digest([1; 32]);
    const OTHER: NodeKey = [9; 32];

    fn signer() -> SigningKey {
        SigningKey::from_seed(Secret::new([3; 32]))
    }

    fn hold() -> Hold {
        Hold {
            root: Cid::of(Codec::Raw, b"content"),
            bytes: 7,
            pin: PinKey([5; 33]),
            origin: None,
            payer: Payer::Member,
            active: true,
            requested: 11,
            until: Some(13),
            version: 17,
            signature: [0; 64],
        }
    }

    fn page() -> Page {
        let signer = signer();
        let me = *signer.verifying_key().as_bytes();
        let words = vec![SignedWord::of(&hold(), &CHAIN, &me, &signer)];
        Page { journal: [1; 16], assignment: [2; 16], next: 3, more: true, words }
    }

    #[test]
    fn a_word_travels_and_comes_home() {
        let me = *signer().verifying_key().as_bytes();
        let word = page().words[0];
        assert_eq!(word.verify(&CHAIN, &me), Some(hold()));
        let abroad = word.verify(&CHAIN, &OTHER).unwrap();
        assert_eq!(abroad.origin, Some(me));
        // Passed on by somebody who could not have signed it.
        let stranger = SigningKey::from_seed(Secret::new([4; 32]));
        assert_eq!(SignedWord::of(&abroad, &CHAIN, &OTHER, &stranger), word);
        assert_eq!(word.verify(&Digest([2; 32]), &OTHER), None, "another chain's word");
    }

    #[test]
    fn a_changed_word_is_refused() {
        let word = page().words[0].encode();
        for at in 0..word.len() {
            let mut changed = word.to_vec();
            changed[at] ^= 1;
            let verified =
                SignedWord::decode(bytes::Bytes::from(changed)).ok().and_then(|w| w.verify(&CHAIN, &OTHER));
            assert_eq!(verified, None, "byte {at}");
        }
    }

    #[test]
    fn pages_are_bounded_and_whole() {
        let encoded = page().encode();
        assert_eq!(Page::decode(encoded.clone()).unwrap(), page());
        for end in 0..encoded.len() {
            assert!(Page::decode(encoded.slice(..end)).is_err(), "cut at {end}");
        }
        assert!(Page::decode(bytes::Bytes::from([&encoded[..], &[0]].concat())).is_err());
        let word = page().words[0];
        let full = Page { words: vec![word; MAX_WORDS], ..page() };
        assert!(full.encode().len() <= Page::MAX);
        assert!(Page::decode(full.encode()).is_ok());
        let surplus = Page { words: vec![word; MAX_WORDS + 1], ..page() };
        assert!(Page::decode(surplus.encode()).is_err());
    }
}
