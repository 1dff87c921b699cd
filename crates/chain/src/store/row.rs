//! What is kept of a finalized block besides its entries, and its bytes on disk.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write};
use yilian_crypto::Digest;
use yilian_finality::{Header, Snapshot, snapshot::MAX_FINALIZATION};
use yilian_ledger::{Outcome, Refusal};

use crate::{
    block::MAX_TRANSACTIONS,
    summary::{BlockSummary, BlockView, TransactionSummary},
};

/// A finalized block's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub header: Header,
    pub finalization: Option<Vec<u8>>,
    pub bytes: u64,
    pub transactions: Vec<TransactionSummary>,
}

impl Row {
    pub fn snapshot(&self) -> Option<Snapshot> {
        let finalization = self.finalization.clone()?;
        Some(Snapshot { header: self.header.clone(), finalization })
    }

    pub fn summary(&self) -> BlockSummary {
        BlockSummary {
            height: self.header.height,
            digest: self.header.digest(),
            time: self.header.time,
            epoch: self.header.epoch,
            transactions: self.transactions.len(),
            bytes: self.bytes as usize,
        }
    }

    pub fn view(self) -> BlockView {
        BlockView { summary: self.summary(), snapshot: self.snapshot(), transactions: self.transactions }
    }
}

impl Write for Row {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.write(buf);
        self.finalization.write(buf);
        self.bytes.write(buf);
        self.transactions.write(buf);
    }
}

impl EncodeSize for Row {
    fn encode_size(&self) -> usize {
        self.header.encode_size() + self.finalization.encode_size() + 8 + self.transactions.encode_size()
    }
}

impl Read for Row {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            header: Header::read(buf)?,
            finalization: Option::<Vec<u8>>::read_cfg(buf, &(RangeCfg::new(0..=MAX_FINALIZATION), ()))?,
            bytes: u64::read(buf)?,
            transactions: Vec::read_cfg(buf, &(RangeCfg::new(0..=MAX_TRANSACTIONS), ()))?,
        })
    }
}

impl Write for TransactionSummary {
    fn write(&self, buf: &mut impl BufMut) {
        self.digest.write(buf);
        kind_tag(self.kind).write(buf);
        (self.bytes as u64).write(buf);
        outcome_code(&self.outcome).write(buf);
    }
}

impl EncodeSize for TransactionSummary {
    fn encode_size(&self) -> usize {
        32 + 1 + 8 + outcome_code(&self.outcome).encode_size()
    }
}

impl Read for TransactionSummary {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        let digest = Digest::read(buf)?;
        let tag = u8::read(buf)?;
        let kind = *KINDS.get(usize::from(tag)).ok_or(CodecError::InvalidEnum(tag))?;
        let bytes = u64::read(buf)? as usize;
        let code = Vec::<u8>::read_cfg(buf, &(RangeCfg::new(0..=64), ()))?;
        let outcome = match code.as_slice() {
            [] => Outcome::Applied,
            code => str::from_utf8(code)
                .ok()
                .and_then(Refusal::from_code)
                .map(Outcome::Failed)
                .ok_or(CodecError::Invalid("TransactionSummary", "unknown code"))?,
        };
        Ok(Self { digest, kind, bytes, outcome })
    }
}

const KINDS: [&str; 7] = ["unknown", "create", "grant", "withdraw", "add-member", "revoke", "governance"];

fn kind_tag(kind: &str) -> u8 {
    KINDS.iter().position(|k| *k == kind).unwrap_or(0) as u8
}

/// Empty: applied.
fn outcome_code(outcome: &Outcome) -> Vec<u8> {
    match outcome {
        Outcome::Applied => Vec::new(),
        Outcome::Failed(refusal) => refusal.code().0.as_bytes().to_vec(),
    }
}
