//! Applications: from the strings of a request to contents that may be certified (spec M-10).

use std::collections::BTreeSet;

use commonware_codec::{Copying, DecodeExt as _};
use yilian_api::{
    authority::Application,
    encoding::{digest_from_hex, from_hex, key_from_hex, signature_from_hex},
    signing::Statement,
};
use yilian_crypto::{
    certificate::{Contents, DelegateeBinding, Level, MAX_GTIN_PREFIXES, Role},
    seal::SealingKey,
};
use yilian_delegation::{DelegateeKey, ProofOfPossession};
use yilian_ledger::{ChainId, name::MemberId};

use crate::{AuthorityError, Validity};

/// Checks everything that certification will rely on: the applicant's signature, the contents' rules, and that whoever applies
/// holds the delegatee key.
pub(crate) fn contents(
    application: &Application,
    chain: ChainId,
    validity: Validity,
) -> Result<Contents, AuthorityError> {
    let contents = Contents {
        level: Level::from_u8(application.level).ok_or(AuthorityError::Field("level"))?,
        subject_id: application.subject_id.clone(),
        name: application.name.clone(),
        roles: roles(&application.roles)?,
        signing_key: key_from_hex(&application.signing_key)
            .map_err(|_| AuthorityError::Field("signing_key"))?,
        sealing_key: application.sealing_key.as_deref().map(sealing_key).transpose()?,
        delegatee: delegatee(application)?,
        mailbox: application
            .mailbox
            .as_deref()
            .map(|text| digest_from_hex(text).map_err(|_| AuthorityError::Field("mailbox")))
            .transpose()?,
        gtin_prefixes: gtin_prefixes(application)?,
        not_before: validity.not_before,
        not_after: validity.not_after,
    };
    contents.check().map_err(AuthorityError::Application)?;
    check_possession(&contents, issuer(application)?)?;
    let signature =
        signature_from_hex(&application.signature).map_err(|_| AuthorityError::Field("signature"))?;
    Statement::application(&chain.0, application)
        .verify(&contents.signing_key, &signature)
        .map_err(|_| AuthorityError::Signature)?;
    Ok(contents)
}

/// Whom the applicant wants to be certified by.
pub(crate) fn issuer(application: &Application) -> Result<MemberId, AuthorityError> {
    digest_from_hex(&application.issuer).map(MemberId).map_err(|_| AuthorityError::Field("issuer"))
}

/// Ascending, none twice: one list for one set.
fn roles(values: &[u8]) -> Result<BTreeSet<Role>, AuthorityError> {
    if !values.is_sorted_by(|a, b| a < b) {
        return Err(AuthorityError::Field("roles"));
    }
    values.iter().map(|value| Role::from_u8(*value).ok_or(AuthorityError::Field("roles"))).collect()
}

fn sealing_key(text: &str) -> Result<SealingKey, AuthorityError> {
    let wrong = || AuthorityError::Field("sealing_key");
    SealingKey::decode(Copying(&from_hex::<33>(text).map_err(|_| wrong())?)).map_err(|_| wrong())
}

fn delegatee(application: &Application) -> Result<Option<DelegateeBinding>, AuthorityError> {
    match (&application.delegatee_key, &application.delegatee_proof) {
        (None, None) => Ok(None),
        (Some(key), Some(proof)) => Ok(Some(DelegateeBinding {
            key: from_hex::<97>(key).map_err(|_| AuthorityError::Field("delegatee_key"))?.to_vec(),
            proof: from_hex::<65>(proof).map_err(|_| AuthorityError::Field("delegatee_proof"))?.to_vec(),
        })),
        _ => Err(AuthorityError::Field("delegatee_proof")),
    }
}

fn gtin_prefixes(application: &Application) -> Result<Vec<String>, AuthorityError> {
    match application.gtin_prefixes.len() {
        0..=MAX_GTIN_PREFIXES => Ok(application.gtin_prefixes.clone()),
        _ => Err(AuthorityError::Field("gtin_prefixes")),
    }
}

/// Rule M-3. Without it a member could certify a key made from another's, whose reader a grant would then name.
fn check_possession(contents: &Contents, issuer: MemberId) -> Result<(), AuthorityError> {
    let Some(binding) = &contents.delegatee else { return Ok(()) };
    let key =
        DelegateeKey::decode(Copying(&binding.key)).map_err(|_| AuthorityError::Field("delegatee_key"))?;
    let proof = ProofOfPossession::decode(Copying(&binding.proof))
        .map_err(|_| AuthorityError::Field("delegatee_proof"))?;
    let subject = MemberId::of(Some(issuer), &contents.subject_id);
    key.verify(subject.possession_context(), &proof).map_err(|_| AuthorityError::Possession)
}
