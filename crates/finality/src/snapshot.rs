//! A header with its certificate, verified against a committee and for freshness (spec F-4, F-5).

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write};
use yilian_ledger::{Epoch, Time};

use crate::{Trust, header::Header};

/// Largest encoded certificate accepted, bytes (256 validators need 17 KiB).
pub const MAX_FINALIZATION: usize = 32 << 10;
/// How far ahead of the client's clock a header may lie, ms: what validators allow each other.
pub const MAX_AHEAD_MS: u64 = 2_000;

/// As it travels: header and finalization certificate, the latter encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub header: Header,
    pub finalization: Vec<u8>,
}

/// Evidence: certified by more than two thirds of the committee; made by [`verify`] (then fresh, too) and by
/// [`verify_historical`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHeader {
    header: Header,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalityError {
    #[error("malformed answer")]
    Malformed,
    #[error("certificate is not of this chain's committee")]
    Certificate,
    /// Older than what the client knows: of a node that lags, or that shows what a former committee signed.
    #[error("header is of epoch {}, before epoch {} in which the known committee began", epoch.0, trusted.0)]
    Superseded { epoch: Epoch, trusted: Epoch },
    /// To be asked for; if the node that showed the header has no step that leads there, it made the committee up.
    #[error("header of epoch {} is not certified by the committee known since epoch {}", epoch.0, trusted.0)]
    UnknownCommittee { epoch: Epoch, trusted: Epoch },
    /// Somebody signed twice: more than a third of a committee is malicious or lost its keys.
    #[error("fork: another committee was certified for epoch {}", epoch.0)]
    Fork { epoch: Epoch },
    #[error("a header that is not the last of its epoch ends no committee's term")]
    Boundary,
    #[error("the members are not the committee that the header names as the next")]
    Members,
    #[error("stale: header is {age_ms} ms old")]
    Stale { age_ms: u64 },
    #[error("header is from the future")]
    Future,
    #[error("proof does not verify")]
    Proof,
    #[error("entry is not the one the state commits to")]
    Entry,
    #[error("bucket is incomplete")]
    Incomplete,
}

impl VerifiedHeader {
    pub fn header(&self) -> &Header {
        &self.header
    }
}

/// Checks certificate and freshness at the client's `now` (F-4, F-5).
pub fn verify(trust: &Trust, snapshot: &Snapshot, now: Time) -> Result<VerifiedHeader, FinalityError> {
    let verified = verify_historical(trust, snapshot)?;
    let time = snapshot.header.time.0;
    if time > now.0.saturating_add(MAX_AHEAD_MS) {
        return Err(FinalityError::Future);
    }
    let age_ms = now.0.saturating_sub(time);
    if age_ms > trust.stale_after_ms() {
        return Err(FinalityError::Stale { age_ms });
    }
    Ok(verified)
}

/// Certificate only, for history (an old block of the trusted committee's term) (F-4).
pub fn verify_historical(trust: &Trust, snapshot: &Snapshot) -> Result<VerifiedHeader, FinalityError> {
    trust.verify(snapshot)?;
    Ok(VerifiedHeader { header: snapshot.header.clone() })
}

impl Write for Snapshot {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.write(buf);
        self.finalization.write(buf);
    }
}

impl EncodeSize for Snapshot {
    fn encode_size(&self) -> usize {
        self.header.encode_size() + self.finalization.encode_size()
    }
}

impl Read for Snapshot {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            header: Header::read(buf)?,
            finalization: Vec::read_cfg(buf, &(RangeCfg::new(0..=MAX_FINALIZATION), ()))?,
        })
    }
}
