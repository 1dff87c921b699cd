//! Backup endpoints.

use yilian_api::backup::{Backup, BackupStored};
use yilian_crypto::Digest;

use super::{get, json, parse, send};
use crate::{
    error::NodeFault,
    host::{Host, Method, NodeUrl},
};

pub(crate) async fn put<H: Host>(
    host: &H,
    node: &NodeUrl,
    name: &Digest,
    backup: &Backup,
) -> Result<BackupStored, NodeFault> {
    parse(&send(host, node, Method::Put, format!("/v1/backups/{name}"), json(backup)).await?)
}

/// `None` if the node knows none of this name.
pub(crate) async fn fetch<H: Host>(
    host: &H,
    node: &NodeUrl,
    name: &Digest,
) -> Result<Option<Backup>, NodeFault> {
    match get(host, node, format!("/v1/backups/{name}")).await {
        Ok(backup) => Ok(Some(backup)),
        Err(NodeFault::Problem { status: 404, .. }) => Ok(None),
        Err(fault) => Err(fault),
    }
}
