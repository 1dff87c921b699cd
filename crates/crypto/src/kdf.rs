//! HKDF-SHA256 (RFC 5869) with labels (spec C-3).

use hkdf::Hkdf;
use sha2::Sha256;

use crate::{Label, Secret};

/// `HKDF(ikm = key, salt = none, info = frame(label, parts))`, 32 bytes.
///
/// `frame` is the injective framing of [`crate::hash::tagged`], so that outputs for different labels or parts are
/// independent. `key` must hold the entropy; passwords go through [`crate::password`].
pub fn derive(key: &[u8], label: Label, parts: &[&[u8]]) -> Secret<[u8; 32]> {
    let info = label.frame(parts);
    Secret::filled(|okm| {
        Hkdf::<Sha256>::new(None, key).expand(&info, okm).expect("32 bytes are within 255 blocks");
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn depends_on_key_label_and_every_part() {
        let base = derive(b"key", Label::Wallet, &[b"a", b"b"]);
        for other in [
            derive(b"kez", Label::Wallet, &[b"a", b"b"]),
            derive(b"key", Label::WalletSalt, &[b"a", b"b"]),
            derive(b"key", Label::Wallet, &[b"ab"]),
            derive(b"key", Label::Wallet, &[b"a", b"b", b""]),
            derive(b"key", Label::Wallet, &[]),
        ] {
            assert_ne!(base.expose(), other.expose());
        }
        assert_eq!(base.expose(), derive(b"key", Label::Wallet, &[b"a", b"b"]).expose());
    }

    /// RFC 5869, appendix A.3 (no salt, no info): the extract-and-expand underneath is the standard's.
    #[test]
    fn matches_rfc_5869() {
        let mut okm = [0; 42];
        Hkdf::<Sha256>::new(None, &[0x0b; 22]).expand(&[], &mut okm).unwrap();
        assert_eq!(
            hex::encode(okm),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }
}
