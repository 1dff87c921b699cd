// Recomputes every vector of spec/vectors/delegation.json with @noble/curves and node:crypto, from spec/delegation.md
// alone, and exits 1 on the first difference. An argument names another vector file.

import { createCipheriv, createHash, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bls12_381 } from '@noble/curves/bls12-381.js';

const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
const { Fp, Fp2, Fp6, Fp12, Fr } = bls12_381.fields;
const R = Fr.ORDER;
const P = Fp.ORDER;
const SUITE = Buffer.from([0x10]);

const path = process.argv[2] ?? new URL('../../../spec/vectors/delegation.json', import.meta.url);
const vectors = JSON.parse(readFileSync(path, 'utf8'));

// --- bytes, labels, hashes (spec C-2, C-3) ---

const unhex = (text) => Buffer.from(text, 'hex');
const toInt = (bytes) => BigInt('0x' + (Buffer.from(bytes).toString('hex') || '0'));
const fromInt = (n, len) => unhex(n.toString(16).padStart(2 * len, '0'));

function frame(label, parts) {
  const text = Buffer.from('yilian/1/' + label);
  const framed = parts.flatMap((part) => [fromInt(BigInt(part.length), 8), Buffer.from(part)]);
  return Buffer.concat([Buffer.from([text.length]), text, ...framed]);
}

const tagged = (label, parts) => createHash('sha256').update(frame(label, parts)).digest();
const kdf = (key, label, parts) => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), frame(label, parts), 32));

// --- scalars (spec D-2) ---

function deriveScalar(ikm, label, parts) {
  for (let attempt = 0; ; attempt++) {
    const half = (n) => kdf(ikm, label, [Buffer.from([attempt, n]), ...parts]);
    const scalar = toInt(Buffer.concat([half(0), half(1)])) % R;
    if (scalar !== 0n) return scalar;
  }
}

const inverse = (s) => Fr.inv(s);
const times = (a, b) => (a * b) % R;

// --- GT (spec D-4): serialization and the torus, by their formulas ---

const fp2Bytes = (a) => Buffer.concat([fromInt(a.c0, 48), fromInt(a.c1, 48)]);
const V = { c0: Fp2.ZERO, c1: Fp2.ONE, c2: Fp2.ZERO };
const XI = Fp2.fromBigTuple([1n, 1n]);
const THIRD = Fp2.inv(Fp2.fromBigTuple([3n, 0n]));

function gtBytes(f) {
  const coefficients = [f.c0.c0, f.c1.c0, f.c0.c1, f.c1.c1, f.c0.c2, f.c1.c2];
  return Buffer.concat(coefficients.map(fp2Bytes));
}

function torus(f) {
  const g = Fp6.mul(Fp6.add(Fp6.ONE, f.c0), Fp6.inv(f.c1));
  return Buffer.concat([fp2Bytes(g.c1), fp2Bytes(g.c2)]);
}

function untorus(bytes) {
  const [a, b, c, d] = [0, 48, 96, 144].map((i) => toInt(bytes.subarray(i, i + 48)));
  if ([a, b, c, d].some((n) => n >= P) || (a === 0n && b === 0n)) return null;
  const [g1, g2] = [Fp2.fromBigTuple([a, b]), Fp2.fromBigTuple([c, d])];
  const g0 = Fp2.mul(Fp2.add(Fp2.mul(XI, Fp2.sqr(g2)), THIRD), Fp2.inv(g1));
  const g = { c0: g0, c1: g1, c2: g2 };
  const square = Fp6.mul(g, g);
  const scale = Fp6.inv(Fp6.sub(square, V));
  return { c0: Fp6.mul(Fp6.add(square, V), scale), c1: Fp6.mul(Fp6.add(g, g), scale) };
}

function gtPower(f, n) {
  let acc = Fp12.ONE;
  for (const bit of n.toString(2)) {
    acc = Fp12.sqr(acc);
    if (bit === '1') acc = Fp12.mul(acc, f);
  }
  return acc;
}

const pair = (p, q) => bls12_381.pairing(p, q);

// --- every operation of one case ---

function recompute(v) {
  const input = Object.fromEntries(
    Object.entries(v).map(([name, value]) => [name, typeof value === 'string' ? unhex(value) : value]),
  );
  const a = deriveScalar(input.delegator_seed, 'scalar/delegator', []);
  const c = deriveScalar(input.delegatee_seed, 'scalar/delegatee', []);
  const t = deriveScalar(input.blinding_seed, 'scalar/blinding', []);
  const r = toInt(input.encapsulation_randomness) % R;

  const pka = G1.BASE.multiply(a);
  const pkc = G2.BASE.multiply(c);
  const capsule = pka.multiply(r);
  const rk = pkc.multiply(times(t, inverse(a)));
  const reencrypted = pair(capsule, rk);

  // Three ways to the shared element: encapsulator, owner, reader.
  const shared = gtPower(pair(G1.BASE, G2.BASE), r);
  const owner = gtPower(pair(capsule, G2.BASE), inverse(a));
  const reader = gtPower(reencrypted, inverse(times(c, t)));
  if (!Fp12.eql(shared, owner) || !Fp12.eql(shared, reader)) throw new Error('the three ways disagree');
  if (!Fp12.eql(untorus(torus(reencrypted)), reencrypted)) throw new Error('torus form does not return');

  const capsuleBytes = Buffer.from(capsule.toBytes(true));
  const key = kdf(gtBytes(shared), 'kdf/capsule', [SUITE, capsuleBytes, input.owner]);
  const plain = Buffer.concat([input.data_key, Buffer.from([input.codec]), input.digest]);
  const cipher = createCipheriv('aes-256-gcm', kdf(key, 'kdf/wrap', []), Buffer.alloc(12));
  const wrapped = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);

  const pkcBytes = Buffer.from(pkc.toBytes(true));
  const nonce = deriveScalar(fromInt(c, 32), 'delegatee-possession/nonce', [
    pkcBytes,
    input.subject,
    input.possession_randomness,
  ]);
  const challenge = (commitment) =>
    tagged('delegatee-possession', [SUITE, pkcBytes, commitment.toBytes(true), input.subject]);
  const hash = challenge(G2.BASE.multiply(nonce));
  const response = (nonce + times(toInt(hash) % R, c)) % R;
  const verified = G2.BASE.multiply(response).subtract(pkc.multiply(toInt(hash) % R));
  if (!challenge(verified).equals(hash)) throw new Error('possession does not verify');

  const wire = (bytes) => Buffer.concat([SUITE, Buffer.from(bytes)]);
  return {
    blinding: fromInt(t, 32),
    r: fromInt(r, 32),
    delegator_key: wire(pka.toBytes(true)),
    delegatee_key: wire(pkcBytes),
    possession: wire(Buffer.concat([hash, fromInt(response, 32)])),
    capsule: wire(capsuleBytes),
    shared: gtBytes(shared),
    reencryption_key: wire(rk.toBytes(true)),
    reencrypted_capsule: wire(torus(reencrypted)),
    commitment_key: kdf(key, 'kdf/com', []),
    wrapped: wire(wrapped),
  };
}

// --- what must be refused, and why ---

// The library's own parser refuses points outside the subgroup too, so the two reasons are told apart here: flags and
// residues, then the curve equation, then the order.
function parsePoint(Point, field, bytes) {
  const [compressed, infinity, sign] = [0x80, 0x40, 0x20].map((flag) => (bytes[0] & flag) !== 0);
  const body = Buffer.from(bytes);
  body[0] &= 0x1f;
  if (!compressed) return null;
  if (infinity) return !sign && toInt(body) === 0n ? Point.ZERO : null;
  const parts = [];
  for (let i = 0; i < body.length; i += 48) parts.unshift(toInt(body.subarray(i, i + 48)));
  if (parts.some((n) => n >= P)) return null;
  const x = field.fromParts(parts);
  const square = field.F.add(field.F.mul(field.F.sqr(x), x), field.b);
  let y;
  try {
    y = field.F.sqrt(square);
  } catch {
    return null;
  }
  if (!field.F.eql(field.F.sqr(y), square)) return null;
  const larger = field.toParts(y).findLast((n) => n !== 0n) > (P - 1n) / 2n;
  return Point.fromAffine({ x, y: larger === sign ? y : field.F.neg(y) });
}

const base = { F: Fp, b: 4n, fromParts: ([n]) => n, toParts: (y) => [y] };
const twist = {
  F: Fp2,
  b: Fp2.fromBigTuple([4n, 4n]),
  fromParts: (parts) => Fp2.fromBigTuple(parts),
  toParts: (y) => [y.c0, y.c1],
};

function pointOutcome(Point, field, bytes) {
  const point = parsePoint(Point, field, bytes);
  if (point === null) return 'Encoding';
  if (point.is0()) return 'Identity';
  return point.isTorsionFree() ? 'accepted' : 'Subgroup';
}

function gtOutcome(bytes) {
  const f = untorus(bytes);
  if (f === null) return 'Encoding';
  return Fp12.eql(gtPower(f, R), Fp12.ONE) ? 'accepted' : 'Subgroup';
}

const outcomes = {
  g1: (bytes) => pointOutcome(G1, base, bytes),
  g2: (bytes) => pointOutcome(G2, twist, bytes),
  gt: gtOutcome,
};

// "order n" in a description is a claim of its own.
const hasOrder = {
  g1: (bytes, n) => parsePoint(G1, base, bytes).multiplyUnsafe(n).is0(),
  g2: (bytes, n) => parsePoint(G2, twist, bytes).multiplyUnsafe(n).is0(),
  gt: (bytes, n) => Fp12.eql(gtPower(untorus(bytes), n), Fp12.ONE),
};

let checks = 0;
let differences = 0;
const kinds = {
  delegator_key: 'g1',
  capsule: 'g1',
  delegatee_key: 'g2',
  reencryption_key: 'g2',
  reencrypted_capsule: 'gt',
};

function expect(what, expected, actual) {
  checks++;
  if (expected === actual) return;
  differences++;
  console.error(`${what}:\n  vector     ${expected}\n  recomputed ${actual}`);
}

expect('suite byte', vectors.suite_byte, SUITE[0]);
expect('number of cases', vectors.cases.length >= 6, true);
vectors.cases.forEach((v, i) => {
  for (const [name, bytes] of Object.entries(recompute(v))) {
    expect(`case ${i}, ${name}`, v[name], bytes.toString('hex'));
  }
  for (const [name, kind] of Object.entries(kinds)) {
    expect(`case ${i}, ${name} as parsed`, 'accepted', outcomes[kind](unhex(v[name]).subarray(1)));
  }
});
for (const [kind, list] of Object.entries(vectors.refused)) {
  expect(`refused ${kind} are present`, list.length > 0, true);
  for (const { what, bytes, why } of list) {
    const body = unhex(bytes).subarray(1);
    expect(`${kind}, ${what}`, why, outcomes[kind](body));
    const order = /^order (\d+)$/.exec(what);
    if (order) expect(`${kind}, ${what}, by multiplication`, true, hasOrder[kind](body, BigInt(order[1])));
  }
}

if (differences > 0) {
  console.error(`delegation: ${differences} of ${checks} checks differ`);
  process.exit(1);
}
console.log(`delegation: ${checks} values recomputed, all equal`);
