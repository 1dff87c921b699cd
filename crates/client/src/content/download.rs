//! Fetching an object (spec R-16): block by block by address, from any node, verified before it is decrypted, decrypted
//! before it is handed on. A node that gives another block than the one asked for is named, and the next one is asked.

use std::ops::Range;

use yilian_crypto::stream::{DataKey, Decryptor, leaf_range, leaves_of};
use yilian_dag::{Accepted, Cid, Reader, VerifyError, Wanted};

use super::{ContentError, Progress, Sink};
use crate::{
    client::Client,
    error::{ClientError, Lie, NodeFault},
    host::Host,
    http::content as http,
    record::tree::Tree,
};

/// An object that is open for reading. Memory: one leaf and the interior nodes on the way to it.
#[derive(Debug)]
pub struct Object {
    reader: Reader,
    decryptor: Decryptor,
    /// Plaintext of leaf 0, which had to be fetched for its header.
    first: Vec<u8>,
}

impl Object {
    /// Fetches and checks the root and the first leaf.
    pub async fn open<H: Host>(client: &Client<H>, cid: Cid, key: &DataKey) -> Result<Self, ClientError> {
        let mut reader = Reader::new(cid);
        let leaf = fetch_leaf(client, &mut reader, 0).await?;
        let total = reader.layout().map(|layout| layout.bytes()).unwrap_or_default();
        let (decryptor, first) = Decryptor::new(key, &leaf, total)?;
        Ok(Self { reader, decryptor, first })
    }

    /// Plaintext bytes.
    pub fn length(&self) -> u64 {
        self.decryptor.len()
    }

    /// Plaintext bytes of a range, cut to the object, in order. Only the leaves of the range are fetched.
    pub async fn read_range<H: Host>(
        &mut self,
        client: &Client<H>,
        range: Range<u64>,
        sink: &mut impl Sink,
        progress: &mut impl Progress,
    ) -> Result<(), ClientError> {
        let end = range.end.min(self.length());
        let total = end.saturating_sub(range.start);
        let mut done = 0;
        for index in leaves_of(range.start..end) {
            let span = leaf_range(self.length(), index);
            let plain = self.leaf(client, index).await?;
            let from = range.start.saturating_sub(span.start) as usize;
            let to = (end.min(span.end) - span.start) as usize;
            let part = plain.get(from..to).ok_or(ContentError::Missing(index))?;
            sink.write(part).await?;
            done += part.len() as u64;
            progress.advance(done, total);
        }
        Ok(())
    }

    /// The whole object; `tree` is the digest of the plaintext that was signed.
    pub async fn read_all<H: Host>(
        &mut self,
        client: &Client<H>,
        tree: Option<&yilian_crypto::Digest>,
        sink: &mut impl Sink,
        progress: &mut impl Progress,
    ) -> Result<(), ClientError> {
        let mut hashed = Hashed { sink, tree: Tree::new() };
        self.read_range(client, 0..self.length(), &mut hashed, progress).await?;
        match tree {
            Some(tree) if *tree != hashed.tree.finish() => Err(ContentError::Digest.into()),
            _ => Ok(()),
        }
    }

    async fn leaf<H: Host>(&mut self, client: &Client<H>, index: u64) -> Result<Vec<u8>, ClientError> {
        if index == 0 {
            return Ok(self.first.clone());
        }
        self.reader.release(index);
        let leaf = fetch_leaf(client, &mut self.reader, index).await?;
        Ok(self.decryptor.leaf(index, &leaf)?)
    }
}

/// Fetches the blocks on the way to a leaf, and the leaf.
async fn fetch_leaf<H: Host>(
    client: &Client<H>,
    reader: &mut Reader,
    index: u64,
) -> Result<Vec<u8>, ClientError> {
    loop {
        let wanted = reader.wanted(index..index + 1, 1);
        let next = *wanted.first().ok_or(ContentError::Missing(index))?;
        let block = fetch_block(client, &next).await?;
        match reader.accept(next.at, &block) {
            Ok(Accepted::Leaf { index: got, .. }) if got == index => return Ok(block),
            Ok(_) => {}
            Err(error) => return Err(ContentError::Dag(error).into()),
        }
    }
}

/// From the first node that gives the block of this address. Its hash is checked here, where the node is known.
async fn fetch_block<H: Host>(client: &Client<H>, wanted: &Wanted) -> Result<Vec<u8>, ClientError> {
    let (_, block) = client
        .ask(async |node| {
            let block = http::block(client.host(), node, &wanted.cid).await?;
            if wanted.cid.matches(&block) { Ok(block) } else { Err(NodeFault::Lied(Lie::Content)) }
        })
        .await?;
    Ok(block)
}

/// Hashes on the way through.
struct Hashed<'a, S> {
    sink: &'a mut S,
    tree: Tree,
}

impl<S: Sink> Sink for Hashed<'_, S> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), super::IoError> {
        self.tree.push(bytes);
        self.sink.write(bytes).await
    }
}

impl From<VerifyError> for ClientError {
    fn from(error: VerifyError) -> Self {
        ContentError::Dag(error).into()
    }
}
