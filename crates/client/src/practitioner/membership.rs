//! A member's business with the authority: applying for a certificate, renewing it, enrolling patients.

use commonware_codec::Encode as _;
use rand_core::CryptoRng;
use yilian_api::{
    authority::{Application, ApplicationStatus, EnrolRequest, EnrolmentCode},
    encoding::{key_to_hex, signature_to_hex, to_hex},
    signing::Statement,
};
use yilian_crypto::certificate::{Level, Role};
use yilian_ledger::{ChainId, name::MemberId};

use crate::{
    client::{Client, at},
    error::ClientError,
    host::Host,
    http,
    member::{Member, MemberKeys},
};

/// What an applicant wants certified.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub level: Level,
    pub issuer: MemberId,
    pub subject_id: &'a str,
    pub name: &'a str,
    pub roles: &'a [Role],
    pub gtin_prefixes: &'a [String],
}

/// The application for a certificate of the keys' generation, signed: for the authority, or for an institution that
/// certifies its practitioners itself. For a renewal: the same subject, `keys.renewed()`.
pub fn application(
    chain: ChainId,
    keys: &MemberKeys,
    wanted: &Wanted<'_>,
    rng: &mut impl CryptoRng,
) -> Application {
    let id = MemberId::of(Some(wanted.issuer), wanted.subject_id);
    let mut roles: Vec<u8> = wanted.roles.iter().map(|role| *role as u8).collect();
    roles.sort_unstable();
    roles.dedup();
    let mut application = Application {
        level: wanted.level as u8,
        issuer: to_hex(&wanted.issuer.0.0),
        subject_id: wanted.subject_id.into(),
        name: wanted.name.into(),
        roles,
        signing_key: key_to_hex(&keys.signing().verifying_key()),
        sealing_key: Some(to_hex(&keys.sealing().public().encode())),
        delegatee_key: Some(to_hex(&keys.delegatee().public().encode())),
        delegatee_proof: Some(to_hex(&keys.prove_delegatee(id, rng).encode())),
        mailbox: Some(to_hex(&keys.mailbox_id().0)),
        gtin_prefixes: wanted.gtin_prefixes.to_vec(),
        signature: String::new(),
    };
    let statement = Statement::application(&chain.0, &application);
    application.signature = signature_to_hex(&statement.sign(&keys.signing()));
    application
}

/// Applies to the authority.
pub async fn apply<H: Host>(
    client: &Client<H>,
    keys: &MemberKeys,
    wanted: &Wanted<'_>,
    rng: &mut impl CryptoRng,
) -> Result<ApplicationStatus, ClientError> {
    let application = application(client.chain(), keys, wanted, rng);
    let authority = client.authority()?;
    http::authority::apply(client.host(), authority, &application).await.map_err(|fault| at(authority, fault))
}

/// How an application stands.
pub async fn application_status<H: Host>(
    client: &Client<H>,
    id: &str,
) -> Result<ApplicationStatus, ClientError> {
    let authority = client.authority()?;
    let plain: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(128).collect();
    http::authority::application(client.host(), authority, &plain).await.map_err(|fault| at(authority, fault))
}

/// At an institution's counter: a one-time code for a person whose identity was checked there.
pub async fn enrol_patient<H: Host>(
    client: &Client<H>,
    institution: &Member,
    patient: &str,
) -> Result<EnrolmentCode, ClientError> {
    let (authority, time) = (client.authority()?, client.now().0);
    let statement = Statement::enrol(&client.chain().0, &institution.id.0, patient, time);
    let request = EnrolRequest {
        institution: to_hex(&institution.id.0.0),
        patient: patient.into(),
        time,
        signature: signature_to_hex(&statement.sign(&institution.keys.signing())),
    };
    http::authority::enrol(client.host(), authority, &request).await.map_err(|fault| at(authority, fault))
}
