//! `yilian node`: one validator.

mod approve;
mod init;
mod run;
mod status;
pub mod tls;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use yilian_crypto::certificate::server::Host;
use yilian_node::{NodeConfig, config::CONFIG_FILE};

use crate::{args::Global, output::Output};

const RUN_HELP: &str = "\
Runs one validator: consensus with the others, the HTTP interface for clients, the store of ciphertext. The folder of \
node.toml holds all that it needs (genesis.bin, validator.key) and all that it writes. SIGTERM or Ctrl-C ends it gracefully.

SIGHUP makes it read its TLS certificate again, which it otherwise does within ten seconds of a change.

The log goes to standard error; YILIAN_LOG sets its filter, such as `debug` or `info,yilian_node=trace`.";

const INIT_EXAMPLES: &str = "\
Examples:
  yilian node init --dir /var/lib/yilian --genesis genesis.bin \\
      --http 127.0.0.1:8080 --p2p 203.0.113.5:9000 \\
      --peer 1f…c0@198.51.100.7:9000,https://one.example \
      --peer 77…21@192.0.2.9:9000,https://two.example

The key is printed: whoever writes the genesis needs it. Genesis and peers may be added later.";

const PROPOSE_EXAMPLES: &str = "\
Examples:
  yilian node propose --out change.json parameters --stale-after-seconds 60
  yilian node propose --out root.json add-root new-root.der
  yilian node propose --out end.json revoke-root 5c…9e

Roots and parameters change when more than two thirds of the validators sign. Pass the file from operator to operator; \
each signs it with `yilian node approve`. The last one needed brings it to the chain.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a validator
    #[command(long_about = RUN_HELP)]
    Run(run::Run),

    /// Make a validator's folder: key and settings
    #[command(after_long_help = INIT_EXAMPLES)]
    Init(init::Init),

    /// Show what nodes say of themselves
    Status(status::Status),

    /// The certificate of the HTTP interface: ask for it, put it into use
    Tls(tls::Tls),

    /// Write a change of roots or parameters, for the operators to sign
    #[command(after_long_help = PROPOSE_EXAMPLES)]
    Propose(approve::Propose),

    /// Sign a proposed change with this validator's key; submit it when enough have signed
    Approve(approve::Approve),
}

/// A validator's folder.
#[derive(Debug, Args)]
struct Config {
    /// The validator's node.toml, or the folder it lies in
    #[arg(long, value_name = "FILE", env = "YILIAN_NODE")]
    config: PathBuf,
}

impl Config {
    fn dir(&self) -> PathBuf {
        let is_file = self.config.file_name().is_some_and(|name| name == CONFIG_FILE);
        let parent = || self.config.parent().filter(|parent| !parent.as_os_str().is_empty());
        if is_file { parent().unwrap_or(Path::new(".")).to_owned() } else { self.config.clone() }
    }
}

/// Where this machine reaches a validator that runs on it.
fn own_url(config: &NodeConfig) -> anyhow::Result<String> {
    let Some(tls) = &config.tls else { return Ok(format!("http://{}", config.http)) };
    let hosts = crate::server_certificate::hosts(&tls.certificate)?;
    let host = hosts.first().context("the node's certificate names no host")?;
    Ok(match host {
        Host::Address(IpAddr::V6(address)) => format!("https://[{address}]:{}", config.http.port()),
        host => format!("https://{host}:{}", config.http.port()),
    })
}

pub async fn run(command: Command, global: &Global, output: Output) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => run::run(args).await,
        Command::Init(args) => init::init(args, output),
        Command::Status(args) => status::status(args, global, output).await,
        Command::Tls(args) => tls::run(args, output),
        Command::Propose(args) => approve::propose(args, global, output).await,
        Command::Approve(args) => approve::approve(args, output).await,
    }
}
