//! The authority: admission, enrolment, tickets.
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `GET /v1/authority` | → `AuthorityInfo` |
//! | `POST /v1/enrolments` | by an institution: `EnrolRequest` → `EnrolmentCode` |
//! | `POST /v1/enrolments/redeem` | by a wallet: `RedeemRequest` → 204 |
//! | `POST /v1/tickets` | by an enrolled wallet or a member: `TicketRequest` → `TicketAnswer` |
//! | `POST /v1/applications` | a member's certificate request: `Application` → `ApplicationStatus` |
//! | `GET /v1/applications/{id}` | → `ApplicationStatus` |

use serde::{Deserialize, Serialize};
use yilian_crypto::{Digest, Label, ticket::Class};

use crate::signing::Statement;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityInfo {
    pub chain: String,
    pub period: u32,
    /// Tickets a wallet may fetch per period and class.
    pub tickets_per_period: u32,
}

/// Signed (`Label::AuthorityRequest`) over chain, "enrol", patient reference, time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    pub institution: String,
    /// The institution's own number for the person; never reaches the chain.
    pub patient: String,
    pub time: u64,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentCode {
    /// Short, for reading aloud; used once.
    pub code: String,
    pub expires: u64,
}

/// Signed over chain, "redeem", code, time by the wallet's authority key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemRequest {
    pub code: String,
    pub wallet: String,
    pub time: u64,
    pub signature: String,
}

/// Signed over chain, "tickets", class, period, all blinded messages, time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRequest {
    /// Wallet's authority key or a member's signing key, hex.
    pub key: String,
    /// For members: member id, hex.
    pub member: Option<String>,
    pub class: String,
    pub period: u32,
    /// Blinded messages, base64url.
    pub blinded: Vec<String>,
    pub time: u64,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketAnswer {
    pub signatures: Vec<String>,
}

/// A certificate request: contents to be certified, signed by the applicant's signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub level: u8,
    /// Member id of the issuer wanted, hex.
    pub issuer: String,
    pub subject_id: String,
    pub name: String,
    pub roles: Vec<u8>,
    pub signing_key: String,
    pub sealing_key: Option<String>,
    pub delegatee_key: Option<String>,
    pub delegatee_proof: Option<String>,
    pub mailbox: Option<String>,
    pub gtin_prefixes: Vec<String>,
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum ApplicationStatus {
    Waiting { id: String },
    Admitted { id: String, certificate: String, member: String },
    Refused { id: String, reason: String },
}

/// What requests to the authority sign, all under `Label::AuthorityRequest`, bound to the chain; keys, signatures and
/// digests in JSON are hex as everywhere (keys and signatures with their suite byte).
impl Statement {
    /// By the institution that enrols: `patient` is its own number for the person.
    pub fn enrol(chain: &Digest, institution: &Digest, patient: &str, time: u64) -> Self {
        let parts = [&chain.0[..], b"enrol", &institution.0, patient.as_bytes(), &time.to_be_bytes()];
        Self::new(Label::AuthorityRequest, &parts)
    }

    /// By the wallet's authority key.
    pub fn redeem(chain: &Digest, code: &str, time: u64) -> Self {
        Self::new(Label::AuthorityRequest, &[&chain.0, b"redeem", code.as_bytes(), &time.to_be_bytes()])
    }

    /// By a wallet's authority key or a member's signing key; `blinded` in the order of the request.
    pub fn tickets(
        chain: &Digest,
        member: Option<&Digest>,
        class: &str,
        period: u32,
        blinded: &[Vec<u8>],
        time: u64,
    ) -> Self {
        let member: &[u8] = member.map_or(&[], |member| &member.0);
        let (period, time) = (period.to_be_bytes(), time.to_be_bytes());
        let mut parts = vec![&chain.0[..], b"tickets", member, class.as_bytes(), &period, &time];
        parts.extend(blinded.iter().map(Vec::as_slice));
        Self::new(Label::AuthorityRequest, &parts)
    }

    /// By the applicant's signing key, over the application's JSON with an empty `signature`, as `serde_json` writes it.
    pub fn application(chain: &Digest, application: &Application) -> Self {
        let unsigned = Application { signature: String::new(), ..application.clone() };
        let json = serde_json::to_vec(&unsigned).unwrap_or_default();
        Self::new(Label::AuthorityRequest, &[&chain.0, b"apply", &json])
    }
}

/// Name of a ticket class in requests.
pub const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Care => "care",
        Class::Trade => "trade",
    }
}
