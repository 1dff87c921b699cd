//! Frozen bytes: names, digests and encodings from fixed seeds. A change here is a change of the protocol; write the file
//! anew with `UPDATE_VECTORS=1` only on purpose.

use commonware_codec::Encode as _;
use serde_json::{Value, json};
use yilian_crypto::{
    Digest, Secret,
    certificate::Level,
    sign::{Signature, SigningKey},
    ticket::{Class, Period, Ticket, TicketWithKey},
};
use yilian_delegation::{Blinding, DelegateeSecretKey, DelegatorSecretKey, Wrapped, reencrypt};
use yilian_ledger::{
    ChainId, CommitteeEntry, Entry, Epoch, Name, Parameters, Refusal, Time, Transaction,
    committee::{Change, SetCommittee},
    entry::{Ended, GrantEntry, RecordEntry},
    name::{Aid, Bid, MemberId},
    transaction::{Action, Body, Create, Governance, Grant, Revoke, Withdraw},
};
use yilian_testkit::ledger::{Seeded, World};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors/ledger.json");
const CHAIN: ChainId = ChainId(Digest([0xc1; 32]));

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(Secret::new([byte; 32]))
}

/// Its authority's signature is filler: vectors are about bytes, not about who signed.
fn ticket() -> TicketWithKey {
    let one_time = key(9);
    let ticket = Ticket {
        class: Class::Care,
        period: Period(20_000),
        one_time_key: one_time.verifying_key(),
        prefix: [0x77; 32],
        signature: [0x55; 384],
    };
    TicketWithKey { ticket, one_time }
}

fn transactions() -> Vec<(&'static str, Transaction)> {
    let delegator = DelegatorSecretKey::from_seed(&Secret::new([1; 32]));
    let (capsule, _) = delegator.encapsulate(b"owner", &mut Seeded::new(1));
    let reader = DelegateeSecretKey::from_seed(&Secret::new([2; 32])).public();
    let rk = delegator.rekey(&reader, &Blinding::from_seed(&Secret::new([3; 32])));
    let (owner, withdrawal, tickets) = (key(1), key(2), [ticket()]);
    let wrapped = Wrapped([0x33; 81]);
    let create = Create::sign(CHAIN, &owner, capsule, wrapped, Digest([0x44; 32]), &tickets);
    let grant = Grant::sign(CHAIN, &owner, &withdrawal, rk, 2, Time(1_700_000_000_000), &tickets);
    let member = MemberId::of(None, "root");
    let action = Action::SetParameters(Parameters { sequence: 1, ..Parameters::default() });
    let until = Time(1_700_000_000_000);
    let signature: Signature = Governance::approve(CHAIN, &action, until, &key(4));
    let change = committee().next.unwrap();
    let action_2 = Action::SetCommittee(SetCommittee { sequence: 3, change });
    let signature_2: Signature = Governance::approve(CHAIN, &action_2, until, &key(4));
    vec![
        ("create", create),
        ("grant", grant),
        ("withdraw", Withdraw::sign(CHAIN, &withdrawal)),
        ("revoke", Revoke::sign(CHAIN, Level::Practitioner, member, Some(Digest([5; 32])), &key(5))),
        ("governance", Governance::transaction(CHAIN, action, until, vec![(0, signature)])),
        ("set-committee", Governance::transaction(CHAIN, action_2, until, vec![(0, signature_2)])),
    ]
}

/// One member now, two from epoch 9 on.
fn committee() -> CommitteeEntry {
    let raw = |i| *key(i).verifying_key().as_bytes();
    let mut two = vec![raw(4), raw(5)];
    two.sort_unstable();
    let next = Some(Change { epoch: Epoch(9), members: two });
    CommitteeEntry { sequence: 3, members: vec![raw(4)], next }
}

fn entries() -> Vec<(&'static str, Entry)> {
    let all = transactions();
    let (Body::Create(create), Body::Grant(grant)) = (&all[0].1.body, &all[1].1.body) else { unreachable!() };
    let time = Time(1_700_000_000_000);
    let record = RecordEntry {
        owner: create.owner,
        capsule: create.capsule,
        wrapped: create.wrapped,
        com: create.com,
        time,
    };
    let reencrypted = reencrypt(&create.capsule, &grant.rk);
    let granted = GrantEntry { reencrypted, time, expiry: time.after(1) };
    vec![
        ("record", Entry::Record(record)),
        ("grant", Entry::Grant(granted)),
        ("tombstone", Entry::Tombstone { ended: time, reason: Ended::Withdrawn }),
        ("spent-ticket", Entry::SpentTicket),
        ("parameters", Entry::Parameters(Parameters::default())),
        ("count", Entry::Count(7)),
        ("expiry-item", Entry::ExpiryItem(Bid(Digest([6; 32])))),
        ("expiry-cursor", Entry::ExpiryCursor { period: Period(20_000), index: 3 }),
        ("committee", Entry::Committee(committee())),
    ]
}

fn vectors() -> Value {
    let name = |name: Name| json!(hex::encode(name.0));
    let root = MemberId::of(None, "root");
    let genesis = World::new(1).genesis;
    json!({
        "names": {
            "record-of-key-1": name(Aid::of(&key(1).verifying_key()).name()),
            "grant-of-key-2": name(Bid::of(&key(2).verifying_key()).name()),
            "root": name(root.name(Level::Root.into())),
            "province-below-root": name(MemberId::of(Some(root), "province").name(Level::Intermediate.into())),
            "ticket-key-care-20000": name(Name::ticket_key(Class::Care, Period(20_000))),
            "spent-ticket": name(Name::spent_ticket(&ticket().ticket.spent_id())),
            "parameters": name(Name::parameters()),
            "expiry-count-20000": name(Name::expiry_count(Period(20_000))),
            "expiry-item-20000-3": name(Name::expiry_item(Period(20_000), 3)),
            "expiry-cursor": name(Name::expiry_cursor()),
            "committee": name(Name::committee()),
        },
        "transactions": transactions().iter().map(|(kind, t)| json!({
            "kind": kind, "encoding": hex::encode(t.encode()), "digest": t.digest().to_string(),
        })).collect::<Vec<_>>(),
        "entries": entries().iter().map(|(kind, entry)| json!({
            "kind": kind, "encoding": hex::encode(entry.encode()), "digest": entry.digest().to_string(),
        })).collect::<Vec<_>>(),
        "genesis": {
            "encoding": hex::encode(genesis.encode()),
            "chain": genesis.chain_id().0.to_string(),
        },
        "refusals": Refusal::ALL.iter().map(|refusal| refusal.code().0).collect::<Vec<_>>(),
    })
}

#[test]
fn bytes_are_frozen() {
    let now = vectors();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(FILE, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    let frozen: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    assert_eq!(now, frozen);
}
