//! Finalization certificates: more than two thirds of a committee signed one header's digest (spec F-4).
//!
//! Every signature is verified by itself: no randomness is needed, and a certificate of at most a few hundred signatures
//! gains little from a batch.

use commonware_codec::{Copying, Decode as _, Encode as _};
use commonware_consensus::simplex::{
    scheme::{Namespace, ed25519::Scheme},
    types::{Finalization, Subject},
};
use commonware_cryptography::{
    Verifier as _,
    certificate::{Namespace as _, Subject as _},
    sha256,
};
use commonware_utils::ordered::Quorum as _;
use yilian_crypto::{Digest, Label, hash::tagged};
use yilian_ledger::ChainId;

use crate::{Committee, FinalityError, Header};

/// What votes and certificates of one chain are bound to.
pub fn namespace(chain: ChainId) -> Digest {
    tagged(Label::Consensus, &[chain.0.as_ref()])
}

/// Holds iff `encoded` is a certificate of `header` by more than two thirds of `committee` on `chain`.
pub fn verify_certificate(
    chain: ChainId,
    committee: &Committee,
    header: &Header,
    encoded: &[u8],
) -> Result<(), FinalityError> {
    let finalization = Finalization::<Scheme, sha256::Digest>::decode_cfg(Copying(encoded), &committee.len())
        .map_err(|_| FinalityError::Malformed)?;
    let proposal = &finalization.proposal;
    let names_header = proposal.payload.as_ref() == header.digest().as_ref()
        && proposal.round == header.engine.context.round
        && proposal.round.epoch().get() == header.epoch.0;
    if !names_header {
        return Err(FinalityError::Certificate);
    }

    let certificate = &finalization.certificate;
    if certificate.signers.len() != committee.len() || certificate.signers.count() < committee.quorum() {
        return Err(FinalityError::Certificate);
    }
    let namespace = Namespace::derive(namespace(chain).as_ref());
    let message = proposal.encode();
    let domain = Subject::Finalize { proposal }.namespace(&namespace);
    for (signer, signature) in certificate.signers.iter().zip(&certificate.signatures) {
        let key = committee.keys().key(signer).ok_or(FinalityError::Certificate)?;
        let signature = signature.get().ok_or(FinalityError::Malformed)?;
        if !key.verify(domain, &message, signature) {
            return Err(FinalityError::Certificate);
        }
    }
    Ok(())
}
