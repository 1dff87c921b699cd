//! What the node keeps about a backup, beside its blob.

use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, FixedSize, Read, ReadExt as _, Write};
use yilian_crypto::sign::{Signature, VerifyingKey};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub counter: u64,
    pub key: VerifyingKey,
    pub signature: Signature,
    pub bytes: u32,
    /// Its room was paid for.
    pub paid: bool,
    /// By the node's clock, Unix ms.
    pub written: u64,
}

impl Write for Head {
    fn write(&self, buf: &mut impl BufMut) {
        self.counter.write(buf);
        self.key.write(buf);
        self.signature.write(buf);
        self.bytes.write(buf);
        self.paid.write(buf);
        self.written.write(buf);
    }
}

impl FixedSize for Head {
    const SIZE: usize = 8 + 33 + 65 + 4 + 1 + 8;
}

impl Read for Head {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            counter: u64::read(buf)?,
            key: VerifyingKey::read(buf)?,
            signature: Signature::read(buf)?,
            bytes: u32::read(buf)?,
            paid: bool::read(buf)?,
            written: u64::read(buf)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use commonware_codec::{Copying, DecodeExt as _, Encode as _};
    use proptest::prelude::*;
    use yilian_crypto::{Label, Secret, sign::SigningKey};

    use super::*;

    #[test]
    fn survives_a_round_trip_and_no_other_length() {
        let key = SigningKey::from_seed(Secret::new([1; 32]));
        let signature = key.sign(Label::Backup, &[b"x"]);
        let head =
            Head { counter: 9, key: key.verifying_key(), signature, bytes: 4096, paid: true, written: 7 };
        let bytes = head.encode().to_vec();
        assert_eq!(Head::decode(Copying(&bytes)).unwrap(), head);
        for cut in 0..bytes.len() {
            assert!(Head::decode(Copying(&bytes[..cut])).is_err());
        }
        assert!(Head::decode(Copying(&[&bytes[..], &[0]].concat())).is_err());
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2 * Head::SIZE)) {
            let _ = Head::decode(Copying(&bytes));
        }
    }
}
