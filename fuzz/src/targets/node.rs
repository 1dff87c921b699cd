//! A node's settings, rows of its stores, headers of requests.

use std::path::Path;

use yilian_crypto::Secret;
use yilian_node::{NodeConfig, config::Settings, fuzz};

use super::fixtures::FIXTURES;
use crate::target::{Target, choose, chosen};

/// Settings that are taken are bounded; what is written back is read as the same.
fn settings(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Some(settings) = fuzz::settings(text) else { return false };
    let written = fuzz::settings_text(&settings);
    assert_eq!(fuzz::settings(&written).as_ref(), Some(&settings), "{written}");
    let genesis = FIXTURES.world.genesis.clone();
    NodeConfig::new(Path::new("/nowhere"), settings, genesis, Secret::new([1; 32])).is_ok()
}

fn example() -> Settings {
    fuzz::settings("http = \"127.0.0.1:1\"\np2p = \"127.0.0.1:2\"\npeers = []\n").expect("the least there is")
}

pub const SETTINGS: Target = Target::new("settings", "node.toml", settings, || {
    let full = fuzz::settings_text(&example());
    let peer = format!("[[peers]]\nkey = \"{}\"\naddress = \"[::1]:3\"\n", "0a".repeat(32));
    let more = full.replacen("peers = []\n", "", 1) + &peer;
    vec![full.into_bytes(), more.into_bytes()]
})
.long(4096, 4 << 20);

/// What is understood encodes to what came.
fn stored(input: &[u8]) -> bool {
    let Some((rest, choice)) = choose(input, &[(), ()]) else { return false };
    let encoded = if choice == 0 { fuzz::envelope(rest) } else { fuzz::backup_head(rest) };
    if let Some(encoded) = &encoded {
        assert_eq!(encoded, rest, "two encodings of one row");
    }
    encoded.is_some()
}

pub const STORED: Target =
    Target::new("stored-rows", "mailbox and backup rows in a node's database", stored, || {
        let mut envelope = vec![0; 24];
        envelope[1] = 1;
        let key = yilian_crypto::sign::SigningKey::from_seed(Secret::new([9; 32])).verifying_key();
        let head = [&[0; 8][..], &[1], key.as_bytes(), &[1], &[7; 64], &[0; 4], &[1], &[0; 8]].concat();
        vec![chosen(0, envelope), chosen(1, head)]
    });

pub const ACCEPT: Target = Target::new(
    "accept",
    "the Accept and If-None-Match headers of the gateway",
    |input| std::str::from_utf8(input).is_ok_and(fuzz::accepts),
    || {
        let car = "text/html, application/vnd.ipld.car; version=1; order=dfs; dups=y, */*;q=0.1";
        [car, "application/vnd.ipld.raw", "application/vnd.ipld.car;q=0"].map(|s| s.into()).to_vec()
    },
);
