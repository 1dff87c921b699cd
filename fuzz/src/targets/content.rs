//! Content addresses, interior nodes, CAR streams, the verifying reader.

use std::sync::LazyLock;

use yilian_dag::{Cid, Codec, LEAF, Link, Node, Position, Reader, StreamVerifier, car};

use crate::target::{Target, choose, chosen, decodes};

fn text(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(cid) = text.parse::<Cid>() else { return false };
    assert_eq!(cid.to_string(), text, "two texts of one address");
    true
}

fn binary(input: &[u8]) -> bool {
    let Ok(cid) = Cid::from_binary(input) else { return false };
    assert_eq!(cid.to_binary(), input, "two forms of one address");
    true
}

const CIDS: [fn(&[u8]) -> bool; 3] = [text, binary, decodes::<Cid>];

pub const CID: Target = Target::new(
    "cid",
    "content addresses: text, binary, compact",
    |input| choose(input, &CIDS).is_some_and(|(rest, choice)| CIDS[choice](rest)),
    || {
        let (raw, node) = (Cid::of(Codec::Raw, b"x"), Cid::of(Codec::DagPb, b"y"));
        vec![
            chosen(0, raw.to_string()),
            chosen(0, node.to_string()),
            chosen(1, raw.to_binary()),
            chosen(2, node.to_compact()),
        ]
    },
);

fn node(input: &[u8]) -> bool {
    let Ok(node) = Node::decode(input) else { return false };
    assert_eq!(node.encode().bytes, input, "two encodings of one node");
    true
}

/// A file of three leaves, its root node, and its CAR.
struct File {
    leaves: Vec<Vec<u8>>,
    root: yilian_dag::Block,
    car: Vec<u8>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    let leaves = vec![vec![1; LEAF], vec![2; LEAF], vec![3; 100]];
    let cids: Vec<Cid> = leaves.iter().map(|leaf| Cid::of(Codec::Raw, leaf)).collect();
    let link = |(cid, leaf): (&Cid, &Vec<u8>)| Link {
        cid: *cid,
        file_size: leaf.len() as u64,
        total_size: leaf.len() as u64,
    };
    let root = Node::new(cids.iter().zip(&leaves).map(link).collect()).encode();
    let mut bytes = car::header(&root.cid);
    for (cid, block) in [(&root.cid, &root.bytes)].into_iter().chain(cids.iter().zip(&leaves)) {
        bytes.extend(car::frame_head(cid, block.len()));
        bytes.extend_from_slice(block);
    }
    File { leaves, root, car: bytes }
});

pub const NODE: Target =
    Target::new("dag-node", "an interior node of the DAG", node, || vec![FILE.root.bytes.clone()])
        .long(16 << 10, 1 << 20);

/// A small object's CAR, cut as the first byte says; what is handed out is the object's.
fn car_stream(input: &[u8]) -> bool {
    let Some((step, rest)) = input.split_first() else { return false };
    let root = Cid::of(Codec::Raw, b"object");
    let mut verifier = StreamVerifier::new(root);
    for piece in rest.chunks(usize::from(*step).max(1)) {
        let pushed = verifier.push(piece, |_, leaf| assert_eq!(leaf, b"object", "foreign bytes handed out"));
        if pushed.is_err() {
            return false;
        }
    }
    verifier.finish().is_ok()
}

pub const CAR: Target = Target::new("car", "a CARv1 stream of one object", car_stream, || {
    let root = Cid::of(Codec::Raw, b"object");
    let mut bytes = car::header(&root);
    bytes.extend(car::frame_head(&root, 6));
    bytes.extend_from_slice(b"object");
    vec![chosen(255, &bytes), chosen(7, &bytes), chosen(59, car::header(&root))]
});

/// Blocks of a real file, in any order, at any position, whole, cut or bent: only the right one fits.
fn reader(input: &[u8]) -> bool {
    let (root, leaves) = (&FILE.root, &FILE.leaves);
    let mut reader = Reader::new(root.cid);
    let mut accepted = false;
    for step in input.as_chunks::<4>().0.iter().take(32) {
        let [what, level, index, bend] = *step;
        let at = Position { level: usize::from(level % 4), index: u64::from(index % 5) };
        let (original, own) = match usize::from(what) % 5 {
            leaf @ 0..3 => (&leaves[leaf], Position { level: 0, index: leaf as u64 }),
            _ => (&root.bytes, Position { level: 1, index: 0 }),
        };
        let mut block = original.clone();
        match bend % 4 {
            0 => {}
            1 => block.truncate(usize::from(bend)),
            2 => block.push(bend),
            _ => block[0] ^= bend,
        }
        let fits = reader.accept(at, &block).is_ok();
        assert!(!fits || (block == *original && at == own), "a block that is not of this place is accepted");
        accepted |= fits;
        for wanted in reader.wanted(0..u64::MAX, 8) {
            assert_eq!(reader.cid_at(wanted.at), Some(wanted.cid));
        }
        if what > 250 {
            reader.release(u64::from(index));
        }
    }
    accepted
}

pub const READER: Target = Target::new("dag-reader", "blocks handed to the verifying reader", reader, || {
    vec![
        [4, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 2, 0, 2, 0].to_vec(),
        [4, 1, 0, 0, 1, 0, 0, 0, 255, 1, 1, 3].to_vec(),
        FILE.car[..64].to_vec(),
    ]
})
.long(128, 4 << 20);
