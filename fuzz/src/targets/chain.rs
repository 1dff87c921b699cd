//! What validators send each other, and what a node reads back from its store.

use commonware_codec::Encode as _;
use yilian_chain::fuzz;

use super::fixtures::{FIXTURES, encoded};
use crate::target::{Target, choose, chosen};

/// What is understood encodes to what came.
fn same(input: &[u8], decoder: fn(&[u8]) -> Option<Vec<u8>>) -> bool {
    let encoded = decoder(input);
    if let Some(encoded) = &encoded {
        assert_eq!(encoded, input, "two encodings of one value");
    }
    encoded.is_some()
}

/// As it comes; or a body under a header that commits to whatever the body is, which no mutation would find.
fn block(input: &[u8]) -> bool {
    match choose(input, &[(), ()]) {
        Some((raw, 0)) => same(raw, fuzz::block),
        Some((body, _)) => {
            let transactions: Vec<&[u8]> = body.split(|byte| *byte == 0).collect();
            let block = fuzz::make_block(&FIXTURES.snapshot.header, &transactions);
            let fits = transactions.len() <= fuzz::MAX_TRANSACTIONS;
            assert_eq!(fuzz::block(&block).is_some(), fits, "a block that its header commits to");
            same(&block, fuzz::block)
        }
        None => false,
    }
}

pub const BLOCK: Target = Target::new("block", "a block: a header and the body it commits to", block, || {
    let bodies = encoded();
    let whole: Vec<&[u8]> = bodies.iter().take(3).map(Vec::as_slice).collect();
    vec![
        chosen(0, fuzz::make_block(&FIXTURES.snapshot.header, &whole)),
        chosen(0, fuzz::make_block(&FIXTURES.snapshot.header, &[])),
        chosen(1, b"one\0two\0\0three"),
    ]
})
.long(16 << 10, 8 << 20);

pub const GOSSIP: Target = Target::new(
    "gossip",
    "a batch of transactions from a peer",
    |input| same(input, fuzz::gossip),
    || {
        let bodies: Vec<bytes::Bytes> = encoded().into_iter().map(bytes::Bytes::from).collect();
        vec![bodies[..2].to_vec().encode().to_vec(), Vec::<bytes::Bytes>::new().encode().to_vec()]
    },
)
.long(16 << 10, 8 << 20);

pub const STORED: Target = Target::new(
    "block-row",
    "a finalized block's row in the entry store",
    |input| same(input, fuzz::row),
    || vec![fuzz::make_row(&FIXTURES.snapshot)],
);
