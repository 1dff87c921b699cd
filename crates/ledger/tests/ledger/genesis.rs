//! Genesis: bounds, state at height 0, the chain id.

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use yilian_ledger::{Entry, Genesis, GenesisError, Kind, Name, Parameters};
use yilian_testkit::ledger::{Chain as _, World, self_signed};

#[test]
fn makes_the_state_at_height_0() {
    let world = World::new(1);
    let entries = world.genesis.entries().unwrap();
    assert!(entries.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order of names, none twice");
    let kinds: Vec<Kind> = entries.iter().filter_map(|(name, _)| name.kind()).collect();
    let keys = [Kind::TicketKey; 4];
    let expected =
        [&[Kind::Root][..], &keys, &[Kind::Parameters, Kind::ExpiryCursor, Kind::Committee]].concat();
    assert_eq!(kinds, expected);
    let cursor = Entry::ExpiryCursor { period: world.period(), index: 0 };
    assert!(entries.contains(&(Name::expiry_cursor(), cursor)));
}

#[test]
fn another_genesis_is_another_chain() {
    let genesis = World::new(2).genesis;
    let changes: [&dyn Fn(&mut Genesis); 6] = [
        &|g| g.name.push('x'),
        &|g| g.time += 1,
        &|g| g.parameters.idle_block_ms += 1,
        &|g| g.committee.truncate(3),
        &|g| g.epoch_blocks += 1,
        &|g| g.ticket_keys.truncate(3),
    ];
    for change in changes {
        let mut other = genesis.clone();
        change(&mut other);
        assert_ne!(other.chain_id(), genesis.chain_id());
    }
}

#[test]
fn refuses_what_is_out_of_bounds_decoded_or_built() {
    let mut world = World::new(3);
    let good = world.genesis.clone();
    let key = world.key();
    let (twice, root) = (good.committee[0], good.roots[0].clone());
    let hospital = world.hospital()[1].certificate.der().to_vec();
    let other = self_signed("other", &key).der().to_vec();
    let mut forged = other.clone();
    *forged.last_mut().unwrap() ^= 1;
    let ticket = good.ticket_keys[0].clone();
    let cases: Vec<(Genesis, GenesisError)> = vec![
        (Genesis { name: String::new(), ..good.clone() }, GenesisError::Name),
        (Genesis { name: "x".repeat(65), ..good.clone() }, GenesisError::Name),
        (with(&good, |p| p.period_ms = 0), GenesisError::Parameters),
        (with(&good, |p| p.sequence = 1), GenesisError::Parameters),
        (Genesis { committee: vec![], ..good.clone() }, GenesisError::Committee),
        (Genesis { committee: vec![twice, twice], ..good.clone() }, GenesisError::Committee),
        (Genesis { committee: vec![[0; 32]], ..good.clone() }, GenesisError::Committee),
        (Genesis { epoch_blocks: 1, ..good.clone() }, GenesisError::EpochBlocks),
        (Genesis { epoch_blocks: (1 << 20) + 1, ..good.clone() }, GenesisError::EpochBlocks),
        (Genesis { roots: vec![], ..good.clone() }, GenesisError::Roots),
        (Genesis { roots: vec![root.clone(), root.clone()], ..good.clone() }, GenesisError::Root(1)),
        (Genesis { roots: vec![hospital], ..good.clone() }, GenesisError::Root(0)),
        (Genesis { roots: vec![root, forged], ..good.clone() }, GenesisError::Root(1)),
        (
            Genesis { ticket_keys: vec![ticket.clone(), ticket.clone()], ..good.clone() },
            GenesisError::TicketKeys,
        ),
        (Genesis { ticket_keys: vec![ticket; 9], ..good.clone() }, GenesisError::TicketKeys),
    ];
    for (genesis, error) in cases {
        assert_eq!(genesis.validate(), Err(error));
        assert!(Genesis::decode(Copying(&genesis.encode())).is_err(), "{error:?} decoded");
    }
    assert_eq!(good.validate(), Ok(()));
}

fn with(genesis: &Genesis, change: impl Fn(&mut Parameters)) -> Genesis {
    let mut genesis = genesis.clone();
    change(&mut genesis.parameters);
    genesis
}
