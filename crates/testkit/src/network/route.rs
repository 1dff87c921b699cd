//! From a request to an answer: the routes of nodes and authority, with their faults.

use commonware_codec::Encode as _;
use serde::{Serialize, de::DeserializeOwned};
use yilian_api::{
    encoding::{digest_from_hex, from_hex, to_base64},
    ledger::{
        BucketAnswer, EntryAnswer, GenesisBody, NodeStatus, SnapshotBody, Submitted, TransactionStatus,
    },
    problem::{Code, Problem},
    signing::{Audience, Statement},
};
use yilian_client::{NodeUrl, Request, Response, TransportError};
use yilian_crypto::{Digest, sign::SigningKey};
use yilian_finality::{Bucket, Committee, Prefix, Snapshot};
use yilian_ledger::{Kind, Name, Outcome, Transaction};

use super::{AUTHORITY, TestNetwork, certified, fault::Fault, url};

pub(super) async fn serve(
    network: &TestNetwork,
    to: &NodeUrl,
    request: Request,
) -> Result<Response, TransportError> {
    if to.as_str() == AUTHORITY {
        return Ok(response(authority(network, &request)));
    }
    let count = network.0.nodes.borrow().len();
    let node =
        (0..count).find(|i| url(*i) == *to).ok_or(TransportError::Unreachable("no such host".into()))?;
    let fault = network.0.nodes.borrow()[node].fault;
    if fault == Fault::Silent {
        return Err(TransportError::Timeout);
    }
    let recorded = network.0.nodes.borrow()[node].recorded.get(&request.path).cloned();
    if fault == Fault::Frozen && is_state(&request.path) {
        return Ok(match recorded {
            Some(body) => Response { status: 200, body },
            None => response(Err(Code::StateUnready)),
        });
    }
    let path = request.path.clone();
    let response = response(node_route(network, node, fault, request).await);
    if is_state(&path) && response.status == 200 {
        network.0.nodes.borrow_mut()[node].recorded.insert(path, response.body.clone());
    }
    Ok(response)
}

fn is_state(path: &str) -> bool {
    ["/v1/snapshot", "/v1/buckets/", "/v1/entries/"].iter().any(|prefix| path.starts_with(prefix))
}

fn response(answer: Result<Vec<u8>, Code>) -> Response {
    match answer {
        Ok(body) => Response { status: 200, body },
        Err(code) => {
            let problem = Problem::new(code, "in the test network");
            Response { status: code.status(), body: json(&problem).unwrap_or_default() }
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, Code> {
    serde_json::to_vec(value).map_err(|_| Code::Internal)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Code> {
    serde_json::from_slice(body).map_err(|_| Code::RequestMalformed)
}

fn digest(text: &str) -> Result<Digest, Code> {
    digest_from_hex(text).map_err(|_| Code::RequestPath)
}

fn authority(network: &TestNetwork, request: &Request) -> Result<Vec<u8>, Code> {
    let mut authority = network.0.authority.borrow_mut();
    let mut world = network.0.world.borrow_mut();
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/v1/authority") => json(&authority.info(&world)),
        ("POST", "/v1/enrolments/redeem") => {
            authority.redeem(&world, parse(&request.body)?).map(|()| Vec::new())
        }
        ("POST", "/v1/tickets") => json(&authority.tickets(&mut world, parse(&request.body)?)?),
        _ => Err(Code::RouteNotFound),
    }
}

async fn node_route(
    network: &TestNetwork,
    node: usize,
    fault: Fault,
    request: Request,
) -> Result<Vec<u8>, Code> {
    let path = request.path.split('?').next().unwrap_or_default().to_owned();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["v1", "genesis"]) => {
            let world = network.0.world.borrow();
            let genesis = to_base64(&world.genesis.encode());
            json(&GenesisBody { chain: world.chain.0.to_string(), genesis })
        }
        ("GET", ["v1", "status"]) => json(&status(network, node, fault, &request.path)),
        ("GET", ["v1", "snapshot"]) => json(&body(&snapshot(network, fault))),
        ("GET", ["v1", "entries", name]) => {
            let name = Name(from_hex(name).map_err(|_| Code::RequestPath)?);
            let answer = network.0.state.answer(&name).await;
            let snapshot = body(&snapshot(network, fault));
            json(&EntryAnswer { snapshot, answer: to_base64(&answer.encode()) })
        }
        ("GET", ["v1", "buckets", kind, bits, value]) => bucket(network, fault, kind, bits, value).await,
        ("POST", ["v1", "transactions"]) => submit(network, node, fault, &request.body).await,
        ("GET", ["v1", "transactions", _]) if fault == Fault::WithholdsTransactions => {
            json(&TransactionStatus::Pooled)
        }
        _ => store_route(network, node, &segments, request.method.as_str(), request.body),
    }
}

fn store_route(
    network: &TestNetwork,
    node: usize,
    segments: &[&str],
    method: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, Code> {
    let world = network.0.world.borrow();
    let node = &mut network.0.nodes.borrow_mut()[node];
    match (method, segments) {
        ("POST", ["v1", "uploads"]) => json(&node.open_upload(&world, parse(&body)?)?),
        ("PUT", ["v1", "uploads", id, leaf]) => {
            let leaf = leaf.parse().map_err(|_| Code::RequestPath)?;
            node.put_leaf(id, leaf, body).map(|()| Vec::new())
        }
        ("POST", ["v1", "uploads", id, "finish"]) => json(&node.finish_upload(id)?),
        ("GET", ["ipfs", cid]) => node.block(cid),
        ("POST", ["v1", "mailboxes", id, "messages"]) => {
            json(&node.post(&world, digest(id)?, parse(&body)?)?)
        }
        ("POST", ["v1", "mailboxes", id, "list"]) => json(&node.list(&world, digest(id)?, &parse(&body)?)?),
        ("POST", ["v1", "mailboxes", id, "fetch"]) => {
            json(&node.fetch(&world, digest(id)?, &parse(&body)?)?)
        }
        ("POST", ["v1", "mailboxes", id, "delete"]) => {
            node.delete(&world, digest(id)?, &parse(&body)?).map(|()| Vec::new())
        }
        ("PUT", ["v1", "backups", name]) => json(&node.put_backup(&world, digest(name)?, parse(&body)?)?),
        ("GET", ["v1", "backups", name]) => json(&node.backup(digest(name)?)?),
        _ => Err(Code::RouteNotFound),
    }
}

fn status(network: &TestNetwork, node: usize, fault: Fault, path: &str) -> NodeStatus {
    let world = network.0.world.borrow();
    let mut signer = network.0.nodes.borrow()[node].signer.clone();
    if fault == Fault::Impostor {
        signer = SigningKey::from_seed(yilian_crypto::Secret::new([9; 32]));
    }
    let mut key = *signer.verifying_key().as_bytes();
    if fault == Fault::Masquerades {
        let mut others = world.validators.iter().map(|other| *other.verifying_key().as_bytes());
        key = others.find(|other| *other != key).unwrap_or(key);
    }
    let nonce = path.split_once("?nonce=").and_then(|(_, nonce)| from_hex::<32>(nonce).ok());
    let nonce = nonce.map(|nonce| if fault == Fault::ReplaysIdentity { [0; 32] } else { nonce });
    let audience = Audience { chain: world.chain.0, node: key };
    let sign = |nonce| Statement::status(&audience, &nonce, world.height.0, world.time.0).sign(&signer);
    let signature = nonce.filter(|_| fault != Fault::SignsNothing).map(sign);
    NodeStatus {
        signature: signature.map(|signature| yilian_api::encoding::signature_to_hex(&signature)),
        version: "test".into(),
        chain: world.chain.0.to_string(),
        validator: yilian_api::encoding::to_hex(&key),
        height: world.height.0,
        time: world.time.0,
        pool: 0,
        peers: 3,
        records: world.counts.records,
        grants: world.counts.grants,
        institutions: world.counts.institutions,
        practitioners: world.counts.practitioners,
    }
}

fn snapshot(network: &TestNetwork, fault: Fault) -> Snapshot {
    let mut snapshot = network.0.state.snapshot();
    match fault {
        Fault::ForgedHeader => snapshot.header.time.0 += 1,
        Fault::FutureHeader => snapshot.header.time.0 += 2 * 86_400_000,
        Fault::ForeignCommittee => {
            let key = |i: u8| SigningKey::from_seed(yilian_crypto::Secret::new([i; 32]));
            let mut keys: Vec<_> = (1..5).map(key).collect();
            keys.sort_by_key(|key| *key.verifying_key().as_bytes());
            let raw: Vec<_> = keys.iter().map(|key| *key.verifying_key().as_bytes()).collect();
            let committee = Committee::new(&raw).expect("four sorted keys");
            let chain = network.0.world.borrow().chain;
            snapshot.finalization = certified::certificate(chain, &committee, &keys, &snapshot.header);
        }
        _ => {}
    }
    snapshot
}

fn body(snapshot: &Snapshot) -> SnapshotBody {
    SnapshotBody {
        header: to_base64(&snapshot.header.encode()),
        finalization: to_base64(&snapshot.finalization),
    }
}

async fn bucket(
    network: &TestNetwork,
    fault: Fault,
    kind: &str,
    bits: &str,
    value: &str,
) -> Result<Vec<u8>, Code> {
    let prefix = prefix(kind, bits, value).ok_or(Code::PrefixMalformed)?;
    let bucket = network.0.state.bucket(&prefix).await;
    let mut members = bucket.members().to_vec();
    let inside = members.iter().position(|member| member.entry.is_some());
    match (fault, inside) {
        (Fault::HidesEntries, Some(at)) => {
            members.remove(at);
        }
        (Fault::AltersEntries, Some(at)) => {
            if let Some(entry) = &mut members[at].entry {
                let last = entry.len() - 1;
                entry[last] ^= 1;
            }
        }
        (Fault::NoProof, _) => members.iter_mut().for_each(|member| member.link.link.value = Digest([7; 32])),
        _ => {}
    }
    let bucket = Bucket::new(members).map_err(|_| Code::Internal)?;
    let snapshot = body(&snapshot(network, fault));
    json(&BucketAnswer { snapshot, bucket: to_base64(&bucket.encode()) })
}

/// From the segments of a bucket's path.
pub(crate) fn prefix(kind: &str, bits: &str, value: &str) -> Option<Prefix> {
    let kind = match kind {
        "record" => Kind::Record,
        "grant" => Kind::Grant,
        "practitioner" => Kind::Practitioner,
        "institution" => Kind::Institution,
        "intermediate" => Kind::Intermediate,
        "root" => Kind::Root,
        _ => return None,
    };
    Prefix::new(kind, bits.parse().ok()?, from_hex(value).ok()?)
}

async fn submit(network: &TestNetwork, node: usize, fault: Fault, bytes: &[u8]) -> Result<Vec<u8>, Code> {
    use commonware_codec::{Copying, DecodeExt as _};
    let transaction = Transaction::decode(Copying(bytes)).map_err(|_| Code::TransactionMalformed)?;
    let digest = transaction.digest().to_string();
    let applied = |network: &TestNetwork| {
        let world = network.0.world.borrow();
        TransactionStatus::Applied { height: world.height.0, time: world.time.0 }
    };
    let lie = match fault {
        Fault::SwallowsTransactions => Some(applied(network)),
        Fault::WithholdsTransactions => Some(TransactionStatus::Pooled),
        Fault::DeniesTransactions => {
            let (height, time) = network.with_world(|world| (world.height.0, world.time.0));
            let (code, detail) = ("ledger.denied".into(), "it did not fail".into());
            Some(TransactionStatus::Failed { height, time, code, detail })
        }
        _ => None,
    };
    if let Some(status) = lie {
        network.0.nodes.borrow_mut()[node].kept.push(transaction);
        return json(&Submitted { digest, status });
    }
    let status = match network.submit(&transaction).await {
        Ok(Outcome::Applied) => applied(network),
        Ok(Outcome::Failed(refusal)) => {
            let (height, time) = network.with_world(|world| (world.height.0, world.time.0));
            TransactionStatus::Failed {
                height,
                time,
                code: refusal.code().0.into(),
                detail: refusal.to_string(),
            }
        }
        Err(_) => return Err(Code::PaymentInvalid),
    };
    json(&Submitted { digest, status })
}
