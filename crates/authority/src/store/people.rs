//! Codes, patients and their wallets (spec M-14).

use bytes::BufMut;
use commonware_codec::{
    Buf, Copying, DecodeExt as _, Encode as _, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _,
    Write,
};
use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};
use yilian_api::authority::MAX_PATIENT;
use yilian_crypto::{Digest, sign::VerifyingKey};

use super::{Sealer, Store, mark_seen};
use crate::AuthorityError;

/// Hash of a code → sealed `Code`.
const CODES: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("codes");
/// Keyed hash of a patient → wallet.
const PATIENTS: TableDefinition<'_, [u8; 32], [u8; 33]> = TableDefinition::new("patients");
/// Wallet → sealed `Person`.
const WALLETS: TableDefinition<'_, [u8; 33], &[u8]> = TableDefinition::new("wallets");

/// A wallet's authority key: suite byte, key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WalletKey(pub(crate) [u8; 33]);

/// Whose budget is charged: a wallet (`0x01 ‖ key`, as on the wire) or a member (`0xff ‖ member id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder(pub(super) [u8; 33]);

impl WalletKey {
    pub(crate) fn of(key: &VerifyingKey) -> Self {
        Self(yilian_api::encoding::key_to_bytes(key))
    }
}

impl Holder {
    pub(crate) fn wallet(wallet: &WalletKey) -> Self {
        Self(wallet.0)
    }

    pub(crate) fn member(id: &Digest) -> Self {
        let mut holder = [0xff; 33];
        holder[1..].copy_from_slice(&id.0);
        Self(holder)
    }
}

/// An enrolment code, as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) institution: Digest,
    pub(crate) patient: String,
    /// Unix ms.
    pub(crate) expires: u64,
    pub(crate) redeemed: Option<[u8; 33]>,
}

impl Write for Code {
    fn write(&self, buf: &mut impl BufMut) {
        self.institution.write(buf);
        self.patient.as_bytes().write(buf);
        self.expires.write(buf);
        self.redeemed.write(buf);
    }
}

impl EncodeSize for Code {
    fn encode_size(&self) -> usize {
        32 + self.patient.as_bytes().encode_size() + 8 + self.redeemed.encode_size()
    }
}

impl Read for Code {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        let institution = Digest::read(buf)?;
        let patient = Vec::<u8>::read_cfg(buf, &(RangeCfg::new(1..=MAX_PATIENT), ()))?;
        let patient = String::from_utf8(patient).map_err(|_| CodecError::Invalid("Code", "patient"))?;
        Ok(Self { institution, patient, expires: u64::read(buf)?, redeemed: Option::<[u8; 33]>::read(buf)? })
    }
}

pub(super) fn create_tables(write: &WriteTransaction) -> Result<(), AuthorityError> {
    write.open_table(CODES)?;
    write.open_table(PATIENTS)?;
    write.open_table(WALLETS)?;
    Ok(())
}

/// Codes that ended are of no use any more, redeemed or not.
pub(super) fn prune(write: &WriteTransaction, sealer: &Sealer, now: u64) -> Result<(), AuthorityError> {
    let live = |sealed: &[u8]| open_code(sealer, sealed).is_ok_and(|code| code.expires >= now);
    write.open_table(CODES)?.retain(|_, sealed| live(sealed))?;
    Ok(())
}

fn open_code(sealer: &Sealer, sealed: &[u8]) -> Result<Code, AuthorityError> {
    let opened = sealer.open("code", sealed)?;
    Code::decode(Copying(opened.expose())).map_err(|_| AuthorityError::Corrupt("an enrolment code"))
}

impl Store {
    /// Keeps a new code; `request` is answered once, remembered `until`.
    pub(crate) fn put_code(
        &self,
        hash: &Digest,
        code: &Code,
        request: &Digest,
        until: u64,
    ) -> Result<(), AuthorityError> {
        let write = self.database.begin_write()?;
        mark_seen(&write, request, until)?;
        write.open_table(CODES)?.insert(hash.0, self.sealer.seal("code", &code.encode()).as_slice())?;
        Ok(write.commit()?)
    }

    /// Ties the code's patient to `wallet`, instead of an earlier one (M-14). The same wallet may ask again.
    pub(crate) fn redeem(&self, hash: &Digest, wallet: &WalletKey, now: u64) -> Result<(), AuthorityError> {
        let write = self.database.begin_write()?;
        {
            let mut codes = write.open_table(CODES)?;
            let sealed = codes.get(hash.0)?.map(|value| value.value().to_vec());
            let mut code = open_code(&self.sealer, &sealed.ok_or(AuthorityError::CodeUnknown)?)?;
            if code.expires < now {
                return Err(AuthorityError::CodeUnknown);
            }
            match code.redeemed {
                Some(by) if by == wallet.0 => return Ok(()),
                Some(_) => return Err(AuthorityError::CodeUsed),
                None => code.redeemed = Some(wallet.0),
            }
            self.tie(&write, &code, wallet)?;
            codes.insert(hash.0, self.sealer.seal("code", &code.encode()).as_slice())?;
        }
        Ok(write.commit()?)
    }

    fn tie(&self, write: &WriteTransaction, code: &Code, wallet: &WalletKey) -> Result<(), AuthorityError> {
        let patient = self.sealer.patient(&code.institution, &code.patient);
        let mut patients = write.open_table(PATIENTS)?;
        let mut wallets = write.open_table(WALLETS)?;
        let earlier = patients.insert(patient, wallet.0)?.map(|value| value.value());
        let taken = wallets.get(wallet.0)?.is_some();
        if taken && earlier != Some(wallet.0) {
            return Err(AuthorityError::WalletTaken);
        }
        if let Some(earlier) = earlier.filter(|earlier| *earlier != wallet.0) {
            wallets.remove(earlier)?;
        }
        let person = [&code.institution.0[..], code.patient.as_bytes()].concat();
        wallets.insert(wallet.0, self.sealer.seal("person", &person).as_slice())?;
        Ok(())
    }

    pub(crate) fn is_enrolled(&self, wallet: &WalletKey) -> Result<bool, AuthorityError> {
        let read = self.database.begin_read()?;
        Ok(read.open_table(WALLETS)?.get(wallet.0)?.is_some())
    }

    /// Who is behind a wallet: institution and its number for the person.
    pub(crate) fn person(&self, wallet: &WalletKey) -> Result<Option<(Digest, String)>, AuthorityError> {
        let read = self.database.begin_read()?;
        let Some(sealed) = read.open_table(WALLETS)?.get(wallet.0)?.map(|value| value.value().to_vec())
        else {
            return Ok(None);
        };
        let opened = self.sealer.open("person", &sealed)?;
        let corrupt = AuthorityError::Corrupt("a person");
        let Some((institution, patient)) = opened.expose().split_first_chunk::<32>() else {
            return Err(corrupt);
        };
        let patient = String::from_utf8(patient.to_vec()).map_err(|_| corrupt)?;
        Ok(Some((Digest(*institution), patient)))
    }
}
