//! What `deploy/` founds can be started: every folder of the ceremony is read as a service does at its start.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod common;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use yilian_cli::{authority::folder::Folder, network::Known};
use yilian_node::NodeConfig;
use yilian_transport::tls::Tls;

const NODES: usize = 4;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

#[test]
fn the_ceremony_founds_what_compose_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ran = Command::new("bash")
        .arg(deploy("ceremony.sh"))
        .arg(&data)
        .env("YILIAN", env!("CARGO_BIN_EXE_yilian"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    let known = Known::read(&data.join("network.json")).unwrap();
    let compose = std::fs::read_to_string(deploy("compose.yaml")).unwrap();
    let (mut keys, mut listening) = (Vec::new(), Vec::new());
    for index in 1..=NODES {
        let dir = data.join(format!("node-{index}"));
        let config = NodeConfig::load(&dir).unwrap();
        assert_eq!(config.chain.genesis, known.genesis);
        assert_eq!(config.chain.peers.len(), NODES - 1);
        let tls = Tls::load(config.tls.unwrap(), known.genesis.roots.clone()).unwrap();
        assert!(tls.until() > 0);
        keys.push(config.chain.peers.iter().map(|(key, _)| *key).collect::<Vec<_>>());
        listening.extend(config.chain.peers.iter().map(|(_, address)| *address));
        let url = &known.description.nodes[index - 1].url;
        let published = format!("127.0.0.1:{}:8080", url.rsplit(':').next().unwrap());
        assert!(compose.contains(&published) && compose.contains(&format!("./data/node-{index}:")));
    }
    listening.sort_unstable();
    listening.dedup();
    assert_eq!(listening.len(), NODES);
    for address in listening {
        assert!(compose.contains(&format!("ipv4_address: {} ", address.ip())), "{address}");
    }
    // Everybody names everybody else and nobody twice.
    for (own, named) in keys.iter().enumerate() {
        let committee = &known.genesis.committee;
        let me: [u8; 32] = yilian_api::encoding::from_hex(&known.description.nodes[own].validator).unwrap();
        assert!(committee.iter().all(|key| *key == me || named.contains(key)));
    }
    let authority = Folder::at(&data.join("authority"));
    let settings = authority.settings().unwrap();
    Tls::load(settings.tls.unwrap().below(&authority.path("")), known.genesis.roots.clone()).unwrap();
    assert_eq!(settings.nodes.len(), NODES);
    let again = Command::new("bash").arg(deploy("ceremony.sh")).arg(&data).output().unwrap();
    assert!(!again.status.success(), "a chain is founded once");
}

#[test]
fn units_run_commands_that_exist() {
    for (unit, words) in
        [("yilian-node.service", "node run"), ("yilian-authority.service", "authority serve")]
    {
        let text = std::fs::read_to_string(deploy(unit)).unwrap();
        let start =
            text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/yilian ")).unwrap();
        assert!(start.starts_with(words), "{start}");
        let arguments: Vec<&str> = start.split(' ').chain(["--help"]).collect();
        common::run(&arguments).success();
    }
}
