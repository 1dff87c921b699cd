//! Finalization certificates: more than two thirds of a committee signed one header's digest (spec F-4).
//!
//! Every signature is verified by itself: no randomness is needed, and a certificate of at most a few hundred signatures
//! gains little from a batch.

use commonware_codec::{Copying, Decode as _, Encode as _};
use commonware_consensus::simplex::{
    scheme::{Namespace, ed25519::Scheme},
    types::{Finalization, Proposal, Subject},
};
use commonware_cryptography::{
    Verifier as _,
    certificate::{Namespace as _, Subject as _},
    sha256,
};
use commonware_utils::ordered::Quorum as _;
use yilian_crypto::{Digest, Label, hash::tagged};
use yilian_ledger::{ChainId, Epochs};

use crate::{Committee, FinalityError, Header, committee::MAX_COMMITTEE};

/// What votes and certificates of one committee on one chain are bound to. Two committees that share members share no
/// signature, so a certificate shows whose it is.
pub fn namespace(chain: ChainId, committee: &Committee) -> Digest {
    tagged(Label::Consensus, &[chain.0.as_ref(), committee.digest().as_ref()])
}

/// Holds iff `encoded` is a certificate of `header` by more than two thirds of `committee` on `chain`.
pub fn verify_certificate(
    chain: ChainId,
    epochs: Epochs,
    committee: &Committee,
    header: &Header,
    encoded: &[u8],
) -> Result<(), FinalityError> {
    // A certificate of a larger committee is one that is not known, not a malformed one.
    let finalization = Finalization::<Scheme, sha256::Digest>::decode_cfg(Copying(encoded), &MAX_COMMITTEE)
        .map_err(|_| FinalityError::Malformed)?;
    let proposal = &finalization.proposal;
    if !names(proposal, epochs, header) {
        return Err(FinalityError::Certificate);
    }

    let certificate = &finalization.certificate;
    if certificate.signers.len() != committee.len() || certificate.signers.count() < committee.quorum() {
        return Err(FinalityError::Certificate);
    }
    let namespace = Namespace::derive(namespace(chain, committee).as_ref());
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

/// Whether a proposal is of this header: in its round, or, if it is the last of its epoch, in a later one of the epoch. The
/// last block is proposed again until it is final, since nothing can be built on it.
fn names(proposal: &Proposal<sha256::Digest>, epochs: Epochs, header: &Header) -> bool {
    let round = header.engine.context.round;
    let in_round = proposal.round == round
        || (epochs.is_last(header.height)
            && proposal.round.epoch() == round.epoch()
            && proposal.round.view() > round.view());
    proposal.payload.as_ref() == header.digest().as_ref() && in_round && round.epoch().get() == header.epoch.0
}
