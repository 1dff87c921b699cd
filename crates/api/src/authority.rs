//! The authority: admission, enrolment, tickets (spec M-10 to M-15, T-10 to T-16).
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `GET /v1/authority` | → `AuthorityInfo` |
//! | `POST /v1/enrolments` | by an institution: `EnrolRequest` → `EnrolmentCode` |
//! | `POST /v1/enrolments/redeem` | by a wallet: `RedeemRequest` → 204 |
//! | `POST /v1/tickets` | by an enrolled wallet or a member: `TicketRequest` → `TicketAnswer` |
//! | `POST /v1/applications` | a member's certificate request: `Application` → `ApplicationStatus` |
//! | `GET /v1/applications/{id}` | → `ApplicationStatus` |
//!
//! Every request is signed over chain, verb and all its fields (`Statement` below). Times are Unix milliseconds and must lie
//! within `REQUEST_WINDOW_MS` of the authority's clock.

use serde::{Deserialize, Serialize};
use yilian_crypto::{Digest, Label, hash::tagged, ticket::Class};

use crate::signing::Statement;

/// How far a request's time may lie from the authority's clock, ms.
pub const REQUEST_WINDOW_MS: u64 = 120_000;
/// Most tickets of a period and class.
pub const MAX_TICKETS: usize = 64;
/// Longest patient reference, bytes.
pub const MAX_PATIENT: usize = 128;
/// Bytes of a blinded message and of its signature.
pub const BLINDED: usize = 384;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityInfo {
    /// Chain id, hex.
    pub chain: String,
    /// Member id of the issuer, hex: the authority's place in the directory.
    pub member: String,
    /// The issuer's certificate, base64url.
    pub certificate: String,
    /// Period by the authority's clock.
    pub period: u32,
    /// Tickets that a request asks for: exactly so many, so that nobody's need shows.
    pub tickets_per_period: u32,
}

/// Signed by a certified key of the institution (`Statement::enrol`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// Member id, hex.
    pub institution: String,
    /// The institution's own number for the person, 1 to 128 bytes; never reaches the chain.
    pub patient: String,
    pub time: u64,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentCode {
    /// Twelve letters and digits in groups of four, for reading aloud; used once.
    pub code: String,
    pub expires: u64,
}

/// Signed by the wallet's authority key (`Statement::redeem`). Asking again with the same wallet succeeds again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedeemRequest {
    pub code: String,
    /// The wallet's authority key, hex.
    pub wallet: String,
    pub time: u64,
    pub signature: String,
}

/// Signed by `key` (`Statement::tickets`). The same blinded messages get the same answer again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// Wallet's authority key or a member's signing key, hex.
    pub key: String,
    /// For members: member id, hex.
    #[serde(default)]
    pub member: Option<String>,
    /// `care` or `trade`.
    pub class: String,
    /// The current period or the next one.
    pub period: u32,
    /// Exactly `tickets_per_period` blinded messages, base64url.
    pub blinded: Vec<String>,
    pub time: u64,
    pub signature: String,
}

/// In the order of the blinded messages, base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketAnswer {
    pub signatures: Vec<String>,
}

/// A certificate request: contents to be certified, signed by the applicant's signing key (`Statement::application`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub level: u8,
    /// Member id of the issuer wanted, hex.
    pub issuer: String,
    pub subject_id: String,
    pub name: String,
    /// Ascending.
    pub roles: Vec<u8>,
    /// 33 bytes, hex.
    pub signing_key: String,
    /// 33 bytes, hex.
    #[serde(default)]
    pub sealing_key: Option<String>,
    /// 97 bytes, hex.
    #[serde(default)]
    pub delegatee_key: Option<String>,
    /// 65 bytes, hex: over the member id that issuer and subject id make.
    #[serde(default)]
    pub delegatee_proof: Option<String>,
    /// 32 bytes, hex.
    #[serde(default)]
    pub mailbox: Option<String>,
    #[serde(default)]
    pub gtin_prefixes: Vec<String>,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum ApplicationStatus {
    Waiting {
        id: String,
    },
    /// `certificate`: DER, base64url; `member`: id, hex.
    Admitted {
        id: String,
        certificate: String,
        member: String,
    },
    Refused {
        id: String,
        reason: String,
    },
}

impl Application {
    /// Under which the authority keeps it: a hash of everything it asks for.
    pub fn id(&self) -> Digest {
        let fields = self.fields();
        tagged(Label::AuthorityRequest, &fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Every field but the signature. Lists are preceded by their length, absent options are empty.
    fn fields(&self) -> Vec<Vec<u8>> {
        let optional = |field: &Option<String>| field.clone().unwrap_or_default().into_bytes();
        let mut fields = vec![
            b"apply".to_vec(),
            vec![self.level],
            self.issuer.clone().into_bytes(),
            self.subject_id.clone().into_bytes(),
            self.name.clone().into_bytes(),
            self.roles.clone(),
            self.signing_key.clone().into_bytes(),
            optional(&self.sealing_key),
            optional(&self.delegatee_key),
            optional(&self.delegatee_proof),
            optional(&self.mailbox),
        ];
        fields.extend(self.gtin_prefixes.iter().map(|prefix| prefix.clone().into_bytes()));
        fields
    }
}

impl Statement {
    /// An institution asks for an enrolment code.
    pub fn enrol(chain: &Digest, institution: &Digest, patient: &str, time: u64) -> Self {
        let parts = [&chain.0[..], b"enrol", &institution.0, patient.as_bytes(), &time.to_be_bytes()];
        Self::new(Label::AuthorityRequest, &parts)
    }

    /// A wallet redeems its code, written as in the request; by the wallet's authority key.
    pub fn redeem(chain: &Digest, code: &str, time: u64) -> Self {
        Self::new(Label::AuthorityRequest, &[&chain.0, b"redeem", code.as_bytes(), &time.to_be_bytes()])
    }

    /// A wallet (`member`: `None`) or a member asks for tickets.
    pub fn tickets(
        chain: &Digest,
        member: Option<&Digest>,
        class: &str,
        period: u32,
        blinded: &[Vec<u8>],
        time: u64,
    ) -> Self {
        let (period, time) = (period.to_be_bytes(), time.to_be_bytes());
        let member = member.map_or(&[][..], |member| &member.0);
        let mut parts = vec![&chain.0[..], b"tickets", member, class.as_bytes(), &period, &time];
        parts.extend(blinded.iter().map(Vec::as_slice));
        Self::new(Label::AuthorityRequest, &parts)
    }

    /// An applicant asks for a certificate.
    pub fn application(chain: &Digest, application: &Application) -> Self {
        let fields = application.fields();
        let mut parts = vec![&chain.0[..]];
        parts.extend(fields.iter().map(Vec::as_slice));
        Self::new(Label::AuthorityRequest, &parts)
    }
}

/// Name of a ticket class in requests.
pub const fn class_name(class: Class) -> &'static str {
    class.as_str()
}
