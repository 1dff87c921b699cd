use std::{fs, path::Path};

use tempfile::TempDir;
use yilian_files::{FormatError, OpenError};
use yilian_ledger::{ChainId, Genesis};
use yilian_node::{
    ConfigError, Endpoints, Localnet, NodeConfig,
    config::keyfile,
    database,
    datadir::{DataDir, DataDirError},
};
use yilian_testkit::ledger::{Seeded, World};

/// Directories of a network of four that nobody started.
fn written() -> (TempDir, Localnet, Genesis, Vec<std::path::PathBuf>) {
    let localnet = Localnet::generate(4, &mut Seeded::new(1)).unwrap();
    let genesis = Genesis { committee: localnet.committee(), ..World::new(1).genesis };
    let dir = tempfile::tempdir().unwrap();
    let endpoints = Endpoints::loopback(30_000, 4).unwrap();
    let dirs = localnet.write(&genesis, &endpoints, &[], |i| dir.path().join(i.to_string())).unwrap();
    (dir, localnet, genesis, dirs)
}

fn edit(dir: &Path, change: impl FnOnce(String) -> String) -> Result<NodeConfig, ConfigError> {
    let path = dir.join("node.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, change(text)).unwrap();
    NodeConfig::load(dir)
}

#[test]
fn a_written_network_loads_with_distinct_ports_and_all_peers() {
    let (_dir, localnet, genesis, dirs) = written();
    let mut addresses = std::collections::BTreeSet::new();
    for (index, dir) in dirs.iter().enumerate() {
        let config = NodeConfig::load(dir).unwrap();
        assert_eq!(config.chain.genesis, genesis);
        assert_eq!(config.chain.signer.expose(), localnet.signer(index).unwrap().expose());
        assert_eq!(config.chain.peers.len(), 3);
        assert!(!config.chain.peers.iter().any(|(key, _)| *key == genesis.committee[index]));
        assert!(addresses.insert(config.http) && addresses.insert(config.chain.listen));
    }
    assert!(Localnet::generate(0, &mut Seeded::new(1)).is_err());
    assert!(Endpoints::loopback(65_530, 4).is_err());
}

#[test]
fn settings_that_are_unknown_malformed_or_out_of_bounds_are_refused() {
    let (_dir, .., dirs) = written();
    let load = |dir: usize, change: fn(String) -> String| edit(&dirs[dir], change).unwrap_err();
    assert!(matches!(load(0, |text| format!("typo = 1\n{text}")), ConfigError::Toml { .. }));
    assert!(matches!(
        load(1, |text| text.replace("subscribers = 256", "subscribers = 1000000")),
        ConfigError::OutOfBounds { key: "limits.subscribers", .. }
    ));
    assert!(matches!(
        load(2, |text| text.replacen("key = \"", "key = \"x", 1)),
        ConfigError::Peer { index: 0, .. }
    ));
    assert!(matches!(load(3, |text| " ".repeat(300 << 10) + &text), ConfigError::TooLong { .. }));
}

#[test]
fn an_authority_key_that_is_none_is_refused() {
    let (_dir, .., dirs) = written();
    let change = |text: String| text.replace("authorities = []", "authorities = [\"00\"]");
    assert!(matches!(edit(&dirs[0], change), Err(ConfigError::Authority { index: 0, .. })));
}

#[test]
fn missing_and_damaged_files_are_named() {
    let (_dir, .., dirs) = written();
    fs::write(dirs[0].join("genesis.bin"), b"x").unwrap();
    assert!(matches!(NodeConfig::load(&dirs[0]), Err(ConfigError::Genesis { .. })));
    fs::remove_file(dirs[1].join("node.toml")).unwrap();
    let error = NodeConfig::load(&dirs[1]).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }) && error.to_string().contains("node.toml"));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused_and_none_is_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, localnet, _, dirs) = written();
    let path = dirs[0].join("validator.key");
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(keyfile::write(&path, localnet.signer(1).unwrap()), Err(ConfigError::Write { .. })));
    assert_eq!(keyfile::read(&path).unwrap().expose(), localnet.signer(0).unwrap().expose());
    for open in [0o640, 0o604, 0o620] {
        mode(open);
        assert!(matches!(keyfile::read(&path), Err(ConfigError::KeyMode { .. })), "{open:o}");
    }
    mode(0o600);
    let good = fs::read_to_string(&path).unwrap();
    for text in ["", "00", &good[1..], &format!("0{good}"), &format!("{good}\n"), &good.replace('0', "g")] {
        fs::write(&path, text).unwrap();
        assert!(matches!(keyfile::read(&path), Err(ConfigError::Key { .. })), "{text:?}");
    }
}

#[test]
fn a_directory_belongs_to_one_chain_and_one_format() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (World::new(1).chain, World::new(2).chain);
    let open = |chain: ChainId| DataDir::open(dir.path(), chain);
    open(ours).unwrap();
    open(ours).unwrap();
    assert!(matches!(open(other), Err(DataDirError::OtherChain { .. })));

    let stamp = dir.path().join("version");
    let good = fs::read_to_string(&stamp).unwrap();
    fs::write(&stamp, good.replacen('2', "1", 1)).unwrap();
    assert!(matches!(open(ours), Err(DataDirError::Format(FormatError::Older { found: 1, .. }))));
    fs::write(&stamp, good.replacen('2', "3", 1)).unwrap();
    assert!(matches!(open(ours), Err(DataDirError::Format(FormatError::Newer { found: 3, .. }))));
    for text in [&b""[..], b"1", b"x y", b"\xff 1"] {
        fs::write(&stamp, text).unwrap();
        assert!(matches!(open(ours), Err(DataDirError::Stamp { .. })));
    }
    fs::remove_file(&stamp).unwrap();
    fs::write(dir.path().join("node.redb"), b"data").unwrap();
    assert!(matches!(open(ours), Err(DataDirError::Unstamped)));
}

#[test]
fn refuses_a_database_of_another_format() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.redb");
    drop(database::open(&path, 1 << 20).unwrap());
    let future = redb::Database::create(&path).unwrap();
    let write = future.begin_write().unwrap();
    let format = redb::TableDefinition::<&str, u32>::new("format");
    write.open_table(format).unwrap().insert("number", 9).unwrap();
    write.commit().unwrap();
    drop(future);
    assert!(matches!(
        database::open(&path, 1 << 20),
        Err(OpenError::Format(FormatError::Newer { found: 9, .. }))
    ));
}
