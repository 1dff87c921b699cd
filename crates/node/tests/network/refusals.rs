//! The issue's bad transactions, posted to running nodes: each refused with its code; what was refused at the door left
//! nothing, what was included and failed left its spent ticket; and every node goes on (spec H-3, L-61 to L-66).

use std::collections::BTreeMap;

use commonware_codec::{DecodeExt as _, Encode as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use yilian_crypto::{
    Secret,
    certificate::{DelegateeBinding, Level, issue},
    sign::SigningKey,
    ticket::{Class, Period, TicketWithKey},
};
use yilian_delegation::DelegateeSecretKey;
use yilian_finality::{Bucket, Prefix, verify_bucket};
use yilian_ledger::{
    Counts, Entry, Kind, Name, Transaction,
    name::{Aid, Bid, MemberId},
    transaction::{AddMember, Body, Withdraw},
};
use yilian_testkit::ledger::{contents, repay, ticket_secret};

use super::{
    create, grant,
    support::{NODES, Network, refused, until, valid_now},
};

/// Offsets in encoded transactions: chain, tag, then fields, each point and key behind its suite byte.
const OWNER: usize = 32 + 1 + 1;
const CAPSULE: usize = OWNER + 32 + 1;
const RK: usize = OWNER + 32 + 33 + 1;

/// Kinds of everything that these transactions could write beside a ticket.
const KINDS: [(Kind, &str); 6] = [
    (Kind::Record, "record"),
    (Kind::Grant, "grant"),
    (Kind::Practitioner, "practitioner"),
    (Kind::Institution, "institution"),
    (Kind::Intermediate, "intermediate"),
    (Kind::Root, "root"),
];

pub async fn bad_transactions_leave_nothing_but_a_ticket(network: &mut Network) {
    let before = state(network).await;
    refused_at_the_door(network).await;
    assert_eq!(state(network).await, before, "a refused transaction wrote something");
    included_and_failed(network).await;
    bodies_of_any_size_are_bounded_on_every_route(network).await;
    every_node_goes_on(network).await;
}

/// All entries of a node that is up to date, proved.
async fn state(network: &Network) -> (Counts, BTreeMap<Name, Entry>) {
    let (mut all, mut counts) = (BTreeMap::new(), Counts::default());
    for (kind, segment) in KINDS {
        let path = format!("/v1/buckets/{segment}/0/{}", "00".repeat(31));
        let body: yilian_api::ledger::BucketAnswer = network.read(0, &path).await;
        let header = network.verified(&body.snapshot);
        let bucket = yilian_api::encoding::from_base64(&body.bucket, 1 << 24).unwrap();
        let bucket = Bucket::decode(bytes::Bytes::from(bucket)).unwrap();
        let prefix = Prefix::new(kind, 0, [0; 31]).unwrap();
        all.extend(verify_bucket(&header, &prefix, &bucket).unwrap());
        counts = header.header().counts;
    }
    (counts, all)
}

fn patched(bytes: &[u8], at: usize, length: usize, ends: (u8, u8)) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + length].fill(0);
    changed[at + length - 1] = ends.1;
    changed[at] |= ends.0;
    changed
}

/// A transaction that pays with a ticket of the caller's choice.
fn paid_with(network: &mut Network, ticket: TicketWithKey) -> Vec<u8> {
    let owner = SigningKey::generate(&mut network.rng);
    repay_create(network, &owner, &[ticket]).encode().to_vec()
}

fn repay_create(network: &mut Network, owner: &SigningKey, tickets: &[TicketWithKey]) -> Transaction {
    // Its owner's signature covers other tickets, which is looked at last.
    repay(&create(network, owner), tickets)
}

fn ticket(network: &mut Network, class: Class, period: Period, secret: usize) -> TicketWithKey {
    let secret = ticket_secret(secret);
    let (request, blinded) =
        yilian_crypto::ticket::Request::new(secret.public(), class, period, &mut network.rng).unwrap();
    let answer = secret.sign_blinded(&blinded, &mut network.rng).unwrap();
    request.finish(secret.public(), &answer).unwrap()
}

/// Points, keys, bytes.
fn bad_forms(network: &mut Network) -> Vec<(&'static str, Vec<u8>)> {
    let (owner, withdrawal) =
        (SigningKey::generate(&mut network.rng), SigningKey::generate(&mut network.rng));
    let good = create(network, &owner).encode().to_vec();
    let paid = grant(network, &owner, &withdrawal).encode().to_vec();
    let mut unknown = good.clone();
    unknown[32] = 0x77;
    let mut full_order = patched(&paid, RK, 96, (0x80, 1));
    full_order[RK + 47] = 1;
    vec![
        ("transaction.malformed", good[..good.len() - 1].to_vec()),
        ("transaction.malformed", [&good[..], &[0]].concat()),
        ("transaction.malformed", unknown),
        ("key.malformed", patched(&good, OWNER, 32, (1, 0))),
        ("point.identity", patched(&good, CAPSULE, 48, (0xc0, 0))),
        ("point.encoding", patched(&good, CAPSULE, 48, (0x80, 1))),
        ("point.subgroup", patched(&good, CAPSULE, 48, (0xa0, 5))),
        ("point.identity", patched(&paid, RK, 96, (0xc0, 0))),
        ("point.encoding", patched(&paid, RK, 96, (0xe0, 0))),
        ("point.subgroup", full_order),
    ]
}

/// Forged, repeated, of another class, period or owner.
fn bad_tickets(network: &mut Network) -> Vec<(&'static str, Vec<u8>)> {
    let period = network.period();
    let next = Period(period.0 + 1);
    let mut forged = network.ticket();
    forged.ticket.signature[200] ^= 1;
    let mut relabelled = ticket(network, Class::Care, next, 1);
    relabelled.ticket.period = period;
    let mut stolen = network.ticket();
    stolen.one_time = SigningKey::generate(&mut network.rng);
    let trade = ticket(network, Class::Trade, period, 0);
    let early = ticket(network, Class::Care, next, 1);
    let past = ticket(network, Class::Care, Period(period.0 - 1), 0);
    let twice = network.ticket();
    let owner = SigningKey::generate(&mut network.rng);
    let twice = repay_create(network, &owner, &[twice.clone(), twice]).encode().to_vec();
    let none = repay_create(network, &owner, &[]).encode().to_vec();
    vec![
        ("ticket.forged", paid_with(network, forged)),
        ("ticket.forged", paid_with(network, relabelled)),
        ("ticket.signature", paid_with(network, stolen)),
        ("ticket.class", paid_with(network, trade)),
        ("ticket.early", paid_with(network, early)),
        ("ticket.key-unknown", paid_with(network, past)),
        ("ticket.repeated", twice),
        ("ticket.count", none),
    ]
}

/// Another root's certificate, a delegatee key without its proof, a withdrawal of nothing.
fn bad_members(network: &mut Network) -> Vec<(&'static str, Vec<u8>)> {
    let (chain, root) = (network.genesis.chain_id(), MemberId::of(None, "root"));
    let key = SigningKey::generate(&mut network.rng);
    let elsewhere = issue(&valid_now(contents(Level::Root, "root", &key)), None, &key).unwrap();
    let (_, foreign, _) = network.certify(Level::Intermediate, "x", (&key, &elsewhere, root), |_| {});
    let carol = DelegateeSecretKey::from_seed(&Secret::new([8; 32]));
    let (issuer, certificate) = (network.root.clone(), network.root_certificate.clone());
    let proof = carol.prove(MemberId::of(Some(root), "carol").possession_context(), &mut network.rng);
    let (_, copied, _) =
        network.certify(Level::Intermediate, "mallory", (&issuer, &certificate, root), |c| {
            let key = carol.public().encode().to_vec();
            c.delegatee = Some(DelegateeBinding { key, proof: proof.encode().to_vec() });
        });
    let add = |der: &[u8]| Transaction {
        chain,
        body: Body::AddMember(AddMember { issuer: root, certificate: der.to_vec() }),
    };
    vec![
        ("certificate.issuer", add(foreign.der()).encode().to_vec()),
        ("certificate.possession", add(copied.der()).encode().to_vec()),
        ("withdraw.unknown", Withdraw::sign(chain, &key).encode().to_vec()),
    ]
}

async fn refused_at_the_door(network: &mut Network) {
    let mut cases = bad_forms(network);
    cases.extend(bad_tickets(network));
    cases.extend(bad_members(network));
    for (i, (code, bytes)) in cases.into_iter().enumerate() {
        let status = if code == "transaction.malformed" { 400 } else { 422 };
        let answer = network.submit_bytes(i % NODES, bytes, "?wait=finalized").await;
        refused(answer, status, code).await;
    }
}

/// Included: the ticket is spent, and nothing else is written.
async fn fails(network: &Network, node: usize, transaction: &Transaction, code: &str) {
    let before = state(network).await;
    let answer = network.submit(node, transaction).await;
    assert_eq!(
        (answer["status"].as_str(), answer["code"].as_str()),
        (Some("failed"), Some(code)),
        "{answer}"
    );
    for ticket in transaction.body.payment().unwrap().tickets() {
        let spent = Name::spent_ticket(&ticket.spent_id());
        until(async || network.entry(0, &spent).await == Some(Entry::SpentTicket)).await;
    }
    assert_eq!(state(network).await, before, "{code}: more than a ticket was written");
}

async fn applied(network: &Network, transaction: &Transaction, name: &Name) {
    let answer = network.submit(0, transaction).await;
    assert_eq!(answer["status"], "applied", "{answer}");
    network.everywhere(name).await;
}

async fn included_and_failed(network: &mut Network) {
    let chain = network.genesis.chain_id();
    let keys: Vec<_> = (0..4).map(|_| SigningKey::generate(&mut network.rng)).collect();
    let [owner, stranger, withdrawal, other] = [&keys[0], &keys[1], &keys[2], &keys[3]];
    let record = create(network, owner);

    // Seen on its way and copied under another ticket; then the genuine one still counts.
    let mine = [network.ticket()];
    fails(network, 1, &repay(&record, &mine), "signature.owner").await;
    applied(network, &record, &Aid::of(&owner.verifying_key()).name()).await;
    let again = create(network, owner);
    fails(network, 2, &again, "record.exists").await;
    let spent = repay(&create(network, other), &mine).encode().to_vec();
    refused(network.submit_bytes(3, spent, "?wait=finalized").await, 422, "ticket.spent").await;

    let unknown = grant(network, stranger, withdrawal);
    fails(network, 3, &unknown, "record.unknown").await;
    let ticket = network.ticket();
    let mut theft = grant(network, stranger, withdrawal);
    let Body::Grant(body) = &mut theft.body else { unreachable!() };
    body.owner = owner.verifying_key();
    fails(network, 0, &repay(&theft, &[ticket]), "signature.owner").await;

    let granted = grant(network, owner, withdrawal);
    let mine = [network.ticket()];
    fails(network, 1, &repay(&granted, &mine), "signature.owner").await;
    let bid = Bid::of(&withdrawal.verifying_key()).name();
    applied(network, &granted, &bid).await;
    let taken = grant(network, owner, withdrawal);
    fails(network, 2, &taken, "grant.bid-taken").await;

    let withdraw = Withdraw::sign(chain, withdrawal);
    applied(network, &withdraw, &bid).await;
    until(async || matches!(network.entry(0, &bid).await, Some(Entry::Tombstone { .. }))).await;
    let anew = grant(network, owner, withdrawal);
    fails(network, 3, &anew, "grant.bid-ended").await;
    let mine = [network.ticket()];
    fails(network, 0, &repay(&granted, &mine), "signature.owner").await;
    // The very same bytes are the transaction of before.
    let ended = network.entry(0, &bid).await;
    assert_eq!(network.submit(1, &granted).await["status"], "applied");
    assert_eq!(network.entry(0, &bid).await, ended);
}

/// A length is announced that no route takes; not a byte of it is sent.
async fn bodies_of_any_size_are_bounded_on_every_route(network: &Network) {
    let document: Value = network.read(0, "/v1/openapi.json").await;
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
            let media_type = content.keys().next().unwrap();
            let path = path.replace("{leaf}", "0").replace(['{', '}'], "0");
            let head = format!(
                "{} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
                 Content-Length: 99999999999\r\n\r\n",
                method.to_uppercase()
            );
            let address = network.nodes[0].as_ref().unwrap().http();
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 413 "), "{method} {path}: {answer}");
            assert!(answer.contains("\"request.too-large\""), "{method} {path}: {answer}");
            asked += 1;
        }
    }
    assert!(asked >= 10, "only {asked} routes take a body");
}

async fn every_node_goes_on(network: &mut Network) {
    for node in 0..NODES {
        let owner = SigningKey::generate(&mut network.rng);
        let good = create(network, &owner);
        let answer = network.submit(node, &good).await;
        assert_eq!(answer["status"], "applied", "{answer}");
        network.everywhere(&Aid::of(&owner.verifying_key()).name()).await;
        assert_eq!(network.get(node, "/v1/health").await.status(), 200);
    }
}
