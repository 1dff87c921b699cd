//! PEM (RFC 7468): what certificates, requests and keys are written as.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::pem::{self, SectionKind};
use yilian_crypto::Secret;

/// RFC 8410: version, algorithm Ed25519, and the head of the 32 bytes that follow.
const ED25519_PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// One block; `label` such as `CERTIFICATE`.
pub fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text + "-----END " + label + "-----\n"
}

/// An Ed25519 key as PKCS#8.
pub fn encode_key(seed: &Secret<[u8; 32]>) -> Secret<Vec<u8>> {
    let der = Secret::new([&ED25519_PKCS8[..], seed.expose()].concat());
    Secret::new(encode("PRIVATE KEY", der.expose()).into_bytes())
}

/// The seed of a key that `encode_key` wrote; `None` for every other text.
pub fn decode_key(text: &[u8]) -> Option<Secret<[u8; 32]>> {
    let der = Secret::new(first(text, SectionKind::PrivateKey)?);
    let seed = der.expose().strip_prefix(&ED25519_PKCS8[..])?;
    Some(Secret::new(seed.try_into().ok()?))
}

/// DER of a PKCS#10 request.
pub fn decode_request(text: &[u8]) -> Option<Vec<u8>> {
    first(text, SectionKind::Csr)
}

/// DER of every certificate, in order; `None` if some block is broken.
pub fn decode_certificates(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    sections(text)
        .filter_map(|section| match section {
            Ok((SectionKind::Certificate, der)) => Some(Some(der)),
            Ok(_) => None,
            Err(()) => Some(None),
        })
        .collect()
}

fn first(text: &[u8], wanted: SectionKind) -> Option<Vec<u8>> {
    sections(text).map_while(Result::ok).find(|(kind, _)| *kind == wanted).map(|(_, der)| der)
}

fn sections(mut text: &[u8]) -> impl Iterator<Item = Result<(SectionKind, Vec<u8>), ()>> {
    let mut over = false;
    std::iter::from_fn(move || {
        let section = if over { None } else { pem::from_buf(&mut text).map_err(|_| ()).transpose() };
        over = matches!(section, None | Some(Err(())));
        section
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blocks_come_back_and_broken_ones_do_not() {
        let two = encode("CERTIFICATE", &[1; 100]) + "between\n" + &encode("CERTIFICATE", &[2; 3]);
        assert_eq!(decode_certificates(two.as_bytes()).unwrap(), [vec![1; 100], vec![2; 3]]);
        assert_eq!(decode_certificates(b"").unwrap(), Vec::<Vec<u8>>::new());
        let broken = two.replace("AgIC", "A*IC");
        assert_eq!(decode_certificates(broken.as_bytes()), None);
        let request = encode("CERTIFICATE REQUEST", &[7; 9]);
        assert_eq!(decode_request(request.as_bytes()).unwrap(), [7; 9]);
        assert_eq!(decode_request(two.as_bytes()), None);
    }

    #[test]
    fn a_key_comes_back() {
        let text = encode_key(&Secret::new([9; 32]));
        assert_eq!(decode_key(text.expose()).unwrap().expose(), &[9; 32]);
        assert!(decode_key(encode("PRIVATE KEY", &[1; 48]).as_bytes()).is_none());
        assert!(decode_key(b"").is_none());
    }
}
