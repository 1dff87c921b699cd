//! What the node keeps about a message, beside its sealed bytes (spec MB-9).

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, Read, ReadExt as _, Write};
use yilian_api::mailbox::MessageKind;
use yilian_crypto::Digest;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub kind: MessageKind,
    pub paid: bool,
    /// Deleted by its owner: the bytes are gone, the row stays until the message would have expired, so that posting the
    /// same bytes again tells nobody whether they were taken (spec MB-6).
    pub deleted: bool,
    /// Unix ms.
    pub received: u64,
    /// Unix ms.
    pub expires: u64,
    pub bytes: u32,
    /// Where a receipt is still to be left; `None` when none was asked for or it was left.
    pub receipt: Option<Digest>,
}

const MESSAGE: u8 = 0;
const RECEIPT: u8 = 1;

impl Write for Envelope {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_u8(match self.kind {
            MessageKind::Message => MESSAGE,
            MessageKind::Receipt => RECEIPT,
        });
        self.paid.write(buf);
        self.deleted.write(buf);
        self.received.write(buf);
        self.expires.write(buf);
        self.bytes.write(buf);
        self.receipt.write(buf);
    }
}

impl EncodeSize for Envelope {
    fn encode_size(&self) -> usize {
        3 + 8 + 8 + 4 + self.receipt.encode_size()
    }
}

impl Read for Envelope {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let kind = match u8::read(buf)? {
            MESSAGE => MessageKind::Message,
            RECEIPT => MessageKind::Receipt,
            other => return Err(CodecError::InvalidEnum(other)),
        };
        Ok(Self {
            kind,
            paid: bool::read(buf)?,
            deleted: bool::read(buf)?,
            received: u64::read(buf)?,
            expires: u64::read(buf)?,
            bytes: u32::read(buf)?,
            receipt: Option::<Digest>::read(buf)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use commonware_codec::{Copying, DecodeExt as _, Encode as _};
    use proptest::prelude::*;

    use super::*;

    fn envelopes() -> impl Strategy<Value = Envelope> {
        let receipt = proptest::option::of(any::<[u8; 32]>().prop_map(Digest));
        let flags = (any::<bool>(), any::<bool>(), any::<bool>());
        (flags, any::<u64>(), any::<u64>(), any::<u32>(), receipt).prop_map(
            |((letter, paid, deleted), received, expires, bytes, receipt)| Envelope {
                kind: if letter { MessageKind::Message } else { MessageKind::Receipt },
                paid,
                deleted,
                received,
                expires,
                bytes,
                receipt,
            },
        )
    }

    proptest! {
        #[test]
        fn survives_a_round_trip_and_no_other_length(envelope in envelopes()) {
            let bytes = envelope.encode().to_vec();
            prop_assert_eq!(Envelope::decode(Copying(&bytes)).unwrap(), envelope);
            for cut in 0..bytes.len() {
                prop_assert!(Envelope::decode(Copying(&bytes[..cut])).is_err());
            }
            let longer = [bytes.as_slice(), &[0]].concat();
            prop_assert!(Envelope::decode(Copying(&longer)).is_err());
        }

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Envelope::decode(Copying(&bytes));
        }
    }
}
