//! `authority genesis`: the first state of a chain of several institutions.

use anyhow::Context as _;
use clap::Args;
use commonware_codec::Encode as _;
use serde_json::json;
use yilian_api::encoding::from_hex;
use yilian_authority::http::now;
use yilian_files::durable;
use yilian_ledger::Genesis;

use super::Operated;
use crate::{
    args::Global, authority::ticket_keys, chain_arguments::ChainArguments, failure, output::Output,
    passphrase,
};

/// As far ahead as the service keeps them.
const PERIODS: u32 = 4;

#[derive(Debug, Args)]
pub struct GenesisArgs {
    #[command(flatten)]
    operated: Operated,

    /// Name of the chain, for people
    #[arg(long, value_name = "NAME")]
    name: String,

    /// A validator's key, as `yilian node init` printed it (64 hex digits); repeatable
    #[arg(long = "validator", value_name = "KEY", required = true, value_parser = validator)]
    validators: Vec<Validator>,

    #[command(flatten)]
    chain: ChainArguments,
}

#[derive(Clone, Copy, Debug)]
struct Validator([u8; 32]);

fn validator(text: &str) -> Result<Validator, String> {
    from_hex(text).map(Validator).map_err(|error| error.to_string())
}

pub fn genesis(args: GenesisArgs, global: &Global, output: Output) -> anyhow::Result<()> {
    let parameters = args.chain.parameters()?;
    let folder = args.operated.folder(global);
    let settings = folder.settings()?;
    let path = folder.path(&settings.genesis);
    anyhow::ensure!(!path.exists(), "{} exists; a chain has one genesis", path.display());
    let file = settings.passphrase_file.as_ref().map(|file| folder.path(file));
    let passphrase = passphrase::obtain(file.as_deref(), "Passphrase of the authority: ")?;
    let opened = folder.open(passphrase.expose())?;
    let mut committee: Vec<[u8; 32]> = args.validators.iter().map(|validator| validator.0).collect();
    committee.sort_unstable();
    let time = now();
    let spinner = output.spinner("Making ticket keys");
    let ticket_keys = ticket_keys::ensure(&opened.store, parameters.period(time), PERIODS);
    spinner.finish_and_clear();
    let genesis = Genesis {
        name: args.name,
        time: time.0,
        parameters,
        committee,
        roots: vec![folder.root()?.der().to_vec()],
        ticket_keys: ticket_keys?,
    };
    genesis.validate().map_err(failure::usage)?;
    durable::publish(&path, &genesis.encode())
        .context("the ticket keys are made, but the genesis cannot be written")?;
    let chain = genesis.chain_id().0.to_string();
    output.result(&json!({ "chain": chain, "genesis": path }), || {
        format!("Chain {chain}\nGenesis in {}: give it to every validator.", path.display())
    })
}
