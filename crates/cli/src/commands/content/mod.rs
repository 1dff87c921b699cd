//! `yilian content`: what a node's operator sees and does of the ciphertext that it keeps.

mod put;
mod status;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use serde::de::DeserializeOwned;
use yilian_node::{config::CONFIG_FILE, datadir::DataDir};

use crate::{args::Global, output::Output, query};

const STATUS_HELP: &str = "\
Shows what a node keeps, what it wants and does not have yet, what it fetches from whom, and what went wrong last. It asks \
through the socket in the node's folder, which only the folder's owner can open.

The exit code is 1 when a node does not answer, or something that it is to keep is not there.";

const STATUS_EXAMPLES: &str = "\
Examples:
  yilian content status                                     every node of the network on this machine
  yilian content status --config /var/lib/yilian/node.toml --json";

const PUT_HELP: &str = "\
Stores a file at the operator's own node, unpaid, and prints its address. It stays until released; other nodes are not \
asked to keep it. Whoever knows the address can fetch it: encrypt what is not public.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what nodes keep, want and fetch
    #[command(long_about = STATUS_HELP, after_long_help = STATUS_EXAMPLES)]
    Status(status::Status),

    /// Store a file at one's own node
    #[command(long_about = PUT_HELP)]
    Put(put::Put),

    /// Let a file go that was stored with `put`
    Release(put::Release),
}

pub async fn run(command: Command, global: &Global, output: Output) -> anyhow::Result<()> {
    match command {
        Command::Status(args) => status::status(args, global, output).await,
        Command::Put(args) => put::put(args, output).await,
        Command::Release(args) => put::release(args, output).await,
    }
}

/// The way into a node that runs on this machine.
struct Operator {
    client: reqwest::Client,
}

impl Operator {
    /// `config`: the node's node.toml, or the folder it lies in.
    fn connect(config: &Path) -> anyhow::Result<Self> {
        let socket = DataDir::operator(&folder(config));
        anyhow::ensure!(
            socket.exists(),
            "no node runs there ({} is absent); start it with `yilian node run --config {}`",
            socket.display(),
            config.display()
        );
        let client = reqwest::Client::builder().unix_socket(socket).no_proxy().build()?;
        Ok(Self { client })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: reqwest::Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> anyhow::Result<T> {
        let request = self.client.request(method, format!("http://node{path}")).body(body);
        let response = request.send().await.context("the node does not answer; is it running?")?;
        let status = response.status().as_u16();
        let body = response.bytes().await.context("the node broke off")?;
        query::read("the node", status, &body)
    }
}

fn folder(config: &Path) -> PathBuf {
    let is_file = config.file_name().is_some_and(|name| name == CONFIG_FILE);
    let parent = || config.parent().filter(|parent| !parent.as_os_str().is_empty());
    if is_file { parent().unwrap_or(Path::new(".")).to_owned() } else { config.to_owned() }
}
