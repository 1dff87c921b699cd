//! Uploads, pins and the trustless gateway.

use yilian_api::content::{UploadFinished, UploadOpened, UploadRequest};
use yilian_dag::Cid;

use super::{Body, malformed, parse, post, send};
use crate::{
    error::NodeFault,
    host::{Host, Method, NodeUrl},
};

pub(crate) async fn open_upload<H: Host>(
    host: &H,
    node: &NodeUrl,
    request: &UploadRequest,
) -> Result<UploadOpened, NodeFault> {
    let opened = post(host, node, "/v1/uploads".into(), request).await?;
    checked(opened)
}

/// The identifier goes into paths: nothing but letters, digits, `-` and `_`.
fn checked(opened: UploadOpened) -> Result<UploadOpened, NodeFault> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let id = opened.id.as_bytes();
    if id.len() <= 128 && id.iter().copied().all(plain) { Ok(opened) } else { Err(malformed()) }
}

pub(crate) async fn put_leaf<H: Host>(
    host: &H,
    node: &NodeUrl,
    id: &str,
    leaf: u64,
    bytes: &[u8],
) -> Result<(), NodeFault> {
    let path = format!("/v1/uploads/{id}/{leaf}");
    send(host, node, Method::Put, path, Body::Bytes(bytes)).await.map(drop)
}

pub(crate) async fn finish_upload<H: Host>(
    host: &H,
    node: &NodeUrl,
    id: &str,
) -> Result<UploadFinished, NodeFault> {
    parse(&send(host, node, Method::Post, format!("/v1/uploads/{id}/finish"), Body::Empty).await?)
}

/// One block; whether it is the one asked for is for the caller to check.
pub(crate) async fn block<H: Host>(host: &H, node: &NodeUrl, cid: &Cid) -> Result<Vec<u8>, NodeFault> {
    send(host, node, Method::Get, format!("/ipfs/{cid}?format=raw"), Body::Empty).await
}
