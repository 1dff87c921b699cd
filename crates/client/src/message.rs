//! Sealed messages between people (spec R-12): drafts, refusals, openings, requests.
//!
//! A message is encoded with a tag, padded to a power of two of at least 1 KiB so that its size does not tell its kind,
//! and sealed to a mailbox of one chain. Sealing does not name a sender; what must be believed is signed inside.

use bytes::BufMut;
use commonware_codec::{Buf, Encode as _, EncodeSize, Error, FixedSize, Read, ReadExt as _, Write};
use rand_core::CryptoRng;
use yilian_api::mailbox::MAX_MESSAGE;
use yilian_crypto::{
    Digest, Label, Secret,
    seal::OVERHEAD,
    sign::{Signature, SignatureError, SigningKey, VerifyingKey},
};
use yilian_delegation::{Blinding, Capsule, Wrapped};
use yilian_ledger::{
    ChainId, Kind, Time,
    name::{Bid, MemberId},
};

use crate::{
    wallet::keys::{MailboxAddress, MailboxKeys},
    wire::{Text, decode, layout},
};

const SMALLEST: usize = 1 << 10;
const LARGEST: usize = MAX_MESSAGE - OVERHEAD;

/// Practitioner → patient: where the draft lies and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub capsule: Capsule,
    pub wrapped: Wrapped,
}

layout!(Draft { capsule, wrapped });

/// Patient → practitioner: the draft is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub owner_commitment: Digest,
    /// Statement refused.
    pub statement: Digest,
    pub reason: Text<1024>,
    /// The offer's mailbox key, which the practitioner knows by its hash.
    pub mailbox: VerifyingKey,
    pub signature: Signature,
}

layout!(Refusal { owner_commitment, statement, reason, mailbox, signature });

/// Patient → reader: what opens a grant.
#[derive(Clone, Debug)]
pub struct Opening {
    pub owner: VerifyingKey,
    pub salt: Secret<[u8; 32]>,
    pub capsule: Capsule,
    pub wrapped: Wrapped,
    pub blinding: Blinding,
    pub bid: Bid,
    pub note: Text<256>,
}

/// Reader → patient: please grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequest {
    pub member: MemberId,
    pub kind: Kind,
    pub purpose: Text<1024>,
    /// Which records, in words.
    pub wanted: Text<1024>,
    /// Index into the chain's expiry classes.
    pub expiry_class: u8,
    pub time: Time,
    pub signature: Signature,
}

#[derive(Clone, Debug)]
pub enum Message {
    Draft(Draft),
    Refusal(Refusal),
    Opening(Opening),
    Request(AccessRequest),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("message was not sealed to this mailbox or is damaged")]
    Seal,
    #[error("message is malformed")]
    Malformed,
    #[error("message is too large")]
    TooLarge,
    #[error("message is not signed by whom it names")]
    Signature,
}

impl Message {
    /// Pads and seals to a mailbox.
    pub fn seal(
        &self,
        chain: ChainId,
        to: &MailboxAddress,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, MessageError> {
        let padded = pad(&self.encode())?;
        Ok(to.sealing.seal(Label::MailboxSeal, &context(chain, &to.id), &padded, rng))
    }

    /// Opens what was sealed to `keys`.
    pub fn open(chain: ChainId, keys: &MailboxKeys, sealed: &[u8]) -> Result<Self, MessageError> {
        let padded = keys
            .sealing
            .open(Label::MailboxSeal, &context(chain, &keys.id()), sealed)
            .map_err(|_| MessageError::Seal)?;
        decode(unpad(&padded)?).map_err(|_| MessageError::Malformed)
    }
}

fn context(chain: ChainId, mailbox: &Digest) -> Vec<u8> {
    [chain.0.0, mailbox.0].concat()
}

/// Length (4 bytes, big-endian), message, zeros up to a power of two.
fn pad(message: &[u8]) -> Result<Vec<u8>, MessageError> {
    let size = (4 + message.len()).next_power_of_two().max(SMALLEST);
    let size = if size > LARGEST { LARGEST } else { size };
    if 4 + message.len() > size {
        return Err(MessageError::TooLarge);
    }
    let mut padded = Vec::with_capacity(size);
    padded.put_u32(message.len() as u32);
    padded.extend_from_slice(message);
    padded.resize(size, 0);
    Ok(padded)
}

fn unpad(padded: &[u8]) -> Result<&[u8], MessageError> {
    let (length, rest) = padded.split_first_chunk::<4>().ok_or(MessageError::Malformed)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (message, zeros) = rest.split_at_checked(length).ok_or(MessageError::Malformed)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(MessageError::Malformed);
    }
    Ok(message)
}

impl Refusal {
    /// By the offer's one-time mailbox key.
    pub fn sign(
        chain: ChainId,
        owner_commitment: Digest,
        statement: Digest,
        reason: &str,
        key: &SigningKey,
    ) -> Self {
        let reason = Text::clipped(reason);
        let signature = key.sign(
            Label::Refusal,
            &[&chain.0.0, &owner_commitment.0, &statement.0, reason.as_str().as_bytes()],
        );
        Self { owner_commitment, statement, reason, mailbox: key.verifying_key(), signature }
    }

    pub fn verify(&self, chain: ChainId) -> Result<(), SignatureError> {
        let parts: [&[u8]; 4] =
            [&chain.0.0, &self.owner_commitment.0, &self.statement.0, self.reason.as_str().as_bytes()];
        self.mailbox.verify(Label::Refusal, &parts, &self.signature)
    }
}

/// Contents of a request before its signature.
#[derive(Clone, Debug)]
pub struct Wish {
    pub purpose: Text<1024>,
    pub wanted: Text<1024>,
    pub expiry_class: u8,
}

impl AccessRequest {
    /// Bound to the mailbox it is sent to, so that nobody can pass it on to another patient.
    pub fn sign(
        chain: ChainId,
        to: &Digest,
        (member, kind): (MemberId, Kind),
        wish: Wish,
        time: Time,
        key: &SigningKey,
    ) -> Self {
        let mut request = Self {
            member,
            kind,
            purpose: wish.purpose,
            wanted: wish.wanted,
            expiry_class: wish.expiry_class,
            time,
            signature: Signature::from_bytes([0; 64]),
        };
        request.signature = key.sign(Label::AccessRequest, &[&chain.0.0, &to.0, &request.signed_part()]);
        request
    }

    pub fn verify(&self, chain: ChainId, to: &Digest, key: &VerifyingKey) -> Result<(), SignatureError> {
        key.verify(Label::AccessRequest, &[&chain.0.0, &to.0, &self.signed_part()], &self.signature)
    }

    fn signed_part(&self) -> Vec<u8> {
        let encoded = self.encode();
        encoded[..encoded.len() - Signature::SIZE].to_vec()
    }
}

impl Write for Opening {
    fn write(&self, buf: &mut impl BufMut) {
        self.owner.write(buf);
        self.salt.expose().write(buf);
        self.capsule.write(buf);
        self.wrapped.write(buf);
        self.blinding.expose().write(buf);
        self.bid.write(buf);
        self.note.write(buf);
    }
}

impl EncodeSize for Opening {
    fn encode_size(&self) -> usize {
        let fixed = VerifyingKey::SIZE + 32 + Capsule::SIZE + Wrapped::SIZE + 32 + Bid::SIZE;
        fixed + self.note.encode_size()
    }
}

impl Read for Opening {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            owner: VerifyingKey::read(buf)?,
            salt: Secret::new(<[u8; 32]>::read(buf)?),
            capsule: Capsule::read(buf)?,
            wrapped: Wrapped::read(buf)?,
            blinding: Blinding::from_bytes(Secret::new(<[u8; 32]>::read(buf)?))
                .map_err(|_| Error::Invalid("Opening", "blinding is not a scalar"))?,
            bid: Bid::read(buf)?,
            note: Text::read(buf)?,
        })
    }
}

impl Write for AccessRequest {
    fn write(&self, buf: &mut impl BufMut) {
        self.member.write(buf);
        buf.put_u8(self.kind as u8);
        self.purpose.write(buf);
        self.wanted.write(buf);
        self.expiry_class.write(buf);
        self.time.write(buf);
        self.signature.write(buf);
    }
}

impl EncodeSize for AccessRequest {
    fn encode_size(&self) -> usize {
        let fixed = MemberId::SIZE + 1 + 1 + Time::SIZE + Signature::SIZE;
        fixed + self.purpose.encode_size() + self.wanted.encode_size()
    }
}

impl Read for AccessRequest {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            member: MemberId::read(buf)?,
            kind: crate::record::statement::read_member_kind(buf)?,
            purpose: Text::read(buf)?,
            wanted: Text::read(buf)?,
            expiry_class: u8::read(buf)?,
            time: Time::read(buf)?,
            signature: Signature::read(buf)?,
        })
    }
}

impl Write for Message {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::Draft(draft) => {
                buf.put_u8(1);
                draft.write(buf);
            }
            Self::Refusal(refusal) => {
                buf.put_u8(2);
                refusal.write(buf);
            }
            Self::Opening(opening) => {
                buf.put_u8(3);
                opening.write(buf);
            }
            Self::Request(request) => {
                buf.put_u8(4);
                request.write(buf);
            }
        }
    }
}

impl EncodeSize for Message {
    fn encode_size(&self) -> usize {
        1 + match self {
            Self::Draft(draft) => draft.encode_size(),
            Self::Refusal(refusal) => refusal.encode_size(),
            Self::Opening(opening) => opening.encode_size(),
            Self::Request(request) => request.encode_size(),
        }
    }
}

impl Read for Message {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        match u8::read(buf)? {
            1 => Draft::read(buf).map(Self::Draft),
            2 => Refusal::read(buf).map(Self::Refusal),
            3 => Opening::read(buf).map(Self::Opening),
            4 => AccessRequest::read(buf).map(Self::Request),
            other => Err(Error::InvalidEnum(other)),
        }
    }
}
