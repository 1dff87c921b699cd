//! The scheme on `mcl`, as its own users would write it: every operation ends in bytes.

use mcl_rust::{CurveType, Fr, G1, G2, GT, init, pairing};

pub struct Keys {
    g: G1,
    h: G2,
    z: GT,
    a: Fr,
    c: Fr,
    t: Fr,
    pub pka: G1,
    pub pkc: G2,
    pub capsule: G1,
    pub rk: G2,
    pub reencrypted: GT,
}

fn random() -> Fr {
    let mut out = Fr::zero();
    out.set_by_csprng();
    out
}

fn g1(p: &G1, s: &Fr) -> G1 {
    let mut out = G1::zero();
    G1::mul(&mut out, p, s);
    out
}

fn g2(p: &G2, s: &Fr) -> G2 {
    let mut out = G2::zero();
    G2::mul(&mut out, p, s);
    out
}

fn pair(p: &G1, q: &G2) -> GT {
    let mut out = GT::zero();
    pairing(&mut out, p, q);
    out
}

fn power(f: &GT, s: &Fr) -> GT {
    let mut out = GT::zero();
    GT::pow(&mut out, f, s);
    out
}

fn over(x: &Fr, y: &Fr) -> Fr {
    let mut out = Fr::zero();
    Fr::div(&mut out, x, y);
    out
}

fn inverse(x: &Fr) -> Fr {
    let mut out = Fr::zero();
    Fr::inv(&mut out, x);
    out
}

/// As a parsed point would be.
fn affine1(p: &G1) -> G1 {
    let mut out = G1::zero();
    G1::normalize(&mut out, p);
    out
}

fn affine2(p: &G2) -> G2 {
    let mut out = G2::zero();
    G2::normalize(&mut out, p);
    out
}

impl Keys {
    pub fn new() -> Self {
        assert!(init(CurveType::BLS12_381), "mcl was built for this curve");
        let (mut g, mut h) = (G1::zero(), G2::zero());
        assert!(g.set_hash_of(b"g") && h.set_hash_of(b"h"));
        let (a, c, t, r) = (random(), random(), random(), random());
        let (pka, pkc, z) = (g1(&g, &a), g2(&h, &c), pair(&g, &h));
        let capsule = g1(&pka, &r);
        let rk = g2(&pkc, &over(&t, &a));
        let reencrypted = pair(&capsule, &rk);
        let keys = Self {
            g,
            h,
            z,
            a,
            c,
            t,
            pka: affine1(&pka),
            pkc: affine2(&pkc),
            capsule: affine1(&capsule),
            rk: affine2(&rk),
            reencrypted,
        };
        assert_eq!(keys.decapsulate(), keys.open(), "the scheme holds");
        assert_eq!(keys.open(), power(&keys.z, &r).serialize());
        keys
    }

    pub fn generate(&self) -> (Vec<u8>, Vec<u8>) {
        (g1(&self.g, &random()).serialize(), g2(&self.h, &random()).serialize())
    }

    /// To one's own key and to another's alike: mcl has no tables.
    pub fn encapsulate(&self) -> (Vec<u8>, Vec<u8>) {
        let r = random();
        (g1(&self.pka, &r).serialize(), power(&self.z, &r).serialize())
    }

    pub fn decapsulate(&self) -> Vec<u8> {
        power(&pair(&self.capsule, &self.h), &inverse(&self.a)).serialize()
    }

    pub fn rekey(&self) -> Vec<u8> {
        g2(&self.pkc, &over(&self.t, &self.a)).serialize()
    }

    pub fn reencrypt(&self) -> Vec<u8> {
        pair(&self.capsule, &self.rk).serialize()
    }

    pub fn open(&self) -> Vec<u8> {
        let mut product = Fr::zero();
        Fr::mul(&mut product, &self.c, &self.t);
        power(&self.reencrypted, &inverse(&product)).serialize()
    }

    pub fn pairing(&self) -> GT {
        pair(&self.capsule, &self.rk)
    }

    /// With the check of order, which mcl makes by default.
    pub fn parse_g1(bytes: &[u8]) -> bool {
        G1::zero().deserialize(bytes)
    }

    pub fn parse_g2(bytes: &[u8]) -> bool {
        G2::zero().deserialize(bytes)
    }
}
