//! Sending an object (spec R-16): encrypted once to learn its address, then again, leaf by leaf, to each node.
//!
//! One key encrypts one plaintext only: a leaf whose second encryption differs from the first is never sent, so a file
//! that changes in between costs an error, not a nonce. Memory: one leaf, and 32 bytes a leaf for the comparison.

use yilian_api::{
    content::{UploadOpened, UploadRequest},
    encoding::key_to_hex,
    signing::Statement,
};
use yilian_crypto::{
    sign::VerifyingKey,
    stream::{DataKey, Encryptor},
};
use yilian_dag::{Builder, Cid, Codec};

use super::{ContentError, Progress, Source, Stored};
use crate::{
    client::{Client, at},
    error::{ClientError, Lie, NodeFault},
    host::{Host, NodeUrl},
    http::content as http,
    payment::Payer,
    record::tree::Tree,
};

/// What the first pass over a source gives.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub stored: Stored,
    leaves: Vec<[u8; 32]>,
}

/// Reads and encrypts leaf after leaf.
struct Leaves<'a, S> {
    source: &'a mut S,
    encryptor: Encryptor,
}

impl<'a, S: Source> Leaves<'a, S> {
    fn new(source: &'a mut S, key: DataKey) -> Result<Self, ClientError> {
        let encryptor = Encryptor::new(key, source.length())?;
        Ok(Self { source, encryptor })
    }

    /// Plaintext and ciphertext of the next leaf.
    async fn next(&mut self) -> Result<Option<(Vec<u8>, Vec<u8>)>, ClientError> {
        let Some(range) = self.encryptor.next_range() else { return Ok(None) };
        let mut plain = vec![0; (range.end - range.start) as usize];
        if !plain.is_empty() {
            self.source.read_at(range.start, &mut plain).await?;
        }
        let leaf = self.encryptor.next_leaf(&plain)?;
        Ok(leaf.map(|leaf| (plain, leaf)))
    }
}

/// First pass: address, length, digest tree. `key` must be fresh.
pub(crate) async fn prepare<S: Source>(
    source: &mut S,
    key: DataKey,
    progress: &mut impl Progress,
) -> Result<Prepared, ClientError> {
    let length = source.length();
    let (mut builder, mut tree, mut digests) = (Builder::new(), Tree::new(), Vec::new());
    let mut leaves = Leaves::new(source, key.clone())?;
    let mut done = 0;
    while let Some((plain, leaf)) = leaves.next().await? {
        tree.push(&plain);
        let pushed = builder.push(&leaf).map_err(|_| ContentError::TooLarge(yilian_dag::MAX_FILE))?;
        digests.push(*pushed.cid.digest());
        done += plain.len() as u64;
        progress.advance(done, length);
    }
    let built = builder.finish();
    let stored = Stored { cid: built.root, key, length, tree: tree.finish(), bytes: built.bytes };
    Ok(Prepared { stored, leaves: digests })
}

/// Second pass, to one node. Resumes where an earlier attempt of the same object stopped. Faults are reported.
pub(crate) async fn store<H: Host, S: Source>(
    client: &Client<H>,
    node: &NodeUrl,
    prepared: &Prepared,
    source: &mut S,
    pin: &VerifyingKey,
    payer: Payer<'_>,
    progress: &mut impl Progress,
) -> Result<(), ClientError> {
    let named = |fault: NodeFault| {
        client.report(node, &fault);
        at(node, fault)
    };
    let Stored { cid, bytes, .. } = &prepared.stored;
    let opened = open(client, node, cid, *bytes, pin, payer).await.map_err(named)?;
    if opened.complete {
        return Ok(());
    }
    let mut leaves = Leaves::new(source, prepared.stored.key.clone())?;
    let (mut index, mut done) = (0u64, 0);
    while let Some((plain, leaf)) = leaves.next().await? {
        let expected = prepared.leaves.get(index as usize);
        if expected != Some(Cid::of(Codec::Raw, &leaf).digest()) {
            return Err(ContentError::Changed.into());
        }
        if index >= opened.next_leaf {
            http::put_leaf(client.host(), node, &opened.id, index, &leaf).await.map_err(named)?;
        }
        index += 1;
        done += plain.len() as u64;
        progress.advance(done, prepared.stored.length);
    }
    let finished = http::finish_upload(client.host(), node, &opened.id).await.map_err(named)?;
    if finished.cid == prepared.stored.cid.to_string() {
        Ok(())
    } else {
        Err(named(NodeFault::Lied(Lie::Content)))
    }
}

/// Pays for an object that a node has already, under a pin key; `false` if the node does not have it.
pub(crate) async fn claim<H: Host>(
    client: &Client<H>,
    node: &NodeUrl,
    cid: &Cid,
    bytes: u64,
    pin: &VerifyingKey,
    payer: Payer<'_>,
) -> Result<bool, NodeFault> {
    match http::block(client.host(), node, cid).await {
        Ok(_) => Ok(open(client, node, cid, bytes, pin, payer).await?.complete),
        Err(NodeFault::Problem { status: 404, .. }) => Ok(false),
        Err(fault) => Err(fault),
    }
}

async fn open<H: Host>(
    client: &Client<H>,
    node: &NodeUrl,
    cid: &Cid,
    bytes: u64,
    pin: &VerifyingKey,
    payer: Payer<'_>,
) -> Result<UploadOpened, NodeFault> {
    let audience = client.audience(node).await?;
    let cid = cid.to_string();
    let statement = Statement::upload(&audience, &cid, bytes, pin);
    let payment = payer.pay(&statement);
    let request = UploadRequest { cid, bytes, pin_key: key_to_hex(pin), payment };
    http::open_upload(client.host(), node, &request).await
}
