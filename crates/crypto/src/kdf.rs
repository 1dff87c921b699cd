//! HKDF-SHA256 (RFC 5869) with labels (spec C-3).

use crate::{Label, Secret};

/// `HKDF(ikm = key, salt = none, info = label ‖ framed parts)`, 32 bytes.
pub fn derive(_key: &[u8], _label: Label, _parts: &[&[u8]]) -> Secret<[u8; 32]> {
    todo!()
}
