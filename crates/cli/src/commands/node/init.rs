//! `node init`: a validator's key and settings.

use std::{fs, net::SocketAddr, path::PathBuf, str::FromStr};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use yilian_api::encoding::{from_hex, key_from_hex, to_hex};
use yilian_crypto::{Secret, sign::SigningKey};
use yilian_node::config::{
    CONFIG_FILE, GENESIS_FILE, KEY_FILE, Limits, Peer, Pool, Settings, keyfile, read_genesis,
};

use crate::{native::rng, output::Output};

#[derive(Debug, Args)]
pub struct Init {
    /// The validator's folder; made if absent
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// Genesis of the chain; may be put into the folder later, as genesis.bin
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,

    /// Where clients connect to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    http: SocketAddr,

    /// Where the other validators connect to
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9000")]
    p2p: SocketAddr,

    /// Where metrics are served, at /metrics
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,

    /// Another validator: its key (64 hex digits), address, and base address of its HTTP interface for copies of content;
    /// repeatable
    #[arg(long = "peer", value_name = "KEY@ADDRESS[,URL]")]
    peers: Vec<PeerArgument>,

    /// Signing key (66 hex digits) of an authority whose ticket keys this node co-signs; repeatable
    #[arg(long = "authority", value_name = "KEY", value_parser = authority_key)]
    authorities: Vec<String>,
}

#[derive(Clone, Debug)]
struct PeerArgument(Peer);

impl FromStr for PeerArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, address) = text.split_once('@').ok_or("a peer is written KEY@ADDRESS[,URL]")?;
        let (address, api) = match address.split_once(',') {
            Some((address, url)) => (address, Some(url.to_owned())),
            None => (address, None),
        };
        from_hex::<32>(key).map_err(|error| format!("the peer's key: {error}"))?;
        let address = address.parse().map_err(|_| "the peer's address is written IP:PORT")?;
        Ok(Self(Peer { key: key.into(), address, api }))
    }
}

fn authority_key(text: &str) -> Result<String, String> {
    key_from_hex(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

pub fn init(args: Init, output: Output) -> anyhow::Result<()> {
    let dir = &args.dir;
    // Before anything is written.
    let genesis = args.genesis.as_deref().map(|path| read_genesis(path).map(|_| path)).transpose()?;
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let seed = Secret::random(&mut rng());
    keyfile::write(&dir.join(KEY_FILE), &seed).with_context(|| {
        format!("{} is a validator's folder already, or cannot be written", dir.display())
    })?;
    let settings = Settings {
        http: args.http,
        p2p: args.p2p,
        peers: args.peers.into_iter().map(|PeerArgument(peer)| peer).collect(),
        authorities: args.authorities,
        metrics: args.metrics,
        tls: None,
        serve: Default::default(),
        limits: Limits::default(),
        pool: Pool::default(),
        mailbox: Default::default(),
        backup: Default::default(),
        content: Default::default(),
        copies: Default::default(),
    };
    let config = dir.join(CONFIG_FILE);
    fs::write(&config, toml::to_string(&settings)?)
        .with_context(|| format!("cannot write {}", config.display()))?;
    if let Some(genesis) = genesis {
        fs::copy(genesis, dir.join(GENESIS_FILE)).context("cannot copy the genesis")?;
    }
    let key = to_hex(SigningKey::from_seed(seed).verifying_key().as_bytes());
    output.result(&json!({ "validator": key, "config": config }), || {
        format!(
            "Validator {key}\n\nThe key lies in {}: keep a copy of it offline. Next:\n  1. give the key above to whoever writes the \
             genesis, and put the genesis into the folder as {GENESIS_FILE}\n  2. name the other validators under [[peers]] in \
             {}\n  3. yilian node run --config {}",
            dir.join(KEY_FILE).display(),
            config.display(),
            config.display()
        )
    })
}
