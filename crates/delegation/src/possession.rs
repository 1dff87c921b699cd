//! Proof of possession of a delegatee key (spec D-8): Schnorr's identification made non-interactive, over G2.
//!
//! It convinces that whoever certified `PKc` for a subject knew `c` then: a key derived from somebody else's
//! (`PKc^k`, a quotient of two keys) has no proof. The challenge hashes suite, key, commitment and context, so a
//! proof for one subject says nothing for another. Not a signature of the key on itself in the BLS manner, which a
//! related key could inherit.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use yilian_crypto::{
    Label,
    hash::{Digest, tagged},
};
use zeroize::Zeroizing;

use crate::{
    DelegateeKey, DelegateeSecretKey, DelegationError, SUITE,
    group::{G2, Scalar},
};

/// Challenge hash and response scalar (big-endian), 64 + 1 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofOfPossession([u8; 64]);

wire!(ProofOfPossession, 64);

impl ProofOfPossession {
    /// Without the suite byte.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Refuses a response that is zero or not below the group order.
    fn parse(bytes: &[u8; 64]) -> Result<Self, DelegationError> {
        let proof = Self(*bytes);
        Scalar::from_be_bytes(proof.halves().1).map(|_| proof)
    }

    fn halves(&self) -> (&[u8; 32], &[u8; 32]) {
        let (challenge, response) = self.0.as_chunks::<32>().0.split_at(1);
        (&challenge[0], &response[0])
    }
}

impl DelegateeSecretKey {
    /// Proves knowledge of `c` in a context, the certificate's subject.
    ///
    /// The nonce hashes the key, the context and fresh randomness: neither a repeated state of `rng` nor a repeated
    /// context alone can repeat a nonce under two challenges.
    pub fn prove(&self, context: &[u8], rng: &mut impl CryptoRng) -> ProofOfPossession {
        let public = self.public();
        loop {
            let mut fresh = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *fresh);
            let nonce = Scalar::derive(
                self.0.to_be_bytes().expose(),
                Label::DelegateePossessionNonce,
                &[public.as_bytes(), context, &*fresh],
            );
            let hash = challenge(&public, &G2::generator_mul(&nonce), context);
            let response = Scalar::from_challenge(&hash.0).and_then(|e| nonce.add(&e.mul(&self.0)));
            if let Some(response) = response {
                let mut bytes = [0; 64];
                bytes[..32].copy_from_slice(&hash.0);
                bytes[32..].copy_from_slice(response.to_be_bytes().expose());
                return ProofOfPossession(bytes);
            }
        }
    }
}

impl DelegateeKey {
    /// Accepts iff `e = H(key, h^s PKc^-e, context)`.
    pub fn verify(&self, context: &[u8], proof: &ProofOfPossession) -> Result<(), DelegationError> {
        let (hash, response) = proof.halves();
        let response = Scalar::from_be_bytes(response)?;
        let exponent = Scalar::from_challenge(hash).ok_or(DelegationError::Possession)?;
        let commitment = G2::generator_mul(&response)
            .add(&self.0.mul(&exponent).negate())
            .ok_or(DelegationError::Possession)?;
        let accepted = challenge(self, &commitment, context).0.ct_eq(hash);
        if bool::from(accepted) { Ok(()) } else { Err(DelegationError::Possession) }
    }
}

fn challenge(key: &DelegateeKey, commitment: &G2, context: &[u8]) -> Digest {
    tagged(Label::DelegateePossession, &[&[SUITE], key.as_bytes(), commitment.as_bytes(), context])
}
