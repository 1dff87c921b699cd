//! Four nodes on loopback, spoken to over HTTP as clients do.
#![allow(clippy::unwrap_used)]

mod copies;
mod observed;
mod refusals;
mod support;

use std::time::Duration;

use commonware_codec::Encode as _;
use futures::StreamExt as _;
use serde_json::{Value, json};
use support::{NODES, Network, SUBSCRIBERS, now, refused, until, valid_now};
use yilian_api::{
    encoding,
    ledger::{
        Approval, ApprovalRequest, BlockBody, BlockSummary, GenesisBody, Health, NodeStatus, SnapshotBody,
    },
    mailbox::{Fetched, OwnerRequest, Post, Waiting, mailbox_id},
    signing::{Audience, MailboxVerb, Statement},
};
use yilian_crypto::{
    Digest, Secret,
    certificate::{Level, issue},
    sign::{SigningKey, VerifyingKey},
    ticket::{Class, Period, TicketWithKey},
};
use yilian_delegation::{Blinding, DelegateeSecretKey, DelegatorSecretKey, ReencryptionKey, Wrap};
use yilian_ledger::{
    Kind, Name, Time, Transaction,
    name::{Aid, Bid, MemberId},
    transaction::{Action, AddMember, Body, Create, Governance, Grant, Revoke, Withdraw},
};
use yilian_node::{Node, NodeConfig, StartError};
use yilian_testkit::ledger::{contents, ticket_secret};

/// One network for all, since starting one takes longer than everything it is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_four_nodes_serves_and_survives() {
    let mut network = Network::start(1).await;
    a_node_tells_about_itself_and_its_chain(&network).await;
    let (owner, created) = a_record_made_at_one_node_is_proved_at_every_other(&mut network).await;
    refused_transactions_carry_the_ledgers_code(&mut network, &owner, &created).await;
    refusals::bad_transactions_leave_nothing_but_a_ticket(&mut network).await;
    what_can_be_in_no_block_is_refused_with_its_reason(&mut network).await;
    no_answer_holds_a_re_encryption_key(&mut network, &owner).await;
    malformed_questions_are_refused(&network).await;
    subscribers_hear_of_blocks_and_are_bounded(&network).await;
    the_next_ticket_key_is_set_by_the_nodes_own_policy(&network).await;
    a_members_standing_mailbox_takes_no_unpaid_message(&mut network).await;
    copies::content_is_copied_and_comes_back_to_a_lost_disk(&mut network).await;
    status_is_signed_over_the_nonce_of_who_asks(&network).await;
    observed::metrics_read_as_prometheus_reads_them_and_name_nobody(&network).await;
    a_restarted_node_has_everything_and_catches_up(&mut network).await;
    observed::the_log_names_nobody_and_nothing(&network);
    network.shutdown().await;
}

async fn a_node_tells_about_itself_and_its_chain(network: &Network) {
    until(async || network.get(0, "/v1/health").await.status() == 200).await;
    let health: Health = network.read(0, "/v1/health").await;
    assert_eq!(health.status, "ok");
    for node in 0..NODES {
        let status: NodeStatus = network.read(node, "/v1/status").await;
        let genesis: GenesisBody = network.read(node, "/v1/genesis").await;
        assert_eq!(status.chain, network.genesis.chain_id().0.to_string());
        assert_eq!(status.chain, genesis.chain);
        assert_eq!(status.validator, encoding::to_hex(&network.genesis.committee[node]));
        assert_eq!(encoding::from_base64(&genesis.genesis, 1 << 20).unwrap(), network.genesis.encode());
        until(async || network.get(node, "/v1/snapshot").await.status() == 200).await;
        let snapshot: SnapshotBody = network.read(node, "/v1/snapshot").await;
        network.verified(&snapshot);
    }
}

async fn status_is_signed_over_the_nonce_of_who_asks(network: &Network) {
    let nonce = [7; 32];
    let path = format!("/v1/status?nonce={}", encoding::to_hex(&nonce));
    let status: NodeStatus = network.read(1, &path).await;
    let signature = encoding::signature_from_hex(&status.signature.unwrap()).unwrap();
    let audience = network.audience(1);
    let key = VerifyingKey::from_bytes(&audience.node).unwrap();
    let verify = |audience: &Audience, nonce: &[u8; 32], height| {
        Statement::status(audience, nonce, height, status.time).verify(&key, &signature)
    };
    assert!(verify(&audience, &nonce, status.height).is_ok());
    assert!(verify(&audience, &[8; 32], status.height).is_err());
    assert!(verify(&audience, &nonce, status.height + 1).is_err());
    assert!(verify(&network.audience(0), &nonce, status.height).is_err());

    let unsigned: NodeStatus = network.read(1, "/v1/status").await;
    assert_eq!(unsigned.signature, None);
    refused(network.get(1, "/v1/status?nonce=07").await, 400, "request.query").await;
    refused(network.get(1, "/v1/status?other=1").await, 400, "request.query").await;
}

fn create(network: &mut Network, owner: &SigningKey) -> Transaction {
    let ticket = network.ticket();
    create_with(network, owner, ticket)
}

fn create_with(network: &mut Network, owner: &SigningKey, ticket: TicketWithKey) -> Transaction {
    let delegator = DelegatorSecretKey::from_seed(&Secret::new([3; 32]));
    let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), &mut network.rng);
    let wrap = Wrap { data_key: Secret::new([4; 32]), codec: 0x55, digest: Digest([5; 32]) };
    let wrapped = key.wrap(&wrap).unwrap();
    Create::sign(network.genesis.chain_id(), owner, capsule, wrapped, Digest([6; 32]), &[ticket])
}

async fn a_record_made_at_one_node_is_proved_at_every_other(
    network: &mut Network,
) -> (SigningKey, Transaction) {
    let owner = SigningKey::generate(&mut network.rng);
    let name = Aid::of(&owner.verifying_key()).name();
    assert_eq!(network.entry(1, &name).await, None);
    let transaction = create(network, &owner);
    let answer = network.submit(0, &transaction).await;
    assert_eq!(answer["status"], "applied", "{answer}");
    assert_eq!(answer["digest"], transaction.digest().to_string());

    network.everywhere(&name).await;
    for node in 0..NODES {
        assert!(network.bucket(node, "record", &name).await.contains(&name));
        let path = format!("/v1/transactions/{}", transaction.digest());
        let status: Value = network.read(node, &path).await;
        assert_eq!((&status["status"], &status["height"]), (&json!("applied"), &answer["height"]));
    }
    // Sending it again changes nothing.
    let again = network.submit(2, &transaction).await;
    assert_eq!(again["height"], answer["height"], "{again}");
    (owner, transaction)
}

async fn refused_transactions_carry_the_ledgers_code(
    network: &mut Network,
    owner: &SigningKey,
    created: &Transaction,
) {
    let empty = network.submit_bytes(0, Vec::new(), "").await;
    refused(empty, 400, "transaction.malformed").await;
    let mut longer = created.encode().to_vec();
    longer.push(0);
    refused(network.submit_bytes(0, longer, "").await, 400, "transaction.malformed").await;
    let large = network.submit_bytes(0, vec![0; (1 << 20) + 1], "").await;
    refused(large, 413, "transaction.too-large").await;
    let larger = network.submit_bytes(0, vec![0; (1 << 20) + 2], "").await;
    refused(larger, 413, "request.too-large").await;
    let query = network.submit_bytes(0, Vec::new(), "?wait=forever").await;
    refused(query, 400, "request.query").await;

    let mut elsewhere = created.clone();
    elsewhere.chain.0.0[0] ^= 1;
    refused(network.submit_bytes(0, elsewhere.encode().to_vec(), "").await, 422, "transaction.chain").await;

    // Included, its ticket spent, nothing else: a fact about the chain, not a refusal.
    let second = create(network, owner);
    let answer = network.submit(3, &second).await;
    assert_eq!((&answer["status"], &answer["code"]), (&json!("failed"), &json!("record.exists")), "{answer}");
}

async fn what_can_be_in_no_block_is_refused_with_its_reason(network: &mut Network) {
    let chain = network.genesis.chain_id();
    let wait = "?wait=finalized";
    // The ticket of an entry that is final.
    let ticket = network.ticket();
    let [one, two] = [(); 2].map(|()| SigningKey::generate(&mut network.rng));
    let first = create_with(network, &one, ticket.clone());
    assert_eq!(network.submit(0, &first).await["status"], "applied");
    let second = create_with(network, &two, ticket);
    refused(network.submit_bytes(0, second.encode().to_vec(), wait).await, 422, "ticket.spent").await;
    assert_eq!(network.submit(0, &first).await["status"], "applied");

    // Free, and without what it is about.
    let stranger = SigningKey::generate(&mut network.rng);
    let root_id = MemberId::of(None, "root");
    let nobody = MemberId::of(Some(root_id), "nobody");
    let elsewhere = valid_now(contents(Level::Root, "root", &stranger));
    let elsewhere = issue(&elsewhere, None, &stranger).unwrap();
    let (_, forged, _) =
        network.certify(Level::Intermediate, "province-x", (&stranger, &elsewhere, root_id), |_| {});
    let cases = [
        (Withdraw::sign(chain, &stranger), "withdraw.unknown"),
        (Revoke::sign(chain, Level::Intermediate, nobody, None, &network.root), "member.unknown"),
        (AddMember::transaction(chain, root_id, &forged), "certificate.issuer"),
    ];
    for (transaction, code) in cases {
        refused(network.submit_bytes(1, transaction.encode().to_vec(), wait).await, 422, code).await;
        let path = format!("/v1/transactions/{}", transaction.digest());
        refused(network.get(1, &path).await, 404, "transaction.unknown").await;
    }

    // Pooled, since a grant was on its way; that one fails, and nothing is left to wait for.
    for attempt in 0.. {
        let withdrawal = SigningKey::generate(&mut network.rng);
        let grant = grant(network, &stranger, &withdrawal).encode().to_vec();
        let withdraw = Withdraw::sign(chain, &withdrawal);
        assert_eq!(network.submit_bytes(2, grant, "").await.status(), 200);
        if network.submit_bytes(2, withdraw.encode().to_vec(), "").await.status() != 200 {
            // The grant was final already.
            assert!(attempt < 5);
            continue;
        }
        let path = format!("/v1/transactions/{}", withdraw.digest());
        until(async || network.get(2, &path).await.status() != 200).await;
        refused(network.get(2, &path).await, 422, "withdraw.unknown").await;
        break;
    }
}

fn grant(network: &mut Network, owner: &SigningKey, withdrawal: &SigningKey) -> Transaction {
    let reader = DelegateeSecretKey::from_seed(&Secret::new([8; 32])).public();
    let delegator = DelegatorSecretKey::from_seed(&Secret::new([3; 32]));
    let rk: ReencryptionKey = delegator.rekey(&reader, &Blinding::from_seed(&Secret::new([9; 32])));
    let (chain, until, tickets) = (network.genesis.chain_id(), Time(now() + 60_000), [network.ticket()]);
    Grant::sign(chain, owner, withdrawal, rk, 0, until, &tickets)
}

async fn no_answer_holds_a_re_encryption_key(network: &mut Network, owner: &SigningKey) {
    let withdrawal = SigningKey::generate(&mut network.rng);
    let grant = grant(network, owner, &withdrawal);
    let Body::Grant(Grant { rk, .. }) = &grant.body else { panic!("a grant") };
    let answer = network.submit(1, &grant).await;
    assert_eq!(answer["status"], "applied", "{answer}");
    let name = Bid::of(&withdrawal.verifying_key()).name();
    network.everywhere(&name).await;

    let height = answer["height"].as_u64().unwrap();
    let block: BlockBody = network.read(1, &format!("/v1/blocks/{height}")).await;
    assert_eq!(block.summary.height, height);
    let kinds: Vec<_> = block.transactions.iter().map(|t| (t.kind.as_str(), t.outcome.as_str())).collect();
    assert!(kinds.contains(&("grant", "applied")));

    let rk = &rk.encode()[1..];
    let forms = [encoding::to_hex(rk), encoding::to_base64(rk)];
    let paths = [
        format!("/v1/blocks/{height}"),
        "/v1/blocks?limit=100".into(),
        format!("/v1/transactions/{}", grant.digest()),
        format!("/v1/entries/{}", encoding::to_hex(&name.0)),
        format!("/v1/buckets/grant/0/{}", "00".repeat(31)),
    ];
    for path in paths {
        let body = network.get(1, &path).await.text().await.unwrap();
        assert!(body.len() > 2 && forms.iter().all(|form| !body.contains(form)), "{path}");
        // Base64 at any alignment.
        let raw: Value = serde_json::from_str(&body).unwrap();
        assert!(!strings(&raw).iter().any(|bytes| bytes.windows(rk.len()).any(|w| w == rk)), "{path}");
    }
}

/// Every string that is base64url, decoded.
fn strings(value: &Value) -> Vec<Vec<u8>> {
    match value {
        Value::String(text) => encoding::from_base64(text, 1 << 24).into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

async fn malformed_questions_are_refused(network: &Network) {
    let zeros = "00".repeat(31);
    let ones = "ff".repeat(31);
    let cases = [
        ("/v1/transactions/00".to_owned(), 400, "request.path"),
        (format!("/v1/transactions/{}", "00".repeat(32)), 404, "transaction.unknown"),
        ("/v1/entries/xyz".into(), 400, "request.path"),
        (format!("/v1/buckets/nothing/0/{zeros}"), 400, "bucket.prefix"),
        (format!("/v1/buckets/spent-ticket/0/{zeros}"), 400, "bucket.prefix"),
        (format!("/v1/buckets/record/0/{ones}"), 400, "bucket.prefix"),
        (format!("/v1/buckets/record/249/{zeros}"), 400, "bucket.prefix"),
        (format!("/v1/buckets/record/256/{zeros}"), 400, "request.path"),
        ("/v1/buckets/record/0/00".into(), 400, "request.path"),
        ("/v1/blocks?limit=x".into(), 400, "request.query"),
        ("/v1/blocks?page=1".into(), 400, "request.query"),
        ("/v1/blocks/18446744073709551615".into(), 404, "block.unknown"),
        ("/v1/blocks/x".into(), 400, "request.path"),
        (format!("/v1/backups/{}", "00".repeat(32)), 404, "backup.unknown"),
        ("/v1/nothing".into(), 404, "route.not-found"),
    ];
    for (path, status, code) in cases {
        refused(network.get(0, &path).await, status, code).await;
    }
    refused(network.post(0, "/v1/status", &json!({})).await, 405, "route.method").await;
    for path in ["/v1/mailboxes/00/list", "/v1/mailboxes/00/messages", "/v1/governance/approve"] {
        refused(network.post(0, path, &json!({"other": 1})).await, 400, "request.malformed").await;
    }
}

async fn subscribers_hear_of_blocks_and_are_bounded(network: &Network) {
    let response = network.get(2, "/v1/events").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.bytes_stream();
    let mut text = String::new();
    let block: BlockSummary = loop {
        let chunk = tokio::time::timeout(Duration::from_secs(30), stream.next()).await;
        text.push_str(
            std::str::from_utf8(&chunk.expect("a block within its time").unwrap().unwrap()).unwrap(),
        );
        let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
        assert!(text.contains("event: block"));
        if let Ok(block) = serde_json::from_str(data) {
            break block;
        }
    };
    let listed: BlockBody = network.read(2, &format!("/v1/blocks/{}", block.height)).await;
    assert_eq!(listed.summary, block);

    let mut others = Vec::new();
    for _ in 1..SUBSCRIBERS {
        others.push(network.get(2, "/v1/events").await);
    }
    refused(network.get(2, "/v1/events").await, 503, "events.full").await;
    // A place is free again soon after a subscriber has gone.
    drop((stream, others));
    until(async || network.get(2, "/v1/events").await.status() == 200).await;
}

async fn the_next_ticket_key_is_set_by_the_nodes_own_policy(network: &Network) {
    let period = Period(network.period().0 + 2);
    let action = Action::SetTicketKey { class: Class::Care, period, key: ticket_secret(2).public().clone() };
    let (chain, valid_until) = (network.genesis.chain_id(), now() + 60_000);
    let encoded = action.encode();
    let signature = Statement::approval_request(&chain.0, &encoded, valid_until).sign(&network.root);
    let mut request = ApprovalRequest {
        action: encoding::to_base64(&encoded),
        valid_until,
        key: encoding::key_to_hex(&network.root.verifying_key()),
        signature: encoding::signature_to_hex(&signature),
    };
    let mut signatures = Vec::new();
    for node in 0..3 {
        let response = network.post(node, "/v1/governance/approve", &request).await;
        let approval: Approval = response.json().await.unwrap();
        assert_eq!(usize::from(approval.index), node);
        signatures.push((approval.index, encoding::signature_from_hex(&approval.signature).unwrap()));
    }
    let governance = Governance::transaction(chain, action, Time(valid_until), signatures);
    let answer = network.submit(0, &governance).await;
    assert_eq!(answer["status"], "applied", "{answer}");

    request.valid_until += 1;
    refused(network.post(0, "/v1/governance/approve", &request).await, 401, "request.unauthorized").await;
}

async fn a_members_standing_mailbox_takes_no_unpaid_message(network: &mut Network) {
    let mailbox_key = SigningKey::generate(&mut network.rng);
    let mailbox = mailbox_id(&mailbox_key.verifying_key());
    let (root, root_certificate) = (network.root.clone(), network.root_certificate.clone());
    let root_id = MemberId::of(None, "root");
    let (key, certificate, province) =
        network.certify(Level::Intermediate, "province", (&root, &root_certificate, root_id), |_| {});
    let chain = network.genesis.chain_id();
    let admit = AddMember::transaction(chain, root_id, &certificate);
    assert_eq!(network.submit(0, &admit).await["status"], "applied");
    let (hospital_key, hospital, hospital_id) =
        network.certify(Level::Institution, "hospital", (&key, &certificate, province), |contents| {
            contents.mailbox = Some(mailbox)
        });
    let admit = AddMember::transaction(chain, province, &hospital);
    let answer = network.submit(0, &admit).await;
    assert_eq!(answer["status"], "applied", "{answer}");
    network.everywhere(&hospital_id.name(Kind::Institution)).await;

    let path = format!("/v1/mailboxes/{mailbox}/messages");
    let sealed = std::cell::Cell::new(0u8);
    let post = || {
        sealed.set(sealed.get() + 1);
        Post { sealed: encoding::to_base64(&[sealed.get()]), receipt: None, time: 0, payment: None }
    };
    until(async || network.post(3, &path, &post()).await.status() == 402).await;
    refused(network.post(3, &path, &post()).await, 402, "payment.required").await;

    // The hospital itself pays by its signature, and its mailbox's owner reads.
    let bytes = b"sealed to the hospital";
    let (audience, time) = (network.audience(3), now());
    let id = yilian_api::mailbox::message_id(bytes);
    let signature = Statement::mailbox_post(&audience, &mailbox, &id, None, time).sign(&hospital_key);
    let paid = Post {
        sealed: encoding::to_base64(bytes),
        receipt: None,
        time,
        payment: Some(yilian_api::content::UploadPayment::Member {
            member: hospital_id.0.to_string(),
            signature: encoding::signature_to_hex(&signature),
        }),
    };
    assert_eq!(network.post(3, &path, &paid).await.status(), 200);
    let list = OwnerRequest::sign(&mailbox_key, &audience, MailboxVerb::List, None, now());
    let waiting = network.post(3, &format!("/v1/mailboxes/{mailbox}/list"), &list).await;
    let waiting: Vec<Waiting> = waiting.json().await.unwrap();
    assert!(waiting.iter().any(|message| message.id == id.to_string()));
    let request = OwnerRequest::sign(&mailbox_key, &audience, MailboxVerb::Fetch, Some(&id), now());
    let body = json!({"request": request, "message": id.to_string()});
    let fetched = network.post(3, &format!("/v1/mailboxes/{mailbox}/fetch"), &body).await;
    let fetched: Fetched = fetched.json().await.unwrap();
    assert_eq!(encoding::from_base64(&fetched.sealed, 100).unwrap(), bytes);
    let again = network.post(3, &format!("/v1/mailboxes/{mailbox}/fetch"), &body).await;
    refused(again, 409, "request.replayed").await;
    let request = OwnerRequest::sign(&mailbox_key, &audience, MailboxVerb::Delete, Some(&id), now());
    let body = json!({"request": request, "message": id.to_string()});
    assert_eq!(network.post(3, &format!("/v1/mailboxes/{mailbox}/delete"), &body).await.status(), 204);
}

async fn a_restarted_node_has_everything_and_catches_up(network: &mut Network) {
    // A subscriber does not hold up the end.
    let events = network.get(3, "/v1/events").await;
    let stopped = tokio::time::timeout(Duration::from_secs(20), network.nodes[3].take().unwrap().shutdown());
    stopped.await.expect("a graceful end");
    drop(events);

    // Three of four go on.
    let owner = SigningKey::generate(&mut network.rng);
    let transaction = create(network, &owner);
    let mut answer = network.submit(0, &transaction).await;
    if answer["status"] == "pooled" {
        answer = network.submit(0, &transaction).await;
    }
    assert_eq!(answer["status"], "applied", "{answer}");

    network.nodes[3] = Some(Node::start(NodeConfig::load(&network.dirs[3]).unwrap()).await.unwrap());
    let name: Name = Aid::of(&owner.verifying_key()).name();
    until(async || network.get(3, "/v1/snapshot").await.status() == 200).await;
    network.everywhere(&name).await;

    // One directory, one node.
    let mut twin = NodeConfig::load(&network.dirs[3]).unwrap();
    twin.http.set_port(0);
    assert!(matches!(Node::start(twin).await, Err(StartError::InUse)));
}
