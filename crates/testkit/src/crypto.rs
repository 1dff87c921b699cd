//! Control for key commitment (spec S-6): the stream's cipher without it, and the attack that needs it missing.
//!
//! GCM authenticates by a polynomial in a key-dependent point. For two keys one free block solves a linear equation
//! that makes both polynomials give the same tag (Dodis, Grubbs, Ristenpart, Woodage, "Fast Message Franking", 2018).

use yilian_crypto::{
    Label, Secret,
    aead::{Aead, AeadError, NONCE},
    kdf,
    stream::DataKey,
};

/// Bytes that [`two_faced_ciphertext`] gives: two chosen blocks, the solving block, the tag.
pub const TWO_FACED: usize = 4 * BLOCK;

/// Nonce of a stream's only segment: *last*, index 0 (spec S-8).
pub const ONLY_SEGMENT: [u8; NONCE] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const BLOCK: usize = 16;

/// The key that a stream's segments are sealed with, for `DK`.
pub fn segment_key(key: &DataKey) -> Aead {
    Aead::new(&kdf::derive(key.expose(), Label::StreamKey, &[]))
}

/// **Weakened**: opens a stream of one segment whose header (`context`) commits to no key.
pub fn open_uncommitted(key: &DataKey, context: &[u8], segment: &[u8]) -> Result<Vec<u8>, AeadError> {
    let mut plaintext = segment.to_vec();
    segment_key(key).open(ONLY_SEGMENT, context, &mut plaintext)?;
    Ok(plaintext)
}

/// One GCM ciphertext that opens under both keys: its first block reads `texts[0]` under `keys[0]`, its second
/// `texts[1]` under `keys[1]`, the rest is noise. Needs nothing but the keys.
pub fn two_faced_ciphertext(
    keys: [&Aead; 2],
    nonce: [u8; NONCE],
    context: &[u8],
    texts: [&[u8; BLOCK]; 2],
) -> [u8; TWO_FACED] {
    let points = keys.map(|key| Point::of(key, nonce));
    let mut body = [0; 3 * BLOCK];
    for (at, (key, text)) in keys.into_iter().zip(texts).enumerate() {
        let stream = keystream::<{ 3 * BLOCK }>(key, nonce);
        for i in 0..BLOCK {
            body[at * BLOCK + i] = stream[at * BLOCK + i] ^ text[i];
        }
    }
    // With the free block zero the tags differ; it is multiplied by the square of the point, the length block by the
    // point itself.
    let [first, second] = points.map(|point| point.tag(context, &body));
    let weight = points.map(|point| multiply(point.hash_key, point.hash_key));
    let block = multiply(first ^ second, invert(weight[0] ^ weight[1]));
    body[2 * BLOCK..].copy_from_slice(&block.to_be_bytes());
    let mut sealed = [0; TWO_FACED];
    sealed[..3 * BLOCK].copy_from_slice(&body);
    sealed[3 * BLOCK..].copy_from_slice(&points[0].tag(context, &body).to_be_bytes());
    sealed
}

/// What GHASH and the tag depend on besides the data: `H`, and the encrypted first counter.
#[derive(Clone, Copy)]
struct Point {
    hash_key: u128,
    mask: u128,
}

impl Point {
    /// Learned from two seals of nothing: the second hashes the length block of 128 bits of associated data alone.
    fn of(key: &Aead, nonce: [u8; NONCE]) -> Self {
        let tag = |context: &[u8]| {
            let mut sealed = Vec::new();
            key.seal(nonce, context, &mut sealed);
            u128::from_be_bytes(sealed.try_into().expect("a tag alone"))
        };
        let mask = tag(&[]);
        let hash_key = multiply(tag(&[0; BLOCK]) ^ mask, invert(length_block(BLOCK, 0)));
        Self { hash_key, mask }
    }

    fn tag(self, context: &[u8], body: &[u8]) -> u128 {
        let blocks = context.chunks(BLOCK).chain(body.chunks(BLOCK)).map(|chunk| {
            let mut block = [0; BLOCK];
            block[..chunk.len()].copy_from_slice(chunk);
            u128::from_be_bytes(block)
        });
        let hash = blocks
            .chain([length_block(context.len(), body.len())])
            .fold(0, |hash, block| multiply(hash ^ block, self.hash_key));
        hash ^ self.mask
    }
}

fn keystream<const N: usize>(key: &Aead, nonce: [u8; NONCE]) -> [u8; N] {
    let mut zeros = vec![0; N];
    key.seal(nonce, &[], &mut zeros);
    std::array::from_fn(|i| zeros[i])
}

fn length_block(context: usize, body: usize) -> u128 {
    ((context as u128 * 8) << 64) | (body as u128 * 8)
}

/// In GCM's field (SP 800-38D, section 6.3): the leftmost bit is the constant term.
fn multiply(x: u128, y: u128) -> u128 {
    let mut product = 0;
    let mut shifted = y;
    for bit in (0..128).rev() {
        if (x >> bit) & 1 == 1 {
            product ^= shifted;
        }
        let carry = shifted & 1;
        shifted >>= 1;
        if carry == 1 {
            shifted ^= 0xe1 << 120;
        }
    }
    product
}

/// `x^(2^128 - 2)`.
fn invert(x: u128) -> u128 {
    let mut inverse = 1 << 127;
    let mut power = x;
    for _ in 1..128 {
        power = multiply(power, power);
        inverse = multiply(inverse, power);
    }
    inverse
}

/// A data key from a repeated byte.
pub fn data_key(byte: u8) -> DataKey {
    DataKey::from_bytes(Secret::new([byte; 32]))
}
