//! The offer (spec R-11): what a patient shows so that somebody can write to her, and its text form for QR codes.
//!
//! Nothing in it appears on the chain: the draft's `PKa`, the hiding `oc`, a one-time mailbox. The text is upper-case
//! base32 behind `YILIAN1:`, all in the QR alphanumeric set, with a four-byte checksum; white space and case are
//! forgiven.

use commonware_codec::Encode as _;
use yilian_crypto::{Digest, Label, hash::tagged};
use yilian_delegation::DelegatorKey;
use yilian_ledger::ChainId;

use crate::{
    wallet::keys::MailboxAddress,
    wire::{decode, layout},
};

const PREFIX: &str = "YILIAN1:";
const CHECKSUM: usize = 4;
/// Longest text looked at, bytes.
const MAX_TEXT: usize = 2048;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What the practitioner needs to write a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferCard {
    pub chain: ChainId,
    /// `PKa` of the draft.
    pub draft: DelegatorKey,
    /// `oc = H(owner key ‖ salt)`.
    pub owner_commitment: Digest,
    pub mailbox: MailboxAddress,
}

layout!(OfferCard { chain, draft, owner_commitment, mailbox });

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    #[error("not an offer: it begins with {PREFIX}")]
    Prefix,
    #[error("the offer holds a character that is not base32")]
    Character,
    #[error("the offer was copied with a mistake or is cut off")]
    Checksum,
    #[error("the offer is malformed")]
    Malformed,
    #[error("the offer is of another chain")]
    Chain,
}

impl OfferCard {
    /// For a QR code, a link or the clipboard.
    pub fn to_text(&self) -> String {
        let mut bytes = self.encode().to_vec();
        bytes.extend_from_slice(&checksum(&bytes));
        format!("{PREFIX}{}", base32(&bytes))
    }

    pub fn from_text(text: &str, chain: ChainId) -> Result<Self, OfferError> {
        if text.len() > MAX_TEXT {
            return Err(OfferError::Malformed);
        }
        let text: String = text.split_whitespace().collect::<String>().to_ascii_uppercase();
        let digits = text.strip_prefix(PREFIX).ok_or(OfferError::Prefix)?;
        let bytes = from_base32(digits)?;
        let (body, check) = bytes.split_last_chunk::<CHECKSUM>().ok_or(OfferError::Malformed)?;
        if *check != checksum(body) {
            return Err(OfferError::Checksum);
        }
        let card: Self = decode(body).map_err(|_| OfferError::Malformed)?;
        if card.chain == chain { Ok(card) } else { Err(OfferError::Chain) }
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let digest = tagged(Label::TextChecksum, &[bytes]).0;
    std::array::from_fn(|i| digest[i])
}

/// RFC 4648 without padding.
fn base32(bytes: &[u8]) -> String {
    let digit = |bits: u16| char::from(ALPHABET[usize::from(bits & 31)]);
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut pending, mut width) = (0u16, 0);
    for byte in bytes {
        pending = (pending << 8) | u16::from(*byte);
        width += 8;
        while width >= 5 {
            width -= 5;
            text.push(digit(pending >> width));
        }
        pending &= (1 << width) - 1;
    }
    if width > 0 {
        text.push(digit(pending << (5 - width)));
    }
    text
}

fn from_base32(text: &str) -> Result<Vec<u8>, OfferError> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut pending, mut width) = (0u16, 0);
    for character in text.bytes() {
        let digit = ALPHABET.iter().position(|c| *c == character).ok_or(OfferError::Character)?;
        pending = (pending << 5) | digit as u16;
        width += 5;
        if width >= 8 {
            width -= 8;
            bytes.push((pending >> width) as u8);
            pending &= (1 << width) - 1;
        }
    }
    // One text a value: no further digit, no bits left over.
    if width >= 5 || pending != 0 { Err(OfferError::Malformed) } else { Ok(bytes) }
}
