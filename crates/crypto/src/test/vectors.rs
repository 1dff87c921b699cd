//! Frozen bytes: `spec/vectors/crypto.json` is what the formats of this crate look like, for every implementation.
//!
//! A change of format fails here. To change it on purpose, run this test with `UPDATE_VECTORS=1`.

use commonware_codec::Encode as _;
use serde_json::{Value, json};

use super::Seeded;
use crate::{
    Label, Secret, aead::Aead, hash, kdf, password, seal::SealingSecretKey, seed::Seed, sign::SigningKey,
    stream,
};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors/crypto.json");

/// Bytes `i mod 251`: a plaintext that any language can make again.
fn counting(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

fn labels() -> Value {
    Label::ALL
        .iter()
        .map(|label| (format!("{label:?}"), json!(label.text())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn hashing() -> Value {
    let parts: [&[u8]; 3] = [b"one", b"", &[0xff; 300]];
    json!({
        "label": "Aid",
        "parts": parts.map(hex::encode),
        "frame_sha256": hash::sha256(&Label::Aid.frame(&parts)).to_string(),
        "tagged": hash::tagged(Label::Aid, &parts).to_string(),
        "tagged_without_parts": hash::tagged(Label::Aid, &[]).to_string(),
        "derived_from_key_01": hex::encode(kdf::derive(&[1; 32], Label::Aid, &parts).expose()),
    })
}

fn signing() -> Value {
    let key = SigningKey::from_seed(Secret::new([1; 32]));
    json!({
        "seed": hex::encode([1; 32]),
        "verifying_key": hex::encode(key.verifying_key().encode()),
        "label": "Withdraw",
        "parts": [hex::encode("chain"), hex::encode("body")],
        "signature": hex::encode(key.sign(Label::Withdraw, &[b"chain", b"body"]).encode()),
    })
}

fn sealing() -> Value {
    let key = SealingSecretKey::from_seed(&Secret::new([2; 32]));
    let sealed = key.public().seal(Label::MailboxSeal, b"aad", b"a message", &mut Seeded::new(1));
    json!({
        "ikm": hex::encode([2; 32]),
        "sealing_key": hex::encode(key.public().encode()),
        "label": "MailboxSeal",
        "aad": hex::encode("aad"),
        "plaintext": hex::encode("a message"),
        "sealed": hex::encode(sealed),
    })
}

fn aead() -> Value {
    let mut sealed = b"text".to_vec();
    Aead::new(&Secret::new([3; 32])).seal([4; 12], b"aad", &mut sealed);
    json!({
        "key": hex::encode([3; 32]),
        "nonce": hex::encode([4; 12]),
        "aad": hex::encode("aad"),
        "plaintext": hex::encode("text"),
        "sealed": hex::encode(sealed),
    })
}

fn words() -> Value {
    let entropy = hash::sha256(b"words").0;
    let seed = Seed::from_bytes(Secret::new(entropy));
    json!({
        "entropy": hex::encode(entropy),
        "words": seed.words().expose(),
        "owner_0": hex::encode(seed.derive(Label::WalletOwner, &[0]).expose()),
        "owner_1": hex::encode(seed.derive(Label::WalletOwner, &[1]).expose()),
        "withdrawal_1_2": hex::encode(seed.derive(Label::WalletWithdrawal, &[1, 2]).expose()),
    })
}

fn streams() -> Value {
    let key = || stream::DataKey::from_bytes(Secret::new([5; 32]));
    let lengths = [0, 1, 9, 1000, 262_063, 262_064, 262_065, 524_192, 524_193, 1_000_000];
    let digests = lengths.map(|len| {
        let ciphertext = stream::encrypt(key(), &counting(len));
        json!({
            "plaintext_len": len,
            "padded_len": stream::padme(len as u64),
            "ciphertext_len": ciphertext.len(),
            "header": hex::encode(&ciphertext[..stream::HEADER]),
            "sha256": hash::sha256(&ciphertext).to_string(),
        })
    });
    json!({
        "about": "plaintext byte i is i mod 251",
        "key": hex::encode([5; 32]),
        "of_9_bytes": hex::encode(stream::encrypt(key(), &counting(9))),
        "streams": digests,
    })
}

fn lock() -> Value {
    let cost = password::Cost { memory_kib: 64, passes: 2, lanes: 2 };
    let locked = password::lock("密码 password", cost, b"the seed", &mut Seeded::new(2)).unwrap();
    json!({ "password": "密码 password", "secret": hex::encode("the seed"), "locked": hex::encode(locked) })
}

fn computed() -> Value {
    json!({
        "labels": labels(),
        "hash": hashing(),
        "sign": signing(),
        "seal": sealing(),
        "aead": aead(),
        "words": words(),
        "stream": streams(),
        "lock": lock(),
    })
}

#[test]
fn formats_keep_their_bytes() {
    let computed = computed();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(PATH, serde_json::to_string_pretty(&computed).unwrap() + "\n").unwrap();
    }
    let frozen: Value = serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    assert_eq!(computed.as_object().unwrap().len(), frozen.as_object().unwrap().len());
    for (area, value) in computed.as_object().unwrap() {
        if area != "labels" {
            assert_eq!(value, &frozen[area], "{area}");
        }
    }
    // A new label may come; one that was frozen neither changes nor goes.
    for (name, text) in frozen["labels"].as_object().unwrap() {
        assert_eq!(text, &computed["labels"][name], "{name}");
    }
}

/// What was sealed and locked once opens for ever, whatever the randomness was.
#[test]
fn frozen_messages_still_open() {
    let frozen: Value = serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    let key = SealingSecretKey::from_seed(&Secret::new([2; 32]));
    let opened = key.open(Label::MailboxSeal, b"aad", &bytes(&frozen["seal"]["sealed"])).unwrap();
    assert_eq!(opened, b"a message");
    let unlocked = password::unlock("密码 password", &bytes(&frozen["lock"]["locked"])).unwrap();
    assert_eq!(unlocked.expose(), b"the seed");
    let key = stream::DataKey::from_bytes(Secret::new([5; 32]));
    assert_eq!(stream::decrypt(&key, &bytes(&frozen["stream"]["of_9_bytes"])).unwrap(), counting(9));
}
