//! Enrolment (spec M-14): identity is checked at an institution's counter, which asks for a code; the wallet redeems it.

use rand_core::Rng as _;
use yilian_api::{
    authority::{EnrolRequest, EnrolmentCode, MAX_PATIENT, REQUEST_WINDOW_MS, RedeemRequest},
    encoding::{digest_from_hex, key_from_hex, signature_from_hex},
    signing::Statement,
};
use yilian_crypto::{
    Digest, Label,
    certificate::{Level, Role},
    hash::tagged,
    sign::VerifyingKey,
};
use yilian_ledger::Time;

use crate::{
    Authority, AuthorityError, Standing, rng,
    store::{Code, WalletKey},
};

/// Crockford's base 32: no I, L, O, U, which are misread or misheard.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: 60 random bits.
const LETTERS: usize = 12;

impl Authority {
    /// A code for a patient of the institution, once per request. `standing` must be the institution's.
    pub fn enrol(
        &self,
        request: &EnrolRequest,
        standing: &Standing,
        now: Time,
    ) -> Result<EnrolmentCode, AuthorityError> {
        self.check_window(request.time, now)?;
        let institution = institution(request)?;
        if !(1..=MAX_PATIENT).contains(&request.patient.len()) {
            return Err(AuthorityError::Field("patient"));
        }
        if standing.id().0 != institution {
            return Err(AuthorityError::NotCertified);
        }
        let statement = Statement::enrol(&self.chain.0, &institution, &request.patient, request.time);
        let signature =
            signature_from_hex(&request.signature).map_err(|_| AuthorityError::Field("signature"))?;
        if !standing.keys().any(|key| statement.verify(key, &signature).is_ok()) {
            return Err(AuthorityError::Signature);
        }
        if standing.level() != Level::Institution || !standing.has_role(Role::Hospital) {
            return Err(AuthorityError::NotHospital);
        }
        let code = draw_code();
        let expires = now.0.saturating_add(self.settings.code_life_ms);
        let kept = Code { institution, patient: request.patient.clone(), expires, redeemed: None };
        // Ed25519 signatures are deterministic here, but a signer may vary them: what is signed identifies the request.
        let replay = tagged(
            Label::AuthorityRequest,
            &[b"enrol-seen", &institution.0, request.patient.as_bytes(), &request.time.to_be_bytes()],
        );
        let remember = request.time.saturating_add(REQUEST_WINDOW_MS);
        self.store.put_code(&hash_code(&code)?, &kept, &replay, remember)?;
        Ok(EnrolmentCode { code, expires })
    }

    /// Ties the wallet to the code's patient, instead of a wallet that the patient had before.
    pub fn redeem(&self, request: &RedeemRequest, now: Time) -> Result<(), AuthorityError> {
        self.check_window(request.time, now)?;
        let wallet = key_from_hex(&request.wallet).map_err(|_| AuthorityError::Field("wallet"))?;
        let signature =
            signature_from_hex(&request.signature).map_err(|_| AuthorityError::Field("signature"))?;
        Statement::redeem(&self.chain.0, &request.code, request.time)
            .verify(&wallet, &signature)
            .map_err(|_| AuthorityError::Signature)?;
        self.store.redeem(&hash_code(&request.code)?, &WalletKey::of(&wallet), now.0)
    }

    pub fn is_enrolled(&self, wallet: &VerifyingKey) -> Result<bool, AuthorityError> {
        self.store.is_enrolled(&WalletKey::of(wallet))
    }

    /// Who is behind a wallet: the institution that enrolled it and its number for the person. For the operator alone.
    pub fn person(&self, wallet: &VerifyingKey) -> Result<Option<(Digest, String)>, AuthorityError> {
        self.store.person(&WalletKey::of(wallet))
    }
}

/// Which institution asks, before its standing is known.
pub(crate) fn institution(request: &EnrolRequest) -> Result<Digest, AuthorityError> {
    digest_from_hex(&request.institution).map_err(|_| AuthorityError::Field("institution"))
}

fn draw_code() -> String {
    let mut bytes = [0; LETTERS];
    rng().fill_bytes(&mut bytes);
    let letters = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// Case, spaces and dashes do not matter; letters outside the alphabet are read as those they are mistaken for.
fn hash_code(code: &str) -> Result<Digest, AuthorityError> {
    if code.len() > 4 * LETTERS {
        return Err(AuthorityError::Field("code"));
    }
    let letters: Vec<u8> = code
        .bytes()
        .filter(|byte| !matches!(byte, b'-' | b' '))
        .map(|byte| match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        })
        .collect();
    match letters.len() == LETTERS && letters.iter().all(|letter| ALPHABET.contains(letter)) {
        true => Ok(tagged(Label::Enrolment, &[&letters])),
        false => Err(AuthorityError::Field("code")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn codes_are_read_as_people_write_them() {
        let code = hash_code("01AB-CDEF-GHJK").unwrap();
        for written in ["01abcdefghjk", "O1AB CDEF GHJK", "oiab-cdef-ghjk", " 0LAB-CDEF-GHJK "] {
            assert_eq!(hash_code(written).unwrap(), code, "{written}");
        }
        for wrong in
            ["", "01AB-CDEF-GHJ", "01AB-CDEF-GHJKM", "01AB-CDEF-GHJU", "01AB_CDEF_GHJK", "０1AB-CDEF-GHJK"]
        {
            assert!(hash_code(wrong).is_err(), "{wrong}");
        }
        assert_ne!(hash_code("01AB-CDEF-GHJM").unwrap(), code);
    }

    #[test]
    fn codes_are_drawn_in_groups_and_differ() {
        let code = draw_code();
        assert_eq!(code.len(), LETTERS + 2);
        assert!(hash_code(&code).is_ok());
        assert_ne!(code, draw_code());
    }
}
