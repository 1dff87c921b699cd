//! Frozen bytes: every operation from fixed seeds, held against `spec/vectors/delegation.json`, which an independent
//! implementation recomputes (`tests/interop/delegation`). `UPDATE_VECTORS=1` rewrites the file, on purpose only.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/refused.rs"]
mod refused;

use std::{convert::Infallible, path::PathBuf};

use commonware_codec::Encode;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::{Value, json};
use yilian_crypto::{Digest, Label, Secret, kdf};
use yilian_delegation::{
    Blinding, DelegateeSecretKey, DelegatorSecretKey, Wrap,
    group::{Gt, Scalar},
    reencrypt,
};

/// Yields exactly the bytes it was given.
struct Script(Vec<u8>);

impl TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0[..out.len()]);
        self.0.drain(..out.len());
        Ok(())
    }
}

impl TryCryptoRng for Script {}

/// A byte string of the vectors: derived from its name, or constant at the edges.
fn material(case: usize, name: &str, len: usize) -> Vec<u8> {
    match case {
        0 => vec![0x00; len],
        1 => vec![0xff; len],
        _ => (0..len.div_ceil(32))
            .flat_map(|block| {
                let name = format!("{case}/{name}/{block}");
                *kdf::derive(name.as_bytes(), Label::Backup, &[b"vectors"]).expose()
            })
            .take(len)
            .collect(),
    }
}

fn seed32(case: usize, name: &str) -> [u8; 32] {
    material(case, name, 32).try_into().unwrap()
}

/// Randomness that reduces to zero would be drawn again: keep the edge case off it.
fn randomness(case: usize) -> Vec<u8> {
    let mut bytes = material(case, "encapsulation", 64);
    if case == 0 {
        bytes[63] = 1;
    }
    bytes
}

fn case(case: usize) -> Value {
    let [a_seed, c_seed, t_seed, data_key, digest] =
        ["delegator", "delegatee", "blinding", "data key", "digest"].map(|name| seed32(case, name));
    let owner = material(case, "owner", 8 * case);
    let subject = material(case, "subject", 11 * case);
    let codec = if case.is_multiple_of(2) { 0x55 } else { 0x70 };
    let (r_bytes, k_bytes) = (randomness(case), material(case, "possession", 32));

    let a = DelegatorSecretKey::from_seed(&Secret::new(a_seed));
    let c = DelegateeSecretKey::from_seed(&Secret::new(c_seed));
    let t = Blinding::from_seed(&Secret::new(t_seed));
    let r = Scalar::random(&mut Script(r_bytes.clone()));
    let shared = Gt::generator_pow(&r);
    let (capsule, fresh) = a.encapsulate(&owner, &mut Script(r_bytes.clone()));
    let commitment_key = fresh.commitment_key();
    let wrap = Wrap { data_key: Secret::new(data_key), codec, digest: Digest(digest) };
    let wrapped = fresh.wrap(&wrap).unwrap();
    let rk = a.rekey(&c.public(), &t);
    let reencrypted = reencrypt(&capsule, &rk);
    let proof = c.prove(&subject, &mut Script(k_bytes.clone()));

    c.public().verify(&subject, &proof).unwrap();
    let opened = c.open(&t, &reencrypted, &capsule, &owner).unwrap(&wrapped).unwrap();
    assert_eq!(opened.data_key.expose(), &data_key);

    json!({
        "delegator_seed": hex::encode(a_seed),
        "delegatee_seed": hex::encode(c_seed),
        "blinding_seed": hex::encode(t_seed),
        "encapsulation_randomness": hex::encode(r_bytes),
        "possession_randomness": hex::encode(k_bytes),
        "subject": hex::encode(subject),
        "owner": hex::encode(owner),
        "data_key": hex::encode(data_key),
        "codec": codec,
        "digest": hex::encode(digest),
        "blinding": hex::encode(t.expose()),
        "r": hex::encode(r.to_be_bytes().expose()),
        "delegator_key": hex::encode(a.public().encode()),
        "delegatee_key": hex::encode(c.public().encode()),
        "possession": hex::encode(proof.encode()),
        "capsule": hex::encode(capsule.encode()),
        "shared": hex::encode(shared.to_bytes()),
        "reencryption_key": hex::encode(rk.encode()),
        "reencrypted_capsule": hex::encode(reencrypted.encode()),
        "commitment_key": hex::encode(commitment_key.expose()),
        "wrapped": hex::encode(wrapped.encode()),
    })
}

fn refused(list: &[refused::Refused]) -> Vec<Value> {
    list.iter()
        .map(|(what, bytes, why)| json!({ "what": what, "bytes": format!("10{bytes}"), "why": format!("{why:?}") }))
        .collect()
}

#[test]
fn bytes_are_those_of_the_spec() {
    let vectors = json!({
        "suite": "afgh-bls12381",
        "suite_byte": 0x10,
        "cases": (0..6).map(case).collect::<Vec<_>>(),
        "refused": {
            "g1": refused(refused::G1),
            "g2": refused(refused::G2),
            "gt": refused(refused::GT),
        },
    });
    let text = serde_json::to_string_pretty(&vectors).unwrap() + "\n";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/delegation.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == text,
        "{} does not match: format changed?",
        path.display()
    );
}
