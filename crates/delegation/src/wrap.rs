//! `W`: the data key and content identifier under a capsule's key (spec D-12).

use yilian_crypto::{
    Digest, Label, Secret,
    aead::{Aead, TAG},
    kdf,
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::DelegationError;

/// Bytes of `DK ‖ codec ‖ digest`.
const PLAINTEXT: usize = 65;
const RAW: u8 = 0x55;
const DAG_PB: u8 = 0x70;
/// See `FreshCapsuleKey::wrap`.
const NONCE: [u8; 12] = [0; 12];

/// `K`, recovered from a capsule: it unwraps.
#[derive(Clone, Debug)]
pub struct CapsuleKey(pub(crate) Secret<[u8; 32]>);

/// `K` just encapsulated: it wraps, once.
#[derive(Debug)]
pub struct FreshCapsuleKey(pub(crate) CapsuleKey);

/// What a `Wrapped` holds.
#[derive(Clone, Debug)]
pub struct Wrap {
    pub data_key: Secret<[u8; 32]>,
    /// Multicodec of the root CID: 0x55 raw or 0x70 dag-pb.
    pub codec: u8,
    pub digest: Digest,
}

/// `W`, 81 + 1 bytes. Opaque until unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapped(pub [u8; PLAINTEXT + TAG]);

wire!(Wrapped, PLAINTEXT + TAG);

impl FreshCapsuleKey {
    /// Encrypts with AES-256-GCM under `HKDF(K, "wrap")` and the zero nonce.
    ///
    /// The nonce never repeats under its key: `K` hashes a fresh random `r`, only `encapsulate` makes this type, it
    /// cannot be cloned, and wrapping consumes it. The AEAD key has no other use.
    pub fn wrap(self, wrap: &Wrap) -> Result<Wrapped, DelegationError> {
        check_codec(wrap.codec)?;
        let mut buf = Vec::with_capacity(PLAINTEXT + TAG);
        buf.extend_from_slice(wrap.data_key.expose());
        buf.push(wrap.codec);
        buf.extend_from_slice(&wrap.digest.0);
        self.0.aead().seal(NONCE, &[], &mut buf);
        Ok(Wrapped(buf.try_into().expect("plaintext and tag have fixed lengths")))
    }

    /// `HKDF(K, "com")`, the hiding part of `com`.
    pub fn commitment_key(&self) -> Secret<[u8; 32]> {
        self.0.commitment_key()
    }
}

impl CapsuleKey {
    pub fn unwrap(&self, wrapped: &Wrapped) -> Result<Wrap, DelegationError> {
        let mut buf = Zeroizing::new(wrapped.0.to_vec());
        self.aead().open(NONCE, &[], &mut buf).map_err(|_| DelegationError::Unwrap)?;
        let plain: &[u8; PLAINTEXT] = buf.as_slice().try_into().map_err(|_| DelegationError::Unwrap)?;
        let codec = plain[32];
        check_codec(codec)?;
        let (mut data_key, mut digest) = ([0; 32], [0; 32]);
        data_key.copy_from_slice(&plain[..32]);
        digest.copy_from_slice(&plain[33..]);
        let wrap = Wrap { data_key: Secret::new(data_key), codec, digest: Digest(digest) };
        data_key.zeroize();
        Ok(wrap)
    }

    /// `HKDF(K, "com")`, the hiding part of `com`.
    pub fn commitment_key(&self) -> Secret<[u8; 32]> {
        kdf::derive(self.0.expose(), Label::CommitmentKey, &[])
    }

    fn aead(&self) -> Aead {
        Aead::new(&kdf::derive(self.0.expose(), Label::WrapKey, &[]))
    }
}

impl Wrapped {
    /// Without the suite byte.
    pub const fn as_bytes(&self) -> &[u8; PLAINTEXT + TAG] {
        &self.0
    }

    const fn parse(bytes: &[u8; PLAINTEXT + TAG]) -> Result<Self, DelegationError> {
        Ok(Self(*bytes))
    }
}

const fn check_codec(codec: u8) -> Result<(), DelegationError> {
    if matches!(codec, RAW | DAG_PB) { Ok(()) } else { Err(DelegationError::Codec) }
}
