//! Admission and revocation (spec M-10 to M-12): who applies waits for the operator's decision.

use yilian_api::{
    authority::{Application, ApplicationStatus},
    encoding::{to_base64, to_hex},
};
use yilian_crypto::{
    Digest,
    certificate::{Certificate, Level},
};
use yilian_ledger::{Transaction, name::MemberId};

use crate::{
    Authority, AuthorityError, Issuer, Validity, application,
    store::{self, Decision},
};

/// With which an application is checked before the operator sets the real one: rules only.
const ANY_VALIDITY: Validity = Validity { not_before: 0, not_after: 0 };
/// Longest reason of a refusal, bytes.
const MAX_REASON: usize = 256;

impl Authority {
    /// Takes in a sound application; the same one again answers what became of it.
    pub fn apply(&self, application: &Application) -> Result<ApplicationStatus, AuthorityError> {
        let contents = application::contents(application, self.chain, ANY_VALIDITY)?;
        if application::issuer(application)? != self.issuer.id() {
            return Err(AuthorityError::OtherIssuer);
        }
        if self.issuer.certificate().contents().level.below() != Some(contents.level) {
            return Err(AuthorityError::Field("level"));
        }
        let id = application.id();
        let kept = self.store.put_application(&id, application)?;
        self.status(&id, &kept)
    }

    pub fn application(&self, id: &Digest) -> Result<ApplicationStatus, AuthorityError> {
        self.status(id, &self.store.application(id)?)
    }

    /// What waits for a decision.
    pub fn applications(&self) -> Result<Vec<(Digest, Application)>, AuthorityError> {
        let waiting = self.store.waiting_applications()?;
        Ok(waiting.into_iter().map(|(id, application)| (id, application.body)).collect())
    }

    /// Certifies a waiting application. The transaction makes the ledger admit it; submitting it is the caller's. Asking
    /// again for one that was admitted gives the same certificate and transaction.
    pub fn admit(
        &self,
        id: &Digest,
        validity: Validity,
    ) -> Result<(Certificate, Transaction), AuthorityError> {
        let kept = self.store.application(id)?;
        let certificate = match kept.decision {
            Decision::Admitted(der) => parse(&der)?,
            Decision::Refused(_) => return Err(AuthorityError::ApplicationDecided),
            Decision::Waiting => {
                let contents = application::contents(&kept.body, self.chain, validity)?;
                let certificate = self.issuer.certify(&contents)?;
                self.store.decide(id, Decision::Admitted(certificate.der().to_vec()))?;
                certificate
            }
        };
        let transaction = self.issuer.add_member(self.chain, &certificate);
        Ok((certificate, transaction))
    }

    pub fn refuse(&self, id: &Digest, reason: &str) -> Result<(), AuthorityError> {
        if reason.len() > MAX_REASON {
            return Err(AuthorityError::Field("reason"));
        }
        self.store.decide(id, Decision::Refused(reason.to_owned()))
    }

    /// Expels a member that this authority admitted, or ends one certificate: a transaction to submit.
    pub fn revoke(
        &self,
        level: Level,
        member: MemberId,
        certificate: Option<Digest>,
    ) -> Result<Transaction, AuthorityError> {
        self.issuer.revoke(self.chain, level, member, certificate)
    }

    fn status(&self, id: &Digest, kept: &store::Application) -> Result<ApplicationStatus, AuthorityError> {
        let id = id.to_string();
        Ok(match &kept.decision {
            Decision::Waiting => ApplicationStatus::Waiting { id },
            Decision::Refused(reason) => ApplicationStatus::Refused { id, reason: reason.clone() },
            Decision::Admitted(der) => {
                let subject = parse(der)?.contents().subject_id.clone();
                let member = MemberId::of(Some(self.issuer.id()), &subject);
                ApplicationStatus::Admitted { id, certificate: to_base64(der), member: to_hex(&member.0.0) }
            }
        })
    }
}

impl Issuer {
    /// Certifies an application to this issuer at once: what an institution does for its practitioners.
    pub fn admit(
        &self,
        application: &Application,
        chain: yilian_ledger::ChainId,
        validity: Validity,
    ) -> Result<(Certificate, Transaction), AuthorityError> {
        if application::issuer(application)? != self.id() {
            return Err(AuthorityError::OtherIssuer);
        }
        let certificate = self.certify(&application::contents(application, chain, validity)?)?;
        let transaction = self.add_member(chain, &certificate);
        Ok((certificate, transaction))
    }
}

fn parse(der: &[u8]) -> Result<Certificate, AuthorityError> {
    Certificate::parse(der).map_err(|_| AuthorityError::Corrupt("a certificate"))
}
