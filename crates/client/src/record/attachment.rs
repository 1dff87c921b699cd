//! References to attachments (spec R-7): separate encrypted objects, named inside the signed document.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, FixedSize as _, Read, ReadExt as _, Write};
use yilian_crypto::{Digest, Secret, stream::DataKey};
use yilian_dag::Cid;

use crate::wire::Text;

/// Most attachments of a record.
pub const MAX_ATTACHMENTS: usize = 256;

/// Everything that it takes to fetch, decrypt and check one. The key inside makes the whole value a secret.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub cid: Cid,
    pub key: DataKey,
    /// Plaintext bytes.
    pub length: u64,
    /// Digest tree of the plaintext.
    pub tree: Digest,
    /// Media type, e.g. `application/dicom`.
    pub media_type: Text<128>,
    pub title: Text<256>,
}

impl PartialEq for Attachment {
    fn eq(&self, other: &Self) -> bool {
        // The CID fixes ciphertext and, through the header's commitment, the key.
        (self.cid, self.length, self.tree) == (other.cid, other.length, other.tree)
            && (&self.media_type, &self.title) == (&other.media_type, &other.title)
    }
}

impl Eq for Attachment {}

impl Write for Attachment {
    fn write(&self, buf: &mut impl BufMut) {
        self.cid.write(buf);
        self.key.expose().write(buf);
        self.length.write(buf);
        self.tree.write(buf);
        self.media_type.write(buf);
        self.title.write(buf);
    }
}

impl EncodeSize for Attachment {
    fn encode_size(&self) -> usize {
        Cid::SIZE + 32 + 8 + Digest::SIZE + self.media_type.encode_size() + self.title.encode_size()
    }
}

impl Read for Attachment {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            cid: Cid::read(buf)?,
            key: DataKey::from_bytes(Secret::new(<[u8; 32]>::read(buf)?)),
            length: u64::read(buf)?,
            tree: Digest::read(buf)?,
            media_type: Text::read(buf)?,
            title: Text::read(buf)?,
        })
    }
}
