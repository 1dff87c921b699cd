//! Blocks: a header and the transactions it commits to (spec B-1 to B-4).
//!
//! A decoded block's body matches its header: number, total size and transaction root are checked while decoding. Its
//! digest is the header's.

use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write, varint::MAX_U32_VARINT_SIZE,
};
use commonware_consensus::{
    BoundedBlock, CertifiableBlock, Heightable,
    simplex::types::Context,
    types::{self, Round, View},
};
use commonware_cryptography::{Digestible, ed25519, sha256};
use commonware_storage::mmr::Location;
use commonware_utils::range::NonEmptyRange;
use yilian_crypto::{Digest, Label, hash::tagged};
use yilian_finality::{Committee, Engine, Header};
use yilian_ledger::{
    Genesis, Height, Time, Transaction, time::Epoch, transaction::MAX_TRANSACTION, transition::Counts,
};

/// Most transactions of a block.
pub const MAX_TRANSACTIONS: usize = 1024;
/// Most bytes of all transactions of a block.
pub const MAX_BYTES: usize = 2 << 20;

/// A block as it travels and as validators keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub header: Header,
    /// Encoded.
    pub transactions: Vec<Bytes>,
}

/// `tagged(TransactionRoot, digests)` (B-2).
pub fn transaction_root(digests: impl IntoIterator<Item = Digest>) -> Digest {
    let digests: Vec<Digest> = digests.into_iter().collect();
    let parts: Vec<&[u8]> = digests.iter().map(AsRef::as_ref).collect();
    tagged(Label::TransactionRoot, &parts)
}

/// The engine's form of a digest.
pub fn engine_digest(digest: &Digest) -> sha256::Digest {
    sha256::Digest::from(digest.0)
}

/// Ours of the engine's.
pub fn ledger_digest(digest: &sha256::Digest) -> Digest {
    Digest(digest.0)
}

impl Block {
    /// Height 0: every field follows from the genesis, whose digest is its parent (B-4). The genesis entries are the first
    /// writes of block 1, so the state here is the empty one that `operations_root` and `operations` describe.
    pub fn genesis(
        genesis: &Genesis,
        committee: &Committee,
        operations_root: sha256::Digest,
        operations: NonEmptyRange<Location>,
    ) -> Self {
        let parent = genesis.chain_id().0;
        let leader = committee.keys().iter().next().expect("a committee has a member").clone();
        let header = Header {
            parent,
            height: Height(0),
            epoch: Epoch(0),
            time: Time(genesis.time),
            transaction_root: transaction_root([]),
            transactions: 0,
            state_root: Digest::default(),
            counts: Counts::default(),
            next_committee: committee.digest(),
            engine: Engine {
                context: Context {
                    round: Round::new(types::Epoch::zero(), View::zero()),
                    leader,
                    parent: (View::zero(), engine_digest(&parent)),
                },
                operations_root: ledger_digest(&operations_root),
                operations,
            },
        };
        Self { header, transactions: Vec::new() }
    }

    /// Bytes of all transactions.
    pub fn bytes(&self) -> usize {
        self.transactions.iter().map(Bytes::len).sum()
    }

    fn check_body(&self) -> Result<(), CodecError> {
        if self.bytes() > MAX_BYTES {
            return Err(CodecError::Invalid("Block", "too large"));
        }
        if self.header.transactions as usize != self.transactions.len() {
            return Err(CodecError::Invalid("Block", "number of transactions"));
        }
        let root = transaction_root(self.transactions.iter().map(|t| Transaction::digest_of(t)));
        if self.header.transaction_root != root {
            return Err(CodecError::Invalid("Block", "transaction root"));
        }
        Ok(())
    }
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.write(buf);
        self.transactions.write(buf);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        self.header.encode_size() + self.transactions.encode_size()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        let block = Self {
            header: Header::read(buf)?,
            transactions: Vec::read_cfg(
                buf,
                &(RangeCfg::new(0..=MAX_TRANSACTIONS), RangeCfg::new(0..=MAX_TRANSACTION)),
            )?,
        };
        block.check_body()?;
        Ok(block)
    }
}

impl Digestible for Block {
    type Digest = sha256::Digest;

    fn digest(&self) -> sha256::Digest {
        engine_digest(&self.header.digest())
    }
}

impl Heightable for Block {
    fn height(&self) -> types::Height {
        types::Height::new(self.header.height.0)
    }
}

impl commonware_consensus::Block for Block {
    fn parent(&self) -> sha256::Digest {
        engine_digest(&self.header.parent)
    }
}

impl CertifiableBlock for Block {
    type Context = Context<sha256::Digest, ed25519::PublicKey>;

    fn context(&self) -> Self::Context {
        self.header.engine.context.clone()
    }
}

impl BoundedBlock for Block {
    fn max_encode_size(_: &()) -> usize {
        Header::MAX_SIZE + MAX_BYTES + (MAX_TRANSACTIONS + 1) * MAX_U32_VARINT_SIZE
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use commonware_codec::{Copying, DecodeExt as _, Encode as _};
    use yilian_testkit::{finality, ledger::World};

    use super::*;

    fn block(transactions: &[&'static [u8]]) -> Block {
        let genesis = World::new(1).genesis;
        let mut header = finality::header(&genesis, Digest([9; 32]), Counts::default(), 3, Time(1));
        header.transaction_root = transaction_root(transactions.iter().map(|t| Transaction::digest_of(t)));
        header.transactions = transactions.len() as u32;
        Block { header, transactions: transactions.iter().map(|t| Bytes::from_static(t)).collect() }
    }

    #[test]
    fn round_trips_and_refuses_cuts_and_additions() {
        let block = block(&[b"one", b"", b"three"]);
        let bytes = block.encode();
        assert_eq!(Block::decode(bytes.clone()).unwrap(), block);
        for length in 0..bytes.len() {
            assert!(Block::decode(Copying(&bytes[..length])).is_err());
        }
        assert!(Block::decode([&bytes[..], &[0]].concat()).is_err());
        assert!(bytes.len() <= Block::max_encode_size(&()));
    }

    #[test]
    fn refuses_a_body_that_the_header_does_not_commit_to() {
        let good = block(&[b"one", b"two"]);
        let refuse = |change: &dyn Fn(&mut Block)| {
            let mut block = good.clone();
            change(&mut block);
            assert!(Block::decode(block.encode()).is_err());
        };
        refuse(&|b| b.transactions.swap(0, 1));
        refuse(&|b| drop(b.transactions.pop()));
        refuse(&|b| b.transactions.push(Bytes::new()));
        refuse(&|b| b.transactions[0] = Bytes::from_static(b"eno"));
        refuse(&|b| b.header.transactions += 1);
        refuse(&|b| b.header.transaction_root.0[0] ^= 1);
    }

    #[test]
    fn refuses_a_body_beyond_the_limits() {
        static LARGE: [u8; MAX_TRANSACTION] = [7; MAX_TRANSACTION];
        assert!(Block::decode(block(&[&LARGE, &LARGE]).encode()).is_ok());
        assert!(Block::decode(block(&[&LARGE, &LARGE, b"1"]).encode()).is_err());
        assert!(Block::decode(block(&[&[][..]; MAX_TRANSACTIONS + 1]).encode()).is_err());
    }

    #[test]
    fn genesis_blocks_differ_by_chain_only() {
        let genesis = World::new(1).genesis;
        let committee = Committee::genesis(&genesis).unwrap();
        let range = || NonEmptyRange::new(Location::new(0)..Location::new(1)).unwrap();
        let root = sha256::Digest::from([1; 32]);
        let of = |genesis: &Genesis| Block::genesis(genesis, &committee, root, range()).digest();
        assert_eq!(of(&genesis), of(&genesis));
        let other = Genesis { name: "other".into(), ..genesis.clone() };
        assert_ne!(of(&genesis), of(&other));
    }

    /// Changed bytes are another protocol: `spec/vectors/chain.json` is updated on purpose only.
    #[test]
    fn bytes_are_frozen() {
        let genesis = World::new(1).genesis;
        let committee = Committee::genesis(&genesis).unwrap();
        let range = NonEmptyRange::new(Location::new(0)..Location::new(1)).unwrap();
        let first = Block::genesis(&genesis, &committee, sha256::Digest::from([1; 32]), range);
        let block = block(&[b"one", b"two"]);
        let now = serde_json::json!({
            "chain": genesis.chain_id().0.to_string(),
            "genesis_block": ledger_digest(&first.digest()).to_string(),
            "empty_transaction_root": transaction_root([]).to_string(),
            "transaction_root_of_one_two": block.header.transaction_root.to_string(),
            "block": hex::encode(block.encode()),
        });
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors/chain.json");
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::write(path, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
        }
        let frozen: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(now, frozen);
    }
}
