//! What the verifying reader accepts, and each way a block can be wrong.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use yilian_dag::{
    Accepted, Builder, Cid, Codec, LEAF, Layout, Link, Node, NodeError, Position, Reader, StreamError,
    StreamVerifier, VerifyError, Wanted, car,
};

/// A file whose leaves all differ, and its blocks.
struct File {
    root: Cid,
    bytes: Vec<u8>,
    blocks: BTreeMap<Cid, Vec<u8>>,
}

fn file(leaves: usize, tail: usize) -> File {
    let len = (leaves - 1) * LEAF + tail;
    let bytes: Vec<u8> = (0..len).map(|i| if i % LEAF < 8 { (i / LEAF) as u8 } else { 5 }).collect();
    let mut builder = Builder::new();
    let mut blocks = BTreeMap::new();
    for leaf in bytes.chunks(LEAF) {
        let pushed = builder.push(leaf).unwrap();
        blocks.insert(pushed.cid, leaf.to_vec());
        blocks.extend(pushed.nodes.into_iter().map(|node| (node.cid, node.bytes)));
    }
    let built = builder.finish();
    blocks.extend(built.nodes.into_iter().map(|node| (node.cid, node.bytes)));
    File { root: built.root, bytes, blocks }
}

fn leaf(index: u64) -> Position {
    Position { level: 0, index }
}

/// Accepts interior nodes until only leaves are wanted.
fn descend(reader: &mut Reader, file: &File, leaves: std::ops::Range<u64>) -> Vec<Wanted> {
    loop {
        let wanted = reader.wanted(leaves.clone(), 1000);
        let nodes: Vec<_> = wanted.iter().filter(|want| want.at.level > 0).copied().collect();
        if nodes.is_empty() {
            return wanted;
        }
        for want in nodes {
            assert_eq!(reader.accept(want.at, &file.blocks[&want.cid]).unwrap(), Accepted::Node);
        }
    }
}

#[test]
fn asks_only_for_the_blocks_of_the_range() {
    let file = file(180, 99);
    let mut reader = Reader::new(file.root);
    let wanted = descend(&mut reader, &file, 173..176);
    assert_eq!(wanted.iter().map(|want| want.at).collect::<Vec<_>>(), [leaf(173), leaf(174), leaf(175)]);
    let mut other = Reader::new(file.root);
    assert_eq!(other.wanted(175..176, 9).len(), 1);
    assert_eq!(descend(&mut other, &file, 175..176).len(), 1);
    assert_eq!(other.cid_at(leaf(3)), None, "the first subtree was not fetched");
    let got = other.accept(leaf(175), &file.blocks[&other.cid_at(leaf(175)).unwrap()]).unwrap();
    assert_eq!(got, Accepted::Leaf { index: 175, offset: 175 * LEAF as u64 });
}

#[test]
fn released_nodes_are_wanted_again() {
    let file = file(180, 99);
    let mut reader = Reader::with_length(file.root, file.bytes.len() as u64).unwrap();
    descend(&mut reader, &file, 0..180);
    reader.release(174);
    assert_eq!(reader.wanted(0..1, 9)[0].at, Position { level: 1, index: 0 });
    assert_eq!(reader.wanted(174..180, 99).len(), 6);
}

#[test]
fn refuses_changed_swapped_and_foreign_leaves() {
    let file = file(3, 500);
    let mut reader = Reader::new(file.root);
    let wanted = descend(&mut reader, &file, 0..3);
    let (first, second) = (wanted[0], wanted[1]);
    let mut flipped = file.blocks[&first.cid].clone();
    flipped[1234] ^= 1;
    assert_eq!(reader.accept(first.at, &flipped), Err(VerifyError::WrongBytes(first.cid)));
    let swapped = &file.blocks[&second.cid];
    assert_eq!(reader.accept(first.at, swapped), Err(VerifyError::WrongBytes(first.cid)));
    assert_eq!(reader.accept(first.at, b""), Err(VerifyError::WrongBytes(first.cid)));
    assert_eq!(reader.accept(first.at, &vec![0; LEAF + 1]), Err(VerifyError::BlockTooLarge(LEAF + 1)));
    assert_eq!(reader.accept(leaf(3), swapped), Err(VerifyError::Position(leaf(3))));
    assert!(reader.accept(first.at, &file.blocks[&first.cid]).is_ok());
}

#[test]
fn refuses_blocks_nobody_asked_for() {
    let file = file(3, 500);
    let mut reader = Reader::new(file.root);
    let at = Position { level: 9, index: 0 };
    for at in [at, leaf(0), Position { level: 1, index: u64::MAX }, Position { level: usize::MAX, index: 0 }]
    {
        assert_eq!(reader.accept(at, b"x"), Err(VerifyError::Position(at)));
    }
}

/// A root node with these links, handed to a reader of it.
fn accept_root(node: &Node) -> Result<Accepted, VerifyError> {
    let block = node.encode();
    let mut reader = Reader::new(block.cid);
    let at = reader.wanted(0..1, 1)[0].at;
    let got = reader.accept(at, &block.bytes);
    assert_eq!(got.is_ok(), reader.layout().is_some(), "a refused root leaves no trace");
    got
}

fn full() -> Link {
    Link { cid: Cid::of(Codec::Raw, b"any"), file_size: LEAF as u64, total_size: LEAF as u64 }
}

#[test]
fn refuses_declared_sizes_that_lie() {
    assert_eq!(accept_root(&Node::new(vec![full(), full()])), Ok(Accepted::Node));
    let size = |file_size, total_size| Link { file_size, total_size, ..full() };
    let expected = LEAF as u64;
    // The sum is right, its parts are not.
    let uneven = Node::new(vec![size(expected - 1, expected - 1), size(expected, expected)]);
    let error = VerifyError::LinkSize { link: 0, declared: expected - 1, expected };
    assert_eq!(accept_root(&uneven), Err(error));
    let cumulative = Node::new(vec![size(LEAF as u64, 1), full()]);
    assert_eq!(accept_root(&cumulative), Err(VerifyError::LinkSize { link: 0, declared: 1, expected }));
    let huge = Node::new(vec![size(u64::MAX / 2, 1), full()]);
    assert!(matches!(accept_root(&huge), Err(VerifyError::FileTooLarge(_))));
    let mut sum = Node::new(vec![full(), full()]);
    sum.file_size = 1 << 30;
    assert!(matches!(accept_root(&sum), Err(VerifyError::Node(NodeError::FileSize { .. }))));
}

#[test]
fn refuses_a_leaf_of_another_size_than_declared() {
    let short = Cid::of(Codec::Raw, b"short");
    let block = Node::new(vec![Link { cid: short, ..full() }, full()]).encode();
    let mut reader = Reader::new(block.cid);
    reader.accept(Position { level: 1, index: 0 }, &block.bytes).unwrap();
    let error = VerifyError::LeafSize { got: 5, expected: LEAF };
    assert_eq!(reader.accept(leaf(0), b"short"), Err(error));
}

#[test]
fn refuses_trees_deeper_or_shallower_than_the_length_gives() {
    let inner = Node::new(vec![full(), full()]).encode();
    let deep = Link { cid: inner.cid, file_size: LEAF as u64, total_size: LEAF as u64 };
    assert_eq!(accept_root(&Node::new(vec![deep, full()])), Err(VerifyError::TooDeep));
    // One link around a single leaf: the leaf itself would be the root.
    assert_eq!(accept_root(&Node::new(vec![full()])), Err(VerifyError::TooDeep));
    // 175 leaves' worth in two raw links.
    let wide = Link { file_size: 174 * LEAF as u64, total_size: 174 * LEAF as u64, ..full() };
    assert_eq!(accept_root(&Node::new(vec![wide, full()])), Err(VerifyError::TooShallow));
}

#[test]
fn refuses_a_bomb_that_links_one_node_over_and_over() {
    // Each level doubles what the one below declares; ten levels deep.
    let mut block = Node::new(vec![full(), full()]).encode();
    let mut size = 2 * LEAF as u64;
    for _ in 0..10 {
        let link = Link { cid: block.cid, file_size: size, total_size: size };
        block = Node::new(vec![link, link]).encode();
        size *= 2;
    }
    let mut reader = Reader::new(block.cid);
    let at = reader.wanted(0..1, 1)[0].at;
    assert!(matches!(reader.accept(at, &block.bytes), Err(VerifyError::LinkCount { .. })));
}

#[test]
fn refuses_another_length_than_announced() {
    let file = file(3, 500);
    let bytes = file.bytes.len() as u64;
    let mut reader = Reader::with_length(file.root, bytes + 1).unwrap();
    let at = reader.wanted(0..1, 1)[0].at;
    let error = VerifyError::FileSize { declared: bytes, expected: bytes + 1 };
    assert_eq!(reader.accept(at, &file.blocks[&file.root]), Err(error));
    assert!(matches!(Reader::with_length(file.root, 5), Err(VerifyError::TooDeep)));
    let single = Cid::of(Codec::Raw, b"x");
    assert!(matches!(Reader::with_length(single, 1 << 20), Err(VerifyError::TooShallow)));
    let mut reader = Reader::with_length(single, 2).unwrap();
    assert_eq!(reader.accept(leaf(0), b"x"), Err(VerifyError::LeafSize { got: 1, expected: 2 }));
}

fn frame(cid: &Cid, block: &[u8]) -> Vec<u8> {
    [car::frame_head(cid, block.len()).as_slice(), block].concat()
}

/// Frames of a file in depth-first order.
fn frames(file: &File, cid: &Cid, out: &mut Vec<Vec<u8>>) {
    let block = &file.blocks[cid];
    out.push(frame(cid, block));
    if cid.codec() == Codec::DagPb {
        for link in Node::decode(block).unwrap().links {
            frames(file, &link.cid, out);
        }
    }
}

fn download(file: &File, stream: &[u8], step: usize) -> Result<Vec<u8>, StreamError> {
    let mut verifier = StreamVerifier::new(file.root);
    let mut out = Vec::new();
    for piece in stream.chunks(step) {
        verifier.push(piece, |_, bytes| out.extend_from_slice(bytes))?;
    }
    verifier.finish()?;
    Ok(out)
}

#[test]
fn downloads_a_car_whole_and_refuses_every_rearrangement() {
    let file = file(4, 500);
    let mut parts = vec![car::header(&file.root)];
    frames(&file, &file.root, &mut parts);
    assert_eq!(download(&file, &parts.concat(), 10_007).unwrap(), file.bytes);

    let mut missing = parts.clone();
    missing.remove(3);
    assert!(matches!(download(&file, &missing.concat(), 70_000), Err(StreamError::Order { .. })));
    let mut swapped = parts.clone();
    swapped.swap(2, 3);
    assert!(matches!(download(&file, &swapped.concat(), 70_000), Err(StreamError::Order { .. })));
    let mut foreign = parts.clone();
    foreign[3] = frame(&Cid::of(Codec::Raw, b"foreign"), b"foreign");
    assert!(matches!(download(&file, &foreign.concat(), 70_000), Err(StreamError::Order { .. })));
    let mut flipped = parts.clone();
    *flipped[3].last_mut().unwrap() ^= 1;
    let error = download(&file, &flipped.concat(), 70_000);
    assert!(matches!(error, Err(StreamError::Verify(VerifyError::WrongBytes(_)))));
    let truncated = parts[..parts.len() - 1].concat();
    assert_eq!(download(&file, &truncated, 70_000), Err(StreamError::Missing(3)));
    let surplus = [parts.concat(), parts[2].clone()].concat();
    assert_eq!(download(&file, &surplus, 70_000), Err(StreamError::Surplus));
}

#[test]
fn the_length_of_a_car_is_known_beforehand() {
    for (leaves, tail) in
        [(1, 0), (1, 77), (1, 200), (1, LEAF), (2, 1), (4, 500), (174, LEAF), (175, 1), (349, 9)]
    {
        let file = file(leaves, tail);
        let mut blocks = file.blocks.clone();
        blocks.entry(file.root).or_insert_with(|| file.bytes.clone());
        let file = File { blocks, ..file };
        let mut parts = vec![car::header(&file.root)];
        frames(&file, &file.root, &mut parts);
        let layout = Layout::new(file.bytes.len() as u64).unwrap();
        assert_eq!(car::length(&layout), parts.iter().map(|part| part.len() as u64).sum::<u64>());
    }
}

#[test]
fn downloads_empty_and_single_leaf_files() {
    for bytes in [vec![], vec![9; 77]] {
        let root = Cid::of(Codec::Raw, &bytes);
        let blocks = BTreeMap::from([(root, bytes.clone())]);
        let file = File { root, bytes, blocks };
        let mut parts = vec![car::header(&root)];
        frames(&file, &root, &mut parts);
        assert_eq!(download(&file, &parts.concat(), 7).unwrap(), file.bytes);
        assert_eq!(download(&file, &parts[0], 7), Err(StreamError::Missing(0)));
    }
}
