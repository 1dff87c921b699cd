//! The tree's bytes: frozen roots at every edge size, and equality with an independent implementation.
#![allow(clippy::unwrap_used)]

use rust_unixfs::file::adder::{
    BalancedCollector, Chunker, FileAdder, FileBranchLink, build_file_from_leaves, parse_file_branch,
};
use yilian_dag::{Block, BuildError, Builder, Cid, Codec, LEAF, Layout, Node, Position, root_of};

const VECTORS: &str = include_str!("../../../spec/vectors/dag.json");

/// Byte `i` is `i * 31 + (i >> 8) * 17` modulo 256, as the vectors say.
fn file(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(31) + (i >> 8).wrapping_mul(17)) as u8).collect()
}

fn build(file: &[u8]) -> (Cid, Vec<Block>) {
    let mut builder = Builder::new();
    let mut nodes = Vec::new();
    for leaf in file.chunks(LEAF) {
        nodes.extend(builder.push(leaf).unwrap().nodes);
    }
    let built = builder.finish();
    assert_eq!(built.bytes, file.len() as u64);
    nodes.extend(built.nodes);
    (built.root, nodes)
}

fn oracle(file: &[u8]) -> (String, Vec<Vec<u8>>) {
    let mut adder = FileAdder::builder()
        .with_chunker(Chunker::Size(LEAF))
        .with_collector(BalancedCollector::with_branching_factor(174))
        .with_cid_version(cid::Version::V1)
        .with_raw_leaves(true)
        .build();
    let mut blocks = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let (made, consumed) = adder.push(rest);
        blocks.extend(made);
        rest = &rest[consumed..];
    }
    blocks.extend(adder.finish());
    let root = blocks.last().unwrap().0.to_string();
    let nodes = blocks.into_iter().filter(|(cid, _)| cid.codec() == 0x70).map(|(_, bytes)| bytes);
    (root, nodes.collect())
}

#[test]
fn roots_at_edge_sizes_are_the_frozen_ones_and_the_oracles() {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let roots = vectors["roots"].as_array().unwrap();
    assert_eq!(roots.len(), 9);
    for vector in roots {
        let bytes = file(vector["bytes"].as_u64().unwrap() as usize);
        let (root, nodes) = build(&bytes);
        let (their_root, their_nodes) = oracle(&bytes);
        assert_eq!(root.to_string(), vector["root"].as_str().unwrap(), "{} bytes", bytes.len());
        assert_eq!(root.to_string(), their_root);
        assert_eq!(nodes.into_iter().map(|node| node.bytes).collect::<Vec<_>>(), their_nodes);
        assert_eq!(root_of(&bytes).unwrap(), root);
    }
}

#[test]
fn three_level_trees_equal_the_oracles_and_the_layout() {
    for leaves in [1usize, 2, 174, 175, 348, 349, 174 * 174, 174 * 174 + 1, 174 * 174 + 175] {
        let tail = 1000;
        let cid_of = |n: usize| Cid::of(Codec::Raw, &(n as u64).to_be_bytes());
        let len_of = |n: usize| if n + 1 == leaves { tail } else { LEAF };
        let mut builder = Builder::new();
        let mut nodes = Vec::new();
        for n in 0..leaves {
            nodes.extend(builder.push_hashed(cid_of(n), len_of(n)).unwrap().nodes);
        }
        let built = builder.finish();
        nodes.extend(built.nodes.clone());

        let links: Vec<FileBranchLink> = (0..leaves)
            .map(|n| FileBranchLink {
                cid: cid_of(n).to_string().parse().unwrap(),
                blocksize: len_of(n) as u64,
                tsize: len_of(n) as u64,
            })
            .collect();
        let (root, total, theirs) =
            build_file_from_leaves(&links, cid::Version::V1, multihash_codetable::Code::Sha2_256);
        assert_eq!(built.root.to_string(), root.to_string(), "{leaves} leaves");
        let bytes: Vec<Vec<u8>> = nodes.iter().map(|node| node.bytes.clone()).collect();
        assert_eq!(bytes, theirs.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>());

        let layout = Layout::new(built.bytes).unwrap();
        assert_eq!(layout.leaves(), leaves as u64);
        assert_eq!(layout.nodes(), nodes.len() as u64);
        assert_eq!(layout.total_size(layout.root()), total);
        for (index, node) in nodes.iter().rev().take(1).enumerate() {
            let decoded = Node::decode(&node.bytes).unwrap();
            let theirs = parse_file_branch(&node.bytes).unwrap();
            assert_eq!(decoded.file_size, theirs.filesize);
            let at = Position { level: layout.depth(), index: index as u64 };
            for (child, link) in layout.children(at).zip(&decoded.links) {
                let at = Position { level: layout.depth() - 1, index: child };
                assert_eq!((link.file_size, link.total_size), (layout.file_size(at), layout.total_size(at)));
            }
        }
    }
}

#[test]
fn builder_refuses_leaves_out_of_shape_and_stays_usable() {
    let mut builder = Builder::new();
    assert_eq!(builder.push(&vec![0; LEAF + 1]), Err(BuildError::LeafTooLarge(LEAF + 1)));
    assert_eq!(builder.push(b""), Err(BuildError::EmptyLeaf));
    assert_eq!(builder.push_hashed(Cid::of(Codec::DagPb, b"x"), 1), Err(BuildError::Codec));
    builder.push(b"short").unwrap();
    assert_eq!(builder.push(b"more"), Err(BuildError::AfterShortLeaf));
    assert_eq!(builder.finish().root, root_of(b"short").unwrap());
}
