//! Chain and state endpoints: what comes back is decoded, not yet believed.

use commonware_codec::Read;
use yilian_api::{
    encoding::{from_base64, from_hex, signature_from_hex, to_hex},
    ledger::{
        BucketAnswer, EntryAnswer, GenesisBody, NodeStatus, SnapshotBody, Submitted, TransactionStatus,
    },
    signing::{Audience, Statement},
};
use yilian_crypto::{Digest, sign::VerifyingKey};
use yilian_finality::{Answer, Bucket, Header, Prefix, Snapshot, snapshot::MAX_FINALIZATION};
use yilian_ledger::{Genesis, Kind, Name};

use super::{Body, get, malformed, parse, send};
use crate::{
    error::{Lie, NodeFault},
    host::{Host, Method, NodeUrl},
    wire::decode,
};

/// Largest genesis taken in, bytes.
const MAX_GENESIS: usize = 4 << 20;
/// Largest bucket taken in, bytes.
const MAX_BUCKET: usize = 32 << 20;

fn decoded<T: Read<Cfg = ()>>(text: &str, max: usize) -> Result<T, NodeFault> {
    decode(&from_base64(text, max).map_err(|_| malformed())?).map_err(|_| malformed())
}

fn snapshot(body: &SnapshotBody) -> Result<Snapshot, NodeFault> {
    Ok(Snapshot {
        header: decoded(&body.header, Header::MAX_SIZE)?,
        finalization: from_base64(&body.finalization, MAX_FINALIZATION).map_err(|_| malformed())?,
    })
}

/// Path segment of a kind that has buckets or entries to ask for.
fn kind_segment(kind: Kind) -> &'static str {
    match kind {
        Kind::Record => "record",
        Kind::Grant => "grant",
        Kind::Slot => "slot",
        Kind::Practitioner => "practitioner",
        Kind::Institution => "institution",
        Kind::Intermediate => "intermediate",
        Kind::Root => "root",
        Kind::TicketKey => "ticket-key",
        _ => "parameters",
    }
}

pub(crate) async fn genesis<H: Host>(host: &H, node: &NodeUrl) -> Result<Genesis, NodeFault> {
    let body: GenesisBody = get(host, node, "/v1/genesis".into()).await?;
    decoded(&body.genesis, MAX_GENESIS)
}

/// The validator key that a node holds: it signs what it says of itself over a nonce of this moment (spec H-15).
pub(crate) async fn identity<H: Host>(
    host: &H,
    node: &NodeUrl,
    chain: Digest,
) -> Result<[u8; 32], NodeFault> {
    let nonce = host.nonce();
    let status: NodeStatus = get(host, node, format!("/v1/status?nonce={}", to_hex(&nonce))).await?;
    let key: [u8; 32] = from_hex(&status.validator).map_err(|_| malformed())?;
    let forged = || NodeFault::Lied(Lie::Identity);
    let verifying = VerifyingKey::from_bytes(&key).map_err(|_| forged())?;
    let signature = status.signature.as_deref().ok_or_else(forged)?;
    let signature = signature_from_hex(signature).map_err(|_| malformed())?;
    let statement = Statement::status(&Audience { chain, node: key }, &nonce, status.height, status.time);
    statement.verify(&verifying, &signature).map_err(|_| forged())?;
    Ok(key)
}

pub(crate) async fn newest<H: Host>(host: &H, node: &NodeUrl) -> Result<Snapshot, NodeFault> {
    snapshot(&get(host, node, "/v1/snapshot".into()).await?)
}

pub(crate) async fn entry<H: Host>(
    host: &H,
    node: &NodeUrl,
    name: &Name,
) -> Result<(Snapshot, Answer), NodeFault> {
    let path = format!("/v1/entries/{}", to_hex(&name.0));
    let body: EntryAnswer = get(host, node, path).await?;
    Ok((snapshot(&body.snapshot)?, decoded(&body.answer, MAX_BUCKET)?))
}

pub(crate) async fn bucket<H: Host>(
    host: &H,
    node: &NodeUrl,
    prefix: &Prefix,
) -> Result<(Snapshot, Bucket), NodeFault> {
    let kind = kind_segment(prefix.kind);
    let path = format!("/v1/buckets/{kind}/{}/{}", prefix.bits, to_hex(&prefix.value));
    let body: BucketAnswer = get(host, node, path).await?;
    Ok((snapshot(&body.snapshot)?, decoded(&body.bucket, MAX_BUCKET)?))
}

/// Sends an encoded transaction and waits for finality as long as the node does.
pub(crate) async fn submit<H: Host>(
    host: &H,
    node: &NodeUrl,
    transaction: &[u8],
) -> Result<TransactionStatus, NodeFault> {
    let path = "/v1/transactions?wait=finalized".into();
    let answer = send(host, node, Method::Post, path, Body::Bytes(transaction)).await?;
    parse::<Submitted>(&answer).map(|submitted| submitted.status)
}

pub(crate) async fn transaction<H: Host>(
    host: &H,
    node: &NodeUrl,
    digest: &Digest,
) -> Result<TransactionStatus, NodeFault> {
    get(host, node, format!("/v1/transactions/{digest}")).await
}
