//! Ed25519 (RFC 8032) over labelled messages, suite byte 0x01 (spec K-1 to K-4).
//!
//! Verification is the strict, cofactorless one, so that all nodes agree on every input: keys and `R` that are
//! encoded otherwise than canonically or have small order are refused, `s` must be reduced.

use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, Write};
use ed25519_dalek as dalek;
use rand_core::CryptoRng;

use crate::{Label, Secret, hash::tagged, suite};

/// 33 bytes on the wire: suite byte, key. Parsing refuses points of small order and other encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyingKey([u8; 32]);

/// 65 bytes on the wire: suite byte, signature. Its two halves are judged when it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// A signing key; 32-byte seed.
#[derive(Clone, Debug)]
pub struct SigningKey(Secret<[u8; 32]>);

/// The signature is not by this key over this message in this domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
pub struct SignatureError;

/// The bytes are not a canonical Ed25519 point of large order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 verifying key")]
pub struct KeyError;

impl SigningKey {
    /// Draws a fresh key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// From the 32-byte seed of RFC 8032, section 5.1.5.
    pub fn from_seed(seed: Secret<[u8; 32]>) -> Self {
        Self(seed)
    }

    /// The seed, for storage under a lock.
    pub fn seed(&self) -> &Secret<[u8; 32]> {
        &self.0
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.expand().verifying_key().to_bytes())
    }

    /// Signs `tagged(label, parts)`.
    pub fn sign(&self, label: Label, parts: &[&[u8]]) -> Signature {
        let message = tagged(label, parts);
        Signature(dalek::Signer::sign(&self.expand(), message.as_ref()).to_bytes())
    }

    fn expand(&self) -> dalek::SigningKey {
        dalek::SigningKey::from_bytes(self.0.expose())
    }
}

impl VerifyingKey {
    /// Parses a compressed point (spec K-2).
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError)?;
        let canonical = key.to_edwards().compress().to_bytes() == *bytes;
        if canonical && !key.is_weak() { Ok(Self(*bytes)) } else { Err(KeyError) }
    }

    /// The compressed point, without the suite byte.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Accepts exactly what the key's holder signed under this label and these parts (spec K-3).
    pub fn verify(&self, label: Label, parts: &[&[u8]], signature: &Signature) -> Result<(), SignatureError> {
        let key = dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| SignatureError)?;
        let message = tagged(label, parts);
        let signature = dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message.as_ref(), &signature).map_err(|_| SignatureError)
    }
}

impl Signature {
    /// From `R ‖ s`.
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// `R ‖ s`, without the suite byte.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Write for VerifyingKey {
    fn write(&self, buf: &mut impl BufMut) {
        suite::write(suite::ED25519, &self.0, buf);
    }
}

impl Read for VerifyingKey {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Self::from_bytes(&suite::read(suite::ED25519, buf)?)
            .map_err(|_| CodecError::Invalid("VerifyingKey", "not a canonical point of large order"))
    }
}

impl FixedSize for VerifyingKey {
    const SIZE: usize = 33;
}

impl Write for Signature {
    fn write(&self, buf: &mut impl BufMut) {
        suite::write(suite::ED25519, &self.0, buf);
    }
}

impl Read for Signature {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        suite::read(suite::ED25519, buf).map(Self)
    }
}

impl FixedSize for Signature {
    const SIZE: usize = 65;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use commonware_codec::{Copying, Decode, Encode};
    use dalek::Signer as _;

    use super::*;
    use crate::test::{Seeded, codec_behaves};

    fn key(seed: u64) -> SigningKey {
        SigningKey::generate(&mut Seeded::new(seed))
    }

    #[test]
    fn accepts_its_own_signature() {
        let signature = key(1).sign(Label::Withdraw, &[b"chain", b"body"]);
        assert_eq!(key(1).verifying_key().verify(Label::Withdraw, &[b"chain", b"body"], &signature), Ok(()));
    }

    #[test]
    fn refuses_another_key_label_or_message() {
        let signature = key(1).sign(Label::Withdraw, &[b"chain", b"body"]);
        let verifying = key(1).verifying_key();
        let refused = Err(SignatureError);
        assert_eq!(key(2).verifying_key().verify(Label::Withdraw, &[b"chain", b"body"], &signature), refused);
        assert_eq!(verifying.verify(Label::Revoke, &[b"chain", b"body"], &signature), refused);
        assert_eq!(verifying.verify(Label::Withdraw, &[b"chainbody"], &signature), refused);
        assert_eq!(verifying.verify(Label::Withdraw, &[b"chain", b"bodz"], &signature), refused);
    }

    #[test]
    fn refuses_every_flipped_bit() {
        let signature = key(1).sign(Label::Withdraw, &[]);
        for bit in 0..512 {
            let mut bytes = signature.0;
            bytes[bit / 8] ^= 1 << (bit % 8);
            let forged = Signature::from_bytes(bytes);
            assert!(key(1).verifying_key().verify(Label::Withdraw, &[], &forged).is_err(), "bit {bit}");
        }
    }

    /// Adding the group order to `s` gives a second signature that a lax verifier takes.
    #[test]
    fn refuses_an_unreduced_scalar() {
        let order: [u8; 32] = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
            .unwrap()
            .try_into()
            .unwrap();
        let mut bytes = key(1).sign(Label::Withdraw, &[]).0;
        let mut carry = 0u16;
        for (byte, add) in bytes[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry as u8;
            carry >>= 8;
        }
        let forged = Signature::from_bytes(bytes);
        assert_eq!(key(1).verifying_key().verify(Label::Withdraw, &[], &forged), Err(SignatureError));
    }

    /// The eight points of small order and their other encodings (y + p, sign bit of x = 0).
    #[test]
    fn refuses_keys_of_small_order_and_non_canonical_encodings() {
        for hex_key in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            // y = p + 3: the point of y = 3 has large order, its second encoding is refused all the same.
            "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ] {
            let bytes: [u8; 32] = hex::decode(hex_key).unwrap().try_into().unwrap();
            assert_eq!(VerifyingKey::from_bytes(&bytes), Err(KeyError), "{hex_key}");
            let wire = [&[suite::ED25519][..], &bytes].concat();
            assert!(VerifyingKey::decode_cfg(Copying(&wire), &()).is_err());
        }
        let mut three = [0; 32];
        three[0] = 3;
        assert!(VerifyingKey::from_bytes(&three).is_ok(), "the control: y = 3 itself is a fine key");
    }

    #[test]
    fn refuses_another_suite() {
        let mut wire = key(1).verifying_key().encode_mut();
        wire[0] = suite::HPKE;
        assert!(VerifyingKey::decode_cfg(Copying(&wire), &()).is_err());
        let mut wire = key(1).sign(Label::Withdraw, &[]).encode_mut();
        wire[0] = 0;
        assert!(Signature::decode_cfg(Copying(&wire), &()).is_err());
    }

    #[test]
    fn codec() {
        codec_behaves(&key(1).verifying_key());
        codec_behaves(&key(1).sign(Label::Withdraw, &[]));
    }

    /// RFC 8032, section 7.1, test 2: key and signature of the primitive under the labels.
    #[test]
    fn matches_rfc_8032() {
        let seed = hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let key = SigningKey::from_seed(Secret::new(seed.try_into().unwrap()));
        assert_eq!(
            hex::encode(key.verifying_key().as_bytes()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            hex::encode(key.expand().sign(&[0x72]).to_bytes()),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }
}
