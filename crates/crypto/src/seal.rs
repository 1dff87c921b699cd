//! Sealed messages: HPKE base mode (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, suite byte 0x02
//! (spec B-1 to B-4).
//!
//! Guarantees confidentiality towards the key's holder, in the context of a label and associated data; says nothing
//! about the sender. A key parses only from its one canonical encoding, and never from a point of small order.

use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, Write};
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use rand_core::CryptoRng;

use crate::{Label, Secret, suite};

type Kem = hpke::kem::X25519HkdfSha256;
type Kdf = hpke::kdf::HkdfSha256;
type Cipher = hpke::aead::AesGcm256;

/// Bytes that sealing adds: suite, encapsulated key, tag.
pub const OVERHEAD: usize = 1 + ENCAPSULATED + 16;

const ENCAPSULATED: usize = 32;

/// Public key, 33 bytes on the wire (suite byte 0x02, X25519 point).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingKey([u8; 32]);

/// Secret key, derived from 32 bytes of input keying material.
#[derive(Clone, Debug)]
pub struct SealingSecretKey(Secret<[u8; 32]>);

/// The message was not sealed to this key in this context, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed message does not open")]
pub struct SealError;

/// The bytes are not a canonical X25519 point of large order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an X25519 sealing key")]
pub struct KeyError;

impl SealingSecretKey {
    /// `DeriveKeyPair(ikm)` of RFC 9180, section 7.1.3.
    pub fn from_seed(ikm: &Secret<[u8; 32]>) -> Self {
        let (secret, _) = Kem::derive_keypair(ikm.expose());
        Self(Secret::filled(|bytes| secret.write_exact(bytes)))
    }

    /// The public half.
    pub fn public(&self) -> SealingKey {
        SealingKey(Kem::sk_to_pk(&self.key()).to_bytes().into())
    }

    /// Opens `suite ‖ enc (32) ‖ ciphertext`; `label` and `aad` as at sealing.
    pub fn open(&self, label: Label, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        if sealed.len() < OVERHEAD || sealed[0] != suite::HPKE {
            return Err(SealError);
        }
        let (encapsulated, ciphertext) = sealed[1..].split_at(ENCAPSULATED);
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| SealError)?;
        let info = label.frame(&[]);
        hpke::setup_receiver::<Cipher, Kdf, Kem>(&OpModeR::Base, &self.key(), &encapsulated, &info)
            .and_then(|mut context| context.open(ciphertext, aad))
            .map_err(|_| SealError)
    }

    fn key(&self) -> <Kem as hpke::Kem>::PrivateKey {
        <Kem as hpke::Kem>::PrivateKey::from_bytes(self.0.expose())
            .expect("any 32 bytes are an X25519 secret")
    }
}

impl SealingKey {
    /// Parses an X25519 u-coordinate (spec B-2).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        if is_canonical(&bytes) && !SMALL_ORDER.contains(&bytes) { Ok(Self(bytes)) } else { Err(KeyError) }
    }

    /// The u-coordinate, without the suite byte.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Output: `suite ‖ enc (32) ‖ ciphertext`, plaintext + 49 bytes.
    pub fn seal(&self, label: Label, aad: &[u8], plaintext: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        let key = <Kem as hpke::Kem>::PublicKey::from_bytes(&self.0).expect("32 bytes parse");
        let info = label.frame(&[]);
        let (encapsulated, mut context) =
            hpke::setup_sender_with_rng::<Cipher, Kdf, Kem>(&OpModeS::Base, &key, &info, rng)
                .expect("a key of large order never agrees on zero");
        let ciphertext = context.seal(plaintext, aad).expect("the first message of a context, under 64 GiB");
        let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
        sealed.push(suite::HPKE);
        sealed.extend_from_slice(&encapsulated.to_bytes());
        sealed.extend_from_slice(&ciphertext);
        sealed
    }
}

/// Little-endian value below `2^255 - 19`.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let all_ones = bytes[31] == 0x7f && bytes[1..31].iter().all(|&b| b == 0xff);
    bytes[31] < 0x80 && !(all_ones && bytes[0] >= 0xed)
}

/// The canonical u-coordinates of small order on curve and twist (RFC 7748, section 6.1: agreement on zero).
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
];

impl Write for SealingKey {
    fn write(&self, buf: &mut impl BufMut) {
        suite::write(suite::HPKE, &self.0, buf);
    }
}

impl Read for SealingKey {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Self::from_bytes(suite::read(suite::HPKE, buf)?)
            .map_err(|_| CodecError::Invalid("SealingKey", "not a canonical point of large order"))
    }
}

impl FixedSize for SealingKey {
    const SIZE: usize = 33;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use commonware_codec::{Copying, Decode, Encode};

    use super::*;
    use crate::test::{Seeded, codec_behaves};

    fn key(byte: u8) -> SealingSecretKey {
        SealingSecretKey::from_seed(&Secret::new([byte; 32]))
    }

    fn sealed(plaintext: &[u8]) -> Vec<u8> {
        key(1).public().seal(Label::MailboxSeal, b"aad", plaintext, &mut Seeded::new(1))
    }

    #[test]
    fn opens_what_was_sealed_to_it() {
        for plaintext in [&b""[..], b"a message", &[7; 5000]] {
            let sealed = sealed(plaintext);
            assert_eq!(sealed.len(), plaintext.len() + OVERHEAD);
            assert_eq!(key(1).open(Label::MailboxSeal, b"aad", &sealed).unwrap(), plaintext);
        }
    }

    #[test]
    fn refuses_another_key_label_or_context() {
        let sealed = sealed(b"a message");
        assert_eq!(key(2).open(Label::MailboxSeal, b"aad", &sealed), Err(SealError));
        assert_eq!(key(1).open(Label::Backup, b"aad", &sealed), Err(SealError));
        assert_eq!(key(1).open(Label::MailboxSeal, b"aae", &sealed), Err(SealError));
    }

    #[test]
    fn refuses_every_flipped_bit_and_truncation() {
        let sealed = sealed(b"a message");
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key(1).open(Label::MailboxSeal, b"aad", &forged), Err(SealError), "bit {bit}");
        }
        for cut in 0..sealed.len() {
            assert_eq!(key(1).open(Label::MailboxSeal, b"aad", &sealed[..cut]), Err(SealError));
        }
    }

    #[test]
    fn two_seals_of_one_message_differ() {
        let mut rng = Seeded::new(3);
        let seal = |rng: &mut Seeded| key(1).public().seal(Label::MailboxSeal, b"", b"m", rng);
        assert_ne!(seal(&mut rng), seal(&mut rng));
    }

    /// Each refused point is one on which the key agreement itself fails: the list holds nothing else.
    #[test]
    fn refuses_points_of_small_order() {
        for point in SMALL_ORDER {
            assert_eq!(SealingKey::from_bytes(point), Err(KeyError));
            let key = <Kem as hpke::Kem>::PublicKey::from_bytes(&point).unwrap();
            let rng = &mut Seeded::new(1);
            assert!(hpke::setup_sender_with_rng::<Cipher, Kdf, Kem>(&OpModeS::Base, &key, b"", rng).is_err());
        }
    }

    #[test]
    fn refuses_second_encodings() {
        let mut with_top_bit = *key(1).public().as_bytes();
        with_top_bit[31] |= 0x80;
        assert_eq!(SealingKey::from_bytes(with_top_bit), Err(KeyError));
        let mut p_plus_nine = [0xff; 32];
        (p_plus_nine[0], p_plus_nine[31]) = (0xf6, 0x7f);
        assert_eq!(SealingKey::from_bytes(p_plus_nine), Err(KeyError));
        let mut nine = [0; 32];
        nine[0] = 9;
        assert!(SealingKey::from_bytes(nine).is_ok(), "the control: the base point is a fine key");
    }

    #[test]
    fn refuses_another_suite() {
        let mut wire = key(1).public().encode_mut();
        wire[0] = suite::ED25519;
        assert!(SealingKey::decode_cfg(Copying(&wire), &()).is_err());
    }

    #[test]
    fn codec() {
        codec_behaves(&key(1).public());
    }

    /// RFC 9180, appendix A.1.1: the recipient's key pair from `ikmR`. The library keeps the secret clamped
    /// (RFC 7748, section 5), which changes no public key.
    #[test]
    fn derives_the_key_pair_of_rfc_9180() {
        let ikm = hex::decode("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037").unwrap();
        let key = SealingSecretKey::from_seed(&Secret::new(ikm.try_into().unwrap()));
        let mut secret =
            hex::decode("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8").unwrap();
        secret[0] &= 0xf8;
        secret[31] = (secret[31] & 0x7f) | 0x40;
        assert_eq!(key.0.expose().as_slice(), secret);
        assert_eq!(
            hex::encode(key.public().as_bytes()),
            "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"
        );
    }

    /// RFC 9180, appendix A.1.1 (with its AES-128-GCM, the only difference): info, first message.
    #[test]
    fn the_kem_and_key_schedule_are_those_of_rfc_9180() {
        let ikm = hex::decode("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037").unwrap();
        let key = SealingSecretKey::from_seed(&Secret::new(ikm.try_into().unwrap()));
        let encapsulated =
            hex::decode("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431").unwrap();
        let ciphertext = hex::decode(
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
        )
        .unwrap();
        let mut context = hpke::setup_receiver::<hpke::aead::AesGcm128, Kdf, Kem>(
            &OpModeR::Base,
            &key.key(),
            &<Kem as hpke::Kem>::EncappedKey::from_bytes(&encapsulated).unwrap(),
            b"Ode on a Grecian Urn",
        )
        .unwrap();
        assert_eq!(context.open(&ciphertext, b"Count-0").unwrap(), b"Beauty is truth, truth beauty");
    }
}
