//! `node tls`: a server's certificate for the node's HTTP interface.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use yilian_crypto::certificate::server::Host;
use yilian_node::config::{CONFIG_FILE, GENESIS_FILE, read_genesis};

use super::Config;
use crate::{output::Output, server_certificate as server};

const EXAMPLES: &str = "\
Examples:
  yilian node tls request --config /var/lib/yilian --host node.hospital.example --host 203.0.113.5
  yilian authority tls issue tls.request --out tls.pem        at the authority, or
  yilian practitioner certify-server tls.request --out tls.pem   at the institution itself
  yilian node tls install --config /var/lib/yilian tls.pem

A running node takes a renewed certificate within ten seconds, or at once on SIGHUP.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Tls {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, if there is none, and ask for a certificate
    Request(Request),
    /// Put a certificate into use, if it is good for this node
    Install(Install),
}

#[derive(Debug, Args)]
struct Request {
    #[command(flatten)]
    config: Config,

    /// DNS name or IP address under which clients reach the node; repeatable
    #[arg(long = "host", value_name = "HOST", required = true, value_parser = host)]
    hosts: Vec<Host>,

    /// With a new key, which replaces the present one when its certificate is installed
    #[arg(long)]
    new_key: bool,
}

#[derive(Debug, Args)]
struct Install {
    #[command(flatten)]
    config: Config,

    /// What the issuer gave back (PEM)
    #[arg(value_name = "FILE")]
    certificate: PathBuf,
}

pub fn host(text: &str) -> Result<Host, String> {
    text.parse().map_err(|error: yilian_crypto::certificate::server::HostError| error.to_string())
}

pub fn run(args: Tls, output: Output) -> anyhow::Result<()> {
    match args.command {
        Command::Request(args) => request(&args, output),
        Command::Install(args) => install(&args, output),
    }
}

fn request(args: &Request, output: Output) -> anyhow::Result<()> {
    let path = server::request(&args.config.dir(), &args.hosts, args.new_key)?;
    output.result(&json!({ "request": path }), || {
        format!(
            "Give {} to the authority (`yilian authority tls issue`) or to your institution (`yilian practitioner certify-server`); \
             then `yilian node tls install`.",
            path.display()
        )
    })
}

fn install(args: &Install, output: Output) -> anyhow::Result<()> {
    let dir = args.config.dir();
    let genesis = read_genesis(&dir.join(GENESIS_FILE))?;
    let until = server::install(&dir, &server::read(&args.certificate)?, &genesis.roots)?;
    let new = server::enable(&dir.join(CONFIG_FILE))?;
    tell(&dir, until, new, output)
}

/// What happens next.
pub fn tell(dir: &Path, until: u64, new: bool, output: Output) -> anyhow::Result<()> {
    output.result(&json!({ "valid_until": until, "restart": new }), || {
        let next = match new {
            true => "TLS is switched on in the settings: start the service again.",
            false => "A running service takes it within ten seconds.",
        };
        format!("Installed in {}, valid until {}. {next}", dir.display(), server::until(until))
    })
}
