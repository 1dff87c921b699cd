//! Proxy re-encryption, suite `afgh-bls12381`: Ateniese, Fu, Green, Hohenberger 2006, section 3.2, second attempt,
//! in encapsulated and blinded form (spec D-*).
//!
//! Guarantees: everything parsed is canonical, in its prime-order subgroup and not the identity, so what holds a
//! typed value needs no further check. Refuses everything else with a typed error; no input panics. Secret scalars
//! steer neither branches nor addresses. A re-encrypted capsule names neither capsule nor reader, a re-encryption
//! key names no reader. Wire forms start with suite byte 0x10.
//!
//! Does not protect a delegator key that serves several records: whoever holds a re-encryption key, its delegatee
//! secret and its blinding opens every capsule under that delegator key (spec D-13). One delegator key per record.

#[macro_use]
mod wire;

mod capsule;
mod error;
pub mod group;
mod keys;
mod possession;
mod wrap;

pub use capsule::{Capsule, ReencryptedCapsule, ReencryptionKey, reencrypt};
pub use error::DelegationError;
pub use keys::{Blinding, DelegateeKey, DelegateeSecretKey, DelegatorKey, DelegatorSecretKey};
pub use possession::ProofOfPossession;
pub use wrap::{CapsuleKey, FreshCapsuleKey, Wrap, Wrapped};

/// First byte of every wire form of this suite.
pub const SUITE: u8 = 0x10;
