//! The state database: name → digest of its entry, authenticated (spec B-10).

use commonware_cryptography::{Sha256, sha256};
use commonware_glue::stateful::db::{DatabaseSet, Shared};
use commonware_parallel::Sequential;
use commonware_storage::{mmr, qmdb::current::ordered::fixed, translator::EightCap};
use yilian_finality::link::CHUNK;
use yilian_ledger::Name;

/// Fixed-size values: the engine's state synchronization between peers holds for those only.
pub type State<E> =
    fixed::Db<mmr::Family, E, sha256::Digest, sha256::Digest, Sha256, EightCap, CHUNK, Sequential>;
pub type Databases<E> = Shared<State<E>>;
/// Writes on top of a parent's state.
pub type Unmerkleized<E> = <Databases<E> as DatabaseSet<E>>::Unmerkleized;
/// A block's state, root included.
pub type Merkleized<E> = <Databases<E> as DatabaseSet<E>>::Merkleized;

/// A name as a key of the database.
pub fn state_key(name: &Name) -> sha256::Digest {
    sha256::Digest::from(name.0)
}
