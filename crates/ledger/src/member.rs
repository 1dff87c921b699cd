//! Members: roots, intermediates, institutions, practitioners, with every certificate each of them ever had (spec L-40 to
//! L-49).
//!
//! Whether somebody was certified is asked **at the ledger's time** of the entry in question, never at a time that a
//! signer writes. A member is certified at a time if it then had a certificate that was admitted, valid and not revoked,
//! had not been expelled, and if its issuer was certified at that time, up to a root.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, Read, ReadExt as _, Write};
use yilian_crypto::{
    Digest,
    certificate::{Certificate, Level, MAX_CERTIFICATE, Role},
};

use crate::{
    Name, Time,
    codec::{read_level, read_list},
    name::MemberId,
};

/// Most certificates a member can have.
pub const MAX_KEY_RING: usize = 32;

/// A member with its key ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberEntry {
    pub id: MemberId,
    pub level: Level,
    /// `None` for a root.
    pub issuer: Option<MemberId>,
    /// Oldest first, 1 to 32.
    pub certificates: Vec<Certified>,
    /// The member as a whole was expelled.
    pub revoked: Option<Time>,
}

/// A certificate as the ledger admitted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    pub certificate: Certificate,
    /// Block time of its admission.
    pub since: Time,
    pub revoked: Option<Time>,
}

/// Why a signer was not certified at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCertified {
    #[error("the chain of members does not lead from the signer to a root")]
    Chain,
    #[error("the signer's certificate is not in the ledger")]
    Unknown,
    #[error("the signer's certificate was admitted only after that time")]
    TooEarly,
    #[error("the signer's certificate was not valid at that time")]
    Validity,
    #[error("the signer's certificate had been revoked by that time")]
    CertificateRevoked,
    #[error("the signer or a member above it had been expelled by that time")]
    MemberRevoked,
    #[error("a member above the signer had no valid certificate at that time")]
    Issuer,
    #[error("the signer's certificate does not carry the role that this takes")]
    Role,
}

impl Certified {
    /// Admitted, within its validity and not revoked at `at`.
    pub fn holds_at(&self, at: Time) -> Result<(), NotCertified> {
        if at < self.since {
            return Err(NotCertified::TooEarly);
        }
        if !self.certificate.contents().is_valid_at(at.seconds()) {
            return Err(NotCertified::Validity);
        }
        if ended_by(self.revoked, at) {
            return Err(NotCertified::CertificateRevoked);
        }
        Ok(())
    }
}

impl MemberEntry {
    /// The name it stands under.
    pub fn name(&self) -> Name {
        self.id.name(self.level.into())
    }

    /// The issuer's name; `None` for a root.
    pub fn issuer_name(&self) -> Option<Name> {
        let kind = issuer_level(self.level)?.into();
        self.issuer.map(|id| id.name(kind))
    }

    /// Expelled by `at`?
    pub fn revoked_by(&self, at: Time) -> bool {
        ended_by(self.revoked, at)
    }

    /// The newest certificate that holds at `at`; says nothing about those above this member.
    pub fn certified_at(&self, at: Time) -> Option<&Certificate> {
        if self.revoked_by(at) {
            return None;
        }
        let newest = self.certificates.iter().rev().find(|certified| certified.holds_at(at).is_ok());
        newest.map(|certified| &certified.certificate)
    }

    /// The certificate with this id, whatever its state.
    pub fn certificate(&self, id: &Digest) -> Option<&Certified> {
        self.certificates.iter().find(|certified| certified.certificate.id() == *id)
    }
}

/// Checks that `certificate` of the first member held at `at`, carrying `role` if one is asked for, and that every member
/// above was certified at `at` (spec L-47). `chain`: the signer first, a root last, each proved from the ledger.
pub fn certified<'a>(
    chain: &'a [MemberEntry],
    certificate: &Digest,
    role: Option<Role>,
    at: Time,
) -> Result<&'a Certificate, NotCertified> {
    let (signer, above) = chain.split_first().ok_or(NotCertified::Chain)?;
    linked(chain)?;
    if chain.iter().any(|member| member.revoked_by(at)) {
        return Err(NotCertified::MemberRevoked);
    }
    let found = signer.certificate(certificate).ok_or(NotCertified::Unknown)?;
    found.holds_at(at)?;
    if above.iter().any(|member| member.certified_at(at).is_none()) {
        return Err(NotCertified::Issuer);
    }
    if role.is_some_and(|role| !found.certificate.contents().roles.contains(&role)) {
        return Err(NotCertified::Role);
    }
    Ok(&found.certificate)
}

/// The level that issues for `level`.
pub const fn issuer_level(level: Level) -> Option<Level> {
    match level {
        Level::Root => None,
        Level::Intermediate => Some(Level::Root),
        Level::Institution => Some(Level::Intermediate),
        Level::Practitioner => Some(Level::Institution),
    }
}

/// Each member's issuer follows it, and the last is a root.
fn linked(chain: &[MemberEntry]) -> Result<(), NotCertified> {
    let steps = chain.windows(2).all(|pair| pair[0].issuer_name() == Some(pair[1].name()));
    let rooted = chain.last().is_some_and(|last| last.level == Level::Root && last.issuer.is_none());
    if steps && rooted { Ok(()) } else { Err(NotCertified::Chain) }
}

fn ended_by(end: Option<Time>, at: Time) -> bool {
    end.is_some_and(|end| end <= at)
}

impl Write for MemberEntry {
    fn write(&self, buf: &mut impl BufMut) {
        self.id.write(buf);
        (self.level as u8).write(buf);
        self.issuer.write(buf);
        self.certificates.write(buf);
        self.revoked.write(buf);
    }
}

impl EncodeSize for MemberEntry {
    fn encode_size(&self) -> usize {
        self.id.encode_size()
            + 1
            + self.issuer.encode_size()
            + self.certificates.encode_size()
            + self.revoked.encode_size()
    }
}

impl Read for MemberEntry {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            id: MemberId::read(buf)?,
            level: read_level(buf)?,
            issuer: Option::<MemberId>::read(buf)?,
            certificates: read_list(buf, 1, MAX_KEY_RING)?,
            revoked: Option::<Time>::read(buf)?,
        })
    }
}

impl Write for Certified {
    fn write(&self, buf: &mut impl BufMut) {
        self.certificate.der().write(buf);
        self.since.write(buf);
        self.revoked.write(buf);
    }
}

impl EncodeSize for Certified {
    fn encode_size(&self) -> usize {
        self.certificate.der().encode_size() + self.since.encode_size() + self.revoked.encode_size()
    }
}

impl Read for Certified {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let der: Vec<u8> = read_list(buf, 1, MAX_CERTIFICATE)?;
        Ok(Self {
            certificate: Certificate::parse(&der).map_err(|e| Error::Wrapped("certificate", Box::new(e)))?,
            since: Time::read(buf)?,
            revoked: Option::<Time>::read(buf)?,
        })
    }
}
