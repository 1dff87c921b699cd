//! The scheme on arkworks, as its own users would write it: every operation ends in bytes.

use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{
    CurveGroup as _, PrimeGroup as _,
    pairing::{Pairing as _, PairingOutput},
};
use ark_ff::{Field as _, PrimeField as _};
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize};
use getrandom::{SysRng, rand_core::TryRng as _};

type Gt = PairingOutput<Bls12_381>;

pub struct Keys {
    z: Gt,
    a: Fr,
    c: Fr,
    t: Fr,
    pka: G1Affine,
    pkc: G2Affine,
    capsule: G1Affine,
    rk: G2Affine,
    reencrypted: Gt,
}

fn random() -> Fr {
    let mut bytes = [0; 64];
    SysRng.try_fill_bytes(&mut bytes).expect("the system has randomness");
    Fr::from_be_bytes_mod_order(&bytes)
}

fn bytes(value: &impl CanonicalSerialize) -> Vec<u8> {
    let mut out = Vec::new();
    value.serialize_compressed(&mut out).expect("a vector takes it");
    out
}

fn inverse(x: &Fr) -> Fr {
    x.inverse().expect("not zero")
}

impl Keys {
    pub fn new() -> Self {
        let (a, c, t, r) = (random(), random(), random(), random());
        let pka = (G1Projective::generator() * a).into_affine();
        let pkc = (G2Projective::generator() * c).into_affine();
        let z = Bls12_381::pairing(G1Projective::generator(), G2Projective::generator());
        let capsule = (pka * r).into_affine();
        let rk = (pkc * (t * inverse(&a))).into_affine();
        let reencrypted = Bls12_381::pairing(capsule, rk);
        let keys = Self { z, a, c, t, pka, pkc, capsule, rk, reencrypted };
        assert_eq!(keys.decapsulate(), keys.open(), "the scheme holds");
        keys
    }

    pub fn generate(&self) -> (Vec<u8>, Vec<u8>) {
        let g = (G1Projective::generator() * random()).into_affine();
        let h = (G2Projective::generator() * random()).into_affine();
        (bytes(&g), bytes(&h))
    }

    pub fn encapsulate(&self) -> (Vec<u8>, Vec<u8>) {
        let r = random();
        (bytes(&(self.pka * r).into_affine()), bytes(&(self.z * r)))
    }

    pub fn decapsulate(&self) -> Vec<u8> {
        bytes(&(Bls12_381::pairing(self.capsule, G2Projective::generator()) * inverse(&self.a)))
    }

    pub fn rekey(&self) -> Vec<u8> {
        bytes(&(self.pkc * (self.t * inverse(&self.a))).into_affine())
    }

    pub fn reencrypt(&self) -> Vec<u8> {
        bytes(&Bls12_381::pairing(self.capsule, self.rk))
    }

    pub fn open(&self) -> Vec<u8> {
        bytes(&(self.reencrypted * inverse(&(self.c * self.t))))
    }

    pub fn pairing(&self) -> Gt {
        Bls12_381::pairing(self.capsule, self.rk)
    }

    pub fn wire(&self) -> [Vec<u8>; 3] {
        [bytes(&self.capsule), bytes(&self.rk), bytes(&self.reencrypted)]
    }

    pub fn parse_g1(bytes: &[u8]) -> G1Affine {
        G1Affine::deserialize_compressed(bytes).expect("a point")
    }

    pub fn parse_g2(bytes: &[u8]) -> G2Affine {
        G2Affine::deserialize_compressed(bytes).expect("a point")
    }

    pub fn parse_gt(bytes: &[u8]) -> Gt {
        Gt::deserialize_compressed(bytes).expect("an element")
    }
}
