//! Members with all the keys that clients need, admitted to the world.

use commonware_codec::Encode as _;
use yilian_client::{Member, MemberKeys};
use yilian_crypto::{
    certificate::{Contents, DelegateeBinding, Level, issue},
    seed::Seed,
};
use yilian_ledger::{Outcome, name::MemberId, transaction::AddMember};

use super::TestNetwork;
use crate::ledger;

/// A hospital with two doctors, and a second institution that reads.
pub struct Staff {
    pub province: ledger::Member,
    pub hospital: ledger::Member,
    pub bob: Member,
    pub carol: Member,
}

/// Admits a province, a hospital, Bob who writes, Carol who reads.
pub async fn staff(network: &TestNetwork) -> Staff {
    let root = network.with_world(|world| world.root.clone());
    let province = network.with_world(|world| world.admit(&root, Level::Intermediate, "province"));
    let hospital = network.with_world(|world| world.admit(&province, Level::Institution, "hospital"));
    let bob = network.admit(&hospital, "bob", 0).await;
    let carol = network.admit(&hospital, "carol", 0).await;
    Staff { province, hospital, bob, carol }
}

impl TestNetwork {
    /// A practitioner under `issuer`, keys of the given generation; for a renewal, call again with the next one.
    pub async fn admit(&self, issuer: &ledger::Member, subject: &str, generation: u32) -> Member {
        let seed =
            Seed::from_bytes(yilian_crypto::Secret::new(yilian_crypto::hash::sha256(subject.as_bytes()).0));
        let keys = MemberKeys::new(seed, generation);
        let id = MemberId::of(Some(issuer.id), subject);
        let contents = self.with_world(|world| Contents {
            sealing_key: Some(keys.sealing().public()),
            delegatee: Some(DelegateeBinding {
                key: keys.delegatee().public().encode().to_vec(),
                proof: keys.prove_delegatee(id, &mut world.rng).encode().to_vec(),
            }),
            mailbox: Some(keys.mailbox_id()),
            ..ledger::contents(Level::Practitioner, subject, &keys.signing())
        });
        let certificate = issue(&contents, Some(&issuer.certificate), &issuer.key).expect("the issuer may");
        let chain = self.with_world(|world| world.chain);
        let transaction = AddMember::transaction(chain, issuer.id, &certificate);
        self.sync().await;
        assert_eq!(self.submit(&transaction).await, Ok(Outcome::Applied));
        Member::new(id, certificate, keys).expect("the certificate is for these keys")
    }
}
