//! Who a member is: public, in `member.json` beside the locked seed.

use std::path::Path;

use serde::{Deserialize, Serialize};
use yilian_api::encoding::{digest_from_hex, from_base64};
use yilian_client::{Member, MemberKeys};
use yilian_crypto::{
    certificate::{Certificate, Level, MAX_CERTIFICATE, Role},
    seed::Seed,
};
use yilian_ledger::name::MemberId;

use super::{ProfileError, read_json, write_json};

const FILE: &str = "member.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// 2 institution, 3 practitioner.
    pub level: u8,
    /// Member id of the issuer, hex.
    pub issuer: String,
    /// Stable identity under the issuer.
    pub subject_id: String,
    /// Name for people.
    pub name: String,
    pub roles: Vec<u8>,
    pub gtin_prefixes: Vec<String>,
    /// Of the keys of `certificate`; one more after each renewal.
    pub generation: u32,
    /// DER, base64url.
    pub certificate: Option<String>,
    /// An application that is not decided.
    pub pending: Option<Pending>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// At the authority.
    pub id: String,
    /// Of the keys that it asks for.
    pub generation: u32,
}

impl Identity {
    pub fn read(dir: &Path) -> Result<Self, ProfileError> {
        let identity: Self = read_json(&dir.join(FILE))?;
        // Whatever else is wrong shows where it is used.
        identity.issuer()?;
        Ok(identity)
    }

    pub fn write(&self, dir: &Path) -> Result<(), ProfileError> {
        write_json(&dir.join(FILE), self)
    }

    pub fn issuer(&self) -> Result<MemberId, ProfileError> {
        digest_from_hex(&self.issuer).map(MemberId).map_err(|_| ProfileError::Damaged(FILE.into()))
    }

    pub fn member(&self) -> Result<MemberId, ProfileError> {
        Ok(MemberId::of(Some(self.issuer()?), &self.subject_id))
    }

    pub fn level(&self) -> Result<Level, ProfileError> {
        Level::from_u8(self.level).ok_or_else(|| ProfileError::Damaged(FILE.into()))
    }

    pub fn roles(&self) -> Vec<Role> {
        self.roles.iter().filter_map(|role| Role::from_u8(*role)).collect()
    }

    pub fn keys(&self, seed: &Seed, generation: u32) -> MemberKeys {
        MemberKeys::new(seed.clone(), generation)
    }

    pub fn certificate(&self) -> Result<Option<Certificate>, ProfileError> {
        let damaged = || ProfileError::Damaged(FILE.into());
        let Some(text) = &self.certificate else { return Ok(None) };
        let der = from_base64(text, MAX_CERTIFICATE).map_err(|_| damaged())?;
        Certificate::parse(&der).map(Some).map_err(|_| damaged())
    }

    /// The member at work; `None` before the first certificate.
    pub fn at_work(&self, seed: &Seed) -> Result<Option<Member>, ProfileError> {
        let Some(certificate) = self.certificate()? else { return Ok(None) };
        let member = Member::new(self.member()?, certificate, self.keys(seed, self.generation));
        member.map(Some).map_err(|_| ProfileError::Damaged(FILE.into()))
    }
}
