//! The committees that this node knows, term by term, and its part in each (spec B-61, B-62, B-65).
//!
//! A committee is known once the last block of the epoch before is final and on disk; of later epochs nothing is known,
//! so nothing of theirs is verified.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use commonware_consensus::{simplex::scheme::ed25519::Scheme, types};
use commonware_cryptography::{
    Signer as _,
    certificate::{Provider, Scoped},
    ed25519::{PrivateKey, PublicKey},
};
use commonware_utils::ordered::Quorum as _;
use yilian_finality::{Committee, certificate::namespace, committee::CommitteeError};
use yilian_ledger::{ChainId, Epoch, Epochs, Genesis, Height, ValidatorKey};

/// Members by the first epoch of their term.
pub type Terms = BTreeMap<Epoch, Vec<ValidatorKey>>;

pub struct Committees {
    chain: ChainId,
    epochs: Epochs,
    signer: PrivateKey,
    known: RwLock<Known>,
}

struct Known {
    /// The newest epoch whose committee is known.
    epoch: Epoch,
    terms: BTreeMap<Epoch, Term>,
}

struct Term {
    committee: Committee,
    scheme: Arc<Scheme>,
    /// This node's place, if it votes.
    index: Option<u16>,
}

impl Committees {
    /// What the genesis and the terms on disk say, up to the epoch after the newest block.
    pub fn new(
        genesis: &Genesis,
        signer: PrivateKey,
        terms: &Terms,
        newest: Height,
    ) -> Result<Self, CommitteeError> {
        let (chain, epochs) = (genesis.chain_id(), genesis.epochs());
        let known = RwLock::new(Known { epoch: Epoch(0), terms: BTreeMap::new() });
        let committees = Self { chain, epochs, signer, known };
        committees.begin(Epoch(0), &genesis.committee)?;
        for (epoch, members) in terms {
            committees.begin(*epoch, members)?;
        }
        committees.reach(epochs.after(newest));
        Ok(committees)
    }

    pub fn epochs(&self) -> Epochs {
        self.epochs
    }

    /// Learns who validates from `epoch` on; whether that is another committee than before.
    pub fn begin(&self, epoch: Epoch, members: &[ValidatorKey]) -> Result<bool, CommitteeError> {
        let committee = Committee::new(members)?;
        let is_new = self.at_or_before(epoch).is_none_or(|before| before != committee);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if is_new {
            let term = Term::new(self.chain, committee, &self.signer);
            known.terms.insert(epoch, term);
        }
        known.epoch = known.epoch.max(epoch);
        Ok(is_new)
    }

    fn reach(&self, epoch: Epoch) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.epoch = known.epoch.max(epoch);
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_or_before(&self, epoch: Epoch) -> Option<Committee> {
        self.read().terms.range(..=epoch).next_back().map(|(_, term)| term.committee.clone())
    }

    /// The newest epoch whose committee is known: that of the next block.
    pub fn epoch(&self) -> Epoch {
        self.read().epoch
    }

    /// `None`: not known yet.
    pub fn at(&self, epoch: Epoch) -> Option<Committee> {
        self.read().term(epoch).map(|term| term.committee.clone())
    }

    /// The committee of the next block, with the first epoch of its term.
    pub fn newest(&self) -> (Epoch, Committee) {
        let known = self.read();
        let (first, term) = known.terms.last_key_value().expect("the genesis' term is always known");
        (*first, term.committee.clone())
    }

    /// This node's place in the next block's committee; `None`: it follows.
    pub fn index(&self) -> Option<u16> {
        let known = self.read();
        known.term(known.epoch).and_then(|term| term.index)
    }

    /// Terms that begin in `from` or later, without the genesis', oldest first.
    pub fn terms(&self, from: Epoch, limit: usize) -> Vec<(Epoch, Vec<ValidatorKey>)> {
        let known = self.read();
        let later = known.terms.range(from.max(Epoch(1))..);
        later.take(limit).map(|(epoch, term)| (*epoch, term.committee.raw())).collect()
    }

    /// Signs for this node, or verifies only.
    pub fn scheme(&self, epoch: Epoch) -> Option<Arc<Scheme>> {
        self.read().term(epoch).map(|term| term.scheme.clone())
    }

    pub fn own(&self) -> PublicKey {
        self.signer.public_key()
    }
}

impl Known {
    fn term(&self, epoch: Epoch) -> Option<&Term> {
        if epoch > self.epoch {
            return None;
        }
        self.terms.range(..=epoch).next_back().map(|(_, term)| term)
    }
}

impl Term {
    fn new(chain: ChainId, committee: Committee, signer: &PrivateKey) -> Self {
        let (namespace, keys) = (namespace(chain, &committee), committee.keys().clone());
        let index = committee.keys().index(&signer.public_key()).map(|index| index.get() as u16);
        let scheme = Scheme::signer(namespace.as_ref(), keys.clone(), signer.clone())
            .unwrap_or_else(|| Scheme::verifier(namespace.as_ref(), keys));
        Self { committee, scheme: Arc::new(scheme), index }
    }
}

/// The engine's view: a scheme for every epoch whose committee is known.
#[derive(Clone)]
pub struct Schemes(pub Arc<Committees>);

impl Provider for Schemes {
    type Scope = types::Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: types::Epoch) -> Option<Scoped<Scheme>> {
        self.0.scheme(Epoch(epoch.get())).map(Scoped::scheme)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use commonware_codec::{Copying, DecodeExt as _};
    use commonware_cryptography::certificate::Scheme as _;
    use yilian_testkit::ledger::World;

    use super::*;

    fn private(world: &World, index: usize) -> PrivateKey {
        PrivateKey::decode(Copying(world.validators[index].seed().expose())).unwrap()
    }

    fn raw(world: &World, members: std::ops::Range<usize>) -> Vec<ValidatorKey> {
        world.genesis.committee[members].to_vec()
    }

    #[test]
    fn knows_nobody_beyond_the_newest_epoch() {
        let world = World::with_epochs(1, 4);
        let committees =
            Committees::new(&world.genesis, private(&world, 0), &Terms::new(), Height(0)).unwrap();
        assert!(committees.at(Epoch(0)).is_some() && committees.scheme(Epoch(0)).is_some());
        assert!(committees.at(Epoch(1)).is_none() && committees.scheme(Epoch(1)).is_none());
        assert!(!committees.begin(Epoch(1), &world.genesis.committee).unwrap(), "the same as before");
        assert!(committees.at(Epoch(1)).is_some());
        assert!(committees.terms(Epoch(0), 9).is_empty());
    }

    #[test]
    fn signs_in_its_terms_and_verifies_in_others() {
        let world = World::with_epochs(2, 4);
        let committees =
            Committees::new(&world.genesis, private(&world, 3), &Terms::new(), Height(0)).unwrap();
        assert_eq!(committees.index(), Some(3));
        assert!(committees.begin(Epoch(1), &raw(&world, 0..3)).unwrap());
        assert_eq!(committees.index(), None);
        assert!(committees.begin(Epoch(2), &raw(&world, 1..4)).unwrap());
        assert_eq!(committees.index(), Some(2));
        let signs = |epoch| committees.scheme(Epoch(epoch)).unwrap().me().is_some();
        assert_eq!([0, 1, 2].map(signs), [true, false, true]);
        assert_eq!(committees.newest().0, Epoch(2));
        let terms = committees.terms(Epoch(2), 9);
        assert_eq!(terms, [(Epoch(2), raw(&world, 1..4))]);
        assert_eq!(committees.terms(Epoch(0), 1), [(Epoch(1), raw(&world, 0..3))]);
    }

    #[test]
    fn comes_back_from_disk_in_any_epoch() {
        let world = World::with_epochs(3, 4);
        let terms = Terms::from([(Epoch(2), raw(&world, 0..2))]);
        for (newest, epoch, members) in [(0, 0, 4), (3, 1, 4), (6, 1, 4), (7, 2, 2), (99, 25, 2)] {
            // A term is on disk once the block before it is.
            let terms = if newest >= 7 { terms.clone() } else { Terms::new() };
            let committees =
                Committees::new(&world.genesis, private(&world, 0), &terms, Height(newest)).unwrap();
            assert_eq!(committees.epoch(), Epoch(epoch));
            assert_eq!(committees.at(Epoch(epoch)).unwrap().len(), members);
        }
    }
}
