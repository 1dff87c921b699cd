//! `authority tls`: certificates for servers, the authority's own included.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use yilian_authority::Issuer;
use yilian_crypto::certificate::server::Host;

use super::Operated;
use crate::{
    args::Global,
    authority::folder::{Folder, SETTINGS},
    commands::node::tls::{host, tell},
    output::Output,
    passphrase, server_certificate as server,
};

const EXAMPLES: &str = "\
Examples:
  yilian authority tls issue hospital.request --out hospital.pem --days 90
  yilian authority tls own --host authority.health.example

Check that the hosts of a request belong to who asks: whoever has a certificate for a host can stand in for it.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Tls {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Certify a server that asks for it
    Issue(Issue),
    /// Make or renew the certificate of the authority's own service
    Own(Own),
}

#[derive(Debug, Args)]
struct Issue {
    /// The request (PKCS#10 in PEM)
    #[arg(value_name = "FILE")]
    request: PathBuf,

    /// Where the certificate is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    life: Life,

    #[command(flatten)]
    operated: Operated,
}

#[derive(Debug, Args)]
struct Own {
    /// DNS name or IP address under which wallets and members reach the authority; repeatable
    #[arg(long = "host", value_name = "HOST", required = true, value_parser = host)]
    hosts: Vec<Host>,

    #[command(flatten)]
    life: Life,

    #[command(flatten)]
    operated: Operated,
}

/// How long a server's certificate holds.
#[derive(Clone, Copy, Debug, Args)]
pub struct Life {
    /// How long the certificate holds
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=399))]
    pub days: u32,
}

pub fn run(args: Tls, global: &Global, output: Output) -> anyhow::Result<()> {
    match args.command {
        Command::Issue(args) => issue(&args, global, output),
        Command::Own(args) => own(&args, global, output),
    }
}

fn issue(args: &Issue, global: &Global, output: Output) -> anyhow::Result<()> {
    let request = server::read_request(&args.request)?;
    let issuer = open(&args.operated.folder(global))?;
    let (chain, until) = server::certify(&issuer, &[], &request, args.life.days)?;
    server::publish(&args.out, chain.as_bytes())?;
    issued(&args.out, request.hosts(), until, output)
}

/// What was certified, for whoever did it.
pub fn issued(out: &std::path::Path, hosts: &[Host], until: u64, output: Output) -> anyhow::Result<()> {
    let hosts: Vec<String> = hosts.iter().map(Host::to_string).collect();
    output.result(&json!({ "certificate": out, "hosts": hosts, "valid_until": until }), || {
        format!("{} serves {} until {}.", out.display(), hosts.join(", "), server::until(until))
    })
}

fn own(args: &Own, global: &Global, output: Output) -> anyhow::Result<()> {
    let folder = args.operated.folder(global);
    let issuer = open(&folder)?;
    let dir = folder.path("");
    let request = server::read_request(&server::request(&dir, &args.hosts, false)?)?;
    let (chain, _) = server::certify(&issuer, &[], &request, args.life.days)?;
    let until = server::install(&dir, chain.as_bytes(), &[folder.root()?.der().to_vec()])?;
    tell(&dir, until, server::enable(&folder.path(SETTINGS))?, output)
}

fn open(folder: &Folder) -> anyhow::Result<Issuer> {
    let settings = folder.settings()?;
    let file = settings.passphrase_file.as_ref().map(|file| folder.path(file));
    let passphrase = passphrase::obtain(file.as_deref(), "Passphrase of the authority: ")?;
    folder.open_issuer(passphrase.expose())
}
