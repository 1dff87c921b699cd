//! Genesis: parameters, committee, first root. Its digest is the chain id.

use yilian_crypto::Digest;

/// Binds every signature to one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub Digest);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Ticket and expiry unit, ms (a day by default; seconds in the demo).
    pub period_ms: u64,
    /// How long a period's tickets stay valid after its end, ms.
    pub ticket_overlap_ms: u64,
    /// Expiry classes in periods, by default 7, 30, 90, 365.
    pub expiry_classes: [u32; 4],
    /// Header age after which clients call it stale, ms (120 s).
    pub stale_after_ms: u64,
    /// An idle chain makes a block every so often, ms (10 s).
    pub idle_block_ms: u64,
    /// How far a `Grant`'s valid-until may lie ahead, ms.
    pub max_validity_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Name for people and uniqueness, e.g. "yilian-demo".
    pub name: String,
    /// Chain start, ms.
    pub time: u64,
    pub parameters: Parameters,
    /// Validators' Ed25519 keys (raw, sorted): committee of epoch 0.
    pub committee: Vec<[u8; 32]>,
    /// Root certificates, DER.
    pub roots: Vec<Vec<u8>>,
    /// Ticket keys of the first two periods, both classes.
    pub ticket_keys:
        Vec<(yilian_crypto::ticket::Class, yilian_crypto::ticket::Period, yilian_crypto::ticket::TicketKey)>,
}

impl Genesis {
    pub fn chain_id(&self) -> ChainId {
        todo!()
    }
    /// State at height 0.
    pub fn entries(&self) -> Vec<(crate::Name, crate::Entry)> {
        todo!()
    }
}
// + codec
