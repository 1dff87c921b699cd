//! Decoders with a defect planted on purpose. The driver fails unless each is found: fuzzing that finds nothing here
//! finds nothing anywhere.

use commonware_codec::{Copying, Encode as _, FixedSize as _, Read as _, ReadExt as _};
use yilian_ledger::transaction::Withdraw;

use super::fixtures::FIXTURES;
use crate::target::{Target, chosen};

/// A transaction's decoder that forgets to look for trailing bytes.
fn trailing(input: &[u8]) -> bool {
    let mut rest = Copying(input);
    let Ok(transaction) = yilian_ledger::Transaction::read(&mut rest) else { return false };
    assert_eq!(transaction.encode(), input, "two encodings of one value");
    true
}

pub const TRAILING: Target =
    Target::new("control-trailing", "planted: trailing bytes are not refused", trailing, || {
        let withdraw = Withdraw::sign(FIXTURES.world.chain, &FIXTURES.world.validators[0]);
        vec![withdraw.encode().to_vec()]
    });

/// A list whose announced length is believed before its bytes have come.
fn length(input: &[u8]) -> bool {
    let mut rest = Copying(input);
    let Ok(count) = u32::read(&mut rest) else { return false };
    let mut digests: Vec<[u8; 32]> = Vec::with_capacity(count as usize & 0xff_ffff);
    for _ in 0..count {
        let Ok(digest) = <[u8; 32]>::read_cfg(&mut rest, &()) else { return false };
        digests.push(digest);
    }
    !digests.is_empty()
}

pub const LENGTH: Target = Target::new("control-length", "planted: a length is believed", length, || {
    vec![[&1u32.to_be_bytes()[..], &[7; 32]].concat()]
});

/// A panic behind four bytes that chance would not find in a lifetime: coverage and traced comparisons must lead there.
fn panic(input: &[u8]) -> bool {
    if input.len() < u32::SIZE + 1 {
        return false;
    }
    let tag = u32::from_be_bytes([input[0], input[1], input[2], input[3]]);
    if tag == 0x59_49_4c_4e && input[4] > 200 {
        panic!("planted");
    }
    true
}

pub const PANIC: Target =
    Target::new("control-panic", "planted: a panic behind a magic number", panic, || vec![chosen(0, [0; 8])]);
