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
