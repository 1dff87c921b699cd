//! Members: admit, renew, revoke (spec L-43 to L-46). Every step up to a root must be certified at the block's time.

use yilian_crypto::{
    Digest,
    certificate::{Certificate, Level},
};

use crate::{
    Entry, Name, Refusal, Time,
    check::certificate_refusal,
    member::{Certified, MAX_KEY_RING, MemberEntry, issuer_level},
    name::MemberId,
    run::{Block, Effects, Stop},
    state::State,
    transaction::Revoke,
};

/// `AddMember`: a new member or a renewed certificate, by the issuer's current certificate.
pub(crate) fn add(
    block: &Block<'_>,
    state: &State<'_>,
    issuer: MemberId,
    certificate: Option<&Certificate>,
) -> Result<Effects, Stop> {
    let certificate = certificate.ok_or(Refusal::CertificateMalformed)?;
    let level = certificate.contents().level;
    let above = issuer_level(level).ok_or(Refusal::CertificateLevel)?;
    let by = current(state, &issuer.name(above.into()), block.context.time)?;
    certificate.verify_issued_by(by).map_err(|e| certificate_refusal(&e))?;
    admit(block, state, Some(issuer), certificate)
}

/// Adds to the key ring, or begins one.
pub(crate) fn admit(
    block: &Block<'_>,
    state: &State<'_>,
    issuer: Option<MemberId>,
    certificate: &Certificate,
) -> Result<Effects, Stop> {
    let time = block.context.time;
    let contents = certificate.contents();
    if contents.not_after < time.seconds() {
        return Err(Refusal::CertificateExpired.into());
    }
    let id = MemberId::of(issuer, &contents.subject_id);
    let name = id.name(contents.level.into());
    let mut member = match state.member(&name)? {
        Some(member) => member.clone(),
        None => MemberEntry { id, level: contents.level, issuer, certificates: Vec::new(), revoked: None },
    };
    if member.revoked.is_some() {
        return Err(Refusal::MemberRevoked.into());
    }
    if member.certificate(&certificate.id()).is_some() {
        return Err(Refusal::CertificateSeen.into());
    }
    if supersedes(&member, contents.not_before) {
        return Err(Refusal::CertificateOlder.into());
    }
    if member.certificates.len() >= MAX_KEY_RING {
        return Err(Refusal::KeyRingFull.into());
    }
    member.certificates.push(Certified { certificate: certificate.clone(), since: time, revoked: None });
    Ok(vec![(name, Entry::Member(member))])
}

/// A certificate in force begins later. Whoever held back an older one could otherwise make its key the current one again.
fn supersedes(member: &MemberEntry, not_before: u64) -> bool {
    let mut in_force = member.certificates.iter().filter(|certified| certified.revoked.is_none());
    in_force.any(|certified| certified.certificate.contents().not_before > not_before)
}

/// `Revoke`: by the key of the issuer's current certificate.
pub(crate) fn revoke(block: &Block<'_>, state: &State<'_>, revoke: &Revoke) -> Result<Effects, Stop> {
    if revoke.level == Level::Root {
        return Err(Refusal::CertificateLevel.into());
    }
    let name = revoke.member.name(revoke.level.into());
    let member = state.member(&name)?.ok_or(Refusal::MemberUnknown)?;
    let issuer = member.issuer_name().ok_or(Refusal::IssuerUnknown)?;
    let by = current(state, &issuer, block.context.time)?;
    revoke.verify(block.context.chain, &by.contents().signing_key)?;
    let ended = end(member, revoke.certificate.as_ref(), block.context.time)?;
    Ok(vec![(name, Entry::Member(ended))])
}

/// The member with one certificate, or itself, revoked as of `time`. What is revoked stays so from its first time on.
pub(crate) fn end(
    member: &MemberEntry,
    certificate: Option<&Digest>,
    time: Time,
) -> Result<MemberEntry, Refusal> {
    let mut member = member.clone();
    if member.revoked.is_some() {
        return Err(Refusal::MemberRevoked);
    }
    let Some(id) = certificate else {
        member.revoked = Some(time);
        return Ok(member);
    };
    let found = member.certificates.iter_mut().find(|certified| certified.certificate.id() == *id);
    let certified = found.ok_or(Refusal::CertificateUnknown)?;
    if certified.revoked.is_some() {
        return Err(Refusal::CertificateRevoked);
    }
    certified.revoked = Some(time);
    Ok(member)
}

/// The current certificate of a member that is certified at `time`, with everyone above it.
fn current<'s>(state: &'s State<'_>, name: &Name, time: Time) -> Result<&'s Certificate, Stop> {
    let member = state.member(name)?.ok_or(Refusal::IssuerUnknown)?;
    let certificate = member.certified_at(time).ok_or(Refusal::IssuerNotCertified)?;
    let mut above = member.issuer_name();
    // At most three steps: levels descend.
    while let Some(name) = above {
        let member = state.member(&name)?.ok_or(Refusal::IssuerUnknown)?;
        member.certified_at(time).ok_or(Refusal::IssuerNotCertified)?;
        above = member.issuer_name();
    }
    Ok(certificate)
}
